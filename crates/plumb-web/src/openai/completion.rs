//! Reading a question of `/v1/completions`.

use super::ask::{Ask, Form, Given, MOST_TOP, Manner};
use super::body::{Body, wrong};
use crate::problem::Problem;
use crate::server::Shared;
use plumb_lm::{Labelled, Model, Scoring, Special, TokenId};
use serde_json::Value;

/// New tokens where the request does not say how many, as in OpenAI's interface.
const DEFAULT_TOKENS: usize = 16;

pub(super) fn ask(shared: &Shared, mut body: Body) -> Result<Ask, Problem> {
    let name = body.text("model")?.ok_or_else(|| Problem::field("model", "\"model\" is missing"))?;
    let model = super::find(shared, &name)?.engine.model().clone();
    let prompt = body.take("prompt").ok_or_else(|| Problem::field("prompt", "\"prompt\" is missing"))?;
    let echo = body.flag("echo")?;
    let mut manner = Manner::take(shared, &model, &mut body)?;
    manner.sampling.max_tokens = body.count("max_tokens", 0..=usize::MAX)?.unwrap_or(DEFAULT_TOKENS);
    let scores = body.count("logprobs", 0..=MOST_TOP)?;
    if body.take("best_of").is_some_and(|best| best != manner.n) {
        return Err(Problem::unsupported(
            "best_of",
            "\"best_of\" is not done unless it is \"n\"; leave it out",
        ));
    }
    body.end()?;
    let nothing_new = manner.sampling.max_tokens == 0;
    if nothing_new && !echo {
        let message = "\"max_tokens\" is 0: nothing would be written; with \"echo\": true the prompt is read";
        return Err(Problem::field("max_tokens", message));
    }
    let Manner { n, sampling, seed, steering, stream, usage } = manner;
    Ok(Ask {
        at: super::place(shared, &name),
        prompts: prompts(&model, prompt, "prompt", echo)?,
        model,
        n,
        sampling,
        seed,
        steering,
        // A prompt that is only repeated is read with the cheapest scoring.
        scoring: match scores {
            Some(top) => Some(Scoring { top, prompt: echo }),
            None => nothing_new.then_some(Scoring { top: 0, prompt: true }),
        },
        form: Form::Text { echo, scores: scores.is_some() },
        stream,
        usage,
        warnings: Vec::new(),
    })
}

/// A text, a list of texts, token ids, or a list of lists of them, from the field of that name.
pub(super) fn prompts(model: &Model, prompt: Value, field: &str, echo: bool) -> Result<Vec<Given>, Problem> {
    let values = match prompt {
        Value::Array(values) if values.iter().any(|v| v.is_string() || v.is_array()) => values,
        Value::Array(values) if values.is_empty() => {
            return Err(Problem::field(field, format!("\"{field}\" is an empty list")));
        }
        one => vec![one],
    };
    let one = |(at, value): (usize, Value)| {
        let place = format!("{field}[{at}]");
        let (ids, echo) = match value {
            Value::String(text) => {
                let ids = model.encode_text(&text).map_err(|error| Problem::engine(&error))?;
                (ids, if echo { text } else { String::new() })
            }
            Value::Array(ids) => {
                let ids = ids.iter().map(|id| token(model, &place, id)).collect::<Result<Vec<_>, _>>()?;
                let echo = if echo { model.tokenizer().decode(&ids, Special::Token) } else { String::new() };
                (ids, echo)
            }
            other => return Err(wrong(&place, &other, "a text or a list of token ids")),
        };
        if ids.is_empty() {
            let message = format!("\"{place}\" is empty; at least one token is needed");
            return Err(Problem::field(&place, message));
        }
        let Labelled { tokens: ids, classes } = model.label_tokens(ids);
        Ok(Given { ids, classes, echo })
    };
    values.into_iter().enumerate().map(one).collect()
}

fn token(model: &Model, place: &str, value: &Value) -> Result<TokenId, Problem> {
    let vocab = model.tokenizer().len();
    let id = value.as_u64().and_then(|id| TokenId::try_from(id).ok()).filter(|id| (*id as usize) < vocab);
    id.ok_or_else(|| wrong(place, value, &format!("token ids below {vocab}")))
}
