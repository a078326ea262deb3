//! `plumb serve` as a user starts it, asked by real clients: this program's own, curl, and Python's where it is installed.

use crate::support::Folder;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The server as a process; it ends with the test.
struct Serving {
    child: Child,
    base: String,
}

impl Serving {
    fn start(folder: &Folder, args: &[&str]) -> Serving {
        let mut command = folder.command(&[&["serve"], args, &["--port", "0"]].concat());
        command.env("HUSH", "hush-hush-0123").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut base = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut base).unwrap();
        let base = base.trim().to_owned();
        assert!(base.starts_with("http://127.0.0.1:") && base.ends_with("/v1"), "\"{base}\"");
        Serving { child, base }
    }

    /// Asks it to end, as `kill` and service managers do.
    fn end(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a tiny model, and words to ask it.
fn tiny() -> Folder {
    let folder = Folder::new();
    let model = plumb_lm::tiny::file(plumb_lm::tiny::Family::Llama).finish();
    std::fs::write(folder.path().join("tiny.gguf"), model).unwrap();
    folder.write("items.csv", "id,prompt\na,Name a colour.\nb,Two and two?\nc,Ärger\nd,🌊\n");
    folder
}

/// What is skipped, even when the test passes.
fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what} ({why})");
}

#[test]
fn a_served_model_answers_a_run_as_the_model_in_this_process_does_and_ends_when_asked() {
    let folder = tiny();
    let serving = Serving::start(&folder, &["tiny.gguf", "--token", "HUSH"]);
    folder.write(
        "plan.toml",
        &format!(
            "name = 'p'\nseed = 4\n[[items]]\nreader = 'csv'\npath = 'items.csv'\nrepeat = 2\nsampling = {{ max_tokens = 12, temperature = 0 }}\n\
             [[subject]]\nid = 'here'\nkind = 'local'\nmodel = 'tiny.gguf'\n\
             [[subject]]\nid = 'served'\nkind = 'openai'\nmodel = 'tiny'\nbase_url = '{}'\nsecret = 'HUSH'\n",
            serving.base
        ),
    );
    let run = folder.command(&["run", "plan.toml"]).env("HUSH", "hush-hush-0123").output().unwrap();
    ok(&run);
    folder.ok(&["export", "runs/p"]);
    let mut rows = csv::Reader::from_path(folder.path().join("runs/p/trials.csv")).unwrap();
    let headers = rows.headers().unwrap().clone();
    let at = |name: &str| headers.iter().position(|column| column == name).unwrap();
    let (item, subject, answer) = (at("item"), at("subject"), at("answer"));
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let of = |who: &str| -> Vec<(String, String)> {
        let own = rows.iter().filter(|row| &row[subject] == who);
        own.map(|row| (row[item].to_owned(), row[answer].to_owned())).collect()
    };
    assert_eq!(of("here").len(), 8);
    assert_eq!(of("here"), of("served"));
    assert_eq!(serving.end(), Some(0));
}

#[test]
fn what_cannot_be_served_is_said() {
    let folder = tiny();
    for (args, code, said) in [
        (&["tiny.gguf", "--host", "0.0.0.0"][..], 2, "only with a token"),
        (&["tiny.gguf", "--host", "example.org"], 2, "write an address"),
        (&["tiny.gguf", "tiny.gguf"], 2, "two models are called \"tiny\""),
        (&["none.gguf"], 1, "none.gguf"),
        (&["tiny.gguf", "--token", "NOT_SET"], 1, "NOT_SET (for plumb serve --token)"),
        (&[], 2, "MODEL"),
    ] {
        let ended = folder.plumb(&[&["serve"], args, &["--port", "0"]].concat());
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(said), "{said}: {}", ended.err);
    }
}

#[test]
fn curl_gets_an_answer() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skipped("curl_gets_an_answer", "curl is not installed");
    }
    let folder = tiny();
    let serving = Serving::start(&folder, &["tiny.gguf", "--token", "HUSH"]);
    let ask = |key: &str| {
        let mut command = Command::new("curl");
        command.args([
            "-sS",
            "-H",
            "Content-Type: application/json",
            "-H",
            &format!("Authorization: Bearer {key}"),
        ]);
        command.args([
            "-d",
            r#"{"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}"#,
        ]);
        let out = command.arg(format!("{}/chat/completions", serving.base)).output().unwrap();
        ok(&out);
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()
    };
    assert_eq!(ask("hush-hush-0123")["choices"][0]["message"]["role"], "assistant");
    assert_eq!(ask("wrong")["error"]["code"], "invalid_api_key");
}

#[test]
fn the_openai_package_gets_answers() {
    let python = python();
    if !has(&python, "openai") {
        return skipped(
            "the_openai_package_gets_answers",
            "pip install openai, and name its Python in PLUMB_PYTHON",
        );
    }
    let folder = tiny();
    let serving = Serving::start(&folder, &["tiny.gguf", "--token", "HUSH"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../oracles/serve/openai_client.py");
    let out =
        Command::new(&python).arg(script).args([&serving.base, "hush-hush-0123", "tiny"]).output().unwrap();
    ok(&out);
    assert!(String::from_utf8_lossy(&out.stdout).contains("all as expected"));
}

#[test]
fn inspect_ai_gets_answers() {
    let python = python();
    if !has(&python, "inspect_ai, openai") {
        return skipped(
            "inspect_ai_gets_answers",
            "pip install inspect_ai openai, and name its Python in PLUMB_PYTHON",
        );
    }
    let folder = tiny();
    let serving = Serving::start(&folder, &["tiny.gguf", "--token", "HUSH"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../oracles/serve/inspect_client.py");
    let logs = tempfile::tempdir().unwrap();
    let out = Command::new(&python)
        .arg(script)
        .args([&serving.base, "hush-hush-0123", "tiny"])
        .arg(logs.path())
        .current_dir(logs.path())
        .output()
        .unwrap();
    ok(&out);
    assert!(String::from_utf8_lossy(&out.stdout).contains("all as expected"));
}

/// The Python that has the clients.
fn python() -> PathBuf {
    std::env::var_os("PLUMB_PYTHON").map_or_else(|| "python3".into(), PathBuf::from)
}

fn has(python: &Path, package: &str) -> bool {
    let out = Command::new(python).args(["-c", &format!("import {package}")]).output();
    out.is_ok_and(|out| out.status.success())
}

fn ok(out: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(out.status.success(), "{}\n{}", text(&out.stdout), text(&out.stderr));
}
