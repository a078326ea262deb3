//! What is to be run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One sample to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The caller's name for it; comes back in [`super::Outcome::id`].
    pub id: u64,
    /// What to do.
    pub work: Work,
    /// Processor time that the reference solution of this problem took on this machine ([`super::Outcome::cpu`] of its
    /// run), for the limit on processor time.
    pub reference_cpu: Option<Duration>,
}

/// What a job does.
#[derive(Clone, Debug)]
pub enum Work {
    /// Python: tests call functions of the sample.
    Calls(Calls),
    /// Python: a program reads standard input and writes standard output.
    Stdio(Stdio),
    /// Any program, with files. Needs [`super::Level::Full`].
    Program(Program),
}

/// A sample whose functions are called.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The problem's tests; jobs of one problem share them, and they are compiled once.
    pub tests: Arc<Tests>,
    /// The whole program text of the sample: for a completion, prompt and completion.
    pub source: String,
}

/// How a problem is tested. Make one and share it between the jobs of the problem: sharing is what compiling once goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tests {
    /// Python that comes before the tests and never from the sample: helpers of the prompt, imports. A prompt that ends in
    /// the head of a function is completed with `pass`.
    pub setup: String,
    /// The tests.
    pub body: Body,
    /// The function that `check` is given; single assertions call functions by name, and need none.
    pub entry_point: Option<String>,
    /// Where the tests run.
    pub judging: Judging,
}

/// The tests of a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Python that defines `check(candidate)`.
    Check(String),
    /// Single statements, usually assertions. Names that neither they nor the setup define are the sample's functions.
    Asserts(Vec<String>),
}

/// Where tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Judging {
    /// In a process of their own that the sample cannot reach; calls cross between them as plain values.
    #[default]
    Tester,
    /// In the sample's process: for tests that need objects of the sample's own classes. A sample can forge its verdict;
    /// outcomes are marked weak.
    InSample,
}

/// A program judged by what it writes.
#[derive(Clone, Debug)]
pub struct Stdio {
    /// The Python program; runs as `__main__`.
    pub source: String,
    /// What it reads.
    pub stdin: Vec<u8>,
}

/// A command with files, in a folder of its own.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments; the program by absolute path. It starts in the folder that holds `files`.
    pub argv: Vec<String>,
    /// Files that are there at the start: path in the folder, content.
    pub files: Vec<(PathBuf, Arc<[u8]>)>,
    /// Environment; nothing else is in it.
    pub env: Vec<(String, String)>,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// Files to hand back when it has ended ([`super::Sandbox::program`]): what a compiler made.
    pub keep: Vec<PathBuf>,
    /// Whether memory is limited by address space, which runtimes like Node and Java cannot live with. Otherwise by
    /// control group, or by watching.
    pub address_space: bool,
}
