//! Is this file the one that the registry names? Hashing half a gigabyte takes a second, so the answer is
//! kept beside the file, with the size and time of change that it holds for.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::Digest as _;

use super::entry::{Entry, Sha256};

/// Why a file is not the registry's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Difference {
    #[error("it has {found} bytes, not {expected}")]
    Size { found: u64, expected: u64 },
    #[error("its sha256 is {found}, not {expected}")]
    Hash { found: Sha256, expected: Sha256 },
}

/// Compares size and sha256; reads the whole file only when the size is right.
pub(super) fn compare(path: &Path, entry: &Entry) -> io::Result<Result<(), Difference>> {
    let mut file = File::open(path)?;
    let found = file.metadata()?.len();
    if found != entry.bytes {
        return Ok(Err(Difference::Size { found, expected: entry.bytes }));
    }
    let found = hash(&mut file)?;
    if found != entry.sha256 {
        return Ok(Err(Difference::Hash { found, expected: entry.sha256.clone() }));
    }
    Ok(Ok(()))
}

/// The sha256 of any file.
///
/// # Errors
/// The file cannot be read.
///
/// Of a folder, that of the list of its model files (JSON, safetensors, chat template): a line `sha256  name` for each, by
/// name, as `sha256sum` prints them.
pub fn sha256_of(path: &Path) -> io::Result<Sha256> {
    if !path.is_dir() {
        return hash(&mut File::open(path)?);
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if [".json", ".safetensors", ".jinja"].iter().any(|end| name.ends_with(end)) {
            names.push(name);
        }
    }
    names.sort();
    let mut hasher = sha2::Sha256::new();
    for name in names {
        let one = hash(&mut File::open(path.join(&name))?)?;
        hasher.update(format!("{one}  {name}\n"));
    }
    Ok(Sha256::of_digest(&hasher.finalize()))
}

fn hash(file: &mut File) -> io::Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Sha256::of_digest(&hasher.finalize())),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".verified");
    PathBuf::from(name)
}

/// The text that a verified file's note holds as long as the file is unchanged.
fn note(metadata: &Metadata, sha256: &Sha256) -> io::Result<String> {
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("size {}\nmodified_ns {}\nsha256 {sha256}\n", metadata.len(), changed.as_nanos()))
}

/// Whether the file was verified before and is unchanged since. Reads no more than the note.
pub(super) fn is_known(path: &Path, entry: &Entry) -> bool {
    let known = || -> io::Result<bool> {
        let metadata = fs::metadata(path)?;
        Ok(metadata.len() == entry.bytes
            && fs::read_to_string(beside(path))? == note(&metadata, &entry.sha256)?)
    };
    known().unwrap_or(false)
}

/// Keeps that the file was just verified.
pub(super) fn remember(path: &Path, entry: &Entry) -> io::Result<()> {
    let text = note(&fs::metadata(path)?, &entry.sha256)?;
    let target = beside(path);
    let temporary = target.with_extension("verified.part");
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, &target)
}

/// Forgets what was known of the file.
pub(super) fn forget(path: &Path) {
    let _ = fs::remove_file(beside(path));
}
