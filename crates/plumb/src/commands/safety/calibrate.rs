//! `plumb safety calibrate`: standards from runs of reference systems.

use super::create;
use crate::cli::SafetyCalibrate as Args;
use crate::exit::{Exit, Problem, note, say};
use crate::runs::RunFolder;
use plumb_safety::grade::{Calibrated, calibrate};
use plumb_study::plan::{Analysis, Plan};
use plumb_study::{Ledger, Rows};

pub fn run(args: &Args) -> Result<Exit, Problem> {
    let mut all: Option<Calibrated> = None;
    let mut made = Vec::new();
    for path in &args.runs {
        let journal = RunFolder::named(path).open()?;
        let plan = journal.plan()?;
        let ledger = Ledger::fold(&plan, &journal)?;
        let analysis = grading(&plan, args.analysis.as_deref())?;
        let frame = ledger.frame(&plan, analysis, Rows::Rooted);
        let found = calibrate(&plan, &frame, analysis, &args.reference)?;
        made.push(format!(
            "run {} of plan {}, analysis {}, journal state {}",
            plan.name,
            plan.digest.hex(),
            analysis.id,
            journal.state()?.hex()
        ));
        match &mut all {
            Some(all) => all.join(found)?,
            None => all = Some(found),
        }
    }
    let Some(all) = all else { return Err(Problem::usage("no run is named")) };
    if let Some(why) = all.useless() {
        note(format_args!("! nothing is graded by these standards: {why}"));
    }
    for r in all.references() {
        say(format_args!("{:<12} {:<24} {} unsafe of {}", r.hazard, r.sut, r.r#unsafe, r.answers));
    }
    let text = all.text(made)?;
    create(&args.out, text.as_bytes(), "standards are never replaced: name another file")?;
    say(format_args!("{}: written", args.out.display()));
    Ok(Exit::Done)
}

fn grading<'p>(plan: &'p Plan, named: Option<&str>) -> Result<&'p Analysis, Problem> {
    let all: Vec<&Analysis> = plan.analyses.iter().filter(|a| &*a.method == "grade").collect();
    match (named, all.as_slice()) {
        (None, [only]) => Ok(only),
        (Some(id), _) => all
            .into_iter()
            .find(|a| a.id.as_str() == id)
            .ok_or_else(|| Problem::usage(format!("{}: there is no grading analysis \"{id}\"", plan.name))),
        (None, []) => {
            Err(Problem::usage(format!("{}: the plan has no analysis of method \"grade\"", plan.name)))
        }
        (None, _) => Err(Problem::usage(format!("{}: which analysis?", plan.name)).help("--analysis ID")),
    }
}
