//! Stored replies and answers that are more than text, version 1.

use super::broken;
use crate::error::Result;
use crate::items::{Role, Turn};
use crate::observe::{Answer, Failure, FailureKind, Finish, OptionScore, Withheld};
use crate::party::{Outcome, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AnswerV1 {
    Text(Arc<str>),
    Options(Vec<(f64, u32, u32)>),
    Turns(Vec<(String, Arc<str>)>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReplyV1 {
    Answered {
        answer: AnswerV1,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reasoning: Option<Arc<str>>,
        finish: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        served: Option<Arc<str>>,
    },
    Withheld(String),
    Failed {
        kind: String,
        message: Arc<str>,
    },
}

fn answer_out(answer: &Answer) -> AnswerV1 {
    match answer {
        Answer::Text(text) => AnswerV1::Text(text.clone()),
        Answer::Options(options) => {
            AnswerV1::Options(options.iter().map(|o| (o.logprob, o.tokens, o.bytes)).collect())
        }
        Answer::Conversation(turns) => {
            AnswerV1::Turns(turns.iter().map(|t| (t.role.name().into(), t.text.clone())).collect())
        }
    }
}

fn answer_in(answer: AnswerV1) -> Result<Answer> {
    Ok(match answer {
        AnswerV1::Text(text) => Answer::Text(text),
        AnswerV1::Options(options) => Answer::Options(
            options
                .into_iter()
                .map(|(logprob, tokens, bytes)| OptionScore { logprob, tokens, bytes })
                .collect(),
        ),
        AnswerV1::Turns(turns) => Answer::Conversation(
            turns
                .into_iter()
                .map(|(role, text)| {
                    let role = Role::parse(&role).ok_or_else(|| broken("role", &role))?;
                    Ok(Turn { role, text })
                })
                .collect::<Result<_>>()?,
        ),
    })
}

/// The stored form of an answer that is more than text.
pub(crate) fn answer(answer: &Answer) -> String {
    // Infinite log-probabilities become null in JSON; `answer_text` of such a body then says so.
    serde_json::to_string(&answer_out(answer)).unwrap_or_default()
}

/// Reads [`answer`] back.
pub(crate) fn read_answer(text: &str) -> Result<Answer> {
    answer_in(serde_json::from_str(text).map_err(|e| broken("answer", e))?)
}

fn finish_in(name: &str) -> Finish {
    [Finish::Stop, Finish::Length].into_iter().find(|f| f.name() == name).unwrap_or(Finish::Other)
}

/// The stored form of a step's reply.
pub(crate) fn encode(reply: &Result<Reply, Failure>) -> String {
    let stored = match reply {
        Ok(Reply { outcome: Outcome::Answered { answer, reasoning, finish }, served, .. }) => {
            ReplyV1::Answered {
                answer: answer_out(answer),
                reasoning: reasoning.clone(),
                finish: finish.name().into(),
                served: served.clone(),
            }
        }
        Ok(Reply { outcome: Outcome::Withheld(why), .. }) => ReplyV1::Withheld(why.name().into()),
        Err(failure) => {
            ReplyV1::Failed { kind: failure.kind.name().into(), message: failure.message.clone() }
        }
    };
    serde_json::to_string(&stored).unwrap_or_default()
}

/// Reads [`encode`] back; tokens and cost stand in the step's row.
pub(crate) fn decode(text: &str) -> Result<Result<Reply, Failure>> {
    let bare =
        |outcome, served| Reply { outcome, tokens_in: None, tokens_out: None, cost_nano: None, served };
    Ok(match serde_json::from_str(text).map_err(|e| broken("reply", e))? {
        ReplyV1::Answered { answer, reasoning, finish, served } => {
            let answer = answer_in(answer)?;
            Ok(bare(Outcome::Answered { answer, reasoning, finish: finish_in(&finish) }, served))
        }
        ReplyV1::Withheld(name) => {
            let why = Withheld::ALL
                .into_iter()
                .find(|w| w.name() == name)
                .ok_or_else(|| broken("reason of withholding", &name))?;
            Ok(bare(Outcome::Withheld(why), None))
        }
        ReplyV1::Failed { kind, message } => {
            let kind = FailureKind::ALL
                .into_iter()
                .find(|k| k.name() == kind)
                .ok_or_else(|| broken("kind of failure", &kind))?;
            Err(Failure::last(kind, message))
        }
    })
}
