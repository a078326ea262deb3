//! Kind `model`: a model is asked to judge, and its reply is read without guessing.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use plumb_study::items::{Prompt, Role, Task, Turn};
use plumb_study::judge::{Case, Judge};
use plumb_study::party::Outcome;
use plumb_study::plan::{JudgeSpec, Scale};
use plumb_study::run::{Ctx, Party};
use plumb_study::{
    Answer, Fields, Finish, FrozenJudge, Inputs, JudgeIx, JudgeKind, JudgeName, Registry, Result, Verdict,
    Verdicts,
};
use serde::{Deserialize, Serialize};

use super::{
    NO_TARGET, NO_TEXT, abstained, at, broken, keep, kept, measure, scale_of, short, take_reasoning, text_of,
};
use crate::parse::{self, Format};
use crate::template::{Slot, Template};

/// Keys: `model` (a table like a subject's: `kind`, `sampling`, `system`, the kind's own), `template` with `{answer}`
/// and, as wanted, `{prompt}`, `{target}`, `{reasoning}`; `labels` (default no, yes); `reply = "last-line" | "json"`
/// with `marker` or `field`; `reasoning` (puts reasoning before the answer in `{answer}`).
pub(super) struct ModelKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    template: String,
    labels: Vec<String>,
    reply: Reply,
    reasoning: bool,
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
        let mut inner = fields.inner("model")?.ok_or_else(|| {
            fields
                .error("`model` is missing (the model that judges)")
                .help("model = { kind = \"openai\", model = \"…\", sampling = { temperature = 0.0 } }")
        })?;
        let model = registry.freeze_party(&mut inner, inputs)?;
        if !model.can.chat {
            return Err(inner.error(format!("a model of kind \"{}\" cannot hold a conversation", model.kind)));
        }
        inner.finish()?;
        let reasoning = take_reasoning(fields)?;
        let settings = Settings {
            template: take_template(fields, reasoning)?,
            labels: take_labels(fields)?,
            reply: take_reply(fields)?,
            reasoning,
        };
        Ok(FrozenJudge {
            measures: vec![measure("verdict", scale_of(&settings.labels))],
            settings: keep(fields, &settings)?,
            needs: Vec::new(),
            model: Some(model),
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let settings: Settings = kept(spec)?;
        Ok(Arc::new(Opened {
            name: spec.name.clone(),
            template: Template::parse(&settings.template).map_err(|e| broken(spec, e))?,
            format: settings.reply.into(),
            labels: settings.labels,
            reasoning: settings.reasoning,
            varies: spec.model.as_ref().is_some_and(|m| m.sampling.temperature != Some(0.0)),
        }))
    }
}

struct Opened {
    name: JudgeName,
    template: Template,
    format: Format,
    labels: Vec<String>,
    reasoning: bool,
    /// Whether asking again may give another reply.
    varies: bool,
}

impl Opened {
    fn question(&self, case: &Case) -> Result<String, &'static str> {
        let answer = text_of(case, self.reasoning).ok_or(NO_TEXT)?;
        if self.template.has(Slot::Target) && case.item.target.is_none() {
            return Err(NO_TARGET);
        }
        let prompt = asked(case);
        Ok(self.template.fill(|slot| match slot {
            Slot::Prompt => &prompt,
            Slot::Answer => &answer,
            Slot::Target => case.item.target.as_deref().unwrap_or(""),
            Slot::Reasoning => case.reasoning.map_or("(none was reported)", |r| r),
        }))
    }

    fn read(&self, reply: &str, finish: Finish) -> Verdicts {
        let cut = finish == Finish::Length && matches!(self.format, Format::LastLine { .. });
        let verdict = if cut {
            // The line that ends a cut reply is not the line that was meant to be last.
            abstained("the judge's reply was cut at its token limit")
        } else {
            match parse::label(reply, &self.format, &self.labels) {
                Ok(label) => Verdict::Labelled(plumb_study::Label(label as u8)),
                Err(why) => abstained(why.to_string()),
            }
        };
        let retryable = self.varies && matches!(verdict, Verdict::Abstained(_));
        Verdicts { values: vec![verdict], note: Some(short(reply.trim(), 400).into()), retryable }
    }
}

impl Judge for Opened {
    fn judge<'a>(&'a self, case: &'a Case<'a>, cx: &'a Ctx) -> BoxFuture<'a, Verdicts> {
        Box::pin(async move {
            let question = match self.question(case) {
                Ok(question) => question,
                Err(reason) => return Verdicts::of(vec![abstained(reason)]),
            };
            let Some(me) = case.plan.judges.iter().position(|j| j.name == self.name) else {
                return Verdicts::of(vec![Verdict::Failed("the judge is not in the plan".into())]);
            };
            match cx.ask(Party::Model(JudgeIx(me as u16)), Prompt::user(question)).await {
                Err(failure) => Verdicts {
                    retryable: failure.retryable,
                    ..Verdicts::of(vec![Verdict::Failed(
                        format!("{}: {}", failure.kind.name(), failure.message).into(),
                    )])
                },
                Ok(reply) => match reply.outcome {
                    Outcome::Withheld(why) => Verdicts::of(vec![abstained(format!(
                        "the judge's reply was withheld: {}",
                        why.name()
                    ))]),
                    Outcome::Answered { answer, finish, .. } => self.read(answer.text(), finish),
                },
            }
        })
    }
}

/// What was asked, as the judge reads it: one question as it stands, a conversation turn by turn up to the answer.
fn asked(case: &Case) -> String {
    if let Answer::Conversation(turns) = case.answer {
        let last = turns.iter().rposition(|t| t.role == Role::Assistant).unwrap_or(turns.len());
        return written(&turns[..last]);
    }
    match &case.item.task {
        Task::Ask(Prompt::Chat(turns)) | Task::Recorded(Prompt::Chat(turns)) => written(turns),
        task => task.headline().to_owned(),
    }
}

fn written(turns: &[Turn]) -> String {
    match turns {
        [only] => only.text.to_string(),
        turns => {
            turns.iter().map(|t| format!("{}: {}", t.role.name(), t.text)).collect::<Vec<_>>().join("\n\n")
        }
    }
}
