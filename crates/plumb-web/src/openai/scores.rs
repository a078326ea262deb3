//! Log-probabilities in the two shapes that clients read.
//!
//! A token's text may be a part of a character: then it is written as `bytes:\xe2\x80`, as OpenAI's completions do, and
//! chats have its bytes beside it. Places in the text count characters, as Python does.

use super::ask::{Ask, Form};
use plumb_lm::{Completion, Finish, Model, Special, TextStream, TokenId, TokenScore};
use serde_json::{Map, Value, json};

/// Of a chat's answer: every token of it.
pub(super) fn chat(model: &Model, answer: &Completion) -> Value {
    let entry = |id: TokenId, log: f64| {
        let bytes = model.tokenizer().bytes(id);
        json!({ "token": text(model, id), "logprob": log, "bytes": bytes })
    };
    let kept = kept(model, answer);
    let entries = answer.scores.iter().take(kept).map(|score| {
        let mut value = entry(score.token, score.log_probability);
        value["top_logprobs"] = score.top.iter().map(|(id, log)| entry(*id, *log)).collect();
        value
    });
    json!({ "content": entries.collect::<Vec<_>>(), "refusal": null })
}

/// Of a completion: every token of the prompt if it is repeated, then every token that was computed, an end token included,
/// so that the last one is always new.
pub(super) fn completion(ask: &Ask, number: usize, answer: &Completion) -> Value {
    let model = &*ask.model;
    let given = ask.given(number);
    let mut rows = Rows::default();
    let echo = matches!(ask.form, Form::Text { echo: true, .. });
    if let (true, Some(first)) = (echo, given.ids.first()) {
        // A beginning token that was added is not in the text; one that was given as an id is.
        let added = model.tokenizer().begin_if_added() == Some(*first)
            && !given.echo.starts_with(&model.tokenizer().decode(&[*first], Special::Token));
        rows.push(model, *first, !added, None);
        for score in &answer.prompt_scores {
            rows.push(model, score.token, true, Some(score));
        }
    }
    let ended = answer.scores.len() > answer.tokens.len();
    let kept = if ended { answer.scores.len() } else { kept(model, answer) };
    for score in answer.scores.iter().take(kept) {
        rows.push(model, score.token, !model.tokenizer().is_control(score.token), Some(score));
    }
    json!({
        "tokens": rows.tokens, "token_logprobs": rows.logs, "top_logprobs": rows.tops, "text_offset": rows.offsets,
    })
}

#[derive(Default)]
struct Rows {
    tokens: Vec<String>,
    logs: Vec<Option<f64>>,
    tops: Vec<Value>,
    offsets: Vec<usize>,
    stream: TextStream,
    /// Bytes of the text that are counted, and their characters.
    counted: (usize, usize),
}

impl Rows {
    /// `shown` is whether the token is part of the text; the first token of all has no score.
    fn push(&mut self, model: &Model, id: TokenId, shown: bool, score: Option<&TokenScore>) {
        self.tokens.push(text(model, id));
        self.logs.push(score.map(|score| score.log_probability));
        self.tops.push(score.map_or(Value::Null, |score| tops(model, score)));
        self.offsets.push(self.counted.1);
        if shown {
            self.stream.push(model.tokenizer().bytes(id));
            let (bytes, characters) = self.counted;
            let text = self.stream.text();
            self.counted = (text.len(), characters + text[bytes..].chars().count());
        }
    }
}

/// The likeliest tokens and the token itself.
fn tops(model: &Model, score: &TokenScore) -> Value {
    let own = (score.token, score.log_probability);
    let mut map = Map::new();
    for (id, log) in score.top.iter().chain([&own]) {
        // Of two tokens with one text the likelier stands, but the own value always does.
        if *id == score.token || !map.contains_key(&text(model, *id)) {
            map.insert(text(model, *id), json!(log));
        }
    }
    Value::Object(map)
}

/// How many of the computed tokens lie in the answer's text: where a stop text ended it, those that begin before that.
fn kept(model: &Model, answer: &Completion) -> usize {
    let ended = answer.scores.len() > answer.tokens.len();
    if answer.finish != Finish::Stop || ended {
        return answer.tokens.len();
    }
    let mut stream = TextStream::new();
    let before_its_end = |id: &TokenId| {
        let inside = stream.text().len() < answer.text.len();
        if !model.tokenizer().is_control(*id) {
            stream.push(model.tokenizer().bytes(*id));
        }
        inside
    };
    answer.tokens.iter().map(before_its_end).take_while(|inside| *inside).count()
}

fn text(model: &Model, id: TokenId) -> String {
    let bytes = model.tokenizer().bytes(id);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().fold("bytes:".to_owned(), |text, byte| text + &format!("\\x{byte:02x}")),
    }
}
