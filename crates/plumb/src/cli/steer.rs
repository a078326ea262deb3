//! What can be typed after `plumb steer`, and to make a direction.

use clap::{Args, ValueHint};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Steer {
    /// The plan, with a table [steer]
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
    /// Ask nothing: report what is in the run
    #[arg(long, conflicts_with_all = ["fresh", "sample"])]
    pub report: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Direction {
    /// The model: its name, or the path of a GGUF file or of a Hugging Face folder
    pub name: String,
    /// Prompts that the direction points to (.csv, .jsonl, .json)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub toward: PathBuf,
    /// Prompts that it points away from
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub away: PathBuf,
    /// The column that holds the prompts
    #[arg(long, value_name = "COLUMN", default_value = "prompt")]
    pub column: String,
    /// Use the first N prompts of each file
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub take: usize,
    /// The block at whose output it is taken, from 1
    #[arg(long, value_name = "L")]
    pub layer: usize,
    /// The control vector to write (GGUF)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
