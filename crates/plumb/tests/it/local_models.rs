//! `plumb models show`, `chat` and `acts` on a tiny model folder, and the recipe of docs/taps.md on what `acts` wrote.

use crate::support::Folder;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn tiny(name: &str) -> String {
    root().join("fixtures/lm/arch").join(name).display().to_string()
}

#[test]
fn show_says_what_a_folder_is() {
    let folder = Folder::new();
    let shown = folder.ok(&["models", "show", &tiny("gemma2")]).out;
    for expected in [
        "architecture  gemma2",
        "4 layers, width 32, 4 heads of 12 (2 for keys and values), feed-forward 44, 96 tokens, context 64",
        "norms of what is added, a window of 5 in 2 layers, scores capped at 2, logits capped at 6, tied output head",
        "resid_mid.N",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let shown = folder.ok(&["models", "show", &tiny("gpt-neox"), "--json"]).out;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["model"]["layers"], 3);
    assert!(!shown["model"]["taps"].as_array().unwrap().contains(&"resid_mid.N".into()));
}

#[test]
fn the_lens_ends_with_what_the_model_would_write() {
    let folder = Folder::new();
    let shown = folder.ok(&["models", "show", &tiny("qwen2"), "--lens", "plumb", "--top", "2", "--json"]).out;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let sites: Vec<&str> =
        shown.as_array().unwrap().iter().map(|one| one["site"].as_str().unwrap()).collect();
    assert_eq!(sites, ["embedding", "resid_post.0", "resid_post.1", "resid_post.2"]);
    let last = shown[3]["tokens"][0]["text"].as_str().unwrap();
    let lines = folder.ok(&["models", "show", &tiny("qwen2"), "--lens", "plumb"]).out;
    assert!(lines.lines().last().unwrap().starts_with(&format!("resid_post.2    {last:?}")), "{lines}");
}

#[test]
fn a_folder_can_be_talked_to() {
    let folder = Folder::new();
    let one = folder.ok(&["models", "chat", &tiny("llama3"), "--prompt", "hi", "--max-tokens", "5"]).out;
    let other = folder.ok(&["models", "chat", &tiny("llama3"), "hi", "--max-tokens", "5"]).out;
    assert_eq!(one, other);
    assert!(!one.trim().is_empty());
}

#[test]
fn a_plan_can_name_a_folder() {
    let folder = Folder::new();
    folder.write("items.csv", "id,prompt\na,Name a colour.\nb,Hi.\n");
    folder.write(
        "plan.toml",
        &format!(
            "name = 'f'\nseed = 1\n[[items]]\nreader = 'csv'\npath = 'items.csv'\n[[subject]]\nid = 'm'\nkind = 'local'\n\
             model = '{}'\nsampling = {{ max_tokens = 4 }}\n[[judge]]\nid = 'refusal'\nkind = 'refusal-rule'\n\
             [[analysis]]\nid = 'rate'\nof = 'refusal.refused'\n",
            tiny("llama2")
        ),
    );
    folder.ok(&["run", "plan.toml"]);
}

/// A Python with what the recipe needs.
fn python() -> Option<String> {
    let named = std::env::var("PLUMB_PYTHON").ok().into_iter().chain(["python3".to_owned()]);
    named.into_iter().find(|program| {
        let tried = Command::new(program).args(["-c", "import numpy, safetensors"]).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

#[test]
fn activations_are_what_the_page_says_and_its_recipe_runs() {
    let folder = Folder::new();
    folder.write(
        "chats.jsonl",
        "{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\", \"content\": \"What?\"}]}\n\
         {\"text\": \"plumb line\"}\n",
    );
    let args = [
        "--tap",
        "blocks.1.hook_resid_post",
        "--tap",
        "head.0.3",
        "--in",
        "chats.jsonl",
        "--out",
        "acts.safetensors",
    ];
    let told = folder.ok(&[&["models", "acts", &tiny("llama2")], &args[..]].concat()).out;
    assert!(told.contains("resid_post.1, head.0.3 of ") && told.contains("2 texts"), "{told}");
    let bytes = std::fs::read(folder.path().join("acts.safetensors")).unwrap();
    let size = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + size]).unwrap();
    let place = |name: &str| {
        let offsets = &header[name]["data_offsets"];
        let at = |index: usize| 8 + size + offsets[index].as_u64().unwrap() as usize;
        &bytes[at(0)..at(1)]
    };
    let rows = header["tokens"]["shape"][0].as_u64().unwrap() as usize;
    assert_eq!(header["resid_post.1"]["shape"], serde_json::json!([rows, 32]));
    assert_eq!(header["head.0.3"]["shape"], serde_json::json!([rows, 8]));
    // The template: <s>role: content</s> for each turn; a token a character, so that classes can be read off.
    let letters = |class: u8| place("class").iter().filter(|found| **found == class).count();
    assert_eq!((letters(1), letters(4), letters(5), letters(6)), (2, "Be brief.".len(), "What?".len(), 0));
    assert_eq!(letters(0), "plumb line".len(), "the beginning token is the first");
    let Some(python) = python() else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: the recipe of docs/taps.md (no python3 with numpy and safetensors; name one in PLUMB_PYTHON)"
        );
        return;
    };
    let page = std::fs::read_to_string(root().join("docs/taps.md")).unwrap();
    let recipe = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let output = Command::new(python).args(["-c", recipe]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.lines().count() == 6 && said.contains(&format!("({rows}, ")), "{said}");
}

#[test]
fn a_direction_is_not_written_over_its_prompts() {
    let folder = Folder::new();
    folder.write("toward.csv", "prompt\na\n");
    folder.write("away.csv", "prompt\nb\n");
    let files = ["--toward", "toward.csv", "--away", "away.csv", "--layer", "1", "--out"];
    for out in ["./toward.csv", "away.csv"] {
        let ended = folder.plumb(&[&["models", "direction", &tiny("llama2")], &files[..], &[out]].concat());
        assert!(ended.err.contains("whose prompts would be lost"), "{}", ended.err);
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("toward.csv")).unwrap(), "prompt\na\n");
    folder.ok(&[&["models", "direction", &tiny("llama2")], &files[..], &["out.gguf"]].concat());
}

#[test]
fn a_mark_of_byte_order_is_no_part_of_the_first_text() {
    let folder = Folder::new();
    let written = |name: &str, text: &str| {
        folder.write(name, text);
        let args = ["--tap", "embedding", "--in", name, "--out", "acts.safetensors"];
        folder.ok(&[&["models", "acts", &tiny("llama2")], &args[..]].concat());
        std::fs::read(folder.path().join("acts.safetensors")).unwrap()
    };
    let plain = written("plain.txt", "ab\ncd\n");
    assert_eq!(written("marked.txt", "\u{FEFF}ab\r\ncd\r\n"), plain);
    assert_eq!(written("marked.jsonl", "\u{FEFF}{\"text\": \"ab\"}\n{\"text\": \"cd\"}\n"), plain);
}

#[test]
fn a_folder_that_is_no_model_is_told_what_it_lacks() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let ended = folder.plumb(&["models", "show", "./empty"]);
    assert!(ended.err.contains("config.json is missing"), "{}", ended.err);
    let ended = folder.plumb(&["models", "show", "empty"]);
    assert!(ended.err.contains("there is no model \"empty\""), "{}", ended.err);
}

#[test]
fn what_cannot_be_tapped_is_said_before_anything_is_computed() {
    let folder = Folder::new();
    folder.write("texts.txt", "a\n");
    folder.write("bad.jsonl", "{\"text\": \"a\"}\n{\"txt\": \"a\"}\n");
    let out = ["--out", "x.safetensors"];
    let run = |more: &[&str]| folder.plumb(&[&["models", "acts", &tiny("llama2")], more, &out[..]].concat());
    let ended = run(&["--tap", "resid_post.9", "--in", "texts.txt"]);
    assert!(
        ended.err.contains("--tap: resid_post.9 does not exist: the model has 3 layers"),
        "{}",
        ended.err
    );
    let ended = run(&["--tap", "resid_post.0", "--in", "bad.jsonl"]);
    assert!(ended.err.contains("bad.jsonl:2: unknown field"), "{}", ended.err);
    let twice = ["--tap", "resid_post.0", "--tap", "blocks.0.hook_resid_post", "--in", "texts.txt"];
    let ended = run(&twice);
    assert!(ended.err.contains("resid_post.0 is named twice"), "{}", ended.err);
    let ended = run(&["--tap", "resid_post.0", "--in", "texts.txt", "--max-tokens", "0"]);
    assert!(ended.err.contains("0 is not in 1.."), "{}", ended.err);
    let args = [
        "models",
        "acts",
        &tiny("llama2"),
        "--tap",
        "embedding",
        "--in",
        "texts.txt",
        "--out",
        "./texts.txt",
    ];
    let ended = folder.plumb(&args);
    assert!(ended.err.contains("--out is the file of --in"), "{}", ended.err);
    assert_eq!(std::fs::read_to_string(folder.path().join("texts.txt")).unwrap(), "a\n");
    assert!(!folder.path().join("x.safetensors").exists());
}
