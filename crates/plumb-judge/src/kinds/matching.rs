//! Kind `match`: is the answer a given text, does it contain one, or does a regular expression match it?

use std::sync::Arc;

use plumb_study::judge::{Case, Judge, Rule};
use plumb_study::plan::{JudgeSpec, Scale};
use plumb_study::{Fields, FrozenJudge, Inputs, JudgeKind, Registry, Result, Verdict, Verdicts};
use serde::{Deserialize, Serialize};

use super::{NO_TARGET, NO_TEXT, abstained, at, keep, measure, short, take_reasoning, text_of, yes_no};
use crate::matching::{How, Match};

/// Keys: exactly one of `exact`, `contains`, `regex` (a text or a list of which one must match) and
/// `target = "exact" | "contains"` (the item's own target); `ignore_case` (default false); `trim` (default true: white
/// space at the ends does not count, for exact matches); `reasoning`.
pub(super) struct MatchKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    how: HowName,
    /// Absent where the item's target is compared.
    texts: Option<Vec<String>>,
    ignore_case: bool,
    trim: bool,
    reasoning: bool,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum HowName {
    Exact,
    Contains,
    Regex,
}

impl From<HowName> for How {
    fn from(name: HowName) -> How {
        match name {
            HowName::Exact => How::Exact,
            HowName::Contains => How::Contains,
            HowName::Regex => How::Regex,
        }
    }
}

fn take_how(fields: &mut Fields) -> Result<(HowName, Option<Vec<String>>)> {
    let mut found = Vec::new();
    for (key, how) in [("exact", HowName::Exact), ("contains", HowName::Contains), ("regex", HowName::Regex)]
    {
        if let Some(texts) = fields.texts(key)? {
            found.push((how, Some(texts)));
        }
    }
    let target = fields.choice("target", &[("exact", HowName::Exact), ("contains", HowName::Contains)])?;
    found.extend(target.map(|how| (how, None)));
    match found.pop() {
        Some(only) if found.is_empty() => Ok(only),
        _ => Err(fields
            .error("a judge of kind \"match\" needs exactly one of `exact`, `contains`, `regex`, `target`")
            .help("contains = \"some text\", or target = \"exact\" to compare with the item's own target")),
    }
}

impl JudgeKind for MatchKind {
    fn freeze(&self, fields: &mut Fields, _registry: &Registry, _inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let (how, texts) = take_how(fields)?;
        let settings = Settings {
            how,
            texts,
            ignore_case: fields.flag("ignore_case")?.unwrap_or(false),
            trim: fields.flag("trim")?.unwrap_or(true),
            reasoning: take_reasoning(fields)?,
        };
        // A faulty pattern is an error of the plan, not of a run.
        settings.compiled().map_err(|e| at(fields, e))?;
        Ok(FrozenJudge {
            settings: keep(fields, &settings)?,
            measures: vec![measure("matched", Scale::Binary)],
            needs: Vec::new(),
            model: None,
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let settings: Settings = spec.settings_as()?;
        let fixed = settings.compiled().map_err(|e| spec.unreadable(e))?;
        Ok(Arc::new(Opened { settings, fixed }))
    }
}

impl Settings {
    /// The comparison, where it is the same for all items.
    fn compiled(&self) -> Result<Option<Match>, crate::Error> {
        self.texts.as_ref().map(|texts| self.against(texts)).transpose()
    }

    fn against(&self, texts: &[String]) -> Result<Match, crate::Error> {
        Match::new(self.how.into(), texts, self.ignore_case, self.trim)
    }
}

struct Opened {
    settings: Settings,
    fixed: Option<Match>,
}

impl Rule for Opened {
    fn decide(&self, case: &Case) -> Verdicts {
        let Some(text) = text_of(case, self.settings.reasoning) else {
            return Verdicts::of(vec![abstained(NO_TEXT)]);
        };
        if let (Some(fixed), Some(texts)) = (&self.fixed, &self.settings.texts) {
            let found = fixed.find(&text);
            // With one text the verdict says all there is to say.
            let note = found
                .filter(|_| texts.len() > 1)
                .and_then(|at| texts.get(at))
                .map(|t| format!("\"{}\"", short(t, 80)).into());
            return Verdicts { note, ..Verdicts::of(vec![yes_no(found.is_some())]) };
        }
        let Some(target) = &case.item.target else { return Verdicts::of(vec![abstained(NO_TARGET)]) };
        Verdicts::of(vec![match self.settings.against(&[target.to_string()]) {
            Ok(matching) => yes_no(matching.find(&text).is_some()),
            Err(error) => Verdict::Failed(error.to_string().into()),
        }])
    }
}
