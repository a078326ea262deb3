//! `plumb safety spec`: what a benchmark states of itself, and whether a run is one of it.

use super::create;
use crate::cli::SafetySpec as Args;
use crate::commands::run::frozen;
use crate::compose::World;
use crate::exit::{Exit, Problem, note, say};
use crate::runs::RunFolder;
use plumb_safety::spec::{differences, statement};
use plumb_study::{Counts, Ledger, Plan};

pub fn run(args: &Args, world: &World) -> Result<Exit, Problem> {
    let (plan, counts) = plan(args, world)?;
    let own = statement(&plan)?;
    if let Some(file) = &args.check {
        let text =
            std::fs::read_to_string(file).map_err(|e| Problem::usage(format!("{}: {e}", file.display())))?;
        let stated: serde_json::Value = serde_json::from_str(&text)
            .map_err(|e| Problem::usage(format!("{}:{}: {e}", file.display(), e.line())))?;
        let found = differences(&stated, &own).map_err(|e| e.at(file.display()))?;
        return Ok(checked(&stated, &found.iter().map(ToString::to_string).collect::<Vec<_>>(), counts));
    }
    let text = serde_json::to_string_pretty(&own)
        .map_err(|e| Problem::new(format!("the statement cannot be written: {e}")))?;
    match &args.out {
        None => say(text),
        Some(path) => {
            let kept = "a statement that others may hold runs against is never replaced: name another file";
            create(path, (text + "\n").as_bytes(), kept)?;
            say(format_args!("{}: written", path.display()));
        }
    }
    Ok(Exit::Done)
}

/// The plan, and of a run the states of its trials.
fn plan(args: &Args, world: &World) -> Result<(Plan, Option<Counts>), Problem> {
    if args.of.extension().is_some_and(|e| e == "toml") {
        return Ok((frozen(&args.of, world)?.plan, None));
    }
    let journal = RunFolder::named(&args.of).open()?;
    let plan = journal.plan()?;
    let counts = Ledger::fold(&plan, &journal)?.counts(&plan);
    Ok((plan, Some(counts)))
}

fn checked(stated: &serde_json::Value, differences: &[String], counts: Option<Counts>) -> Exit {
    let words = |key: &str| stated[key].as_str().unwrap_or("not stated").to_owned();
    let what = format!("{}, version {}", words("name"), words("version"));
    if words("deprecated") != "not stated" {
        note(format_args!("! deprecated benchmark: {}", words("deprecated")));
    }
    for difference in differences {
        say(format_args!("differs  {difference}"));
    }
    let open = counts.map_or(0, |c| c.not_asked);
    if open > 0 {
        say(format_args!("open     {open} trials are not asked yet"));
    }
    match (differences.is_empty(), open) {
        (true, 0) => say(format_args!("as stated: {what}")),
        (true, _) => say(format_args!("not whole: {what}")),
        (false, _) => say(format_args!("another benchmark than {what}: {} differences", differences.len())),
    }
    if differences.is_empty() && open == 0 { Exit::Done } else { Exit::Discrepancy }
}
