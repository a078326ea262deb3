//! `plumb safety`: one file a subcommand.

mod calibrate;
mod items;
mod labels;
mod sample;
mod spec;
mod validate;
mod validated;

use crate::cli::Safety;
use crate::compose::World;
use crate::exit::{Exit, Problem};

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

impl From<plumb_stats::Error> for Problem {
    fn from(error: plumb_stats::Error) -> Problem {
        Problem::usage(error.to_string())
    }
}
