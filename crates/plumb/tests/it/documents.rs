//! The documentation is true: its commands run, its plans freeze, and no key or option is left out.
//!
//! On every page, a `toml` block whose first line is `# file: NAME` and a `csv NAME` block are files. The
//! commands of `sh` blocks run one after another in a folder that has them and a copy of `examples`, and must
//! end as the page says (`# exit: N`, else 0). Commands of `sh slow` blocks need a model, a network or data:
//! they are only parsed, by asking the program for help in their place.

use crate::support::{Ended, Folder, ended};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

struct Page {
    name: String,
    blocks: Vec<Block>,
}

/// A fenced block.
struct Block {
    line: usize,
    /// The words after the fence: the language and what follows it.
    info: Vec<String>,
    text: String,
}

impl Block {
    fn is(&self, language: &str) -> bool {
        self.info.first().is_some_and(|word| word == language)
    }

    /// The file that this block is, if it is one.
    fn file(&self) -> Option<&str> {
        match self.is("toml") {
            true => self.text.lines().next()?.strip_prefix("# file: ").map(str::trim),
            false if self.is("csv") || self.is("jsonl") => self.info.get(1).map(String::as_str),
            false => None,
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(path: &Path) -> Page {
    let text = std::fs::read_to_string(path).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                let info = info.split_whitespace().map(str::to_owned).collect();
                blocks.push(Block { line: at + 1, info, text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => blocks.last_mut().unwrap().text.extend([line, "\n"]),
            (None, false) => {}
        }
    }
    assert!(!open, "{}: a block has no end", path.display());
    Page { name: path.file_name().unwrap().to_string_lossy().into_owned(), blocks }
}

fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    paths.push(root().join("README.md"));
    paths.sort();
    paths.iter().map(|path| page(path)).collect()
}

fn named(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// A line of a shell as words, and whether more than a comment follows them.
fn words(line: &str) -> (Vec<String>, bool) {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => return (words, false),
            (None, '|' | '<' | '>' | ';' | '&') => {
                words.extend(word.take());
                return (words, true);
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (words, false)
}

/// The program's commands in a block: words after its name, whether a shell does more, and the exit code.
fn commands(block: &Block) -> Vec<(Vec<String>, bool, i32)> {
    let text = block.text.replace("\\\n", " ");
    text.lines()
        .filter_map(|line| {
            let rest =
                line.strip_prefix("plumb ").or_else(|| line.strip_prefix("cargo run --release -- "))?;
            let (words, shell) = words(rest);
            let code = rest.split_once("# exit: ").map_or(0, |(_, code)| code.trim().parse().unwrap());
            Some((words, shell, code))
        })
        .collect()
}

/// The program, with a cache of its own: nothing may depend on what is fetched on this machine.
fn plumb(folder: &Folder, args: &[String]) -> Ended {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = folder.command(&args);
    ended(command.env("PLUMB_CACHE", folder.path().join("cache")).output().unwrap())
}

fn is_accepted(folder: &Folder, words: &[String]) -> Result<(), String> {
    let asked: Vec<String> = words.iter().cloned().chain(["--help".into()]).collect();
    let ended = plumb(folder, &asked);
    if ended.code == Some(0) { Ok(()) } else { Err(ended.err) }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let into = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &into);
        } else {
            std::fs::copy(&path, into).unwrap();
        }
    }
}

/// A folder with the examples and the page's files.
fn folder_of(page: &Page) -> Folder {
    let folder = Folder::new();
    copy(&root().join("examples"), &folder.path().join("examples"));
    for block in &page.blocks {
        if let Some(name) = block.file() {
            assert!(!folder.path().join(name).exists(), "{}: two blocks are {name}", page.name);
            folder.write(name, &block.text);
        }
    }
    folder
}

#[test]
fn commands_of_every_page_do_what_it_says() {
    let (mut run, mut parsed, mut frozen) = (0, 0, 0);
    for page in pages() {
        let folder = folder_of(&page);
        // Plans that read what a command of the page makes are `toml later`: the command that runs them freezes them.
        let later = |block: &Block| block.info.iter().any(|word| word == "later");
        for block in page.blocks.iter().filter(|block| block.is("toml") && !later(block)) {
            let place = format!("{}:{}", page.name, block.line);
            let table: toml::Table = block.text.parse().unwrap_or_else(|e| panic!("{place}: {e}"));
            if let Some(name) = block.file().filter(|_| table.contains_key("items")) {
                let ended = plumb(&folder, &["plan".into(), name.into()]);
                assert_eq!(ended.code, Some(0), "{place}: plumb plan {name}\n{}", ended.err);
                frozen += 1;
            }
        }
        for block in page.blocks.iter().filter(|block| block.is("sh")) {
            let slow = block.info.iter().any(|word| word == "slow");
            for (words, shell, code) in commands(block) {
                let place = format!("{}:{}: plumb {}", page.name, block.line, words.join(" "));
                if slow {
                    is_accepted(&folder, &words).unwrap_or_else(|why| panic!("{place}\n{why}"));
                    parsed += 1;
                    continue;
                }
                assert!(!shell, "{place}: only `sh slow` may have pipes and redirections");
                let ended = plumb(&folder, &words);
                assert_eq!(ended.code, Some(code), "{place}\n{}\n{}", ended.out, ended.err);
                run += 1;
            }
        }
    }
    println!("{run} commands run, {parsed} parsed, {frozen} plans frozen");
    assert!(run > 20 && parsed > 5 && frozen > 3, "the pages were not read");
}

#[test]
fn a_wrong_command_is_not_accepted() {
    let folder = Folder::new();
    let accepted = |line: &str| is_accepted(&folder, &words(line).0).is_ok();
    for right in
        ["run plan.toml --sample 3", "models chat NAME \"two words\"", "import a.csv --label x --label y"]
    {
        assert!(accepted(right), "{right}");
    }
    for wrong in [
        "runn plan.toml",
        "run plan.toml --smaple 3",
        "run plan.toml --sample few",
        "run plan.toml other.toml",
    ] {
        assert!(!accepted(wrong), "{wrong}");
    }
}

#[test]
fn words_are_those_of_a_shell() {
    let split = |line: &str| (words(line).0.join("|"), words(line).1);
    assert_eq!(split("a  'b c'\"d\" # e"), ("a|b cd".into(), false));
    assert_eq!(split("a --b=\"\" > c"), ("a|--b=".into(), true));
    assert_eq!(split("a#b ''"), ("a#b|".into(), false));
}

/// What an error lists after these words: "known keys here: a, b".
fn listed(error: &str, after: &str) -> Vec<String> {
    let (_, list) = error.split_once(after).unwrap_or_else(|| panic!("no list in: {error}"));
    list.lines().next().unwrap().split(", ").map(str::to_owned).collect()
}

/// A plan of which one table is asked about.
fn plan_with(items: &str, rest: &str) -> String {
    format!("name = 'keys'\nseed = 1\n[[items]]\nreader = 'csv'\npath = 'items.csv'\n{items}\n{rest}")
}

const SUBJECT: &str = "[[subject]]\nid = 's'\nkind = 'scripted'\n";
const JUDGES: &str = "[[judge]]\nid = 'r'\nkind = 'refusal-rule'\n[[judge]]\nid = 'n'\nkind = 'numeric'\n";
const RATE: &str = "[[analysis]]\nid = 'rate'\nof = 'r.refused'\nby = ['kind']\n";
/// A key that is none, far from all that are.
const NONE: &str = "zzzzzzzzzzzz = 1";

/// A plan for every kind of table, each with one key that is none.
fn plans_with_a_wrong_key() -> Vec<String> {
    let mut plans = vec![
        plan_with(NONE, SUBJECT),
        plan_with(NONE, SUBJECT).replace("csv", "json"),
        plan_with(NONE, SUBJECT).replace("'csv'", "'safety'").replace("path", "# path"),
        plan_with(NONE, SUBJECT).replace("'csv'", "'modelbench'").replace("items.csv", "modelbench.csv"),
        plan_with(NONE, SUBJECT).replace("'csv'", "'gsm8k'").replace("items.csv", "gsm8k.jsonl"),
        plan_with(&format!("shots = 0\n{NONE}"), SUBJECT)
            .replace("'csv'", "'mmlu'")
            .replace("items.csv", "mmlu.csv"),
        plan_with(&format!("words = 2\ncontext_words = 1\n{NONE}"), SUBJECT).replace("'csv'", "'text'"),
        plan_with(&format!("form = 'mc1'\n{NONE}"), SUBJECT)
            .replace("'csv'", "'truthfulqa'")
            .replace("items.csv", "truthfulqa.csv"),
        plan_with(NONE, SUBJECT).replace("'csv'", "'problems'").replace("items.csv", "problems.jsonl"),
        plan_with(&format!("columns = {{ {NONE} }}"), SUBJECT),
        plan_with(&format!("apart_from = {{ {NONE}, path = 'items.csv' }}"), SUBJECT),
        plan_with(&format!("sampling = {{ {NONE} }}"), SUBJECT),
        plan_with("", &format!("{SUBJECT}replies = [ {{ if = 'a', say = 'b', {NONE} }} ]")),
        plan_with("", &format!("{SUBJECT}[limits]\n{NONE}")),
    ];
    let subjects = [
        ("scripted", ""),
        ("recorded", ""),
        ("openai", "model = 'm'"),
        ("anthropic", "model = 'm'"),
        ("http", "url = 'http://localhost:1/chat'\nbody = { m = '{{prompt}}' }"),
        ("local", "model = 'smollm2-135m-instruct'"),
        ("local", "model = 'smollm2-135m-instruct'\nsteer = { vector = 'v', zzzzzzzzzzzz = 1 }"),
    ];
    for (kind, rest) in subjects {
        plans.push(plan_with("", &format!("[[subject]]\nid = 'x'\nkind = '{kind}'\n{rest}\n{NONE}")));
    }
    let judges = [
        ("refusal-rule", ""),
        ("match", "exact = 'x'"),
        ("choice", ""),
        ("numeric", ""),
        ("option-mass", ""),
        ("text-likelihood", ""),
        ("model", "model = { kind = 'scripted' }\ntemplate = '{answer}'"),
        ("recorded", "column = 'c'\nmap = { a = 'b' }"),
        ("similarity", "metric = 'edit'"),
        ("tests", "problems = 'problems.jsonl'"),
        ("guard", "guard = 'wildguard'\nmodel = { kind = 'scripted' }"),
        ("rubric", "model = { kind = 'scripted' }"),
        ("ensemble", "voters = ['n.correct', 'r.refused']"),
    ];
    for (kind, rest) in judges {
        let judge = format!("{SUBJECT}[[judge]]\nid = 'x'\nkind = '{kind}'\n{rest}\n{NONE}");
        plans.push(plan_with("", &judge));
    }
    let when = format!(
        "[[judge]]\nid = 'x'\nkind = 'numeric'\nwhen = {{ measure = 'n.correct', is = 'no', {NONE} }}"
    );
    plans.push(plan_with("", &format!("{SUBJECT}{JUDGES}{when}")));
    let methods = [
        ("rate", "of = 'r.refused'"),
        ("mean", "of = 'n.value'"),
        ("difference", "of = 'r.refused'\nby = ['kind']\nbetween = 'kind'"),
        ("agreement", "of = ['n.correct', 'r.refused']"),
        ("correlation", "of = ['n.correct', 'n.value']"),
        ("grade", "of = 'n.correct'\nby = ['subject', 'kind']\nscheme = 'v1'\nreference = 'a'"),
    ];
    for (method, rest) in methods {
        let analysis = format!("[[analysis]]\nid = 'x'\nmethod = '{method}'\n{rest}\n{NONE}");
        plans.push(plan_with("", &format!("{SUBJECT}{JUDGES}{analysis}")));
    }
    let claims = [
        format!("contrast = [ {{ at = {{ kind = 'a' }} }} ]\n{NONE}"),
        format!("contrast = [ {{ at = {{ kind = 'a' }}, {NONE} }} ]"),
        format!("contrast = [ {{ at = {{ kind = 'a' }} }} ]\nsupported_if = {{ {NONE} }}"),
    ];
    for claim in claims {
        let claim = format!("[[hypothesis]]\nid = 'x'\nanalysis = 'rate'\n{claim}");
        plans.push(plan_with("", &format!("{SUBJECT}{JUDGES}{RATE}{claim}")));
    }
    plans
}

/// Plans with a kind that is none.
fn plans_with_a_wrong_kind() -> Vec<String> {
    let judge = "[[judge]]\nid = 'x'\nkind = 'zzz'";
    let analysis = "[[analysis]]\nid = 'x'\nof = 'r.refused'\nmethod = 'zzz'";
    vec![
        plan_with("", SUBJECT).replace("'csv'", "'zzz'"),
        plan_with("", &SUBJECT.replace("scripted", "zzz")),
        plan_with("", &format!("{SUBJECT}{judge}")),
        plan_with("", &format!("{SUBJECT}{JUDGES}{analysis}")),
    ]
}

#[test]
fn every_key_and_kind_of_a_plan_is_documented() {
    let folder = Folder::new();
    folder.write("items.csv", "id,prompt,kind\n1,One?,a\n2,Two?,b\n");
    folder.write("items.json", r#"[ { "id": "1", "prompt": "One?", "kind": "a" } ]"#);
    folder.write("problems.jsonl", r#"{ "task_id": 1, "prompt": "def f(", "entry_point": "f", "test": "" }"#);
    folder.write("modelbench.csv", "UID,Prompt,Hazard category shorthand\n1,One?,vcr\n");
    folder.write("gsm8k.jsonl", r####"{ "question": "One?", "answer": "\u0023### 1" }"####);
    folder.write("mmlu.csv", "Which?,1,2,3,4,A\n");
    folder.write(
        "truthfulqa.csv",
        "Question,Best Answer,Correct Answers,Incorrect Answers\nWhy?,So,So; Thus,No; Never\n",
    );
    let error = |plan: &str| {
        folder.write("keys.toml", plan);
        folder.plumb(&["plan", "keys.toml"]).err
    };
    let keys =
        plans_with_a_wrong_key().into_iter().flat_map(|plan| listed(&error(&plan), "known keys here: "));
    let kinds = plans_with_a_wrong_kind().into_iter().flat_map(|plan| listed(&error(&plan), "known: "));
    let names: BTreeSet<String> = keys.chain(kinds).collect();
    assert!(names.len() > 85, "{} keys and kinds: {names:?}", names.len());
    let text = named("plans.md")
        + &named("endpoints.md")
        + &named("safety.md")
        + &named("grades.md")
        + &named("annotators.md")
        + &named("code.md")
        + &named("capability.md")
        + &named("steering.md");
    for name in names {
        let forms =
            [format!("`{name}`"), format!("`\"{name}\"`"), format!("`{name} ="), format!(" {name} = ")];
        assert!(forms.iter().any(|form| text.contains(form)), "no page says what `{name}` is");
    }
}

#[test]
fn every_option_is_documented() {
    let folder = Folder::new();
    let text = named("command-line.md");
    let help = |args: &[&str]| folder.ok(&[args, &["--help"]].concat()).out;
    let subcommands = |help: &str| -> Vec<String> {
        let list = help.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or("");
        // What is indented further goes on from the line above.
        let first = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = first.filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(str::to_owned).collect()
    };
    let mut seen = 0;
    for command in subcommands(&help(&[])) {
        let about = help(&[&command]);
        let inner: Vec<String> = subcommands(&about);
        let mut texts = vec![about];
        for name in &inner {
            assert!(
                text.contains(&format!("plumb {command} {name}")),
                "`plumb {command} {name}` is undocumented"
            );
            texts.push(help(&[&command, name]));
        }
        assert!(text.contains(&format!("plumb {command} ")) || text.contains(&format!("plumb {command}`")));
        for option in texts.iter().flat_map(|text| text.lines()).map(str::trim_start) {
            let Some(name) = option.split([' ', ',', '[']).find(|word| word.starts_with("--")) else {
                continue;
            };
            if option.starts_with('-') && name != "--help" {
                assert!(text.contains(name), "{command}: {name} is not in docs/command-line.md");
                seen += 1;
            }
        }
    }
    assert!(seen > 25, "the help was not read: {seen} options");
}
