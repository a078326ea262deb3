//! The crate's one error type.
//!
//! Each module that can fail has a small private enum beside the failing code; they meet here, behind an opaque
//! [`Error`] with predicates for what a caller decides on. Not here: any recovery.

use std::fmt;
use std::path::PathBuf;

/// What went wrong in this crate. The message says what was expected and where.
#[derive(Debug)]
pub struct Error {
    kind: Box<Kind>,
    path: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error(transparent)]
    Open(#[from] std::io::Error),
    #[error(transparent)]
    Capture(#[from] crate::capture::Fault),
    #[error(transparent)]
    Folder(#[from] crate::folder::Fault),
    #[error(transparent)]
    Gguf(#[from] crate::gguf::Fault),
    #[error(transparent)]
    Config(#[from] crate::arch::Fault),
    #[error(transparent)]
    Weights(#[from] crate::weights::Fault),
    #[error(transparent)]
    Tokenizer(#[from] crate::tokenizer::Fault),
    #[error(transparent)]
    Chat(#[from] crate::chat::Fault),
    #[error(transparent)]
    Forward(#[from] crate::forward::Fault),
    #[error(transparent)]
    Name(#[from] crate::hook::NameFault),
    #[error(transparent)]
    Sae(#[from] crate::sae::Fault),
    #[error(transparent)]
    Generate(#[from] crate::generate::Fault),
}

impl Error {
    pub(crate) fn at(mut self, path: &std::path::Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// The file could not be opened or mapped.
    pub fn is_io(&self) -> bool {
        match &*self.kind {
            Kind::Open(_) | Kind::Capture(crate::capture::Fault::Write { .. }) => true,
            Kind::Folder(fault) => fault.is_missing(),
            Kind::Sae(fault) => fault.is_io(),
            _ => false,
        }
    }

    /// The file is damaged or contradicts itself.
    pub fn is_corrupt(&self) -> bool {
        match &*self.kind {
            Kind::Gguf(fault) => !fault.is_unsupported(),
            Kind::Folder(fault) => !fault.is_unsupported() && !fault.is_missing(),
            Kind::Weights(fault) => !fault.is_unsupported(),
            Kind::Config(fault) => !fault.is_unsupported(),
            Kind::Tokenizer(fault) => !fault.is_unsupported(),
            Kind::Sae(fault) => fault.is_corrupt(),
            _ => false,
        }
    }

    /// The file may be sound, but this version does not know its architecture, tensor type, tokenizer or template;
    /// or a chat was asked of a model without a chat template.
    pub fn is_unsupported(&self) -> bool {
        match &*self.kind {
            Kind::Gguf(fault) => fault.is_unsupported(),
            Kind::Folder(fault) => fault.is_unsupported(),
            Kind::Weights(fault) => fault.is_unsupported(),
            Kind::Config(fault) => fault.is_unsupported(),
            Kind::Tokenizer(fault) => fault.is_unsupported(),
            Kind::Chat(fault) => fault.is_unsupported(),
            Kind::Sae(fault) => fault.is_unsupported(),
            _ => false,
        }
    }

    /// The prompt (with what was to follow) does not fit into the model's context.
    pub fn is_too_long(&self) -> bool {
        matches!(&*self.kind, Kind::Forward(fault) if fault.is_too_long())
    }

    /// The request itself is at fault: an empty prompt, a token outside the vocabulary, a template that rejects the
    /// messages, a temperature below zero. Asking again will fail again.
    pub fn is_invalid_request(&self) -> bool {
        match &*self.kind {
            Kind::Capture(fault) => !matches!(fault, crate::capture::Fault::Write { .. }),
            Kind::Forward(_) | Kind::Name(_) => true,
            Kind::Chat(fault) => !fault.is_unsupported(),
            Kind::Sae(fault) => !fault.is_io() && !fault.is_corrupt() && !fault.is_unsupported(),
            Kind::Generate(fault) => !fault.is_deadline() && !fault.is_cancelled(),
            _ => false,
        }
    }

    /// The request's deadline passed before it was done.
    pub fn is_deadline(&self) -> bool {
        matches!(&*self.kind, Kind::Generate(fault) if fault.is_deadline())
    }

    /// The whole run was cancelled before the request was done.
    pub fn is_cancelled(&self) -> bool {
        matches!(&*self.kind, Kind::Generate(fault) if fault.is_cancelled())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.kind),
            None => self.kind.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.kind)
    }
}

impl<T: Into<Kind>> From<T> for Error {
    fn from(fault: T) -> Self {
        Self { kind: Box::new(fault.into()), path: None }
    }
}
