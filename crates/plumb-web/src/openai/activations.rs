//! `/v1/activations`: what a model computes inside, as the file that `plumb models acts` writes.
//!
//! Not OpenAI's, but asked in its manner: `model`, `input` (a text, token ids, or a list of either) or `messages`, and `taps`.

use super::body::Body;
use super::{Read, find, read};
use crate::problem::Problem;
use crate::server::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use plumb_lm::{Edits, Labelled, Model, Site, capture_to};
use serde_json::Value;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most bytes of rows in an answer, which is made in memory.
const MOST_BYTES: usize = 256 << 20;

/// What is to be computed.
struct Asked {
    model: Arc<Model>,
    sequences: Vec<Labelled>,
    sites: Vec<Site>,
}

/// Tells the computing thread that nobody waits any more.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) async fn activations(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    bytes: Read,
) -> Result<Response, Problem> {
    let body = read(&shared, &headers, bytes)?;
    let place = shared.take_places(1)?;
    let gone = Gone(Arc::default());
    let left = gone.0.clone();
    let computed = tokio::task::spawn_blocking(move || {
        let _place = place;
        compute(&ask(&shared, body)?, &left)
    });
    let file = computed.await.map_err(|_| Problem::broken())??;
    drop(gone);
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], file).into_response())
}

fn compute(asked: &Asked, gone: &AtomicBool) -> Result<Vec<u8>, Problem> {
    let Asked { model, sequences, sites } = asked;
    let mut file = Cursor::new(Vec::new());
    let mut go_on = |_| match gone.load(Ordering::Relaxed) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let written = capture_to(model, sequences, sites, &Edits::NONE, &mut file, &mut go_on);
    written.map_err(|error| Problem::engine(&error))?;
    Ok(file.into_inner())
}

fn ask(shared: &Shared, mut body: Body) -> Result<Asked, Problem> {
    let name = body.text("model")?.ok_or_else(|| Problem::field("model", "\"model\" is missing"))?;
    let model = find(shared, &name)?.engine.model().clone();
    let taps = body.texts("taps")?;
    if taps.is_empty() {
        let message = "\"taps\" is missing: the names of places, such as \"blocks.1.hook_resid_post\"";
        return Err(Problem::field("taps", message));
    }
    let site = |name: &String| {
        Site::parse(name, model.config()).map_err(|error| Problem::field("taps", error.to_string()))
    };
    let sites = taps.iter().map(site).collect::<Result<Vec<_>, _>>()?;
    let sequences = match (body.take("input"), body.take("messages")) {
        (Some(input), None) => super::completion::prompts(&model, input, "input", false)?
            .into_iter()
            .map(|given| model.label_tokens(given.ids))
            .collect(),
        (None, Some(Value::Array(messages))) if !messages.is_empty() => {
            vec![chat(&model, messages)?]
        }
        (None, Some(other)) => return Err(super::chat::no_messages(&other)),
        _ => return Err(Problem::field("input", "give either \"input\" or \"messages\"")),
    };
    body.end()?;
    let rows: usize = sequences.iter().map(|sequence: &Labelled| sequence.tokens.len()).sum();
    let width: usize = sites.iter().map(|site| site.width(model.config())).sum();
    if rows.saturating_mul(width).saturating_mul(size_of::<f32>()) > MOST_BYTES {
        let message = format!(
            "{rows} tokens of {width} numbers each are more than the {} MiB of an answer; ask for fewer at once, or use \
             plumb models acts",
            MOST_BYTES >> 20
        );
        return Err(Problem::field("input", message));
    }
    Ok(Asked { model, sequences, sites })
}

fn chat(model: &Model, messages: Vec<Value>) -> Result<Labelled, Problem> {
    let mut ignored = Vec::new();
    let mut message = |(at, value)| super::chat::message(at, value, &mut ignored);
    let messages = messages.into_iter().enumerate().map(&mut message).collect::<Result<Vec<_>, _>>()?;
    // An answer of rows has no place for warnings.
    if let Some(warning) = ignored.first() {
        return Err(Problem::unsupported("messages", warning.clone()));
    }
    model.label_chat(&messages, None).map_err(|error| Problem::engine(&error))
}
