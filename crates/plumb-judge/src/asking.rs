//! How a judge that asks a model does so: its question out, its model's reply read, every way in which that can end.
//!
//! Why: model judges, rubrics and guard models differ in what they ask and in how they read; what a failed exchange, a
//! withheld reply, a cut one or one that says nothing readable means must be the same for all. Start at [`Asking`]. Not
//! here: what a reply means, and limits and retries of a single exchange (`plumb_study::run::Ctx`).

use plumb_study::items::{Prompt, Role, Task, Turn};
use plumb_study::judge::Case;
use plumb_study::party::Outcome;
use plumb_study::plan::{JudgeSpec, PartySpec};
use plumb_study::run::{Ctx, Party};
use plumb_study::{Answer, Error, Fields, Finish, Inputs, JudgeIx, JudgeName, Registry, Verdict, Verdicts};
use std::borrow::Cow;

/// Most times that a judge may be asked again for one verdict.
const MOST_RETRIES: i64 = 10;

/// How a judge asks its model.
#[derive(Clone, Debug)]
pub struct Asking {
    name: JudgeName,
    measures: usize,
    retries: u32,
    varies: bool,
}

/// Takes the key `retries`: how often a judge is asked again when its reply cannot be read.
///
/// # Errors
/// No number from 0 to 10.
pub fn take_retries(fields: &mut Fields, otherwise: u32) -> Result<u32, Error> {
    Ok(fields.whole("retries", 0, MOST_RETRIES)?.map_or(otherwise, |n| n as u32))
}

/// Takes the key `model`, a table like a subject's.
///
/// # Errors
/// No such table, or one that its kind does not take.
pub fn take_model(fields: &mut Fields, registry: &Registry, inputs: &dyn Inputs) -> Result<PartySpec, Error> {
    let mut inner = fields.inner("model")?.ok_or_else(|| {
        fields
            .error("`model` is missing (the model that judges)")
            .help("model = { kind = \"openai\", model = \"…\", sampling = { temperature = 0.0 } }")
    })?;
    let model = registry.freeze_party(&mut inner, inputs)?;
    inner.finish()?;
    Ok(model)
}

impl Asking {
    /// For a judge of a plan that asks again `retries` times where its reply cannot be read. A model that would say the
    /// same again is asked once.
    pub fn new(spec: &JudgeSpec, retries: u32) -> Asking {
        let varies = spec.model.as_ref().is_some_and(PartySpec::may_vary);
        Asking { name: spec.name.clone(), measures: spec.measures.len(), retries, varies }
    }

    /// Puts the question, and reads the reply with `read`: verdicts, or why there are none. What cannot be read is
    /// asked again as often as the plan says; then every measure abstains with that reason, and the reply stands in
    /// the note.
    pub async fn ask(
        &self,
        case: &Case<'_>,
        cx: &Ctx,
        prompt: Prompt,
        read: impl Fn(&str, Finish) -> Result<Vec<Verdict>, String>,
    ) -> Verdicts {
        let mut left = if self.varies { self.retries } else { 0 };
        loop {
            let (answer, finish) = match self.exchange(case, cx, prompt.clone()).await {
                Ok(answered) => answered,
                Err(none) => return none,
            };
            let text = answer.text();
            let note = Some(super::kinds::short(text.trim(), 400).into());
            match read(text, finish) {
                Ok(values) => return Verdicts { values, note, retryable: false },
                Err(_) if left > 0 => left -= 1,
                Err(why) => {
                    let abstained = self.all(Verdict::Abstained(why.into()));
                    return Verdicts { note, retryable: self.varies, ..abstained };
                }
            }
        }
    }

    /// One exchange with the judge's model.
    ///
    /// # Errors
    /// The verdicts that stand for an exchange that failed, or a reply that was withheld.
    pub async fn exchange(
        &self,
        case: &Case<'_>,
        cx: &Ctx,
        prompt: Prompt,
    ) -> Result<(Answer, Finish), Verdicts> {
        let Some(me) = case.plan.judges.iter().position(|j| j.name == self.name) else {
            return Err(self.all(Verdict::Failed("the judge is not in the plan".into())));
        };
        match cx.ask(Party::Model(JudgeIx(me as u16)), prompt).await {
            Ok(reply) => match reply.outcome {
                Outcome::Answered { answer, finish, .. } => Ok((answer, finish)),
                Outcome::Withheld(why) => {
                    let words = format!("the judge's reply was withheld: {}", why.name());
                    Err(self.all(Verdict::Abstained(words.into())))
                }
            },
            Err(failure) => {
                let words = format!("{}: {}", failure.kind.name(), failure.message);
                Err(Verdicts { retryable: failure.retryable, ..self.all(Verdict::Failed(words.into())) })
            }
        }
    }

    fn all(&self, verdict: Verdict) -> Verdicts {
        Verdicts::all(verdict, self.measures)
    }
}

/// The answer that is judged, or `None` where it is no text. Reasoning that the provider reported apart goes before it if
/// `reasoning` is set.
pub fn answer_of<'a>(case: &Case<'a>, reasoning: bool) -> Option<Cow<'a, str>> {
    super::kinds::text_of(case, reasoning)
}

/// What was said before the answer, turn by turn, without instructions of the system.
pub fn turns_before(case: &Case) -> Vec<Turn> {
    let said = match (case.answer, &case.item.task) {
        (Answer::Conversation(turns), _) => {
            let last = turns.iter().rposition(|t| t.role == Role::Assistant).unwrap_or(turns.len());
            turns[..last].to_vec()
        }
        (_, Task::Ask(Prompt::Chat(turns)) | Task::Recorded(Prompt::Chat(turns))) => turns.clone(),
        (_, task) => vec![Turn { role: Role::User, text: task.headline().into() }],
    };
    said.into_iter().filter(|t| t.role != Role::System).collect()
}

/// The same as one text: one question as it stands, a conversation turn by turn.
pub fn asked(case: &Case) -> String {
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
