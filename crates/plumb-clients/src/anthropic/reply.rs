//! Replies.

use serde::Deserialize;

use crate::wire::json::{self, Present};
use crate::wire::{
    Answered, Failed, Fault, Filter, Finish, Head, Outcome, Usage, Withheld, refusal, trimmed,
};

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    content: Option<Vec<Block>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(default)]
    error: Present,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

impl From<Counts> for Usage {
    /// This provider counts cached input apart; ours includes it.
    fn from(counts: Counts) -> Usage {
        let read = counts.cache_read_input_tokens;
        let created = counts.cache_creation_input_tokens;
        let total = |input: u64| input.saturating_add(read.unwrap_or(0)).saturating_add(created.unwrap_or(0));
        Usage {
            input: counts.input_tokens.map(total),
            cached_input: read,
            output: counts.output_tokens,
            reasoning: None,
        }
    }
}

/// Reads the reply to a message.
pub fn read(head: &Head, body: &[u8]) -> Outcome {
    if !head.is_success() {
        return refusal::outcome(head, body);
    }
    match json::read(head, body, understand) {
        Ok(Some(outcome)) => outcome,
        Ok(None) => refusal::outcome(head, body),
        Err(failed) => Outcome::Failed(failed),
    }
}

/// `None` if the body reports an error.
fn understand(body: Body) -> Option<Outcome> {
    if body.error.0 {
        return None;
    }
    let Some(blocks) = body.content else {
        return Some(Outcome::Failed(Failed::new(Fault::Missing { field: "content" }, "")));
    };
    let mut text: Option<String> = None;
    let mut reasoning: Option<String> = None;
    for block in &blocks {
        match (block.kind.as_deref(), &block.text, &block.thinking) {
            (Some("thinking"), _, Some(thought)) => reasoning.get_or_insert_default().push_str(thought),
            (Some("text") | None, Some(words), _) => text.get_or_insert_default().push_str(words),
            _ => {}
        }
    }
    let usage = body.usage.map(Usage::from).unwrap_or_default();
    let served = body.model.filter(|m| !m.is_empty());
    let finish = match body.stop_reason.as_deref() {
        Some("refusal") => {
            return Some(Outcome::Withheld(Withheld {
                by: Filter::Refusal,
                words: trimmed(&text.unwrap_or_default()),
                usage,
                served,
            }));
        }
        Some("end_turn" | "stop_sequence") => Finish::Stop,
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some(other) => Finish::Other(trimmed(other)),
        None => Finish::Unnamed,
    };
    // The format sends no block at all when the model has nothing to add: that is an empty answer.
    let nothing = blocks.is_empty() && finish == Finish::Stop;
    match text.or_else(|| nothing.then(String::new)) {
        Some(text) if !(text.is_empty() && finish == Finish::Length) => Some(Outcome::Answered(Answered {
            text,
            reasoning: reasoning.filter(|r| !r.is_empty()),
            finish,
            usage,
            served,
        })),
        _ => Some(Outcome::Failed(
            Failed::new(
                Fault::NoText {
                    finish: match finish {
                        Finish::Length => "length".to_owned(),
                        _ => body.stop_reason.map_or_else(|| "none".to_owned(), |r| trimmed(&r)),
                    },
                },
                "",
            )
            .using(usage),
        )),
    }
}
