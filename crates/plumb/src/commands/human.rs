//! `plumb human`: studies with people.

use std::path::Path;

use super::{human_design, study};
use crate::cli::{Human, HumanAnalyze};
use crate::exit::{Exit, Problem, say};
use crate::show;
use plumb_human::{Data, analyse, report};
use plumb_study::Document;

pub fn dispatch(command: &Human) -> Result<Exit, Problem> {
    match command {
        Human::Check(args) => human_design::check(args),
        Human::Fit(args) => human_design::fitted(args),
        Human::Simulate(args) => human_design::simulated(args),
        Human::Power(args) => human_design::powered(args),
        Human::Serve(args) => study::serve(args),
        Human::Reconcile(args) => study::reconcile(args),
        Human::Person(args) => study::person(args),
        Human::Links(args) => study::links(args),
        Human::Erase(args) => study::erase(args),
        Human::Exclude(args) => study::exclude(args),
        Human::Analyze(args) => analyze(args),
    }
}

fn analyze(args: &HumanAnalyze) -> Result<Exit, Problem> {
    let (study, text) = study::read(&args.study)?;
    let document = match (&args.run, &args.data) {
        (Some(run), _) => study::analyze(&study, &text, run, (args.blind, args.permutations))?,
        (None, Some(path)) if path.is_dir() => {
            return Err(Problem::usage(format!(
                "{}: --data takes a table, and this is a folder",
                path.display()
            ))
            .help("a run is given without --data: plumb human analyze STUDY RUN"));
        }
        (None, Some(path)) => {
            let csv = std::fs::read(path).map_err(Problem::io(path))?;
            let data = Data::read(&study, &csv, &path.display().to_string()).map_err(study::wrong)?;
            report(&study, &data, &analyse(&study, &data).map_err(study::wrong)?)
        }
        (None, None) => return Err(Problem::usage("give the run, or --data FILE")),
    };
    write(&document, args.html.as_deref(), args.json)
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
