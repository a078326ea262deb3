//! `plumb safety`: one file a subcommand.

mod calibrate;
mod items;
mod sample;
mod validate;
mod validated;

use crate::cli::Safety;
use crate::exit::{Exit, Problem};

/// Runs what was typed after `plumb safety`.
pub fn dispatch(args: &Safety) -> Result<Exit, Problem> {
    match args {
        Safety::Items(args) => items::items(args),
        Safety::Calibrate(args) => calibrate::run(args),
        Safety::Sample(args) => sample::run(args),
        Safety::Validate(args) => validate::run(args),
    }
}

impl From<plumb_stats::Error> for Problem {
    fn from(error: plumb_stats::Error) -> Problem {
        Problem::usage(error.to_string())
    }
}
