//! `[[analysis]]` and `[[hypothesis]]`: what is computed, and what is claimed beforehand.

use super::judges::measure_named;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::id::{AnalysisId, MeasureRef};
use crate::plan::{Analysis, Cluster, Direction, Hypothesis, Plan, Scale, SupportedIf, Term};
use crate::registry::{Inputs, Registry};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn analysis(
    mut fields: Fields,
    plan: &Plan,
    registry: &Registry,
    inputs: &dyn Inputs,
) -> Result<Analysis> {
    let place = fields.place().to_owned();
    let id = fields.need_text("id")?;
    let of: Vec<MeasureRef> = fields
        .texts("of")?
        .unwrap_or_default()
        .iter()
        .map(|m| measure_named(m, &plan.judges).map_err(|e| e.at(&place)))
        .collect::<Result<_>>()?;
    let Some(first) = of.first() else {
        return Err(fields.error("`of` is missing: the measure to analyse, such as of = \"refusal.refused\""));
    };
    let method = fields.text("method")?.unwrap_or_else(|| {
        if plan.measure(*first).scale == Scale::Real { "mean".into() } else { "rate".into() }
    });
    let by: Vec<Arc<str>> = fields.texts("by")?.unwrap_or_default().into_iter().map(Into::into).collect();
    for name in &by {
        check_name(plan, name).map_err(|e| e.at(format!("{place}, `by`")))?;
    }
    let only = fields.levels("only")?;
    for name in only.keys() {
        check_name(plan, name).map_err(|e| e.at(format!("{place}, `only`")))?;
    }
    let cluster = match fields.text("cluster")? {
        None => Cluster::Item,
        Some(name) if name == "item" => Cluster::Item,
        Some(name) => {
            if !plan.items.iter().any(|i| i.tags.contains_key(name.as_str())) {
                return Err(fields.error(format!("`cluster` is \"{name}\", but no item has that tag")));
            }
            Cluster::Tag(name.into())
        }
    };
    let level = fields.number("level", 0.5, 0.9999)?.unwrap_or(0.95);
    let found = registry.find_method(&method).map_err(|e| e.at(&place))?;
    let settings = found.freeze_from(&mut fields, inputs)?;
    fields.finish()?;
    let analysis =
        Analysis { id: AnalysisId::from(id), method: method.into(), of, by, cluster, level, only, settings };
    found.check(&analysis, plan).map_err(|e| e.at(&place))?;
    for (name, level) in &analysis.only {
        has_level(plan, name, level).map_err(|e| e.at(format!("{place}, `only`")))?;
    }
    Ok(analysis)
}

/// A name that an analysis uses must be exactly one of: `subject`, `item`, a subject factor, an item tag.
fn check_name(plan: &Plan, name: &str) -> Result<()> {
    let factor = plan.subjects.iter().any(|s| s.factors.contains_key(name));
    let tag = plan.items.iter().any(|i| i.tags.contains_key(name));
    match (factor, tag, name == "subject" || name == "item") {
        (true, true, _) => {
            Err(Error::plan(format!("\"{name}\" is both a subject's factor and an item's tag"))
                .help("rename one of them"))
        }
        (false, false, false) => {
            let known: BTreeSet<&str> = plan
                .subjects
                .iter()
                .flat_map(|s| s.factors.keys())
                .chain(plan.items.iter().flat_map(|i| i.tags.keys()))
                .map(|k| &**k)
                .chain(["subject"])
                .collect();
            let known: Vec<&str> = known.into_iter().collect();
            Err(Error::plan(format!("\"{name}\" is neither a subject's factor nor an item's tag"))
                .help(format!("known: {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

pub(super) fn hypothesis(mut fields: Fields, plan: &Plan, registry: &Registry) -> Result<Hypothesis> {
    let place = fields.place().to_owned();
    let id = fields.need_text("id")?;
    let name = fields.need_text("analysis")?;
    let analysis = plan.analyses.iter().find(|a| a.id.as_str() == name).ok_or_else(|| {
        Error::plan(format!("{place}: `analysis` names \"{name}\", which is no [[analysis]]"))
    })?;
    if !registry.find_method(&analysis.method)?.can_contrast() {
        return Err(Error::plan(format!(
            "{place}: the method \"{}\" of analysis \"{name}\" has no cells to contrast",
            analysis.method
        ))
        .help("a hypothesis needs an analysis with method = \"rate\" or \"mean\" of the same measure"));
    }
    let mut contrast = Vec::new();
    for mut term in fields.inners("contrast")? {
        let at = term.levels("at")?;
        for (name, level) in &at {
            check_level(plan, analysis, name, level).map_err(|e| e.at(term.place()))?;
        }
        let weight = term.number("weight", -1e6, 1e6)?.unwrap_or(1.0);
        term.finish()?;
        contrast.push(Term { at, weight });
    }
    if contrast.is_empty() {
        return Err(Error::plan(format!("{place}: `contrast` is missing")).help(
            "contrast = [ { at = { kind = \"unsafe\" }, weight = 1 }, { at = { kind = \"safe\" }, weight = -1 } ]",
        ));
    }
    let directed = fields.holds("direction");
    let direction = fields
        .choice(
            "direction",
            &[("greater", Direction::Greater), ("less", Direction::Less), ("two-sided", Direction::TwoSided)],
        )?
        .unwrap_or(Direction::TwoSided);
    let alpha = fields.number("alpha", 1e-6, 0.49)?.unwrap_or(0.05);
    let family = fields.text("family")?.unwrap_or_else(|| "main".into());
    let holm = fields.choice("correction", &[("holm", true), ("none", false)])?.unwrap_or(true);
    let supported_if = match fields.value("supported_if") {
        None => SupportedIf::ExcludesZero,
        Some(toml::Value::String(text)) if text == "interval excludes 0" => SupportedIf::ExcludesZero,
        Some(toml::Value::Table(table)) => {
            let mut inner = Fields::new(format!("{place}, `supported_if`"), table);
            let low = inner.number("low", -1e9, 1e9)?;
            let high = inner.number("high", -1e9, 1e9)?;
            inner.finish()?;
            match (low, high) {
                (Some(low), Some(high)) if low < high => SupportedIf::Inside { low, high },
                _ => return Err(Error::plan(format!("{place}: `supported_if` needs `low` below `high`"))),
            }
        }
        Some(other) => {
            return Err(Error::plan(format!("{place}: `supported_if` is {other}"))
                .help("write \"interval excludes 0\" or equivalence bounds { low = -0.05, high = 0.05 }"));
        }
    };
    if directed && matches!(supported_if, SupportedIf::Inside { .. }) {
        return Err(fields
            .error("`direction` has no meaning beside equivalence bounds")
            .help("leave one of them out"));
    }
    if let Some(other) = plan.hypotheses.iter().find(|h| *h.family == *family)
        && (other.alpha, other.holm) != (alpha, holm)
    {
        return Err(fields
            .error(format!(
                "`alpha` and `correction` differ from those of \"{}\", which is of the same family",
                other.id
            ))
            .help("a family shares them: write them alike, or name another `family`"));
    }
    fields.finish()?;
    let analysis = analysis.id.clone();
    Ok(Hypothesis {
        id: id.into(),
        analysis,
        contrast,
        direction,
        alpha,
        family: family.into(),
        holm,
        supported_if,
    })
}

fn check_level(plan: &Plan, analysis: &Analysis, name: &str, level: &str) -> Result<()> {
    if !analysis.by.iter().any(|b| &**b == name) {
        return Err(Error::plan(format!("\"{name}\" is not in the `by` of analysis \"{}\"", analysis.id)));
    }
    has_level(plan, name, level)
}

fn has_level(plan: &Plan, name: &str, level: &str) -> Result<()> {
    let levels: BTreeSet<&str> = plan
        .subjects
        .iter()
        .filter_map(|s| s.factors.get(name))
        .chain(plan.items.iter().filter_map(|i| i.tags.get(name)))
        .map(|l| &**l)
        .chain(plan.subjects.iter().filter(|_| name == "subject").map(|s| s.id.as_str()))
        .chain(plan.items.iter().filter(|_| name == "item").map(|i| i.id.as_str()))
        .collect();
    if levels.contains(level) {
        return Ok(());
    }
    let levels: Vec<&str> = levels.into_iter().take(20).collect();
    Err(Error::plan(format!("\"{name}\" never has the level \"{level}\""))
        .help(format!("levels: {}", levels.join(", "))))
}
