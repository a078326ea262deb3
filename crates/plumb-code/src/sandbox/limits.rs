//! What a sample may use, and the rule for its processor time.
//!
//! Every limit is explicit, so that it can be written into a plan as it is. Not here: how limits are kept.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What one sample may use. All are per sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Processor time, by [`CpuLimit::of`].
    pub cpu: CpuLimit,
    /// Wall time in seconds: generous, since it depends on what else the machine does.
    pub wall_s: f64,
    /// Bytes of memory: address space of each process, and of all together where a control group can be made.
    pub memory: u64,
    /// Processes at once. With 1 a sample starts no process at all; more need [`super::Level::Full`].
    pub processes: u32,
    /// Threads and processes together, at once.
    pub tasks: u32,
    /// Open files at once.
    pub open_files: u32,
    /// Bytes of one file, and of all files in the scratch folder together.
    pub file_size: u64,
    /// Bytes written to standard output and standard error together.
    pub output: u64,
    /// Bytes of one answer to the tests (arguments or result of a call).
    pub value: u64,
}

/// The rule for processor time: `max(floor_s, factor × reference)`, where the reference is the time that the reference
/// solution took on this machine, if it is known. Time is summed over the sample's threads and processes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpuLimit {
    /// Seconds that every sample has.
    pub floor_s: f64,
    /// How many times the reference's time a sample has.
    pub factor: f64,
}

impl CpuLimit {
    /// The limit of a sample whose reference took `reference` here.
    pub fn of(&self, reference: Option<Duration>) -> Duration {
        let scaled = reference.map_or(0.0, |r| r.as_secs_f64() * self.factor);
        seconds(self.floor_s.max(scaled))
    }
}

impl Limits {
    /// The wall limit; never below twice the processor time `cpu`, so that a busy machine does not decide.
    pub fn wall(&self, cpu: Duration) -> Duration {
        seconds(self.wall_s).max(cpu * 2)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: CpuLimit { floor_s: 2.0, factor: 10.0 },
            wall_s: 20.0,
            memory: 1 << 30,
            processes: 1,
            tasks: 64,
            open_files: 64,
            file_size: 16 << 20,
            output: 1 << 20,
            value: 16 << 20,
        }
    }
}

/// Seconds as a duration; what is no time (negative, not a number) is none, what is endless is a year.
fn seconds(s: f64) -> Duration {
    const YEAR: f64 = 365.0 * 86_400.0;
    if s > 0.0 { Duration::from_secs_f64(s.min(YEAR)) } else { Duration::ZERO }
}
