//! One process at a time may change a model's folder.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use super::progress::Progress;

/// Held until dropped, or until the process ends in whatever way. The lock's file stays: removing it
/// would let two processes hold locks on two files of one name.
#[derive(Debug)]
pub(super) struct Held {
    _file: File,
}

/// Waits for the lock, saying so if it is taken.
pub(super) fn hold(path: &Path, progress: &dyn Progress) -> io::Result<Held> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.note("another process is fetching this model; waiting for it");
            file.lock()?;
        }
        Err(TryLockError::Error(e)) => return Err(e),
    }
    Ok(Held { _file: file })
}
