//! Kind `model`: a model is asked to judge, and its reply is read without guessing.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use plumb_study::items::Prompt;
use plumb_study::judge::{Case, Judge};
use plumb_study::plan::{JudgeSpec, Scale};
use plumb_study::run::Ctx;
use plumb_study::{Fields, Finish, FrozenJudge, Inputs, JudgeKind, Registry, Result, Verdict, Verdicts};
use serde::{Deserialize, Serialize};

use super::{NO_TARGET, NO_TEXT, abstained, at, keep, measure, scale_of, take_reasoning, text_of};
use crate::asking::{self, Asking, take_retries};
use crate::parse::{self, Format};
use crate::template::{Slot, Template};

/// Keys: `model` (a table like a subject's: `kind`, `sampling`, `system`, the kind's own), `template` with `{answer}`
/// and, as wanted, `{prompt}`, `{target}`, `{reasoning}`; `labels` (default no, yes); `reply = "last-line" | "json"`
/// with `marker` or `field`; `reasoning` (puts reasoning before the answer in `{answer}`); `retries`.
pub(super) struct ModelKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    template: String,
    labels: Vec<String>,
    reply: Reply,
    reasoning: bool,
    /// Left out where it is 0, so that plans from before there was the key keep their hash.
    #[serde(default, skip_serializing_if = "is_zero")]
    retries: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Reply {
    LastLine { marker: Option<String> },
    Json { field: String },
}

impl From<Reply> for Format {
    fn from(reply: Reply) -> Format {
        match reply {
            Reply::LastLine { marker } => Format::LastLine { marker },
            Reply::Json { field } => Format::Json { field },
        }
    }
}

fn take_reply(fields: &mut Fields) -> Result<Reply> {
    let json = fields.choice("reply", &[("last-line", false), ("json", true)])?.unwrap_or(false);
    let (marker, field) = (fields.text("marker")?, fields.text("field")?);
    match (json, marker, field) {
        (false, Some(marker), None) if marker.trim().is_empty() => Err(fields.error("`marker` is empty")),
        (false, marker, None) => Ok(Reply::LastLine { marker }),
        (true, None, field) => Ok(Reply::Json { field: field.unwrap_or_else(|| "verdict".into()) }),
        (false, _, Some(_)) => Err(fields.error("`field` belongs to reply = \"json\"")),
        (true, Some(_), _) => Err(fields.error("`marker` belongs to reply = \"last-line\"")),
    }
}

fn take_labels(fields: &mut Fields) -> Result<Vec<String>> {
    let mut labels = fields.texts("labels")?.unwrap_or_else(|| vec!["no".into(), "yes".into()]);
    let mut seen = std::collections::BTreeSet::new();
    if !(2..=usize::from(u8::MAX)).contains(&labels.len())
        || !labels.iter().all(|l| !l.trim().is_empty() && seen.insert(l.to_lowercase()))
    {
        return Err(fields.error("`labels` must be at least two different texts, none of them empty"));
    }
    // A binary scale has its labels in this order, however they were written.
    if scale_of(&labels) == Scale::Binary {
        labels = vec!["no".into(), "yes".into()];
    }
    Ok(labels)
}

fn take_template(fields: &mut Fields, reasoning: bool) -> Result<String> {
    let text = fields.need_text("template")?;
    let template = Template::parse(&text).map_err(|e| at(fields, e))?;
    if !template.has(Slot::Answer) {
        return Err(fields.error("`template` has no {answer}: the judge would not see what it judges"));
    }
    if reasoning && template.has(Slot::Reasoning) {
        return Err(fields.error("reasoning would be judged twice").help(
            "reasoning = true puts it into {answer}; leave out that key or the placeholder {reasoning}",
        ));
    }
    Ok(text)
}

impl JudgeKind for ModelKind {
    fn freeze(&self, fields: &mut Fields, registry: &Registry, inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let model = asking::take_model(fields, registry, inputs)?;
        if !model.can.chat {
            return Err(
                fields.error(format!("a model of kind \"{}\" cannot hold a conversation", model.kind))
            );
        }
        let reasoning = take_reasoning(fields)?;
        let settings = Settings {
            template: take_template(fields, reasoning)?,
            labels: take_labels(fields)?,
            reply: take_reply(fields)?,
            reasoning,
            retries: take_retries(fields, 0)?,
        };
        Ok(FrozenJudge {
            measures: vec![measure("verdict", scale_of(&settings.labels))],
            settings: keep(fields, &settings)?,
            needs: Vec::new(),
            model: Some(model),
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let settings: Settings = spec.settings_as()?;
        Ok(Arc::new(Opened {
            asking: Asking::new(spec, settings.retries),
            template: Template::parse(&settings.template).map_err(|e| spec.unreadable(e))?,
            format: settings.reply.into(),
            labels: settings.labels,
            reasoning: settings.reasoning,
        }))
    }
}

struct Opened {
    asking: Asking,
    template: Template,
    format: Format,
    labels: Vec<String>,
    reasoning: bool,
}

impl Opened {
    fn question(&self, case: &Case) -> Result<String, &'static str> {
        let answer = text_of(case, self.reasoning).ok_or(NO_TEXT)?;
        if self.template.has(Slot::Target) && case.item.target.is_none() {
            return Err(NO_TARGET);
        }
        let prompt = asking::asked(case);
        Ok(self.template.fill(|slot| match slot {
            Slot::Prompt => &prompt,
            Slot::Answer => &answer,
            Slot::Target => case.item.target.as_deref().unwrap_or(""),
            Slot::Reasoning => case.reasoning.map_or("(none was reported)", |r| r),
        }))
    }

    fn read(&self, reply: &str, finish: Finish) -> Result<Vec<Verdict>, String> {
        if finish == Finish::Length && matches!(self.format, Format::LastLine { .. }) {
            // The line that ends a cut reply is not the line that was meant to be last.
            return Err("the judge's reply was cut at its token limit".into());
        }
        match parse::label(reply, &self.format, &self.labels) {
            Ok(label) => Ok(vec![Verdict::Labelled(plumb_study::Label(label as u8))]),
            Err(why) => Err(why.to_string()),
        }
    }
}

impl Judge for Opened {
    fn judge<'a>(&'a self, case: &'a Case<'a>, cx: &'a Ctx) -> BoxFuture<'a, Verdicts> {
        Box::pin(async move {
            match self.question(case) {
                Ok(question) => {
                    self.asking.ask(case, cx, Prompt::user(question), |text, end| self.read(text, end)).await
                }
                Err(reason) => Verdicts::of(vec![abstained(reason)]),
            }
        })
    }
}
