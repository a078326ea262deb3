//! `[[judge]]`: who judges, whom it needs, and when.

use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::id::{JudgeIx, MeasureRef};
use crate::plan::JudgeSpec;
use crate::registry::{DraftBallot, Inputs, Registry};
use crate::vote::{Ballot, Voter};

pub(super) fn judge_named(name: &str, judges: &[JudgeSpec]) -> Result<JudgeIx> {
    judges.iter().position(|j| j.name.as_str() == name).map(|at| JudgeIx(at as u16)).ok_or_else(|| {
        let names: Vec<&str> = judges.iter().map(|j| j.name.as_str()).collect();
        Error::plan(format!("there is no judge \"{name}\" before this place"))
            .help(format!("judges: {}", names.join(", ")))
    })
}

pub(super) fn judge(
    mut fields: Fields,
    registry: &Registry,
    inputs: &dyn Inputs,
    earlier: &[JudgeSpec],
) -> Result<JudgeSpec> {
    let place = fields.place().to_owned();
    let name = fields.need_text("id")?;
    if earlier.iter().any(|j| j.name.as_str() == name) {
        return Err(fields
            .error(format!("there is a second judge \"{name}\""))
            .help("judges keep their meaning: give this one a new id, such as id = \"refusal-v2\""));
    }
    if name.contains('.') {
        return Err(fields
            .error(format!("the judge's id \"{name}\" may not hold a '.', which parts judge and measure")));
    }
    let kind = fields.need_text("kind")?;
    let when = match fields.inner("when")? {
        None => None,
        Some(mut when) => {
            let measure = measure_named(&when.need_text("measure")?, earlier).map_err(|e| e.at(&place))?;
            let label = when.need_text("is")?;
            when.finish()?;
            let scale = &earlier[measure.judge.0 as usize].measures[measure.measure as usize].scale;
            let label = scale.label(&label).ok_or_else(|| {
                Error::plan(format!(
                    "{place}: `when` asks for the label \"{label}\", which that measure never has"
                ))
            })?;
            Some((measure, label))
        }
    };
    let found = registry.find_judge(&kind).map_err(|e| e.at(&place))?;
    let frozen = found.freeze(&mut fields, registry, inputs)?;
    fields.finish()?;
    let mut needs: Vec<JudgeIx> = frozen
        .needs
        .iter()
        .map(|n| judge_named(n, earlier).map_err(|e| e.at(&place)))
        .collect::<Result<_>>()?;
    let ballot = match found.ballot(&frozen.settings).map_err(|e| e.at(&place))? {
        None => None,
        Some(_) if when.is_some() => {
            return Err(Error::plan(format!("{place}: an ensemble has no `when`: its voters have"))
                .help("put `when` on the voter that is to be asked only sometimes"));
        }
        Some(draft) => Some(ballot(draft, earlier).map_err(|e| e.at(&place))?),
    };
    for voter in ballot.iter().flat_map(|b| &b.voters) {
        if !needs.contains(&voter.of.judge) {
            needs.push(voter.of.judge);
        }
    }
    if let Some((measure, _)) = when
        && !needs.contains(&measure.judge)
    {
        needs.push(measure.judge);
    }
    Ok(JudgeSpec {
        name: name.into(),
        kind: kind.into(),
        settings: frozen.settings,
        measures: frozen.measures,
        needs,
        when,
        model: frozen.model,
        ballot,
    })
}

/// Finds the voters among the judges before the ensemble.
fn ballot(draft: DraftBallot, earlier: &[JudgeSpec]) -> Result<Ballot> {
    let mut voters: Vec<Voter> = Vec::new();
    for voter in draft.voters {
        let of = measure_named(&voter.measure, earlier)?;
        if voters.iter().any(|v| v.of == of) {
            return Err(Error::plan(format!("\"{}\" votes twice", voter.measure)));
        }
        let scale = &earlier[of.judge.0 as usize].measures[of.measure as usize].scale;
        let names = scale.labels().iter().map(|l| format!("\"{l}\"")).collect::<Vec<_>>().join(", ");
        let yes = match &voter.yes {
            Some(name) => scale.label(name),
            None => scale.label("yes").or_else(|| scale.label("unsafe")),
        };
        let yes = yes.ok_or_else(|| match names.as_str() {
            "" => Error::plan(format!("\"{}\" is a number, and numbers do not vote", voter.measure)),
            names => Error::plan(format!("which label of \"{}\" is a yes?", voter.measure))
                .help(format!("{{ measure = \"{}\", yes = … }}, one of {names}", voter.measure)),
        })?;
        voters.push(Voter { of, yes, weight: voter.weight, standing: voter.standing });
    }
    Ok(Ballot { rule: draft.rule, least: draft.least, voters })
}

/// Resolves `judge.measure`, or a judge's name alone if it has one measure.
pub(crate) fn measure_named(text: &str, judges: &[JudgeSpec]) -> Result<MeasureRef> {
    let all = || {
        let names: Vec<String> = judges
            .iter()
            .flat_map(|j| j.measures.iter().map(move |m| format!("{}.{}", j.name, m.name)))
            .collect();
        format!("measures: {}", names.join(", "))
    };
    let found = judges.iter().enumerate().find_map(|(at, j)| {
        let judge = JudgeIx(at as u16);
        if j.name.as_str() == text && j.measures.len() == 1 {
            return Some(MeasureRef { judge, measure: 0 });
        }
        j.measures
            .iter()
            .position(|m| {
                text.len() == j.name.as_str().len() + 1 + m.name.len()
                    && text == format!("{}.{}", j.name, m.name)
            })
            .map(|m| MeasureRef { judge, measure: m as u8 })
    });
    found.ok_or_else(|| Error::plan(format!("there is no measure \"{text}\"")).help(all()))
}
