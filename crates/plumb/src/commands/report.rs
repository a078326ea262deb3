//! `plumb report`: the reports again, from the journal alone.

use crate::cli::Report;
use crate::compose::World;
use crate::exit::{Exit, Problem, say};
use crate::runs::{RunFolder, limit};
use crate::show;
use plumb_study::results;

pub fn run(args: &Report, world: &World) -> Result<Exit, Problem> {
    let at = RunFolder::named(&args.run.run);
    let results = results(&at.open()?, &world.registry, limit(args.transcripts))?;
    let stored = at.write_reports(&results);
    if args.run.json {
        say(plumb_report::json(&results)?.trim_end());
    } else {
        say(plumb_report::terminal(&results, show::style()).trim_end());
        if stored.is_ok() {
            say(format_args!("\nreport: {}", at.html().display()));
        }
    }
    stored.map(|()| Exit::Done)
}
