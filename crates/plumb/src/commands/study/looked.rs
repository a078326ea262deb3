//! `plumb human analyze STUDY RUN`: what was collected, analysed, with what is known of how it was planned.
//!
//! The look is recorded before anything is computed, so that nobody can look and forget it. What the result may be called
//! (confirmatory or not) follows from the journal alone.

use std::path::Path;

use plumb_human::collect::{Request, Taker, Takings, freeze, thaw};
use plumb_human::protocol::person::End;
use plumb_human::{Study, analyse, report};
use plumb_study::document::Document;
use plumb_study::people::Collecting;
use plumb_study::{Journal, Plan};

use super::clock::utc;
use super::desk::act;
use super::wrong;
use crate::compose::variable;
use crate::exit::Problem;
use crate::runs::RunFolder;

/// What decides what results may be called.
struct Standing {
    registered: bool,
    /// What differs between the frozen study and the file, in words.
    changes: Vec<String>,
    complete: bool,
    /// (when, people, after the rule of stopping) of earlier looks.
    looks: Vec<(i64, u32, bool)>,
}

pub fn analyze(study: &Study, text: &str, run: &Path, blind: bool) -> Result<Document, Problem> {
    let at = RunFolder::named(run);
    let journal = at.open()?;
    if !journal.has_people()? {
        return Err(Problem::usage(format!("{} is no run of a study with people", at.folder.display()))
            .help("plumb report shows runs of models"));
    }
    let plan = freeze(study, text).map_err(wrong)?;
    let standing = standing(&journal, &plan)?;
    let people = ended(&journal)?;
    if !blind {
        look(&at, people, standing.complete)?;
    }
    let mut takings = Takings::new(study, &journal);
    if blind {
        takings = takings.blind(*plan.digest.0.first_chunk().unwrap_or(&[0; 8]));
    }
    let data = takings.data().map_err(wrong)?;
    let mut document = report(study, &data, &analyse(study, &data).map_err(wrong)?);
    tell(&mut document, &standing, blind);
    Ok(document)
}

fn standing(journal: &Journal, plan: &Plan) -> Result<Standing, Problem> {
    let root = journal.root_plan()?;
    let looks = journal.collecting()?.into_iter().filter_map(|(at_us, event)| match event {
        Collecting::Looked { people, after_stopping, .. } => Some((at_us, people, after_stopping)),
        _ => None,
    });
    // The rule of stopping is the frozen study's, whatever the file says now.
    let frozen = thaw(&root).map_err(wrong)?;
    let mut completed = 0;
    Takings::new(&frozen, journal).each(|taker: Taker| -> Result<(), Problem> {
        completed += usize::from(taker.end == Some(End::Completed));
        Ok(())
    })?;
    Ok(Standing {
        registered: journal.was_locked()?,
        changes: root.diff(plan).iter().map(ToString::to_string).collect(),
        complete: frozen.people().is_some_and(|people| completed >= people),
        looks: looks.collect(),
    })
}

/// How many people had ended.
fn ended(journal: &Journal) -> Result<u32, Problem> {
    let mut people = 0;
    journal.people(|row| {
        people += u32::from(row.what == plumb_study::people::What::Ended);
        Ok(())
    })?;
    Ok(people)
}

fn look(at: &RunFolder, people: u32, after_stopping: bool) -> Result<(), Problem> {
    let who = variable("USER").unwrap_or_else(|| "unknown".to_owned());
    act(at, &[Request::Looked { analysis: "all".into(), people, who, after_stopping }])
}

fn tell(document: &mut Document, standing: &Standing, blind: bool) {
    let early = standing.looks.iter().filter(|(_, _, after)| !after).count();
    let status = match standing {
        _ if blind => "blind: conditions are shuffled among people, so no number here is a result",
        Standing { registered: false, .. } => {
            "exploratory: the collection began without a lock, so it is unregistered for ever"
        }
        Standing { changes, .. } if !changes.is_empty() => {
            "exploratory: the file is not the one that was frozen (deviations below)"
        }
        Standing { complete: false, .. } => {
            "exploratory: the rule of stopping is not met, and no look before it was planned"
        }
        _ if early > 0 => "exploratory: outcomes were looked at before the rule of stopping was met",
        _ => {
            "confirmatory where planned: frozen before the first person came, and the rule of stopping is met"
        }
    };
    document.fact("status", status);
    document.fact(
        "registered",
        if standing.registered { "a lock was there before the first person" } else { "no" },
    );
    document.fact("stopping rule", if standing.complete { "met" } else { "not met" });
    document.fact("earlier looks", standing.looks.len().to_string());
    for (at_us, people, after) in &standing.looks {
        let when = if *after { "after" } else { "before" };
        document.warn(format!(
            "Outcomes were looked at on {} with {people} people, {when} the rule of stopping was met.",
            utc(*at_us)
        ));
    }
    for change in &standing.changes {
        document.warn(format!("Deviation from the frozen study: {change}"));
    }
}
