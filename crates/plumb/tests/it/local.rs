//! A local model through the whole pipeline, where it is cached.

use crate::support::Folder;
use std::path::PathBuf;

const MODEL: &str = "smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf";

/// The cache that a user's runs fill, if the model is in it.
fn cache() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let root = set("PLUMB_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|c| c.join("plumbline")))
        .or_else(|| std::env::home_dir().map(|h| h.join(".cache/plumbline")))?;
    root.join("models").join(MODEL).is_file().then_some(root)
}

#[test]
fn a_local_model_answers_and_a_resumed_run_has_the_same_answers() {
    let Some(cache) = cache() else {
        eprintln!(
            "skipped: a_local_model_answers… (smollm2-135m-instruct is not cached; plumb models fetch smollm2-135m-instruct)"
        );
        return;
    };
    let folder = Folder::new();
    folder.write("items.csv", "id,prompt\na,Name a colour.\nb,What is two plus two?\nc,Name a fruit.\n");
    folder.write(
        "plan.toml",
        "name = 'l'\nseed = 1\n[[items]]\nreader = 'csv'\npath = 'items.csv'\n[[subject]]\nid = 'm'\nkind = 'local'\n\
         model = 'smollm2-135m-instruct'\nsampling = { max_tokens = 8 }\n[[judge]]\nid = 'refusal'\nkind = 'refusal-rule'\n\
         [[analysis]]\nid = 'rate'\nof = 'refusal.refused'\n",
    );
    let plumb = |args: &[&str]| {
        let out = folder.command(args).env("PLUMB_CACHE", &cache).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    let answers = || {
        plumb(&["export", "runs/l"]);
        let mut rows = csv::Reader::from_path(folder.path().join("runs/l/trials.csv")).unwrap();
        let at = rows.headers().unwrap().iter().position(|n| n == "answer").unwrap();
        rows.records().map(|r| r.unwrap()[at].to_owned()).collect::<Vec<_>>()
    };
    plumb(&["run", "plan.toml"]);
    let whole = answers();
    assert!(whole.iter().all(|a| !a.is_empty()), "{whole:?}");
    plumb(&["run", "plan.toml", "--fresh", "--sample", "1"]);
    plumb(&["run", "plan.toml"]);
    assert_eq!(answers(), whole, "what else is in the batch does not matter");
}
