//! Which processor a worker sits on.
//!
//! A sample is a conversation of three processes that wait for each other. Spread over processors, each word wakes a sleeping
//! one, which costs more than the word; on one processor it is a switch. So the processes of a worker share one, and workers
//! take different ones. A sample may undo that for itself: it is no limit.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::sync::{Mutex, PoisonError};

/// How many workers of this process sit on each processor.
static TAKEN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A place on a processor; free again when dropped.
#[derive(Debug)]
pub(super) struct Seat(usize);

impl Seat {
    /// One on the processor with fewest workers, of those that this process may use; `None` where there is only one, or
    /// that cannot be found out.
    pub(super) fn take() -> Option<Seat> {
        let allowed = sched_getaffinity(None).ok()?;
        if allowed.count() < 2 {
            return None;
        }
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken.resize(CpuSet::MAX_CPU, 0);
        let place = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).min_by_key(|cpu| taken[*cpu])?;
        taken[place] += 1;
        Some(Seat(place))
    }

    /// Puts a process there, or this thread. Where that fails it is slower, and nothing else.
    pub(super) fn seat(&self, process: Option<Pid>) {
        let mut only = CpuSet::new();
        only.set(self.0);
        let _ = sched_setaffinity(process, &only);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(self.0) {
            *count = count.saturating_sub(1);
        }
    }
}
