//! `plumb human`: studies with people.

use std::path::Path;

use super::study;
use crate::cli::{Human, HumanAnalyze, HumanCheck};
use crate::exit::{Exit, Problem, say};
use crate::show;
use plumb_human::{Data, analyse, outline, report};
use plumb_study::Document;

pub fn dispatch(command: &Human) -> Result<Exit, Problem> {
    match command {
        Human::Check(args) => check(args),
        Human::Serve(args) => study::serve(args),
        Human::Reconcile(args) => study::reconcile(args),
        Human::Analyze(args) => analyze(args),
    }
}

fn check(args: &HumanCheck) -> Result<Exit, Problem> {
    write(&outline(&study::read(&args.study)?.0), args.html.as_deref(), args.json)
}

fn analyze(args: &HumanAnalyze) -> Result<Exit, Problem> {
    let (study, text) = study::read(&args.study)?;
    let document = match (&args.run, &args.data) {
        (Some(run), _) => study::analyze(&study, &text, run, args.blind)?,
        (None, Some(path)) => {
            let csv = std::fs::read(path).map_err(Problem::io(path))?;
            let data = Data::read(&study, &csv, &path.display().to_string()).map_err(study::wrong)?;
            report(&study, &data, &analyse(&study, &data).map_err(study::wrong)?)
        }
        (None, None) => return Err(Problem::usage("give the run, or --data FILE")),
    };
    write(&document, args.html.as_deref(), args.json)
}

fn write(document: &Document, html: Option<&Path>, json: bool) -> Result<Exit, Problem> {
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
