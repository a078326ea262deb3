//! A model's file from the model hub, through the `hf-hub` crate.
//!
//! Its blocking client has no time limits, and a network that swallows packets would hold a user's first
//! command for minutes. So the client works on a thread of its own and this side listens with a limit: one
//! for the first answer, one for silence after that. A thread that is given up stays behind in its read; it
//! holds nothing but a socket and its own temporary folder.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;
use std::{fs, thread};

use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Repo, RepoType};

use super::entry::{Entry, HubFile};
use super::progress::Progress;
use super::store::Patience;
use super::verify;
use crate::secrets::Secret;

/// Which hub to ask, and as whom.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Such as `https://huggingface.co`, without a slash at the end.
    pub endpoint: String,
    /// Needed for models behind a licence only.
    pub token: Option<Secret>,
}

impl Default for Hub {
    fn default() -> Self {
        Hub { endpoint: "https://huggingface.co".to_owned(), token: None }
    }
}

enum Sign {
    /// The hub answered, and its file may be the right one.
    Answered,
    Bytes(u64),
    Done(PathBuf),
    Failed(String),
}

/// Brings the file to `temporary`, or says why not. `folder` keeps what came so far, for a later try.
pub(super) fn fetch(
    hub: &Hub,
    source: &HubFile,
    entry: &Entry,
    patience: Patience,
    folder: &Path,
    temporary: &Path,
    progress: &dyn Progress,
) -> Result<(), String> {
    let resumed = folder.exists();
    let checked = |file: PathBuf| match verify::compare(&file, entry) {
        Ok(Err(difference)) if resumed => {
            Err(Stopped::Failed(format!("what was left of an earlier try is bad: {difference}")))
        }
        _ => Ok(file),
    };
    let file = match attempt(hub, source, entry, patience, folder, progress).and_then(checked) {
        Err(Stopped::Failed(why)) if resumed => {
            progress.note(&format!("{why}; starting again from the beginning"));
            fs::remove_dir_all(folder).map_err(|e| e.to_string())?;
            attempt(hub, source, entry, patience, folder, progress)
        }
        other => other,
    };
    let file = file.map_err(Stopped::into_words)?;
    // The client hands out a link into its own cache; the file itself is what is wanted.
    let blob = fs::canonicalize(file).map_err(|e| e.to_string())?;
    fs::rename(blob, temporary).map_err(|e| e.to_string())
}

enum Stopped {
    Unreachable(String),
    Failed(String),
}

impl Stopped {
    fn into_words(self) -> String {
        match self {
            Stopped::Unreachable(why) | Stopped::Failed(why) => why,
        }
    }
}

fn attempt(
    hub: &Hub,
    source: &HubFile,
    entry: &Entry,
    patience: Patience,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Stopped> {
    let (signs, listen) = channel();
    let work = Work {
        api: open(hub, folder).map_err(Stopped::Failed)?,
        source: source.clone(),
        bytes: entry.bytes,
        sha256: entry.sha256.to_string(),
        signs,
    };
    thread::Builder::new()
        .name("hub-download".to_owned())
        .spawn(move || work.run())
        .map_err(|e| Stopped::Failed(e.to_string()))?;
    listen_to(&listen, entry.bytes, patience, progress)
}

fn open(hub: &Hub, folder: &Path) -> Result<Api, String> {
    ApiBuilder::new()
        .with_endpoint(hub.endpoint.trim_end_matches('/').to_owned())
        .with_token(hub.token.as_ref().map(|t| t.expose().to_owned()))
        .with_cache_dir(folder.join("hub"))
        .with_progress(false)
        .build()
        .map_err(|e| e.to_string())
}

fn listen_to(
    signs: &Receiver<Sign>,
    total: u64,
    patience: Patience,
    progress: &dyn Progress,
) -> Result<PathBuf, Stopped> {
    let began = Instant::now();
    let mut answered = false;
    loop {
        let limit =
            if answered { patience.stall } else { patience.first_answer.saturating_sub(began.elapsed()) };
        match signs.recv_timeout(limit) {
            Ok(Sign::Answered) => answered = true,
            Ok(Sign::Bytes(done)) => progress.bytes(done, Some(total)),
            Ok(Sign::Done(path)) => return Ok(path),
            Ok(Sign::Failed(why)) if answered => return Err(Stopped::Failed(why)),
            Ok(Sign::Failed(why)) => return Err(Stopped::Unreachable(why)),
            Err(RecvTimeoutError::Timeout) if answered => {
                return Err(Stopped::Unreachable(format!(
                    "nothing came for {} s; what came is kept for the next try",
                    patience.stall.as_secs_f32()
                )));
            }
            Err(RecvTimeoutError::Timeout) => {
                return Err(Stopped::Unreachable(format!(
                    "no answer within {} s",
                    patience.first_answer.as_secs_f32()
                )));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Stopped::Failed("the hub's client stopped without a result".to_owned()));
            }
        }
    }
}

/// What the thread does.
struct Work {
    api: Api,
    source: HubFile,
    bytes: u64,
    sha256: String,
    signs: Sender<Sign>,
}

impl Work {
    fn run(self) {
        let sign = match self.download() {
            Ok(path) => Sign::Done(path),
            Err(why) => Sign::Failed(why),
        };
        // Nobody listens any more if this side was given up.
        let _ = self.signs.send(sign);
    }

    fn download(&self) -> Result<PathBuf, String> {
        let HubFile { repo, file, revision } = &self.source;
        let repo = self.api.repo(Repo::with_revision(repo.clone(), RepoType::Model, revision.clone()));
        let about = self.api.metadata(&repo.url(file)).map_err(|e| e.to_string())?;
        if about.size() as u64 != self.bytes {
            return Err(format!("the hub's file has {} bytes, not {}", about.size(), self.bytes));
        }
        // The client makes a file name of the tag; for large files the hub's tag is their sha256.
        let tag = about.etag().to_ascii_lowercase();
        let hexadecimal = tag.bytes().all(|b| b.is_ascii_hexdigit());
        if !tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(format!("the hub's answer has an unusable tag {tag:?}"));
        }
        if hexadecimal && tag.len() == 64 && tag != self.sha256 {
            return Err(format!("the hub's file has sha256 {tag}, not {}", self.sha256));
        }
        let _ = self.signs.send(Sign::Answered);
        let meter = Meter { signs: self.signs.clone(), done: 0 };
        repo.download_with_progress(file, meter).map_err(|e| e.to_string())
    }
}

struct Meter {
    signs: Sender<Sign>,
    done: u64,
}

impl hf_hub::api::Progress for Meter {
    fn init(&mut self, _: usize, _: &str) {
        self.done = 0;
    }
    fn update(&mut self, more: usize) {
        self.done += more as u64;
        let _ = self.signs.send(Sign::Bytes(self.done));
    }
    fn finish(&mut self) {}
}
