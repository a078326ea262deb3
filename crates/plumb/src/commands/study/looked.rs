//! `plumb human analyze STUDY RUN`: what was collected, analysed, with what is known of how it was planned.
//!
//! The look is recorded before anything is computed, so that nobody can look and forget it. What the result may be called
//! (confirmatory or not) follows from the journal alone; `standing` says what.

use std::collections::BTreeSet;
use std::path::Path;

use plumb_human::collect::{Request, Taker, Takings, is_as_frozen, thaw};
use plumb_human::{Data, Study, analyse_with, permuted, report_marked, report_permuted};
use plumb_study::Journal;
use plumb_study::document::Document;

use super::amended::in_force;
use super::desk::act;
use super::files::frozen_after;
use super::standing::Standing;
use super::wrong;
use crate::compose::{now_us, variable};
use crate::exit::Problem;
use crate::runs::RunFolder;

pub fn analyze(
    study: &Study,
    text: &str,
    run: &Path,
    (blind, permutations): (bool, Option<u32>),
) -> Result<Document, Problem> {
    let at = RunFolder::named(run);
    let journal = at.open()?;
    if !journal.has_people()? {
        return Err(Problem::usage(format!("{} is no run of a study with people", at.folder.display()))
            .help("plumb report shows runs of models"));
    }
    let plan = frozen_after(study, text, &in_force(&journal)?)?;
    let standing = Standing::of(&journal, &plan, now_us())?;
    if !blind {
        look(&at, &standing)?;
    }
    let takings = |without: BTreeSet<u32>| -> Result<Data, Problem> {
        let mut takings = Takings::new(study, &journal).without(without);
        if blind {
            takings = takings.blind(*plan.digest.0.first_chunk().unwrap_or(&[0; 8]));
        }
        takings.data().map_err(wrong)
    };
    let status = standing.status(blind);
    let mark = |analysis: &str| -> Option<String> {
        if blind {
            return None;
        }
        let frozen = is_as_frozen(&standing.root, &plan, analysis);
        Some(standing.mark(&status, frozen))
    };
    let report = |data: &Data, mark: &dyn Fn(&str) -> Option<String>| -> Result<Document, Problem> {
        let analysed = analyse_with(study, data, &standing.spent).map_err(wrong)?;
        Ok(report_marked(study, data, &analysed, mark))
    };
    let data = takings(BTreeSet::new())?;
    let mut document = report(&data, &mark)?;
    if let Some(times) = permutations {
        let acts = Takings::new(study, &journal).acts().map_err(wrong)?;
        let executed = thaw(&standing.root).map_err(wrong)?;
        let tests = permuted(study, &data, (&executed, &acts), times, plan.digest.0).map_err(wrong)?;
        report_permuted(&mut document, &tests);
    }
    standing.tell(&mut document, &status, study)?;
    beyond_the_file(&mut document, study, &journal)?;
    if !standing.left_out.is_empty() {
        let people = standing.left_out.keys().copied().collect();
        let deviation = |_: &str| (!blind).then(|| "Exploratory: a deviation from the plan.".to_owned());
        let second = report(&takings(people)?, &deviation)?;
        for mut section in second.sections {
            section.title = format!("Without those left out undeclared: {}", section.title);
            document.sections.push(section);
        }
    }
    Ok(document)
}

fn look(at: &RunFolder, standing: &Standing) -> Result<(), Problem> {
    let request = Request::Looked {
        analysis: "all".into(),
        people: standing.ended,
        who: variable("USER").unwrap_or_else(|| "unknown".to_owned()),
        after_stopping: standing.complete,
        completed: standing.completed,
    };
    act(at, &[request])
}

/// Whom the analysis has not, though they were assigned: people of conditions that the file does not have, and those whose texts
/// were erased.
fn beyond_the_file(document: &mut Document, study: &Study, journal: &Journal) -> Result<(), Problem> {
    let (mut strangers, mut erased) = (0_u64, 0_u64);
    Takings::new(study, journal).each(|taker: Taker| -> Result<(), Problem> {
        let Some(arm) = &taker.arm else { return Ok(()) };
        strangers += u64::from(study.conditions().all(|condition| condition != arm));
        erased += u64::from(taker.erased);
        Ok(())
    })?;
    if strangers > 0 {
        document.warn(format!(
            "Deviation: {strangers} people are left out whose condition is none of the file's, and no rule names them."
        ));
    }
    if erased > 0 {
        document.warn(format!(
            "Of the people who were assigned, {erased} {} been erased and {} as missing.",
            if erased == 1 { "has" } else { "have" },
            if erased == 1 { "counts" } else { "count" }
        ));
    }
    Ok(())
}
