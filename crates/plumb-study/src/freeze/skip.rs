//! What a plan goes on without: sources whose files are not there and that say `if_missing = "skip"`, and what rests on
//! them alone.
//!
//! What was left out stands in the frozen plan, and so in its hash and in every report: a benchmark without one of its
//! sets is another benchmark.

use crate::fields::Fields;
use crate::plan::{Plan, Skipped};
use toml::Value;

/// A source whose files are not there.
pub(super) fn source(id: &str, fields: &Fields) -> Skipped {
    // As it is written in the plan: folders of one machine have no place in a hash.
    let path = match fields.written("path") {
        Some(Value::String(path)) => path.clone(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        _ => "its file".into(),
    };
    skipped("items", id, format!("{path} was not there when the plan was frozen"))
}

/// An analysis that is about tags or levels which only skipped items would have.
pub(super) fn analysis(fields: &Fields, plan: &Plan) -> Option<Skipped> {
    if plan.skipped.is_empty() {
        return None;
    }
    let lacking = lacking(fields, plan)?;
    Some(skipped("analysis", name(fields)?, format!("no item that is there has {lacking}")))
}

/// A hypothesis about a skipped analysis.
pub(super) fn hypothesis(fields: &Fields, plan: &Plan) -> Option<Skipped> {
    let of = fields.written("analysis")?.as_str()?;
    plan.skipped
        .iter()
        .any(|s| &*s.what == "analysis" && &*s.name == of)
        .then(|| name(fields).map(|id| skipped("hypothesis", id, format!("the analysis \"{of}\" is"))))?
}

fn skipped(what: &str, name: &str, why: String) -> Skipped {
    Skipped { what: what.into(), name: name.into(), why: why.into() }
}

fn name(fields: &Fields) -> Option<&str> {
    fields.written("id")?.as_str()
}

/// A name in `by`, `only` or `cluster` that nothing has, or a level in `only`.
fn lacking(fields: &Fields, plan: &Plan) -> Option<String> {
    let known = |name: &str| {
        matches!(name, "subject" | "item")
            || plan.subjects.iter().any(|s| s.factors.contains_key(name))
            || plan.items.iter().any(|i| i.tags.contains_key(name))
    };
    let list = |key: &str| match fields.written(key) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    if let Some(name) = list("by").into_iter().chain(list("cluster")).find(|name| !known(name)) {
        return Some(format!("the tag \"{name}\""));
    }
    let only = fields.written("only").and_then(Value::as_table)?;
    only.iter().find_map(|(name, level)| {
        let level = level.as_str()?;
        let there = plan.items.iter().filter_map(|i| i.tags.get(name.as_str())).any(|l| **l == *level)
            || plan.subjects.iter().filter_map(|s| s.factors.get(name.as_str())).any(|l| **l == *level)
            || matches!(name.as_str(), "subject" | "item");
        (!there).then(|| format!("{name} = \"{level}\""))
    })
}
