//! `plumb merge`: the union of journals of one plan.

use crate::cli::Merge;
use crate::compose::new_writer;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;
use plumb_study::{Journal, journal};

pub fn run(args: &Merge) -> Result<Exit, Problem> {
    let into = RunFolder::named(&args.into);
    let from: Vec<RunFolder> = args.from.iter().map(|p| RunFolder::named(p)).collect();
    if !into.journal.exists()
        && let Some(first) = from.first()
    {
        let first = first.open()?;
        into.create()?;
        Journal::create(&into.journal, &first.root_plan()?, first.was_locked()?, &new_writer()?)?;
    }
    let (mut added, mut known) = (0, 0);
    for one in &from {
        let merged = journal::merge(&into.journal, &one.journal)?;
        added += merged.added;
        known += merged.known;
    }
    if args.json {
        say(
            serde_json::json!({ "into": into.journal.display().to_string(), "added": added, "known": known }),
        );
    } else {
        say(format_args!("{}: {added} events added, {known} were there", into.journal.display()));
        say(format_args!("next: plumb report {}", into.folder.display()));
    }
    Ok(Exit::Done)
}
