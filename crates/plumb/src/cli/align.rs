//! Arguments of `plumb align`.

use clap::{Args as ClapArgs, ValueHint};
use std::path::PathBuf;

#[derive(ClapArgs, Debug)]
pub struct Align {
    /// Metrics of outputs: a .csv, .jsonl or .json table (or .gz of one), or a run; may be given several times
    #[arg(long, value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub scores: Vec<PathBuf>,
    /// Ratings of the same outputs: tables or runs; a row is one rating by one person, or all ratings of one output
    #[arg(long, value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub ratings: Vec<PathBuf>,
    /// Columns that together name an output; without it which answer of a run a row is about, else id (in a run
    /// item,subject,repetition)
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub id: Vec<String>,
    /// The same columns of the ratings, in the same order, where they are called otherwise there
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub rating_id: Vec<String>,
    /// Column of the scores, or else of the ratings: the problem that an output answers; intervals rest on problems
    #[arg(long, value_name = "COLUMN")]
    pub problem: Option<String>,
    /// Column of the scores, or else of the ratings: the model that made an output
    #[arg(long, value_name = "COLUMN")]
    pub model: Option<String>,
    /// Column of the ratings: who rated
    #[arg(long, value_name = "COLUMN")]
    pub rater: Option<String>,
    /// Column of the scores, or else of the ratings: how many outputs one that was drawn stands for, in shares and means
    #[arg(long, value_name = "COLUMN")]
    pub weight: Option<String>,
    /// Which columns of the scores are metrics; all that hold numbers without it
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub metrics: Vec<String>,
    /// Which columns of the ratings are ratings; all that hold numbers without it
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub ratings_of: Vec<String>,
    /// The metric that says whether an output passes its tests (0 or 1)
    #[arg(long, value_name = "METRIC")]
    pub pass: Option<String>,
    /// The metric from 0 to 1 that COMBINED = min(1, PASS + it) adds
    #[arg(long, value_name = "METRIC", requires = "pass")]
    pub similarity: Option<String>,
    /// Mean rating from which an output counts as valued; the lowest level above the middle of the scale without it
    #[arg(long, value_name = "RATING", allow_negative_numbers = true)]
    pub valued: Option<f64>,
    /// Mean rating up to which an output is among the least valued; the highest level below the middle without it
    #[arg(long, value_name = "RATING", allow_negative_numbers = true)]
    pub least: Option<f64>,
    /// Take the raters as given: intervals then say nothing about other raters
    #[arg(long)]
    pub raters_fixed: bool,
    /// Folds of problems for blends
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub folds: usize,
    /// Draws of problems and raters
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub draws: u32,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Say everywhere that the ratings are not people's but, for example, simulated
    #[arg(long, value_name = "WORD")]
    pub made_by: Option<String>,
    /// Also write a page with charts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
