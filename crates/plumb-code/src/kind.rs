//! Kind of judge `similarity`: how near the code of an answer is to the item's reference.

use crate::extract::{Which, extract, trimmed};
use crate::metric::{Metric, score_several};
use plumb_study::judge::{Case, Judge, Rule};
use plumb_study::plan::{JudgeSpec, Measure, Scale};
use plumb_study::{Answer, Fields, FrozenJudge, Inputs, JudgeKind, Registry, Result, Verdict, Verdicts};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Keys: `metric` (a name or a list; each becomes a measure of that name), `reference = "target"` (what the code is
/// compared with: the item's target), `code = "fenced" | "whole"` (how the code is found in the answer, see
/// [`crate::extract`]), `language` (preferred blocks), `block = "first" | "last"`, `trim` (default true: blank lines at
/// both ends and white space at the very end do not count, on both sides).
pub(crate) struct SimilarityKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    metrics: Vec<String>,
    reference: Reference,
    code: Code,
    language: Option<String>,
    block: Block,
    trim: bool,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Reference {
    Target,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Code {
    Fenced,
    Whole,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Block {
    First,
    Last,
}

fn known() -> String {
    Metric::ALL.map(Metric::name).join(", ")
}

fn take_metrics(fields: &mut Fields) -> Result<Vec<String>> {
    let names = fields.texts("metric")?.filter(|names| !names.is_empty()).ok_or_else(|| {
        fields.error("`metric` is missing (how similarity is measured)").help(format!("one of {}", known()))
    })?;
    for (at, name) in names.iter().enumerate() {
        if Metric::parse(name).is_none() {
            return Err(fields
                .error(format!("`metric` names \"{name}\", which is none"))
                .help(format!("one of {}", known())));
        }
        if names[..at].contains(name) {
            return Err(fields.error(format!("`metric` names \"{name}\" twice")));
        }
    }
    Ok(names)
}

impl JudgeKind for SimilarityKind {
    fn freeze(&self, fields: &mut Fields, _registry: &Registry, _inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let settings = Settings {
            metrics: take_metrics(fields)?,
            reference: fields
                .choice("reference", &[("target", Reference::Target)])?
                .unwrap_or(Reference::Target),
            code: fields
                .choice("code", &[("fenced", Code::Fenced), ("whole", Code::Whole)])?
                .unwrap_or(Code::Fenced),
            language: fields.text("language")?,
            block: fields
                .choice("block", &[("first", Block::First), ("last", Block::Last)])?
                .unwrap_or(Block::First),
            trim: fields.flag("trim")?.unwrap_or(true),
        };
        let measures = settings
            .metrics
            .iter()
            .map(|m| Measure { name: m.as_str().into(), scale: Scale::Real })
            .collect();
        Ok(FrozenJudge {
            settings: serde_json::to_value(settings).map_err(|e| fields.error(e))?,
            measures,
            needs: Vec::new(),
            model: None,
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let settings: Settings = spec.settings_as()?;
        let metrics = settings
            .metrics
            .iter()
            .map(|name| {
                Metric::parse(name).ok_or_else(|| spec.unreadable(format!("there is no metric \"{name}\"")))
            })
            .collect::<Result<_>>()?;
        Ok(Arc::new(Opened { settings, metrics }))
    }
}

struct Opened {
    settings: Settings,
    metrics: Vec<Metric>,
}

impl Rule for Opened {
    fn decide(&self, case: &Case) -> Verdicts {
        let all = |reason: &str| Verdicts::all(Verdict::Abstained(reason.into()), self.metrics.len());
        if matches!(case.answer, Answer::Options(_)) {
            return all("the answer is a choice among options, not text");
        }
        let Reference::Target = self.settings.reference;
        let Some(reference) = case.item.target.as_deref() else { return all("the item has no target") };
        let answer = case.answer.text();
        let (code, note) = match self.settings.code {
            Code::Whole => (answer.to_owned(), None),
            Code::Fenced => {
                let which = match self.settings.block {
                    Block::First => Which::First,
                    Block::Last => Which::Last,
                };
                let found = extract(answer, self.settings.language.as_deref(), which);
                (found.code, Some(format!("code: {}", found.from).into()))
            }
        };
        let (reference, code) = if self.settings.trim {
            (trimmed(reference), trimmed(&code))
        } else {
            (reference, code.as_str())
        };
        let values =
            score_several(&self.metrics, reference, &[code]).into_iter().flatten().map(|value| match value {
                Ok(score) => Verdict::Scored(score),
                Err(why) => Verdict::Abstained(why.to_string().into()),
            });
        Verdicts { note, ..Verdicts::of(values.collect()) }
    }
}
