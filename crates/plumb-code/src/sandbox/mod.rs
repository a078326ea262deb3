//! Runs generated code, which is hostile until shown otherwise, and says how it ended.
//!
//! Why: a verdict is worth something only if the code could neither forge it nor spoil the next one, and if running it
//! cannot harm the machine.
//!
//! Where to start: [`Sandbox::open`], then [`Sandbox::run`] with [`Job`]s. docs/sandbox.md says what each [`Level`] holds.
//!
//! Not here: what a problem is, cleaning of answers, pass@k.

mod batch;
mod build;
mod command;
mod entry;
mod filter;
mod frame;
mod group;
mod jail;
mod job;
mod launch;
mod limits;
mod probe;
mod reap;
mod rules;
mod said;
mod seat;
mod tree;
mod verdict;
mod view;
mod worker;

pub use job::{Body, Build, Calls, Commands, Job, Judging, Need, Program, Stdio, Tests, Work};
pub use limits::{CpuLimit, Limits};
pub use verdict::{Outcome, Partial, Verdict};

use crate::Error;
use jail::Jail;
use probe::Interpreter;
use seat::Seat;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Mutex;
use worker::Worker;

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
pub struct Sandbox {
    jail: Jail,
    workers: Vec<Mutex<Option<Worker>>>,
    seats: Vec<Option<Seat>>,
    rerun: bool,
    here: bool,
    described: String,
}

impl Sandbox {
    /// Finds out what the machine gives, takes the level wanted, and runs a sample to see that it works.
    ///
    /// # Errors
    /// The level cannot be had (and why), or the interpreter cannot be used.
    pub fn open(options: &Options) -> Result<Sandbox, Error> {
        let interpreter = Interpreter::ask(&options.interpreter)?;
        let at = |level| Sandbox::at(level, &interpreter, options);
        match options.isolation {
            Isolation::Full => at(Level::Full),
            Isolation::Filtered => at(Level::Filtered),
            Isolation::None => at(Level::None),
            Isolation::Strongest => at(Level::Full).or_else(|full| {
                at(Level::Filtered).map_err(|filtered| {
                    Error::sandbox(
                        format!("neither full isolation ({}) nor filtered ({})", full.reason(), filtered.reason()),
                        "run on another machine or in a virtual one; isolation = \"none\" runs generated code unprotected",
                    )
                })
            }),
        }
    }

    fn at(level: Level, interpreter: &Interpreter, options: &Options) -> Result<Sandbox, Error> {
        let jail = Jail::new(level, interpreter.clone(), options.limits.clone())?;
        let described = jail.described(&group::Groups::make(&options.limits));
        let count = options.workers.max(1);
        let workers = (0..count).map(|_| Mutex::new(None)).collect();
        let seats = (0..count).map(|_| Seat::take()).collect();
        let sandbox = Sandbox { jail, workers, seats, rerun: options.rerun, here: false, described };
        sandbox.try_out()?;
        Ok(sandbox)
    }

    /// For a caller that has a job now and then, always on the same thread: jobs run there, one at a time, and the worker stays for
    /// the next ones, since starting one costs as much as dozens of samples. It ends with the thread.
    #[must_use]
    pub fn on_callers_thread(self) -> Sandbox {
        Sandbox { here: true, ..self }
    }

    /// The level that was taken.
    pub fn level(&self) -> Level {
        self.jail.level
    }

    /// What the level consists of on this machine, in words.
    pub fn described(&self) -> &str {
        &self.described
    }

    /// What each sample may use.
    pub fn limits(&self) -> &Limits {
        &self.jail.limits
    }

    /// The interpreter's version, as `3.11.7`.
    pub fn python(&self) -> &str {
        &self.jail.interpreter.version
    }

    /// The interpreter's packages, as `name==version`: those of a virtual environment where it belongs to one.
    pub fn packages(&self) -> &[String] {
        &self.jail.interpreter.packages
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("described", &self.described).finish_non_exhaustive()
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
