//! A model's file from this machine. Linked where the file system allows, for half a gigabyte twice
//! helps nobody; a later change to the original shows in its time of change and is verified again.

use std::fs;
use std::path::Path;

use super::entry::{Entry, LocalFile};

/// Brings the file to `temporary`, or says why not.
pub(super) fn fetch(source: &LocalFile, entry: &Entry, temporary: &Path) -> Result<(), String> {
    let path = fs::canonicalize(&source.path).map_err(|e| e.to_string())?;
    let found = fs::metadata(&path).map_err(|e| e.to_string())?;
    if !found.is_file() {
        return Err("it is not a file".to_owned());
    }
    if found.len() != entry.bytes {
        return Err(format!("it has {} bytes, not {}", found.len(), entry.bytes));
    }
    if fs::hard_link(&path, temporary).is_ok() {
        return Ok(());
    }
    fs::copy(&path, temporary).map(drop).map_err(|e| e.to_string())
}
