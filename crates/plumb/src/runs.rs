//! Where runs are on disk: a folder with the journal and the reports made of it.

use crate::exit::{Exit, Problem};
use plumb_study::{Journal, Limit, Results};
use std::path::{Path, PathBuf};

/// The journal's name in a run's folder.
pub const JOURNAL: &str = "journal.plumb";

/// A run's folder and journal.
#[derive(Clone, Debug)]
pub struct RunFolder {
    pub folder: PathBuf,
    pub journal: PathBuf,
}

impl RunFolder {
    /// The run of a plan.
    pub fn of_plan(runs: &Path, name: &str) -> RunFolder {
        let folder = runs.join(name);
        RunFolder { journal: folder.join(JOURNAL), folder }
    }

    /// A run that a person named, by its folder or its journal.
    pub fn named(path: &Path) -> RunFolder {
        if path.is_dir() || path.extension().is_none_or(|e| e != "plumb") {
            return RunFolder { journal: path.join(JOURNAL), folder: path.to_owned() };
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        RunFolder { folder: folder.to_owned(), journal: path.to_owned() }
    }

    /// Opens the journal; that there is none is the fault of who named it.
    pub fn open(&self) -> Result<Journal, Problem> {
        Journal::open(&self.journal).map_err(|error| {
            let missing = !self.journal.exists();
            let problem = Problem::from(error);
            if missing { Problem { exit: Exit::Usage, ..problem } } else { problem }
        })
    }

    pub fn create(&self) -> Result<(), Problem> {
        std::fs::create_dir_all(&self.folder).map_err(Problem::io(&self.folder))
    }

    /// Renames the folder to the first free `NAME.1`, `NAME.2`, …; where it went, if it was there.
    pub fn put_aside(&self) -> Result<Option<PathBuf>, Problem> {
        if !self.folder.exists() {
            return Ok(None);
        }
        let numbered = |n: u32| {
            let mut name = self.folder.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{n}"));
            self.folder.with_file_name(name)
        };
        let free = (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| numbered(0));
        std::fs::rename(&self.folder, &free).map_err(Problem::io(&self.folder))?;
        Ok(Some(free))
    }

    pub fn html(&self) -> PathBuf {
        self.folder.join("report.html")
    }

    pub fn json(&self) -> PathBuf {
        self.folder.join("report.json")
    }

    /// The report as plain text, which a second run shows without computing it again.
    fn text(&self) -> PathBuf {
        self.folder.join("report.txt")
    }

    /// Writes the reports; each file appears whole or not at all.
    pub fn write_reports(&self, results: &Results) -> Result<(), Problem> {
        let html = plumb_report::html(results)?;
        let plain = plumb_report::Style::default();
        self.write(&self.html(), &html)?;
        self.write(&self.text(), &plumb_report::terminal(results, plain))?;
        // Last, since it tells that the others are up to date.
        self.write(&self.json(), &plumb_report::json(results)?)
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Problem> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let temporary = PathBuf::from(temporary);
        std::fs::write(&temporary, text).map_err(Problem::io(&temporary))?;
        std::fs::rename(&temporary, path).map_err(Problem::io(path))
    }

    /// The report as text and as JSON, if both were made from this state of the journal.
    pub fn current_reports(&self, state: plumb_study::Digest) -> Option<(String, String)> {
        let json = std::fs::read_to_string(self.json()).ok()?;
        let made_from = serde_json::from_str::<serde_json::Value>(&json).ok()?["state"].as_str()?.to_owned();
        if made_from != state.hex() || !self.html().is_file() {
            return None;
        }
        Some((std::fs::read_to_string(self.text()).ok()?, json))
    }
}

/// Largest embedded choice of transcripts for a given number.
pub fn limit(transcripts: usize) -> Limit {
    let standard = Limit::default();
    let bytes = standard.bytes.max(transcripts.saturating_mul(standard.bytes / standard.transcripts));
    Limit { transcripts, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_by_folder_or_journal() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::of_plan(folder.path(), "a");
        run.create().unwrap();
        std::fs::write(&run.journal, "").unwrap();
        for named in [RunFolder::named(&run.folder), RunFolder::named(&run.journal)] {
            assert_eq!((named.folder, named.journal), (run.folder.clone(), run.journal.clone()));
        }
    }

    #[test]
    fn what_is_put_aside_is_kept_under_the_next_number() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::of_plan(folder.path(), "a.b");
        assert!(run.put_aside().unwrap().is_none());
        for n in 1..=3 {
            run.create().unwrap();
            assert_eq!(run.put_aside().unwrap(), Some(folder.path().join(format!("a.b.{n}"))));
        }
    }
}
