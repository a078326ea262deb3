//! How much memory is free, and how large the pages are that a run's memory comes in.
//!
//! A run at an endpoint holds some small buffers for each of thousands of exchanges, freed in another order than they came. The
//! allocator asks for huge pages (2 MiB), of which each then stays whole for a few buffers: with 1,000 exchanges at once that is a
//! quarter of all memory. A local model's weights and caches are large and gain from them, so a run with one keeps them.

use plumb_local::LOCAL;
use plumb_study::plan::{PartySpec, Plan};

/// Bytes that are free, as far as the system says.
pub fn free() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}

/// Huge pages again if the plan has a local model, which is not loaded yet.
pub fn fit(plan: &Plan) {
    let judges = plan.judges.iter().filter_map(|judge| judge.model.as_ref());
    let attackers = plan.sources.iter().filter_map(|s| s.strategy.as_ref()?.attacker()).map(|a| &a.party);
    let mut parties = plan.subjects.iter().map(|s| &s.party).chain(judges).chain(attackers);
    if parties.any(is_local) {
        set(true);
    }
}

fn is_local(party: &PartySpec) -> bool {
    &*party.kind == LOCAL
}

/// Gives up huge pages: before a plan is read, since pages that are huge once stay so.
pub fn small_pages() {
    set(false);
}

#[cfg(target_os = "linux")]
fn set(huge: bool) {
    // An old kernel does not know this; memory is then as it was.
    let _ = rustix::thread::disable_transparent_huge_pages(!huge);
}

#[cfg(not(target_os = "linux"))]
fn set(_huge: bool) {}
