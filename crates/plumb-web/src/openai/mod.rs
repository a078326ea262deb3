//! OpenAI's protocol: models, chat completions, completions.
//!
//! [`body`] reads fields and refuses what is not done here, [`ask`] has what both kinds of question share, [`chat`] and
//! [`completion`] what each has of its own, [`answer`] waits for the engine, [`stream`] tells as it comes, [`choice`]
//! and [`scores`] write what clients read. [`activations`] is asked in the same manner and is none of OpenAI's.

mod activations;
mod answer;
mod ask;
mod body;
mod chat;
mod choice;
mod completion;
mod scores;
mod stream;

pub(crate) use activations::activations;

use crate::problem::Problem;
use crate::server::{Loaded, Shared};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use body::Body;
use serde_json::{Value, json};
use std::sync::Arc;

type Read = Result<Bytes, BytesRejection>;

pub(crate) async fn models(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let models: Vec<Value> = shared.models.iter().map(|model| card(model, shared.created)).collect();
    Json(json!({ "object": "list", "data": models }))
}

pub(crate) async fn model(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(card(find(&shared, &name)?, shared.created)))
}

fn card(model: &Loaded, created: u64) -> Value {
    json!({
        "id": model.name, "object": "model", "created": created, "owned_by": "plumbline",
        "max_model_len": model.engine.model().config().context,
    })
}

pub(crate) async fn chat(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    bytes: Read,
) -> Result<Response, Problem> {
    let body = read(&shared, &headers, bytes)?;
    respond(shared, body, chat::ask).await
}

pub(crate) async fn complete(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    bytes: Read,
) -> Result<Response, Problem> {
    let body = read(&shared, &headers, bytes)?;
    respond(shared, body, completion::ask).await
}

async fn respond(
    shared: Arc<Shared>,
    body: Body,
    ask: fn(&Shared, Body) -> Result<ask::Ask, Problem>,
) -> Result<Response, Problem> {
    // Cutting megabytes of text into tokens would hold up everybody else on this thread.
    let reading = shared.clone();
    let asked = tokio::task::spawn_blocking(move || ask(&reading, body)).await;
    let asked = asked.map_err(|_| Problem::broken())??;
    let streams = asked.stream;
    let listening = answer::Listening::begin(shared, asked)?;
    match streams {
        true => Ok(stream::respond(listening).await?.into_response()),
        false => Ok(Json(listening.whole().await?).into_response()),
    }
}

fn read(shared: &Shared, headers: &HeaderMap, bytes: Read) -> Result<Body, Problem> {
    let bytes = bytes.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(shared.limits.body),
        _ => Problem::request(format!("the request's body cannot be read: {error}")),
    })?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::not_json(format!(
            "the body is \"{kind}\"; send JSON with the header Content-Type: application/json"
        )));
    }
    Body::parse(&bytes)
}

/// Where the model of that name, which is one of the server's, stands among them.
fn place(shared: &Shared, name: &str) -> usize {
    shared.models.iter().position(|model| model.name == name).unwrap_or_default()
}

/// The model of that name.
fn find<'a>(shared: &'a Shared, name: &str) -> Result<&'a Loaded, Problem> {
    shared.models.iter().find(|model| model.name == name).ok_or_else(|| {
        let names: Vec<&str> = shared.models.iter().map(|model| &*model.name).collect();
        Problem::no_model(format!("there is no model \"{name}\" here; there are: {}", names.join(", ")))
    })
}
