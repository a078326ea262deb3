//! Fixtures and real data where it is.

use plumb_study::run::{Due, Env, Options, Parties, Stopper, Unwatched, run};
use plumb_study::{
    Draft, Frozen, Inputs, Journal, Ledger, Limit, Registry, Result, Results, freeze, journal, results,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file of the real data, or a line that says why the test has nothing to do.
pub fn data(file: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("PLUMB_DATA") else {
        eprintln!("skipped: needs code/{file} (PLUMB_DATA is not set)");
        return None;
    };
    let path = PathBuf::from(root).join("code").join(file);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: there is no file {}", path.display());
    None
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/code").join(name)
}

/// The text of a file, unpacked if its name says so.
pub fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|e| e != "gz") {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

/// One JSON value a line.
pub fn lines(path: &Path) -> Vec<Value> {
    text(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Files from memory.
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    pub fn of<const N: usize>(files: [(&str, &[u8]); N]) -> Files {
        Files(files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect())
    }
}

impl Inputs for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| plumb_study::Error::plan(format!("there is no file {path}")))
    }

    fn expand(&self, path: &str) -> Result<Vec<String>> {
        Ok(vec![path.to_owned()])
    }
}

/// The spine's registry with the kinds that plans about code use.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    plumb_judge::register(&mut registry);
    plumb_code::register(&mut registry, plumb_code::Host { python: python(), workers: 2 });
    registry
}

pub fn frozen(plan: &str, files: &Files) -> Result<Frozen> {
    freeze(Draft::parse(plan, "t.toml")?, &registry(), files)
}

/// Freezes a plan and runs it to its end.
pub fn ran(plan: &str, files: &Files) -> Results {
    let Frozen { plan, recordings } = frozen(plan, files).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.plumb");
    let opening = |writer| journal::Opening {
        random: [writer; 8],
        now_us: Arc::new(|| 1_000_000),
        program: "test 1".into(),
    };
    Journal::create(&path, &plan, false, &opening(1)).unwrap();
    let journal = Journal::open(&path).unwrap();
    let plan = Arc::new(journal.plan().unwrap());
    let due = Due::of(&plan, &Ledger::fold(&plan, &journal).unwrap(), &Options::default());
    let parties = Parties::open(&plan, &registry(), recordings, &due.needs(&plan)).unwrap();
    let env = Env { jitter: Arc::new(|| 0.5), opening: opening(2), cache: None };
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    threads.block_on(run(plan, journal, parties, due, env, Stopper::default(), Arc::new(Unwatched))).unwrap();
    results(&Journal::open(&path).unwrap(), &registry(), Limit::default()).unwrap()
}

/// `item measure = value [note]` for every verdict, by item and measure.
pub fn shown(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    for transcript in &results.transcripts {
        for (measure, value, note) in &transcript.verdicts {
            let note = note.as_ref().map(|n| format!(" [{n}]")).unwrap_or_default();
            lines.push(format!("{} {measure} = {value}{note}", transcript.item));
        }
    }
    lines.sort();
    lines
}

/// The machine's Python, for tests that run code.
pub fn python() -> Option<PathBuf> {
    let system = PathBuf::from("/usr/bin/python3");
    if system.is_file() {
        return Some(system);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|path| path.is_file())
}
