//! A study as a plan of the spine, and back.
//!
//! What is hashed is what the file says, not how it is laid out: the tables as data, with the texts and stimuli that the
//! file names. So two plans can be compared field by field, and a comment changes nothing.

use std::collections::BTreeMap;

use plumb_study::items::Levels;
use plumb_study::people::Exhibit;
use plumb_study::{ItemId, Plan, SubjectId};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::study::Study;

/// Where a plan keeps its study.
pub const SECTION: &str = "study";

/// The key of `[assignment]` that says how people are dealt to unequal places. A plan without it deals equally.
pub(super) const DEAL: &str = "deal";
const EQUALLY: &str = "equally";
const IN_PROPORTION: &str = "in-proportion";

/// The plan of a study: its conditions as arms, its items, and under [`SECTION`] all that the file and the files it names
/// say. `text` is what `study` was read from.
///
/// # Errors
/// The text is not the study's.
pub fn freeze(study: &Study, text: &str) -> Result<Plan> {
    freeze_after(study, text, None)
}

/// The same where a plan of this study is there, frozen before; `before` is its section. How people are dealt to unequal places
/// is written into a plan where the file leaves it to the program; where the plan before it had unequal places and not a word of it
/// (which means equally), the file means what it meant then.
///
/// # Errors
/// As [`freeze`].
pub fn freeze_after(study: &Study, text: &str, before: Option<&Value>) -> Result<Plan> {
    let written: toml::Table = toml::from_str(text).map_err(|e| Error::new(e.to_string()))?;
    let mut written = serde_json::to_value(written).map_err(|e| Error::new(e.to_string()))?;
    if let Some(assignment) = written.get_mut("assignment").and_then(Value::as_object_mut) {
        let said_before = before.map(|section| says_deal(section) || !deals_equally(section));
        if assignment.get(DEAL).is_some_and(|deal| deal == EQUALLY) {
            // Keys keep their order: it is hashed, too.
            assignment.shift_remove(DEAL);
        } else if said_before.unwrap_or(true) && (study.has_unequal_places() || before.is_some_and(says_deal))
        {
            assignment.insert(DEAL.to_owned(), IN_PROPORTION.into());
        }
    }
    let files: BTreeMap<String, String> = study.files().iter().cloned().collect();
    Ok(of_section(study, json!({ "written": written, "files": files })))
}

fn says_deal(section: &Value) -> bool {
    !section["written"]["assignment"][DEAL].is_null()
}

/// Whether a plan deals its unequal places equally; one that cannot be read is left as it is.
fn deals_equally(section: &Value) -> bool {
    !says_deal(section) && read(section, "before").map_or(true, |study| study.has_unequal_places())
}

/// Whether an amendment may say how people are dealt to unequal places where the plan before it does not: its own are all alike.
pub(super) fn may_begin_shares(section: &Value) -> bool {
    !says_deal(section) && !deals_equally(section)
}

/// The plan of a study whose section is there already: read and written again it could have its keys in another order, and
/// with them another hash.
fn of_section(study: &Study, section: Value) -> Plan {
    let arms = study.condition.iter().map(|c| (SubjectId::from(c.id.as_str()), levels(&c.at))).collect();
    let items = study
        .item
        .iter()
        .map(|item| {
            let mut tags = Levels::from([("set".into(), item.set.as_str().into())]);
            if let Some(block) = study.block.iter().find(|b| b.item_ids(study).contains(&item.id.as_str())) {
                tags.insert("phase".into(), block.id.as_str().into());
            }
            Exhibit {
                id: ItemId::from(item.id.as_str()),
                tags,
                label: item.label.as_str().into(),
                origin: study.origin(&item.id).cloned(),
            }
        })
        .collect();
    Plan::of_people(&study.name, study.about.as_deref(), arms, items, (SECTION, section))
}

/// The study that a plan was made of.
///
/// # Errors
/// The plan is of no study, or of one that this version of the program does not read any more.
pub fn thaw(plan: &Plan) -> Result<Study> {
    let section = plan.sections.get(SECTION).ok_or_else(|| {
        Error::new(format!("the plan {} is no study with people: it has no section {SECTION}", plan.name))
    })?;
    read(section, &plan.name)
}

/// What an amendment keeps of its plan.
pub(super) fn section_text(plan: &Plan) -> String {
    plan.sections.get(SECTION).map_or_else(String::new, Value::to_string)
}

/// The study and the plan of an amendment's text.
///
/// # Errors
/// As [`thaw`].
pub fn thaw_amended(text: &str) -> Result<(Study, Plan)> {
    let section: Value =
        serde_json::from_str(text).map_err(|e| Error::new(format!("an amendment cannot be read: {e}")))?;
    let study = read(&section, "the amendment")?;
    let plan = of_section(&study, section);
    Ok((study, plan))
}

fn read(section: &Value, name: &str) -> Result<Study> {
    let broken =
        |what: &dyn std::fmt::Display| Error::new(format!("the plan's study cannot be read: {what}"));
    let written: toml::Table = serde_json::from_value(section["written"].clone()).map_err(|e| broken(&e))?;
    let text = toml::to_string(&written).map_err(|e| broken(&e))?;
    let files = section["files"].as_object();
    let file = |path: &str| {
        files
            .and_then(|files| files.get(path))
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| format!("the plan holds no file {path}"))
    };
    Study::parse_frozen(&text, &format!("the plan {name}"), &file)
}

fn levels(at: &BTreeMap<String, String>) -> Levels {
    at.iter().map(|(factor, level)| (factor.as_str().into(), level.as_str().into())).collect()
}
