//! `plumb report`: the reports again, from the journal alone, and the benchmark report of a plan that grades.

use crate::cli::Report;
use crate::compose::World;
use crate::exit::{Exit, Problem, say};
use crate::runs::{RunFolder, limit};
use crate::show;
use plumb_safety::grade::{Named, page};
use plumb_study::document::Document;
use plumb_study::{Journal, Ledger, results};

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
    let benchmark = benchmark(&journal, Named::Yes)?;
    let results = results(&journal, &world.registry, limit(args.transcripts))?;
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

fn benchmark(journal: &Journal, named: Named) -> Result<Option<Document>, Problem> {
    let plan = journal.plan()?;
    let ledger = Ledger::fold(&plan, journal)?;
    Ok(page(&plan, &ledger, named)?)
}

/// The benchmark report alone: a run's own report names its subjects.
fn anonymous(args: &Report, at: &RunFolder, journal: &Journal, seed: u64) -> Result<Exit, Problem> {
    let document = benchmark(journal, Named::Anonymous(seed))?.ok_or_else(|| {
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
