//! Real data where it is, inputs from memory and folders, and a run from a plan's text to its results.

use plumb_study::run::{Due, Env, Options, Parties, Stopper, Unwatched, run};
use plumb_study::{
    Draft, Event, Frozen, Inputs, Journal, Ledger, Limit, Plan, Recordings, Registry, Result, Results,
    Transcript, freeze, journal, results,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A folder of the real data, or a line that says why the test has nothing to do.
pub fn data(folder: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("PLUMB_DATA") else {
        eprintln!("skipped: needs real data in {folder}, and PLUMB_DATA is not set");
        return None;
    };
    let path = PathBuf::from(root).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: there is no folder {}", path.display());
    None
}

/// Files from memory.
#[derive(Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    pub fn with(mut self, path: &str, text: impl AsRef<[u8]>) -> Files {
        self.0.insert(path.into(), text.as_ref().to_vec());
        self
    }
}

impl Inputs for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| plumb_study::Error::plan(format!("there is no file {path}")))
    }

    fn expand(&self, path: &str) -> Result<Vec<String>> {
        Ok(match path.split_once('*') {
            None => vec![path.to_owned()],
            Some((start, end)) => {
                self.0.keys().filter(|k| k.starts_with(start) && k.ends_with(end)).cloned().collect()
            }
        })
    }
}

/// The spine's registry with this crate's kinds.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    plumb_judge::register(&mut registry);
    registry
}

pub fn frozen(plan: &str, files: &Files) -> Result<Frozen> {
    freeze(Draft::parse(plan, "t.toml")?, &registry(), files)
}

/// `item measure = value [note]` for every verdict, by item and measure.
pub fn shown(transcripts: Vec<Transcript>) -> String {
    let mut lines = Vec::new();
    for transcript in transcripts {
        for (measure, value, note) in transcript.verdicts {
            let note = note.map(|n| format!(" [{}]", n.replace('\n', "⏎"))).unwrap_or_default();
            lines.push(format!("{} {measure} = {value}{note}", transcript.item));
        }
    }
    lines.sort();
    lines.join("\n")
}

/// Freezes and runs a plan to its end.
pub fn ran(plan: &str, files: &Files) -> (Journal, Results, tempfile::TempDir) {
    ran_with(plan, files, &registry())
}

/// The same with a registry that has more.
pub fn ran_with(plan: &str, files: &Files, registry: &Registry) -> (Journal, Results, tempfile::TempDir) {
    let Frozen { plan, recordings } = freeze(Draft::parse(plan, "t.toml").unwrap(), registry, files).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.plumb");
    Journal::create(&path, &plan, false, &opening(1)).unwrap();
    let (journal, results) = go(Journal::open(&path).unwrap(), recordings, registry, 2);
    (journal, results, folder)
}

/// What a second run of the command does with what is due then, if anything is.
pub fn run_again(journal: Journal, registry: &Registry) -> (Journal, Results) {
    go(journal, Recordings::new(), registry, 8)
}

/// Appends an amendment.
pub fn amend(journal: &Journal, before: &Plan, after: &Plan) {
    let writer = journal.writer(opening(7)).unwrap();
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    threads.block_on(writer.append(vec![Event::amended(before, after, "more judges")])).unwrap();
}

fn opening(writer: u8) -> journal::Opening {
    journal::Opening { random: [writer; 8], now_us: Arc::new(|| 1_000_000), program: "test 1".into() }
}

fn go(journal: Journal, recordings: Recordings, registry: &Registry, writer: u8) -> (Journal, Results) {
    let path = journal.path().to_owned();
    let plan = Arc::new(journal.plan().unwrap());
    let due = Due::of(&plan, &Ledger::fold(&plan, &journal).unwrap(), &Options::default());
    let parties = Parties::open(&plan, registry, recordings, &due.needs(&plan)).unwrap();
    let env = Env { jitter: Arc::new(|| 0.5), opening: opening(writer), cache: None };
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    threads.block_on(run(plan, journal, parties, due, env, Stopper::default(), Arc::new(Unwatched))).unwrap();
    let journal = Journal::open(&path).unwrap();
    let results = results(&journal, registry, Limit::default()).unwrap();
    (journal, results)
}
