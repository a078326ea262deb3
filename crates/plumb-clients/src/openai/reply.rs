//! Replies, from any server that says it speaks this format.

use serde::Deserialize;

use crate::wire::json::{self, Present, Text};
use crate::wire::{
    Answered, Failed, Fault, Filter, Finish, Head, Outcome, Usage, Withheld, refusal, thinking, trimmed,
};

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(default)]
    error: Present,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<Message>,
    /// Of a completion of bare text.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Text,
    /// Where OpenAI puts a refusal when a schema was asked for. The words are the model's.
    #[serde(default)]
    refusal: Text,
    #[serde(default)]
    reasoning_content: Text,
    #[serde(default)]
    reasoning: Text,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<InputDetails>,
    #[serde(default)]
    completion_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl From<Counts> for Usage {
    fn from(counts: Counts) -> Usage {
        Usage {
            input: counts.prompt_tokens,
            cached_input: counts.prompt_tokens_details.and_then(|d| d.cached_tokens),
            output: counts.completion_tokens,
            reasoning: counts.completion_tokens_details.and_then(|d| d.reasoning_tokens),
        }
    }
}

/// Reads the reply to a chat completion. With `think_tags`, reasoning that stands in the answer between
/// `<think>` tags is taken out of it.
pub fn read_chat(head: &Head, body: &[u8], think_tags: bool) -> Outcome {
    read(head, body, |choice| {
        let message = choice.message.ok_or(Fault::Missing { field: "choices[0].message" })?;
        let reasoning = message.reasoning_content.0.or(message.reasoning.0);
        let mut said = Said {
            text: message.content.0.or(message.refusal.0),
            reasoning: reasoning.filter(|r| !r.is_empty()),
        };
        if think_tags && let Some(text) = said.text.take() {
            let split = thinking::split(text);
            said.text = split.text;
            said.reasoning = said.reasoning.or(split.reasoning);
        }
        Ok(said)
    })
}

/// Reads the reply to a completion of bare text.
pub fn read_completion(head: &Head, body: &[u8]) -> Outcome {
    read(head, body, |choice| Ok(Said { text: choice.text, reasoning: None }))
}

struct Said {
    text: Option<String>,
    reasoning: Option<String>,
}

fn read(head: &Head, body: &[u8], say: impl FnOnce(Choice) -> Result<Said, Fault>) -> Outcome {
    if !head.is_success() {
        return refusal::outcome(head, body);
    }
    match json::read(head, body, |parsed: Body| understand(parsed, say)) {
        Ok(Some(outcome)) => outcome,
        Ok(None) => refusal::outcome(head, body),
        Err(failed) => Outcome::Failed(failed),
    }
}

/// `None` if the body reports an error.
fn understand(body: Body, say: impl FnOnce(Choice) -> Result<Said, Fault>) -> Option<Outcome> {
    if body.error.0 {
        return None;
    }
    let failed = |fault| Some(Outcome::Failed(Failed::new(fault, "")));
    let Some(choices) = body.choices else {
        return failed(Fault::Missing { field: "choices" });
    };
    let Some(mut choice) = choices.into_iter().next() else {
        return failed(Fault::Missing { field: "choices[0]" });
    };
    let reason = choice.finish_reason.take();
    let usage = body.usage.map(Usage::from).unwrap_or_default();
    let served = body.model.filter(|m| !m.is_empty());
    // From here on the model has worked, and is paid for.
    let unread = |fault| Some(Outcome::Failed(Failed::new(fault, "").using(usage)));
    let said = say(choice);
    let filter = match reason.as_deref() {
        Some("content_filter") => Some(Filter::Answer),
        Some("refusal") => Some(Filter::Refusal),
        _ => None,
    };
    if let Some(by) = filter {
        let words = said.ok().and_then(|s| s.text).unwrap_or_default();
        return Some(Outcome::Withheld(Withheld { by, words: trimmed(&words), usage, served }));
    }
    let said = match said {
        Ok(said) => said,
        Err(fault) => return unread(fault),
    };
    let finish = match reason.as_deref() {
        Some("stop" | "eos" | "end_turn" | "stop_sequence") => Finish::Stop,
        Some("length" | "max_tokens") => Finish::Length,
        Some(other) => Finish::Other(trimmed(other)),
        None => Finish::Unnamed,
    };
    // An empty text at the limit of tokens is what reasoning left over, not what the model had to say.
    match said.text {
        Some(text) if !(text.is_empty() && finish == Finish::Length) => {
            Some(Outcome::Answered(Answered { text, reasoning: said.reasoning, finish, usage, served }))
        }
        _ => unread(Fault::NoText {
            finish: match finish {
                Finish::Length => "length".to_owned(),
                _ => reason.map_or_else(|| "none".to_owned(), |r| trimmed(&r)),
            },
        }),
    }
}
