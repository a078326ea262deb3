//! `plumb code`: one file a subcommand.

mod exec;
mod file;
mod metrics;
mod samples;
mod score;
mod summary;

use crate::cli::Code;
use crate::exit::{Exit, Problem};
use std::path::Path;

/// The intervals' random numbers; fixed, so that the same file gives the same output.
const SEED: u64 = 1;

pub fn dispatch(args: &Code) -> Result<Exit, Problem> {
    match args {
        Code::Exec(args) => exec::run(args),
        Code::Score(args) => score::run(args),
        Code::Metrics(args) => metrics::run(args),
    }
}

/// A mistake in a file or on the command line.
fn wrong(error: plumb_code::Error) -> Problem {
    Problem::usage(error.to_string())
}

fn bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|e| Problem::usage(format!("{}: {e}", path.display())))
}
