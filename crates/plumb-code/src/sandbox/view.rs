//! What of this machine a jail can see: the interpreter and system libraries, read only, and a few devices.
//!
//! Not seen: home folders, `/etc` but for the loader's files, `/proc`, `/sys`, `/run`, `/var`, other people's `/tmp`.

use super::probe::Interpreter;
use std::path::{Path, PathBuf};

/// What a jail sees.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// Folders and files, read only; none lies in another.
    pub read: Vec<PathBuf>,
    /// Devices, which can be written.
    pub devices: Vec<PathBuf>,
    /// Links at the top, and where they lead.
    pub links: Vec<(PathBuf, PathBuf)>,
}

const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"];
/// Of `/etc`: what the loader and links under `/usr` need.
const LOADER: &[&str] = &["/etc/ld.so.cache", "/etc/alternatives"];
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

impl View {
    pub(super) fn of(interpreter: &Interpreter) -> View {
        let mut view = View::default();
        for path in SYSTEM.iter().map(PathBuf::from) {
            match std::fs::read_link(&path) {
                Ok(target) => view.links.push((path, target)),
                Err(_) => view.add(path),
            }
        }
        for path in LOADER {
            view.add(path.into());
        }
        for path in configuration_of_java() {
            view.add(path);
        }
        for path in &interpreter.folders {
            view.add(path.clone());
        }
        view.devices = DEVICES.iter().map(PathBuf::from).filter(|p| p.exists()).collect();
        view
    }

    /// Adds what exists and is not there yet. The root itself would be everything, and is never added.
    fn add(&mut self, path: PathBuf) {
        let seen = self.read.iter().any(|have| path.starts_with(have));
        let linked = self.links.iter().any(|(link, _)| path.starts_with(link));
        if path == Path::new("/") || !path.is_absolute() || seen || linked || !path.exists() {
            return;
        }
        self.read.retain(|have| !have.starts_with(&path));
        self.read.push(path);
    }
}

/// Packages of Java keep files under `/etc` that links under `/usr` lead to.
fn configuration_of_java() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/etc") else { return Vec::new() };
    entries
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with("java-"))
        .map(|e| e.path())
        .collect()
}
