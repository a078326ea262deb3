//! The lock: `NAME.lock` beside a plan, evidence that the plan came before the data.
//!
//! It holds the plan's hash and its header. The hash is the stronger evidence for being written in a
//! public form; a local file's time alone proves nothing, and no report says otherwise.

use crate::error::{Error, Kind, Result};
use crate::format;
use crate::id::Digest;
use crate::plan::Plan;
use std::path::{Path, PathBuf};

/// Where the lock of a plan file is.
pub fn path(plan_file: &Path) -> PathBuf {
    plan_file.with_extension("lock")
}

/// Writes the lock of a plan. An existing lock of another plan is an error. `at` is the time as this machine's clock has it,
/// in words; the lock that is there already keeps its own.
pub fn write(plan_file: &Path, plan: &Plan, at: &str) -> Result<PathBuf> {
    let path = path(plan_file);
    if check(plan_file, plan)? {
        return Ok(path);
    }
    let canonical = format::canonical(plan).header.text;
    let header: serde_json::Value = serde_json::from_str(&canonical)
        .map_err(|e| Error::plan(format!("the plan cannot be stored: {e}")))?;
    let text = serde_json::json!({
        "what": "A plan frozen before its data. To register it, publish the hash where others can see when.",
        "name": &*plan.name,
        "hash": plan.digest.hex(),
        "sha256": sha256(&canonical),
        "frozen_at": at,
        "trials": plan.trials().count(),
        "plan": header,
    });
    let text = serde_json::to_string_pretty(&text).unwrap_or_default() + "\n";
    let temp = path.with_extension("lock.tmp");
    std::fs::write(&temp, text).map_err(|e| Error::io(&temp, e))?;
    std::fs::rename(&temp, &path).map_err(|e| Error::io(&path, e))?;
    Ok(path)
}

/// SHA-256 of a plan's canonical header, which anybody's tools can compute again: `hash` is BLAKE3 of the same bytes.
pub fn sha256(canonical: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(canonical.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header of the plan that a lock holds, if there is a lock.
pub fn frozen(plan_file: &Path) -> Result<Option<serde_json::Value>> {
    Ok(read(&path(plan_file))?.map(|mut lock| lock["plan"].take()))
}

fn read(path: &Path) -> Result<Option<serde_json::Value>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(path, e)),
    };
    let lock = serde_json::from_str(&text)
        .map_err(|e| Error::plan(format!("{}:{}: {e}", path.display(), e.line())))?;
    Ok(Some(lock))
}

/// Whether a lock with this plan's hash exists. A lock with another hash is an error.
pub fn check(plan_file: &Path, plan: &Plan) -> Result<bool> {
    let path = path(plan_file);
    let Some(lock) = read(&path)? else { return Ok(false) };
    let hash = lock["hash"]
        .as_str()
        .and_then(Digest::from_hex)
        .ok_or_else(|| Error::plan(format!("{}: holds no hash", path.display())))?;
    if hash == plan.digest {
        return Ok(true);
    }
    let mut message = format!(
        "{} was frozen with the hash {}, but the plan now has {}",
        path.display(),
        hash.short(),
        plan.digest.short()
    );
    let (old, new) = (lock["plan"].clone(), format::canonical(plan).header.text.to_string());
    if let Ok(new) = serde_json::from_str(&new) {
        for change in crate::diff::values("", &old, &new) {
            message.push_str(&format!("\n  {change}"));
        }
    }
    Err(Error::new(Kind::Changed, message).help(format!(
        "restore the plan, give the changed plan a new name, or delete {} if it was not meant to be fixed yet",
        path.display()
    )))
}
