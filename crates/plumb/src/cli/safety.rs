//! Arguments of `plumb safety`.

use clap::{Args as ClapArgs, Subcommand, ValueHint};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum Safety {
    /// Make items of fragments and templates: count them, write them, check their style
    Items(SafetyItems),
    /// Hold an annotator's verdicts against labels
    Validate(Box<SafetyValidate>),
    /// Make a file of standards from runs of reference systems
    Calibrate(SafetyCalibrate),
    /// Draw answers for people to label, as a study or a sheet
    Sample(SafetySample),
    /// Write what a benchmark states of itself, or hold a run against it
    Spec(SafetySpec),
}

#[derive(ClapArgs, Debug)]
pub struct SafetySpec {
    /// A plan, or a run's folder or journal
    #[arg(value_name = "PLAN or RUN", value_hint = ValueHint::AnyPath)]
    pub of: PathBuf,
    /// Write the statement into this file (JSON); a file that is there is never replaced
    #[arg(long, value_name = "FILE", conflicts_with = "check", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Hold the plan or run against this statement
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub check: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub struct SafetySample {
    /// The run's folder (runs/NAME) or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// The annotator's measure, such as guard.unsafe
    #[arg(long, value_name = "MEASURE")]
    pub of: String,
    /// Its label that flags an answer
    #[arg(long, value_name = "LABEL", default_value = "yes")]
    pub flagged: String,
    /// The tag that says the hazard
    #[arg(long, value_name = "TAG", default_value = "hazard")]
    pub by: String,
    /// Most flagged answers of each hazard and subject; as many unflagged ones are drawn
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub most: usize,
    /// How many people label each answer
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub raters: u8,
    /// Seed of the draw; the plan's without it
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    /// Write a study that people take part in (NAME.toml, and its stimuli as NAME.csv beside it)
    #[arg(long, value_name = "NAME.toml", value_hint = ValueHint::FilePath)]
    pub study: Option<PathBuf>,
    /// How many answers each person of the study labels at most
    #[arg(long, value_name = "N", default_value_t = 20, requires = "study", value_parser = clap::value_parser!(u16).range(1..))]
    pub each: u16,
    /// Write a sheet with a column for each rater (CSV)
    #[arg(long, value_name = "FILE", required_unless_present = "study", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub struct SafetyItems {
    /// How fragments become items: v0.5, or the path of a .toml file
    #[arg(long, value_name = "DESIGN", default_value = "v0.5", value_hint = ValueHint::FilePath)]
    pub design: String,
    /// Which hazards and personas there are: mlcommons-v0.5, ailuminate-v1, or the path of a .toml file
    #[arg(long, value_name = "TAXONOMY", default_value = "mlcommons-v0.5", value_hint = ValueHint::FilePath)]
    pub taxonomy: String,
    /// The fragments: mild, or the path of a .toml or .csv file; may be given several times
    #[arg(long, value_name = "FRAGMENTS", default_value = "mild", value_hint = ValueHint::FilePath)]
    pub fragments: Vec<String>,
    /// Count what the design makes of as many fragments as its published set had
    #[arg(long, conflicts_with_all = ["fragments", "check", "out"])]
    pub counts: bool,
    /// Say which rules of style the fragments of this file break; may be given several times
    #[arg(long, value_name = "FILE", conflicts_with_all = ["fragments", "out"], value_hint = ValueHint::FilePath)]
    pub check: Vec<String>,
    /// Write the items as a CSV file, which the reader "csv" reads
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct SafetyValidate {
    /// Verdicts: a .csv, .jsonl or .json table, or a run; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present = "counts", value_hint = ValueHint::AnyPath)]
    pub judgments: Vec<PathBuf>,
    /// Labels: tables, runs, runs of studies with people, or the same ones as the judgments
    #[arg(long, value_name = "FILE", required_unless_present = "counts", value_hint = ValueHint::AnyPath)]
    pub labels: Vec<PathBuf>,
    /// Four counts in place of tables: flagged and truly so, flagged and not, unflagged but truly so, unflagged and not
    #[arg(long, value_name = "N,N,N,N", value_delimiter = ',', conflicts_with_all = ["judgments", "labels"])]
    pub counts: Vec<u64>,
    /// Column of the verdict; in a run a measure, such as guard.unsafe
    #[arg(long, value_name = "COLUMN")]
    pub verdict: Option<String>,
    /// Column of the label; several, separated by commas, are raters whose majority counts; of a study a measure
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub label: Vec<String>,
    /// Column of who gave a label, where labels have a row for each rater
    #[arg(long, value_name = "COLUMN")]
    pub rater: Option<String>,
    /// Column of a score, for a ROC curve; higher is more of a yes
    #[arg(long, value_name = "COLUMN")]
    pub score: Option<String>,
    /// Columns that together name an answer in both tables
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub id: Vec<String>,
    /// Column of what belongs together, such as the prompt; intervals rest on these
    #[arg(long, value_name = "COLUMN")]
    pub cluster: Option<String>,
    /// Columns to tell groups apart, such as hazard,subject
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub by: Vec<String>,
    /// Values that mean yes
    #[arg(long, value_name = "VALUES", value_delimiter = ',')]
    pub yes: Vec<String>,
    /// Values that mean no; everything else is no verdict, or no label
    #[arg(long, value_name = "VALUES", value_delimiter = ',')]
    pub no: Vec<String>,
    /// Only in rows like this a label can be a yes, such as type=contrast_*; in others it is a no
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub yes_only: Option<String>,
    /// Who made the labels
    #[arg(long, value_enum)]
    pub labels_by: Option<LabelsBy>,
    /// The answers were drawn by verdict: so many flagged, so many unflagged, of each level of the columns
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', num_args = 0.., require_equals = true)]
    pub by_verdict: Option<Vec<String>>,
    /// Share of all answers that is flagged: what is truly so among all of them
    #[arg(long, value_name = "SHARE")]
    pub flagged: Option<f64>,
    /// Of how many answers that share is; without it, it is taken as exact
    #[arg(long, value_name = "N", requires = "flagged")]
    pub answers: Option<u64>,
    /// Also write it as a page, with the ROC curve and groups as pictures
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Write what corrects rates and says who may vote, as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Who made labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LabelsBy {
    /// People
    People,
    /// Another model
    Model,
}

#[derive(ClapArgs, Debug)]
pub struct SafetyCalibrate {
    /// Runs whose plans have a grading analysis
    #[arg(required = true, value_name = "RUN", value_hint = ValueHint::AnyPath)]
    pub runs: Vec<PathBuf>,
    /// The grading analysis; needed where a plan has several
    #[arg(long, value_name = "ID")]
    pub analysis: Option<String>,
    /// Systems that are references; all of the runs if it is not said
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub reference: Vec<String>,
    /// The file to write; a file that is there is never replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
}
