//! What the interpreter is, asked of itself.

use crate::Error;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Python interpreter that answered.
#[derive(Clone, Debug)]
pub(super) struct Interpreter {
    /// The program itself, no link and no wrapper.
    pub program: PathBuf,
    /// `3.11.7`
    pub version: String,
    /// Where it looks for modules.
    pub path: Vec<String>,
    /// All folders that it reads, for the view.
    pub folders: Vec<PathBuf>,
    /// Packages that it has, as `name==version`.
    pub packages: Vec<String>,
}

#[derive(Deserialize)]
struct Said {
    program: PathBuf,
    version: [u32; 3],
    path: Vec<String>,
    prefixes: Vec<PathBuf>,
    packages: Vec<String>,
}

const ASK: &str = "
import json, os, sys
import importlib.metadata as metadata
named = [(d.metadata['Name'], d.version) for d in metadata.distributions()]
print(json.dumps(dict(packages=sorted({'%s==%s' % p for p in named if p[0]}), program=os.path.realpath(sys.executable), version=sys.version_info[:3], path=[p for p in sys.path if p],
    prefixes=[sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix])))
import ctypes, resource, mmap, _socket
os.pidfd_open, os.memfd_create
";

impl Interpreter {
    /// Starts it once, with what it has for packages but without the user's own folder and environment.
    #[expect(clippy::disallowed_methods, reason = "the sandbox asks the interpreter what it is")]
    pub(super) fn ask(path: &Path) -> Result<Interpreter, Error> {
        let missing = |why: String| {
            Error::sandbox(
                format!("the Python interpreter {} cannot be used: {why}", path.display()),
                "name one of version 3.9 or later",
            )
        };
        let out = Command::new(path)
            .args(["-I", "-c", ASK])
            .stdin(Stdio::null())
            .output()
            .map_err(|e| missing(e.to_string()))?;
        let errors = String::from_utf8_lossy(&out.stderr);
        if !out.status.success() {
            return Err(missing(errors.lines().last().unwrap_or("it failed").to_owned()));
        }
        let said: Said = serde_json::from_slice(&out.stdout)
            .map_err(|_| missing("it does not answer as Python does".to_owned()))?;
        let real = |p: String| Some(Path::new(&p).canonicalize().ok()?.to_string_lossy().into_owned());
        let path: Vec<String> = said.path.into_iter().filter_map(real).collect();
        let mut folders: Vec<PathBuf> = path.iter().map(PathBuf::from).collect();
        folders.extend(said.prefixes);
        folders.extend(said.program.parent().map(Path::to_owned));
        let [major, minor, micro] = said.version;
        Ok(Interpreter {
            program: said.program,
            packages: said.packages,
            version: format!("{major}.{minor}.{micro}"),
            path,
            folders: folders.iter().map(|p| p.canonicalize().unwrap_or(p.clone())).collect(),
        })
    }
}
