//! `plumb human`: studies with people.

use std::path::Path;

use super::human_design;
use crate::cli::{Human, HumanAnalyze};
use crate::exit::{Exit, Problem, say};
use crate::show;
use plumb_human::{Data, Study, analyse, report};
use plumb_study::Document;

pub fn dispatch(command: &Human) -> Result<Exit, Problem> {
    match command {
        Human::Check(args) => human_design::check(args),
        Human::Fit(args) => human_design::fitted(args),
        Human::Simulate(args) => human_design::simulated(args),
        Human::Power(args) => human_design::powered(args),
        Human::Analyze(args) => analyze(args),
    }
}

fn analyze(args: &HumanAnalyze) -> Result<Exit, Problem> {
    let study = read(&args.study)?;
    let csv = std::fs::read(&args.data).map_err(Problem::io(&args.data))?;
    let data = Data::read(&study, &csv, &args.data.display().to_string()).map_err(wrong)?;
    let document = report(&study, &data, &analyse(&study, &data).map_err(wrong)?);
    write(&document, args.html.as_deref(), args.json)
}

/// A study with the files beside it that it names.
pub fn read(path: &Path) -> Result<Study, Problem> {
    let text = std::fs::read_to_string(path).map_err(Problem::io(path))?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let files = |name: &str| std::fs::read_to_string(beside.join(name)).map_err(|e| e.to_string());
    Study::parse_with(&text, &path.display().to_string(), &files).map_err(wrong)
}

pub fn write(document: &Document, html: Option<&Path>, json: bool) -> Result<Exit, Problem> {
    if let Some(path) = html {
        std::fs::write(path, plumb_report::document_html(document)?).map_err(Problem::io(path))?;
    }
    if json {
        say(plumb_report::document_json(document)?.trim_end());
    } else {
        say(plumb_report::document_terminal(document, show::style()).trim_end());
    }
    Ok(Exit::Done)
}

pub fn wrong(error: plumb_human::Error) -> Problem {
    Problem::usage(error.to_string())
}
