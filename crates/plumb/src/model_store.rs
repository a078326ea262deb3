//! Local models for plans and commands: names become verified files, fetched when they are first needed.

use crate::exit::{Exit, Problem, note};
use crate::show;
use indicatif::{ProgressBar, ProgressStyle};
use plumb_clients::models::{Entry, Progress, Registry, Store, sha256_of};
use plumb_local::{Identity, Models, has_chat_template};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The known models and the cache.
pub struct ModelStore {
    pub known: Registry,
    pub store: Store,
}

impl ModelStore {
    pub fn new(known: Registry, cache: &Path) -> ModelStore {
        ModelStore { known, store: Store::new(cache) }
    }

    /// The model of that name.
    pub fn find(&self, name: &str) -> Result<&Entry, Problem> {
        self.known.get(name).map_err(|error| Problem { exit: Exit::Usage, ..Problem::from(error) })
    }

    /// The file of a model, fetched if it is not there.
    pub fn fetched(&self, entry: &Entry) -> plumb_clients::Result<PathBuf> {
        let progress = Download::new(entry);
        let path = self.store.fetch(entry, &progress);
        progress.end();
        path
    }

    /// The file or folder behind a name or a path, if it is there.
    pub fn there(&self, name: &str) -> Option<PathBuf> {
        if is_path(name) {
            return Some(PathBuf::from(name));
        }
        self.store.find(self.known.get(name).ok()?).ok()?
    }

    /// The file or folder behind a name or a path.
    pub fn file(&self, name: &str) -> Result<PathBuf, Problem> {
        if is_path(name) {
            return Ok(PathBuf::from(name));
        }
        Ok(self.fetched(self.find(name)?)?)
    }
}

impl Models for ModelStore {
    fn identify(&self, name: &str) -> plumb_study::Result<Identity> {
        if !is_path(name) {
            let entry = self.known.get(name).map_err(told)?;
            let (sha256, file) = (entry.sha256.to_string(), entry.file.to_string());
            return Ok(Identity { sha256, file, chat: entry.chat });
        }
        let path = Path::new(name);
        let sha256 = sha256_of(path).map_err(|e| {
            plumb_study::Error::plan(format!("{name}: {e}"))
                .help("the path of a model counts from where plumb is started")
        })?;
        let file = path.file_name().map_or_else(|| name.to_owned(), |f| f.to_string_lossy().into_owned());
        Ok(Identity { sha256: sha256.to_string(), file, chat: has_chat_template(path)? })
    }

    fn path(&self, name: &str, sha256: &str) -> plumb_study::Result<PathBuf> {
        let changed = |now: &str| {
            plumb_study::Error::party(format!(
                "the model {name} is not the one that the plan was frozen with (sha256 {now}, not {sha256})"
            ))
            .help("start anew with --fresh, or bring the old file back")
        };
        if is_path(name) {
            let now =
                sha256_of(Path::new(name)).map_err(|e| plumb_study::Error::party(format!("{name}: {e}")))?;
            return if now.as_str() == sha256 { Ok(name.into()) } else { Err(changed(now.as_str())) };
        }
        let entry = self.known.get(name).map_err(told)?;
        if entry.sha256.as_str() != sha256 {
            return Err(changed(entry.sha256.as_str()));
        }
        self.fetched(entry).map_err(told)
    }
}

/// Whether a plan's model is a path (of a GGUF file, of a folder with a `config.json`, or of one that is written as a path), as
/// opposed to a name of the registry.
pub fn is_path(name: &str) -> bool {
    let path = Path::new(name);
    let written = name.contains(std::path::is_separator) && path.is_dir();
    name.ends_with(".gguf") || written || path.join("config.json").is_file()
}

fn told(error: plumb_clients::Error) -> plumb_study::Error {
    let told = plumb_study::Error::party(error.to_string());
    match error.help_text() {
        Some(help) => told.help(help),
        None => told,
    }
}

/// Shows a download: a bar on a terminal, a line now and then elsewhere.
struct Download {
    name: String,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl Download {
    fn new(entry: &Entry) -> Download {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{msg} {bar:28} {bytes} of {total_bytes} · {bytes_per_sec}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(entry.bytes)
                .with_style(style.progress_chars("━╸─"))
                .with_message(entry.name.to_string())
        });
        Download { name: entry.name.to_string(), bar, last_line: Mutex::new(Instant::now()) }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, text: String) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(&text)),
            None => note(text),
        }
    }
}

impl Progress for Download {
    fn trying(&self, source: &str) {
        self.say(format!("fetching {} from: {source}", self.name));
    }

    fn bytes(&self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(done);
            return;
        }
        let Ok(mut last) = self.last_line.try_lock() else { return };
        if last.elapsed() >= Duration::from_secs(10) {
            *last = Instant::now();
            let of = total.map_or(String::new(), |t| format!(" of {}", show::bytes(t)));
            note(format_args!("{}: {}{of}", self.name, show::bytes(done)));
        }
    }

    fn note(&self, message: &str) {
        self.say(message.to_owned());
    }
}
