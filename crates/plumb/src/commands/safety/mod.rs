//! `plumb safety`: one file a subcommand.

mod among;
mod calibrate;
mod items;
mod judged;
mod labels;
mod sample;
mod spec;
mod validate;
mod validated;
mod validation_page;

use crate::cli::Safety;
use crate::compose::World;
use crate::exit::{Exit, Problem};
use std::io::Write as _;
use std::path::Path;

/// Runs what was typed after `plumb safety`.
pub fn dispatch(args: &Safety, world: &World) -> Result<Exit, Problem> {
    match args {
        Safety::Items(args) => items::items(args),
        Safety::Calibrate(args) => calibrate::run(args),
        Safety::Sample(args) => sample::run(args),
        Safety::Spec(args) => spec::run(args, world),
        Safety::Validate(args) => validate::run(args),
    }
}

/// Writes a file that is not there yet; `kept` says why another is not replaced.
fn create(path: &Path, bytes: &[u8], kept: &str) -> Result<(), Problem> {
    let mut file = std::fs::File::create_new(path)
        .map_err(|e| Problem::usage(format!("{}: {e}", path.display())).help(kept.to_owned()))?;
    file.write_all(bytes).map_err(Problem::io(path))
}

impl From<plumb_stats::Error> for Problem {
    fn from(error: plumb_stats::Error) -> Problem {
        Problem::usage(error.to_string())
    }
}
