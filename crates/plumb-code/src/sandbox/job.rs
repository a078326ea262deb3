//! What is to be run.

use super::build::Once;
use super::{Limits, Outcome};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
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
    /// A program that is built first. Needs [`super::Level::Full`].
    Commands(Commands),
    /// Nothing, for this reason: its outcome is [`super::Verdict::Infrastructure`].
    Impossible(String),
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
    /// Texts that it writes to standard error when it has no memory left: runtimes end themselves then.
    pub out_of_memory: Vec<String>,
    /// Limits of its own in place of the sandbox's: a compiler may use more than what it makes.
    pub limits: Option<Limits>,
}

/// A program that is built before it is run: what is built is there when it starts.
#[derive(Clone, Debug)]
pub struct Commands {
    /// What must be there before a sample can be blamed.
    pub needs: Vec<Arc<Need>>,
    /// Shared by the jobs of one program, and done once.
    pub build: Option<Arc<Build>>,
    /// The program; its outcome is the job's.
    pub run: Program,
}

/// Something that must be there, found out once.
#[derive(Debug)]
pub struct Need {
    pub(super) commands: Commands,
    pub(super) missing: String,
    pub(super) found: OnceLock<Result<(), String>>,
}

impl Need {
    /// It is there if these commands end well; `missing` says in words that it is not.
    pub fn new(commands: Commands, missing: String) -> Need {
        Need { commands, missing, found: OnceLock::new() }
    }
}

/// A build, done once by whoever needs it first.
#[derive(Debug)]
pub struct Build {
    pub(super) program: Program,
    /// What has to be built before it, whose files it needs.
    pub(super) after: Option<Arc<Build>>,
    pub(super) built: Once<Built>,
}

/// The files that a build made, or how it failed.
pub(super) type Built = Result<Vec<(PathBuf, Arc<[u8]>)>, Box<Outcome>>;

impl Build {
    /// A command whose kept files are what the program needs.
    pub fn new(program: Program) -> Build {
        Build { program, after: None, built: Once::default() }
    }

    /// One that needs the files of another build, such as headers that were read before.
    pub fn after(program: Program, first: Arc<Build>) -> Build {
        Build { after: Some(first), ..Build::new(program) }
    }
}
