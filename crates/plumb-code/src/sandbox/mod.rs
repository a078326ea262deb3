//! Runs generated code, which is hostile until shown otherwise, and says how it ended.
//!
//! Why: a verdict is worth something only if the code could neither forge it nor spoil the next one, and if running it
//! cannot harm the machine.
//!
//! Where to start: [`Sandbox::open`], then [`Sandbox::run`] with [`Job`]s. docs/sandbox.md says what each [`Level`] holds.
//!
//! Not here: what a problem is, cleaning of answers, pass@k.

mod job;
mod limits;
mod verdict;

pub use job::{Body, Calls, Job, Judging, Program, Stdio, Tests, Work};
pub use limits::{CpuLimit, Limits};
pub use verdict::{Outcome, Partial, Verdict};

use crate::Error;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How well a sample is shut in. Ordered: more is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// C: not at all; only limits.
    None,
    /// B: system-call filter, Landlock, limits; no process can be started.
    Filtered,
    /// A: namespaces (user, process, mount, network, IPC, host name) beside all of B; control groups where they can be made.
    Full,
}

/// What level is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// The strongest that this machine gives, [`Level::Filtered`] at least.
    #[default]
    Strongest,
    /// [`Level::Full`] or an error.
    Full,
    /// [`Level::Filtered`], even where more is possible.
    Filtered,
    /// [`Level::None`]: generated code runs as any program of this user. Only ever by the user's word.
    None,
}

/// How a sandbox is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The level wanted.
    pub isolation: Isolation,
    /// The Python interpreter; one of a virtual environment gives its packages.
    pub interpreter: PathBuf,
    /// What each sample may use.
    pub limits: Limits,
    /// Samples at once; 0 counts as 1.
    pub workers: usize,
    /// Whether samples that end in a limit, or above half of their processor time, are run again alone.
    pub rerun: bool,
}

/// A place to run samples in. Dropping it ends all that it started.
#[derive(Debug)]
pub struct Sandbox {
    level: Level,
}

impl Sandbox {
    /// Finds out what the machine gives, and takes the level wanted.
    ///
    /// # Errors
    /// The level cannot be had (and why), or the interpreter cannot be started.
    pub fn open(_options: &Options) -> Result<Sandbox, Error> {
        Err(Error::sandbox("this version cannot open a sandbox yet", "use a later one"))
    }

    /// The level that was taken.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What the level consists of on this machine, in words.
    pub fn described(&self) -> &str {
        ""
    }

    /// Runs all jobs on the workers and hands out each outcome as it comes, in no certain order, on the calling thread. Jobs are
    /// taken from the iterator only as workers become free, so any number of them needs little memory. Samples to be run
    /// again come last, one at a time.
    pub fn run(&self, jobs: impl IntoIterator<Item = Job>, mut each: impl FnMut(Outcome)) {
        for job in jobs {
            each(self.run_one(job));
        }
    }

    /// Runs one job.
    pub fn run_one(&self, job: Job) -> Outcome {
        Outcome {
            id: job.id,
            verdict: Verdict::Infrastructure("there is no sandbox".to_owned()),
            detail: String::new(),
            cpu: Default::default(),
            wall: Default::default(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            partial: Partial::Missing("nothing ran".to_owned()),
            level: self.level,
            weak: false,
            rerun: false,
        }
    }

    /// Runs one command in the jail, and hands back the files that it was to keep, where it made them.
    ///
    /// # Errors
    /// The level is not [`Level::Full`].
    pub fn program(&self, id: u64, _program: &Program) -> Result<Ended, Error> {
        Err(Error::sandbox(format!("job {id}: programs need full isolation"), "see plumb doctor"))
    }
}

/// How a command ended, with what it left.
#[derive(Clone, Debug)]
pub struct Ended {
    /// As of any job; code 0 is [`Verdict::Ran`].
    pub outcome: Outcome,
    /// Those of [`Program::keep`] that it made.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}
