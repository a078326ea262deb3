//! What became of a sample.

use super::Level;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a sample ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", content = "of")]
pub enum Verdict {
    /// All tests held.
    Passed,
    /// A program ended by itself with code 0 (standard input and output, or a command): the caller compares what it wrote.
    Ran,
    /// A test did not hold.
    WrongAnswer,
    /// The sample raised something, when it was loaded or called, or a test could not be computed from its answer.
    Exception,
    /// The sample does not compile.
    SyntaxError,
    /// More processor time than it had.
    CpuLimit,
    /// More wall time than it had.
    WallLimit,
    /// More memory than it had.
    MemoryLimit,
    /// Wrote more than it may, to standard output and error or into files.
    OutputLimit,
    /// Ended by this signal.
    Signal(i32),
    /// Ended (`sys.exit`, `os._exit`) before the tests did; or a program ended with a code other than 0.
    ExitedEarly(i32),
    /// Did what the sandbox forbids, and ended for it.
    Forbidden,
    /// Answered with something that cannot cross to the tests: not of the built-in types that do, too large, too deep.
    OutsideGrammar,
    /// Two runs disagree, the second one alone: neither a pass nor a fail.
    Unstable,
    /// Nothing was found out about the sample, and why: an interpreter that is missing, a test that does not compile. Never
    /// a fail.
    Infrastructure(String),
}

impl Verdict {
    /// A short name, as in reports: `wrong-answer`.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Ran => "ran",
            Verdict::WrongAnswer => "wrong-answer",
            Verdict::Exception => "exception",
            Verdict::SyntaxError => "syntax-error",
            Verdict::CpuLimit => "cpu-limit",
            Verdict::WallLimit => "wall-limit",
            Verdict::MemoryLimit => "memory-limit",
            Verdict::OutputLimit => "output-limit",
            Verdict::Signal(_) => "signal",
            Verdict::ExitedEarly(_) => "exited-early",
            Verdict::Forbidden => "forbidden",
            Verdict::OutsideGrammar => "outside-grammar",
            Verdict::Unstable => "unstable",
            Verdict::Infrastructure(_) => "infrastructure",
        }
    }

    /// Whether something is known: false of `unstable` and `infrastructure`, which are neither passes nor fails, and of
    /// `ran`, which the caller decides.
    pub fn decides(&self) -> bool {
        !matches!(self, Verdict::Unstable | Verdict::Infrastructure(_) | Verdict::Ran)
    }

    /// Whether a limit ended it, whose verdict could depend on what else the machine did.
    pub fn is_limit(&self) -> bool {
        matches!(self, Verdict::CpuLimit | Verdict::WallLimit | Verdict::MemoryLimit | Verdict::OutputLimit)
    }
}

/// Tests passed, where they can be counted one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partial {
    /// So many of so many held.
    Counted {
        /// Held.
        passed: u32,
        /// There were.
        total: u32,
    },
    /// They cannot be counted, and why.
    Missing(String),
}

/// All that is known of one sample's run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The job's id.
    pub id: u64,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// In words: the exception's type and message, the test that did not hold. May quote the sample; empty where there is
    /// nothing to say.
    pub detail: String,
    /// Processor time of the sample, loading included.
    pub cpu: Duration,
    /// Wall time from the start of the sample to its end.
    pub wall: Duration,
    /// What it wrote: of a [`super::Work::Calls`] the last two kilobytes, else all within the limit.
    pub stdout: Vec<u8>,
    /// As `stdout`.
    pub stderr: Vec<u8>,
    /// Tests that held.
    pub partial: Partial,
    /// The isolation that it ran under.
    pub level: Level,
    /// The sample's own process judged it ([`super::Judging::InSample`]): it could have forged the verdict.
    pub weak: bool,
    /// It was run a second time, alone.
    pub rerun: bool,
    /// The first run, where what one of two wrote has still to be compared; see [`Outcome::decided`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Box<Outcome>>,
}

impl Outcome {
    /// What `decide` makes of it; where there were two runs, of both.
    pub(crate) fn decided(mut self, decide: impl Fn(Outcome) -> Outcome) -> Outcome {
        match self.first.take() {
            Some(first) => Outcome::of_two(&decide(*first), decide(self)),
            None => decide(self),
        }
    }

    /// Of two runs that are both decided, the second one alone. Two ways of failing are a fail: else a wrong sample that draws lots
    /// would be left out of every count.
    pub(crate) fn of_two(first: &Outcome, second: Outcome) -> Outcome {
        let fails = |outcome: &Outcome| outcome.verdict.decides() && outcome.verdict != Verdict::Passed;
        if second.verdict == first.verdict || fails(first) && fails(&second) {
            return Outcome { rerun: true, ..second };
        }
        let detail = format!("{} at first, {} when alone", first.verdict.name(), second.verdict.name());
        Outcome { verdict: Verdict::Unstable, detail, rerun: true, ..second }
    }
}
