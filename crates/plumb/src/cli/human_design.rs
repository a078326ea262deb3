//! `plumb human check|fit|simulate|power`: what can be typed.

use clap::{Args as ClapArgs, ValueEnum, ValueHint};
use std::path::PathBuf;

#[derive(ClapArgs, Debug)]
pub struct HumanCheck {
    /// The study
    #[arg(value_hint = ValueHint::FilePath)]
    pub study: PathBuf,
    /// Hold it against the rules of a recruiting platform, too
    #[arg(long, value_name = "NAME")]
    pub platform: Option<Recruiting>,
    #[command(flatten)]
    pub out: Written,
}

/// A platform where people are recruited.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recruiting {
    Prolific,
}

/// How a document is given out.
#[derive(ClapArgs, Debug)]
pub struct Written {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also write a page
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub struct HumanSimulate {
    /// The study
    #[arg(value_hint = ValueHint::FilePath)]
    pub study: PathBuf,
    /// How many people arrive; as many as the study is for where it is left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub people: Option<u32>,
    /// What everything is drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write the answers as CSV, for `plumb human analyze STUDY --data FILE`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Simulate N studies, and hold the intervals and decisions of every hypothesis against the truth
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..), conflicts_with = "out")]
    pub studies: Option<u32>,
    /// With --studies: people of the simulation that gives the true values
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(100..))]
    pub truth: u32,
    /// Let conditions make no difference: whatever is then decided is an error
    #[arg(long)]
    pub null: bool,
    /// Let them take part at the server of the study's pilot (`plumb human serve STUDY --pilot N`): http://ADDRESS
    #[arg(long, value_name = "URL", requires = "token", conflicts_with_all = ["studies", "out"])]
    pub http: Option<String>,
    /// With --http: the token of the server's admin page
    #[arg(long, value_name = "TOKEN", requires = "http")]
    pub token: Option<String>,
    /// With --http: how many take part at once
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub at_once: u32,
    #[command(flatten)]
    pub written: Written,
}

#[derive(ClapArgs, Debug)]
pub struct HumanPower {
    /// The study, with [power]
    #[arg(value_hint = ValueHint::FilePath)]
    pub study: PathBuf,
    /// Studies at each number of people; the file's number where it is left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..))]
    pub simulations: Option<u32>,
    /// What everything is drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub written: Written,
}

#[derive(ClapArgs, Debug)]
pub struct HumanFit {
    /// A CSV file with one row a stimulus
    #[arg(value_hint = ValueHint::FilePath)]
    pub data: PathBuf,
    /// The column to predict
    #[arg(long, value_name = "COLUMN")]
    pub target: String,
    /// Columns of the model, with commas between them
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', required = true)]
    pub features: Vec<String>,
    /// Further columns of a second model, which predicts the same after rounding
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub more: Vec<String>,
    /// Significant digits of the coefficients
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..7))]
    pub digits: u32,
    /// Predictions are rounded to multiples of this
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub step: i64,
    /// Written before amounts on screens: $
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,
    /// Write the stimuli on which all models agree, and the tables of a study file, into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub written: Written,
}
