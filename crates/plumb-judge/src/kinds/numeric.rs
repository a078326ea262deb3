//! Kind `numeric`: the final number of the answer, and whether it is the item's target.

use std::sync::Arc;

use plumb_study::judge::{Case, Judge, Rule};
use plumb_study::plan::{JudgeSpec, Scale};
use plumb_study::{Fields, FrozenJudge, Inputs, JudgeKind, Registry, Result, Verdict, Verdicts};
use serde::{Deserialize, Serialize};

use super::choice::UnreadIs;
use super::{NO_TARGET, NO_TEXT, abstained, keep, measure, short, take_reasoning, text_of, yes_no};
use crate::numeric::{Tolerance, final_number};

/// Keys: `tolerance` (absolute) and `relative_tolerance`, both 0 by default, of which the wider counts;
/// `unread = "abstain" | "wrong"` as for `choice`; `reasoning`.
pub(super) struct NumericKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    tolerance: f64,
    relative_tolerance: f64,
    unread: UnreadIs,
    reasoning: bool,
}

impl JudgeKind for NumericKind {
    fn freeze(&self, fields: &mut Fields, _registry: &Registry, _inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let settings = Settings {
            tolerance: fields.number("tolerance", 0.0, 1e12)?.unwrap_or(0.0),
            relative_tolerance: fields.number("relative_tolerance", 0.0, 1.0)?.unwrap_or(0.0),
            unread: UnreadIs::take(fields)?,
            reasoning: take_reasoning(fields)?,
        };
        Ok(FrozenJudge {
            settings: keep(fields, &settings)?,
            measures: vec![measure("correct", Scale::Binary), measure("value", Scale::Real)],
            needs: Vec::new(),
            model: None,
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let settings: Settings = spec.settings_as()?;
        Ok(Arc::new(settings))
    }
}

impl Rule for Settings {
    fn decide(&self, case: &Case) -> Verdicts {
        let Some(text) = text_of(case, self.reasoning) else {
            return Verdicts::all(abstained(NO_TEXT), 2);
        };
        let value = final_number(&text);
        let correct = match (&case.item.target, value) {
            (None, _) => abstained(NO_TARGET),
            (Some(target), value) => match (final_number(target), value) {
                (Err(_), _) => {
                    Verdict::Failed(format!("the target \"{}\" is no number", short(target, 80)).into())
                }
                (Ok(_), Err(why)) => self.unread.correct(&why.to_string()),
                (Ok(expected), Ok(value)) => {
                    let tolerance = Tolerance { absolute: self.tolerance, relative: self.relative_tolerance };
                    yes_no(tolerance.accepts(value, expected))
                }
            },
        };
        let value = match value {
            Ok(value) => Verdict::Scored(value),
            Err(why) => abstained(why.to_string()),
        };
        Verdicts::of(vec![correct, value])
    }
}
