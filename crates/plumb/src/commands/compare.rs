//! `plumb compare`: two runs side by side, and whether something got worse.

use crate::cli::{Compare, FailIf};
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;
use crate::show;
use plumb_study::compare::{Comparison, Side, Standing, compare};
use std::path::Path;

pub fn run(args: &Compare) -> Result<Exit, Problem> {
    let read = |path: &Path| -> Result<Side, Problem> { Ok(Side::read(&RunFolder::named(path).open()?)?) };
    let (base, run) = (read(&args.base)?, read(&args.run)?);
    let comparison = compare(&base, &run, &args.subjects)?;
    let document = plumb_report::comparison_document(&comparison);
    if let Some(path) = &args.html {
        write(path, &plumb_report::document_html(&document)?)?;
    }
    if let Some(path) = &args.junit {
        write(path, &plumb_report::comparison_junit(&comparison))?;
    }
    if args.json {
        say(plumb_report::comparison_json(&comparison)?.trim_end());
    } else if args.markdown {
        say(plumb_report::document_markdown(&document).trim_end());
    } else {
        say(plumb_report::document_terminal(&document, show::style()).trim_end());
    }
    exit(&comparison, args.fail_if)
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    std::fs::write(path, text).map_err(Problem::io(path))
}

/// Without `--fail-if` a comparison that could be made is a success, whatever it says.
fn exit(comparison: &Comparison, fail_if: Option<FailIf>) -> Result<Exit, Problem> {
    let Some(fail_if) = fail_if else { return Ok(Exit::Done) };
    Ok(match (comparison.standing(), fail_if) {
        (Standing::Aimless, _) => {
            return Err(Problem::usage(
                "--fail-if has nothing to go by: no analysis says which way is better",
            )
            .help(
                "add better = \"higher\" or \"lower\", and a margin, to an [[analysis]] of the base's plan",
            ));
        }
        (Standing::Faulty, _) => Exit::Unreliable,
        (Standing::Regressed, _) => Exit::Regression,
        (Standing::Open, FailIf::Inconclusive) => Exit::Inconclusive,
        (Standing::Open | Standing::Identical | Standing::Kept, _) => Exit::Done,
    })
}
