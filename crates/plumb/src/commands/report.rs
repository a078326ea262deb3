//! `plumb report`: the reports again, from the journal alone, and the benchmark report of a plan that grades.

use crate::cli::Report;
use crate::compose::World;
use crate::exit::{Exit, Problem, say};
use crate::runs::{RunFolder, limit};
use crate::show;
use plumb_safety::grade::{Named, page};
use plumb_study::{Journal, Ledger, results_of};
use std::sync::Arc;

pub fn run(args: &Report, world: &World) -> Result<Exit, Problem> {
    let at = RunFolder::named(&args.run.run);
    let journal = at.open()?;
    if journal.has_people()? {
        return Err(Problem::usage(format!("{} is a study with people", at.folder.display()))
            .help(format!("plumb human analyze STUDY.toml {}", at.folder.display())));
    }
    if let Some(seed) = args.anonymize {
        return anonymous(args, &at, &journal, seed);
    }
    let plan = Arc::new(journal.plan()?);
    let ledger = Ledger::fold(&plan, &journal)?;
    let results = results_of(&plan, &ledger, &journal, &world.registry, limit(args.transcripts))?;
    let benchmark = page(&plan, &ledger, &journal, Named::Yes)?;
    let stored = at.write_reports(&results);
    if args.run.json {
        say(plumb_report::json(&results)?.trim_end());
    } else {
        say(plumb_report::terminal(&results, show::style()).trim_end());
        if stored.is_ok() {
            say(format_args!("\nreport: {}", at.html().display()));
        }
    }
    if let Some(document) = benchmark {
        let path = at.folder.join("benchmark.html");
        std::fs::write(&path, plumb_report::document_html(&document)?).map_err(Problem::io(&path))?;
        if !args.run.json {
            say(format_args!("benchmark: {}", path.display()));
        }
    }
    stored.map(|()| Exit::Done)
}

/// The benchmark report alone: a run's own report names its subjects.
fn anonymous(args: &Report, at: &RunFolder, journal: &Journal, seed: u64) -> Result<Exit, Problem> {
    let plan = journal.plan()?;
    let ledger = Ledger::fold(&plan, journal)?;
    let document = page(&plan, &ledger, journal, Named::Anonymous(seed))?.ok_or_else(|| {
        Problem::usage("only a benchmark report can be made anonymous, and this plan grades nothing")
            .help("add an [[analysis]] with method = \"grade\"")
    })?;
    let path = at.folder.join("benchmark-anonymous.html");
    std::fs::write(&path, plumb_report::document_html(&document)?).map_err(Problem::io(&path))?;
    if args.run.json {
        say(plumb_report::document_json(&document)?.trim_end());
    } else {
        say(plumb_report::document_terminal(&document, show::style()).trim_end());
        say(format_args!("\nbenchmark: {}", path.display()));
    }
    Ok(Exit::Done)
}
