//! Changes of a study while people come: what may be changed, and which results stay those of the frozen plan.
//!
//! What people meet does not change under them: whoever wants other screens, items or conditions begins a new study. What is
//! computed, and how many people there are to be, may change, with a reason; what was frozen keeps its meaning beside it.

use std::collections::BTreeSet;

use plumb_study::Plan;
use serde_json::{Map, Value};

use super::freeze::{DEAL, SECTION, may_begin_shares};
use crate::error::{Error, Result};

/// Tables that an amendment may change whole.
const OPEN: [&str; 9] =
    ["about", "notes", "outcome", "analysis", "hypothesis", "exclusion", "sample", "power", "behaviour"];
/// Keys of `[assignment]` that it may change: how many people there are to be.
const NUMBERS: [&str; 2] = ["people", "places"];

/// Holds an amended plan against the one in force.
///
/// # Errors
/// It is the same, or it changes what people meet, how they are assigned, or the looks and with them alpha; all that is so is
/// listed.
pub fn may_amend(before: &Plan, after: &Plan) -> Result<()> {
    if before.digest == after.digest {
        return Err(Error::new("the study is as it is in force: there is nothing to amend"));
    }
    let (a, b) = (section(before), section(after));
    let mut fixed: Vec<String> = differing(written(a), written(b))
        .into_iter()
        .filter(|key| !OPEN.contains(&key.as_str()))
        .flat_map(|key| {
            let of = |plan| written(plan).and_then(|w| w.get(&key)).and_then(Value::as_object);
            match key.as_str() {
                "assignment" => differing(of(a), of(b))
                    .into_iter()
                    .filter(|key| !NUMBERS.contains(&key.as_str()))
                    .filter(|key| key != DEAL || !may_begin_shares(a))
                    .map(|key| format!("assignment.{key}"))
                    .collect(),
                _ => vec![key],
            }
        })
        .collect();
    fixed.extend(
        differing(a.get("files").and_then(Value::as_object), b.get("files").and_then(Value::as_object))
            .into_iter()
            .map(|name| format!("the file {name}")),
    );
    if fixed.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "an amendment cannot change {}: people who came before met something else, or alpha would be another; give the changed \
         study a new name",
        fixed.join(", ")
    )))
}

/// Whether an analysis means in `now` what it means in `root`: itself, its outcome, its hypotheses with the families that they
/// stand in, the rules of exclusion, and the numbers of people.
pub fn is_as_frozen(root: &Plan, now: &Plan, analysis: &str) -> bool {
    let part = |plan: &Plan| {
        let section = section(plan);
        let list = |table: &str| {
            let list = written(section).and_then(|w| w.get(table)).and_then(Value::as_array);
            list.into_iter().flatten().cloned().collect::<Vec<Value>>()
        };
        let own: Vec<Value> = list("analysis").into_iter().filter(|a| a["id"] == *analysis).collect();
        let outcomes: Vec<Value> =
            list("outcome").into_iter().filter(|o| own.iter().any(|a| a["outcome"] == o["id"])).collect();
        let all = list("hypothesis");
        let families: Vec<&Value> =
            all.iter().filter(|h| h["analysis"] == *analysis).map(|h| &h["family"]).collect();
        let hypotheses: Vec<&Value> = all.iter().filter(|h| families.contains(&&h["family"])).collect();
        let numbers = written(section).and_then(|w| w.get("assignment")).cloned();
        serde_json::json!([own, outcomes, hypotheses, list("exclusion"), numbers])
    };
    let frozen = part(root);
    frozen[0].as_array().is_some_and(|own| !own.is_empty()) && frozen == part(now)
}

fn section(plan: &Plan) -> &Value {
    plan.sections.get(SECTION).unwrap_or(&Value::Null)
}

fn written(section: &Value) -> Option<&Map<String, Value>> {
    section.get("written").and_then(Value::as_object)
}

/// Keys whose values differ.
fn differing(a: Option<&Map<String, Value>>, b: Option<&Map<String, Value>>) -> Vec<String> {
    let keys: BTreeSet<&String> = a.into_iter().chain(b).flat_map(Map::keys).collect();
    let of = |map: Option<&Map<String, Value>>, key: &str| map.and_then(|m| m.get(key)).cloned();
    keys.into_iter().filter(|key| of(a, key) != of(b, key)).cloned().collect()
}
