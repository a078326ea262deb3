//! Landlock: which files a jail may read and write, whatever it sees.

use super::view::View;
use crate::Error;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use rustix::fd::OwnedFd;
use std::path::Path;

/// A set of rules, not yet in force.
pub(super) struct Rules {
    pub fd: OwnedFd,
    /// The rights of files that it handles; what is not in it cannot be named in a rule.
    pub handled: u64,
}

/// Rules of nothing allowed: no file, no TCP, no abstract socket, no signal to outside. `places` adds what may be read and
/// the one folder that may be written; a jail with a root of its own adds these itself, once they exist.
///
/// # Errors
/// The kernel has no Landlock.
pub(super) fn rules(places: Option<(&View, &Path)>) -> Result<Rules, Error> {
    let failed =
        |why: String| Error::sandbox(format!("Landlock: {why}"), "it needs Linux 5.13 with Landlock on");
    let say = |e: landlock::RulesetError| failed(e.to_string());
    let files = AccessFs::from_all(ABI::V3);
    let mut made = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(files)
        .and_then(|r| r.handle_access(AccessNet::from_all(ABI::V4)))
        .and_then(|r| r.scope(Scope::from_all(ABI::V6)))
        .and_then(|r| r.create())
        .map_err(say)?;
    if let Some((view, scratch)) = places {
        let read = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
        let file = AccessFs::Execute | AccessFs::ReadFile;
        let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
        let links = view.links.iter().map(|(link, _)| link);
        let all = view.read.iter().chain(links).map(|p| (p.as_path(), if p.is_dir() { read } else { file }));
        let devices = view.devices.iter().map(|p| (p.as_path(), device));
        for (path, allowed) in all.chain(devices).chain([(scratch, files)]) {
            let at = PathFd::new(path).map_err(|e| failed(e.to_string()))?;
            made = made.add_rule(PathBeneath::new(at, allowed)).map_err(say)?;
        }
    }
    let fd: Option<OwnedFd> = made.into();
    let fd = fd.ok_or_else(|| failed("this kernel has none".to_owned()))?;
    Ok(Rules { fd, handled: handled() })
}

/// Bits of the rights that this kernel knows, of ABI 1 to 3; the crate makes rules of the same.
fn handled() -> u64 {
    match super::launch::landlock_abi() {
        ..=1 => 0x1fff,
        2 => 0x3fff,
        _ => 0x7fff,
    }
}
