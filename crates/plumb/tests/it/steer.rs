//! A sweep from plan to page, on a model of random weights.

use crate::support::Folder;
use plumb_lm::tiny;

const PLAN: &str = r#"
name = "sweep"
seed = 4

[steer]
model = "tiny.gguf"
sampling = { max_tokens = 6 }
strengths = [1, 4]
random = 1
system = "Be careful."

[[steer.direction]]
id = "d"
layer = 1
toward = { path = "a.csv", take = 2 }
away = { path = "b.csv" }

[[steer.measure]]
id = "refused"
of = "refusal.refused"
items = ["asked"]
role = "safety"

[[steer.measure]]
id = "surprise"
of = "likely.bits_per_byte"
items = ["text"]
role = "loss"

[[items]]
id = "asked"
reader = "csv"
path = "b.csv"
judges = ["refusal"]

[[items]]
id = "text"
reader = "text"
path = "t.txt"
words = 4
context_words = 2
judges = ["likely"]

[[judge]]
id = "refusal"
kind = "refusal-rule"

[[judge]]
id = "likely"
kind = "text-likelihood"
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.path().join("tiny.gguf"), tiny::file(tiny::Family::Qwen2).finish()).unwrap();
    folder.write("a.csv", "prompt\nab\ncd\nef\n");
    folder.write("b.csv", "prompt\nxy\nz\n");
    folder.write("t.txt", "one two three four five six seven eight nine ten eleven twelve\n");
    folder.write("plan.toml", PLAN);
    folder
}

#[test]
fn a_sweep_runs_resumes_and_reports_the_same() {
    let folder = folder();
    let first = folder.ok(&["steer", "plan.toml"]);
    for words in
        ["In words", "d-all-4", "random-1-all-1", "safety-prompt", "(always refuses)", "Degenerate replies"]
    {
        assert!(first.out.contains(words), "{words}: {}", first.out);
    }
    assert!(folder.read("runs/sweep/frontier.html").contains("What steering costs"));
    let again = folder.ok(&["steer", "plan.toml"]);
    assert_eq!(again.out, first.out, "nothing is asked, and nothing is said otherwise");
    assert_eq!(folder.ok(&["steer", "plan.toml", "--report"]).out, first.out);
    // A direction made anew is the same to the bit, so the plan is the same, too.
    std::fs::remove_dir_all(folder.path().join("runs/sweep.directions")).unwrap();
    assert_eq!(folder.ok(&["steer", "plan.toml"]).out, first.out);
    folder.ok(&["audit", "runs/sweep"]);
}

#[test]
fn the_other_commands_say_who_runs_it() {
    let folder = folder();
    let told = folder.plumb(&["run", "plan.toml"]);
    assert!(told.code == Some(2) && told.err.contains("plumb steer"), "{}", told.err);
    folder.write("plain.toml", "name = 'x'\nseed = 1\n");
    let told = folder.plumb(&["steer", "plain.toml"]);
    assert!(told.code == Some(2) && told.err.contains("has no table [steer]"), "{}", told.err);
}

#[test]
fn a_direction_is_made_chatted_with_and_its_mask_shown() {
    let folder = folder();
    folder.ok(&[
        "models",
        "direction",
        "tiny.gguf",
        "--layer",
        "2",
        "--toward",
        "a.csv",
        "--away",
        "b.csv",
        "--out",
        "d.gguf",
    ]);
    let chat = |steer: &[&str]| {
        let all =
            [&["models", "chat", "tiny.gguf", "--prompt", "hello", "--max-tokens", "12"], steer].concat();
        folder.ok(&all)
    };
    let plain = chat(&[]).out;
    assert_eq!(chat(&["--steer", "d.gguf=0"]).out, plain);
    assert_ne!(chat(&["--steer", "d.gguf=60"]).out, plain);
    let masked = chat(&["--steer", "d.gguf=1@last", "--mask"]).err;
    assert_eq!(masked.matches(" steered ").count(), 1, "{masked}");
    let wrong = folder.plumb(&["models", "chat", "tiny.gguf", "--prompt", "hello", "--steer", "d.gguf=much"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("does not say how to steer"), "{}", wrong.err);
}
