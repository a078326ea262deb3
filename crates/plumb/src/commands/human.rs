//! `plumb human`: studies with people.

use crate::cli::{Human, HumanAnalyze};
use crate::exit::{Exit, Problem, say};
use crate::show;
use plumb_human::{Data, Study, analyse, report};

pub fn dispatch(command: &Human) -> Result<Exit, Problem> {
    match command {
        Human::Analyze(args) => analyze(args),
    }
}

fn analyze(args: &HumanAnalyze) -> Result<Exit, Problem> {
    let text = std::fs::read_to_string(&args.study).map_err(Problem::io(&args.study))?;
    let csv = std::fs::read(&args.data).map_err(Problem::io(&args.data))?;
    let study = Study::parse(&text, &args.study.display().to_string()).map_err(wrong)?;
    let data = Data::read(&study, &csv, &args.data.display().to_string()).map_err(wrong)?;
    let document = report(&study, &data, &analyse(&study, &data).map_err(wrong)?);
    if let Some(path) = &args.html {
        std::fs::write(path, plumb_report::document_html(&document)?).map_err(Problem::io(path))?;
    }
    if args.json {
        say(plumb_report::document_json(&document)?.trim_end());
    } else {
        say(plumb_report::document_terminal(&document, show::style()).trim_end());
    }
    Ok(Exit::Done)
}

fn wrong(error: plumb_human::Error) -> Problem {
    Problem::usage(error.to_string())
}
