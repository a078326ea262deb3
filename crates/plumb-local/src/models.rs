//! Which file a plan's model is. Implemented by the binary: this crate neither fetches nor knows where files lie.

use plumb_lm::gguf::{Gguf, Mapped};
use plumb_study::{Error, Result};
use std::path::{Path, PathBuf};

/// What a name in a plan stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// SHA-256 of the file's content: 64 lowercase hexadecimal digits.
    pub sha256: String,
    /// The file's name, without folders; for people.
    pub file: String,
    /// Whether the model has a chat template. The registry knows it of its models; [`has_chat_template`] reads it from
    /// a file.
    pub chat: bool,
}

/// Finds models. `name` is what the plan says: a name of the registry, or, as it is written there, the path of a GGUF file
/// or of a Hugging Face folder.
pub trait Models: Send + Sync {
    /// Which model that is. Called when a plan is frozen: for a name of the registry it reads no file and no network; of
    /// a path it hashes the file's content.
    fn identify(&self, name: &str) -> Result<Identity>;

    /// Whether [`Models::path`] can be expected to find the file, without reading it whole and without the network.
    /// Called for all models of a plan before a run, so that everything that is missing is told at once.
    fn check(&self, name: &str, sha256: &str) -> Result<()> {
        let _ = (name, sha256);
        Ok(())
    }

    /// The file, verified to have that SHA-256. It is loaded right afterwards.
    fn path(&self, name: &str, sha256: &str) -> Result<PathBuf>;
}

/// Whether the model of a GGUF file or a Hugging Face folder can be asked in chats. Reads headers only.
///
/// # Errors
/// If the file cannot be read or is no sound model; the message says where.
pub fn has_chat_template(path: &Path) -> Result<bool> {
    let read = || -> std::result::Result<bool, plumb_lm::Error> {
        if path.is_dir() {
            return Ok(plumb_lm::Outline::read(path)?.can_chat);
        }
        let file = Mapped::open(path)?;
        Ok(Gguf::parse(&file)?.string("tokenizer.chat_template")?.is_some())
    };
    read().map_err(|error| {
        let message = error.to_string();
        // Faults of the content do not name the file themselves.
        let named = error.is_io();
        let error = Error::plan(message);
        if named { error } else { error.at(path.display()) }
    })
}
