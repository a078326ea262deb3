//! What belongs side by side: subjects, items, measures.

use crate::error::{Error, Result};
use crate::id::{ItemId, ItemIx, MeasureRef, SubjectIx};
use crate::method::Aim;
use crate::plan::{Analysis, JudgeSpec, Plan, SubjectSpec};
use std::collections::HashMap;

/// Which items the two runs share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items {
    /// In both, with the same question.
    pub shared: usize,
    /// Only in the base.
    pub only_base: usize,
    /// Only in the run.
    pub only_run: usize,
    /// In both under one name, but asking something else: not compared.
    pub changed: Vec<ItemId>,
}

/// Pairs of subjects: as named, else those of one name, else the only one of each.
pub(super) fn subjects(
    base: &Plan,
    run: &Plan,
    named: &[(String, String)],
) -> Result<Vec<(SubjectIx, SubjectIx)>> {
    if !named.is_empty() {
        return named.iter().map(|(b, r)| Ok((find(base, b, "base")?, find(run, r, "run")?))).collect();
    }
    let same: Vec<_> = run
        .subjects
        .iter()
        .enumerate()
        .filter_map(|(r, s)| Some((position(base, s.id.as_str())?, SubjectIx(r as u16))))
        .collect();
    if !same.is_empty() {
        return Ok(same);
    }
    if let ([_], [_]) = (&*base.subjects, &*run.subjects) {
        return Ok(vec![(SubjectIx(0), SubjectIx(0))]);
    }
    Err(Error::plan("the two runs have no subject of the same name").help(format!(
        "say which belong together: --subject BASE=RUN, with BASE one of {} and RUN one of {}",
        names(base),
        names(run)
    )))
}

fn position(plan: &Plan, name: &str) -> Option<SubjectIx> {
    plan.subjects.iter().position(|s| s.id.as_str() == name).map(|at| SubjectIx(at as u16))
}

fn find(plan: &Plan, name: &str, side: &str) -> Result<SubjectIx> {
    position(plan, name).ok_or_else(|| {
        Error::plan(format!("the {side} has no subject \"{name}\"")).help(format!("it has {}", names(plan)))
    })
}

fn names(plan: &Plan) -> String {
    plan.subjects.iter().map(|s| s.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// Items of the same name that ask the same, in the run's order.
pub(super) fn items(base: &Plan, run: &Plan) -> Result<(Items, Vec<(ItemIx, ItemIx)>)> {
    let known: HashMap<&ItemId, usize> = base.items.iter().enumerate().map(|(at, i)| (&i.id, at)).collect();
    let mut shared = Vec::new();
    let (mut changed, mut only_run) = (Vec::new(), 0);
    for (at, item) in run.items.iter().enumerate() {
        match known.get(&item.id) {
            None => only_run += 1,
            Some(there)
                if base.items[*there].task == item.task && base.items[*there].target == item.target =>
            {
                shared.push((ItemIx(*there as u32), ItemIx(at as u32)));
            }
            Some(_) => changed.push(item.id.clone()),
        }
    }
    if shared.is_empty() {
        return Err(Error::plan("the two runs share no item: nothing can be compared")
            .help("compare runs whose plans read the same items"));
    }
    let items = Items {
        shared: shared.len(),
        only_base: base.items.len() - shared.len() - changed.len(),
        only_run,
        changed,
    };
    Ok((items, shared))
}

/// The measure of an analysis in both plans: (in the base, in the run). The judges must be the same: otherwise a
/// difference could be the judge's.
pub(super) fn measure(
    base: &Plan,
    run: &Plan,
    analysis: &Analysis,
) -> std::result::Result<(MeasureRef, MeasureRef), String> {
    let [of] = analysis.of.as_slice() else { return Err("it reads more than one measure".into()) };
    if !matches!(&*analysis.method, "rate" | "mean") && Aim::of(analysis).is_none() {
        return Err(format!(
            "its method is {}; rates and means are compared, and grades that have a margin",
            analysis.method
        ));
    }
    let name = run.measure_name(*of);
    let found = base.judges.iter().enumerate().find_map(|(judge, spec)| {
        let measure = spec.measures.iter().position(|m| format!("{}.{}", spec.name, m.name) == name)?;
        Some((MeasureRef { judge: crate::id::JudgeIx(judge as u16), measure: measure as u8 }, spec))
    });
    let Some((there, theirs)) = found else { return Err(format!("the base has no measure {name}")) };
    match differs(theirs, run.judge(of.judge)) {
        Some(what) => Err(format!("judge {} is not the same in both: {what} differs", theirs.name)),
        None => Ok((there, *of)),
    }
}

/// What makes two judges of one name different.
fn differs(a: &JudgeSpec, b: &JudgeSpec) -> Option<&'static str> {
    let (ma, mb) = (a.model.as_ref(), b.model.as_ref());
    if a.kind != b.kind {
        Some("its kind")
    } else if a.settings != b.settings {
        Some("a setting")
    } else if a.measures != b.measures {
        Some("its scale")
    } else if ma.map(|m| (&m.kind, &m.settings, &m.system)) != mb.map(|m| (&m.kind, &m.settings, &m.system)) {
        Some("its model")
    } else if ma.map(|m| &m.sampling) != mb.map(|m| &m.sampling) {
        Some("its model's sampling")
    } else {
        None
    }
}

/// What differs between the sides besides the answers.
pub(super) fn notes(base: &Plan, run: &Plan, pairs: &[(SubjectIx, SubjectIx)]) -> Vec<String> {
    let mut notes = Vec::new();
    for (b, r) in pairs {
        let (b, r) = (base.subject(*b), run.subject(*r));
        let what = party_differences(b, r);
        if !what.is_empty() {
            notes.push(format!("{} and {} differ in {}", side("base", b), side("run", r), what.join(", ")));
        }
    }
    for source in &run.sources {
        if let Some(other) = base.sources.iter().find(|s| s.id == source.id)
            && (other.repeat, &other.sampling) != (source.repeat, &source.sampling)
        {
            notes.push(format!("items {}: repetitions or sampling differ between the plans", source.id));
        }
    }
    notes
}

fn side(which: &str, subject: &SubjectSpec) -> String {
    format!("{} ({which})", subject.id)
}

fn party_differences(a: &SubjectSpec, b: &SubjectSpec) -> Vec<&'static str> {
    let (a, b) = (&a.party, &b.party);
    [
        (a.kind != b.kind, "kind"),
        (a.settings != b.settings, "settings"),
        (a.sampling != b.sampling, "sampling"),
        (a.system != b.system, "system prompt"),
    ]
    .into_iter()
    .filter_map(|(differ, what)| differ.then_some(what))
    .collect()
}
