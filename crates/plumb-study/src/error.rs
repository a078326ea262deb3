//! The crate's one error type.
//!
//! Code that fails builds an [`Error`] with what happened, where, and how to mend it. Callers that must
//! tell causes apart use the predicates; nobody matches on private kinds.

use std::fmt;
use std::path::Path;

/// What a caller may want to tell apart. Private: the predicates are the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The plan (or another file a person wrote) says something impossible.
    Plan,
    /// A file that a plan names is not there.
    Absent,
    /// The plan differs from the one that data were collected under.
    Changed,
    /// The journal cannot be read or written.
    Journal,
    /// Another process writes the journal.
    Held,
    /// The disk is full: the journal could not be written, nothing acknowledged was lost.
    Full,
    /// A file cannot be read or written.
    Io,
    /// A subject or judge cannot be opened (secret, model, endpoint).
    Party,
}

/// Something that stops a command, as opposed to one item's failure, which is data in the journal.
pub struct Error(Box<Repr>);

struct Repr {
    kind: Kind,
    message: String,
    help: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Repr { kind, message: message.into(), help: None, source: None }))
    }

    /// A fault in a file that a person wrote. Public, since readers, subjects and judges of other
    /// crates report theirs the same way.
    pub fn plan(message: impl Into<String>) -> Error {
        Error::new(Kind::Plan, message)
    }

    /// A file that a plan names and that is not there, or whose folder is in no variable. Public for [`crate::Inputs`].
    pub fn absent(message: impl Into<String>) -> Error {
        Error::new(Kind::Absent, message)
    }

    /// A subject or judge that cannot be opened: missing secret, model or interpreter.
    pub fn party(message: impl Into<String>) -> Error {
        Error::new(Kind::Party, message)
    }

    /// What a journal holds is not as it must be.
    pub fn journal(message: impl Into<String>) -> Error {
        Error::new(Kind::Journal, message)
    }

    pub(crate) fn held(message: impl Into<String>) -> Error {
        Error::new(Kind::Held, message)
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Error {
        let kind = if source.kind() == std::io::ErrorKind::StorageFull { Kind::Full } else { Kind::Io };
        Error::new(kind, format!("{}: {source}", path.display())).caused_by(source)
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.0.help = Some(help.into());
        self
    }

    /// Puts a place (file, line, table) before the message.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Error {
        self.0.message = format!("{place}: {}", self.0.message);
        self
    }

    pub(crate) fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.0.source = Some(Box::new(source));
        self
    }

    /// How to mend it, if the code that failed knew.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// True when a file that a person wrote is at fault.
    pub fn is_plan(&self) -> bool {
        matches!(self.0.kind, Kind::Plan | Kind::Absent)
    }

    /// True when a file that a plan names is not there.
    pub fn is_absent(&self) -> bool {
        self.0.kind == Kind::Absent
    }

    /// True when the plan no longer matches the data collected under it.
    pub fn is_changed_plan(&self) -> bool {
        self.0.kind == Kind::Changed
    }

    /// True when another process writes the journal.
    pub fn is_held(&self) -> bool {
        self.0.kind == Kind::Held
    }

    /// True when the disk is full.
    pub fn is_disk_full(&self) -> bool {
        self.0.kind == Kind::Full
    }

    /// True when a subject or judge could not be opened.
    pub fn is_party(&self) -> bool {
        self.0.kind == Kind::Party
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)?;
        match &self.0.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        let full = matches!(
            &error,
            rusqlite::Error::SqliteFailure(e, _) if e.code == rusqlite::ErrorCode::DiskFull
                // A full tmpfs surfaces as an I/O error while the WAL's shared memory grows.
                || e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
                || e.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE
        );
        let (kind, help) = if full {
            (Kind::Full, "free some space and run the same command again: every acknowledged answer is kept")
        } else {
            (Kind::Journal, "`plumb audit RUN` checks a journal")
        };
        Error::new(kind, format!("journal: {error}")).help(help).caused_by(error)
    }
}
