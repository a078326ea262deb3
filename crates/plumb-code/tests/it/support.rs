//! Fixtures and real data where it is.

use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A file of the real data, or a line that says why the test has nothing to do.
pub fn data(file: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("PLUMB_DATA") else {
        eprintln!("skipped: needs code/{file} (PLUMB_DATA is not set)");
        return None;
    };
    let path = PathBuf::from(root).join("code").join(file);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: there is no file {}", path.display());
    None
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/code").join(name)
}

/// The text of a file, unpacked if its name says so.
pub fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|e| e != "gz") {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

/// One JSON value a line.
pub fn lines(path: &Path) -> Vec<Value> {
    text(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
