//! The server around the protocol: routes, limits, and an end that lets what was begun finish.

use crate::error::{Error, Kind};
use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::openai;
use crate::problem::Problem;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use plumb_lm::{KvType, Model};
use plumb_local::Engine;
use plumb_local::steer::Offered;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A model to serve.
pub struct Served {
    /// What requests call it.
    pub name: String,
    /// The model.
    pub model: Arc<Model>,
}

/// How much is let in.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a request's body; beyond it 413.
    pub body: usize,
    /// Answers in flight or waiting, over all models (a list of prompts counts each, and each of `n`); beyond it 429.
    pub queue: usize,
    /// Time from a request's beginning to its end; beyond it 503.
    pub time: Duration,
    /// Answers that one model writes at once.
    pub at_once: usize,
    /// How a model's keys and values are stored, and the memory for them in bytes: answers for which there is no room wait.
    pub kv: KvType,
    /// As above.
    pub kv_bytes: usize,
    /// After the end was asked for, how long what was begun may take.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 8 << 20,
            queue: 1024,
            time: Duration::from_secs(600),
            at_once: 16,
            kv: KvType::F32,
            kv_bytes: 1 << 30,
            grace: Duration::from_secs(10),
        }
    }
}

/// What comes from outside: this crate reads no clock of the day and no randomness itself.
#[derive(Clone, Copy)]
pub struct Outside {
    /// The time of day, for `created`.
    pub clock: fn() -> SystemTime,
    /// 64 random bits: names of answers, and seeds where a request has none.
    pub random: fn() -> u64,
}

/// A server's settings.
pub struct Config {
    /// The models, each with a name of its own.
    pub models: Vec<Served>,
    /// What a request must send, if anything.
    pub token: Option<String>,
    /// What requests may steer by.
    pub steering: Offered,
    /// How much is let in.
    pub limits: Limits,
    /// Clock and randomness.
    pub outside: Outside,
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) models: Vec<Loaded>,
    guard: Guard,
    pub(crate) steering: Offered,
    pub(crate) limits: Limits,
    pub(crate) outside: Outside,
    pub(crate) metrics: Metrics,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) created: u64,
}

impl Shared {
    /// Places in the queue, given back when they are dropped; a problem where there are not as many.
    pub(crate) fn take_places(&self, count: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let limit = self.limits.queue;
        let places =
            u32::try_from(count).ok().and_then(|n| self.places.clone().try_acquire_many_owned(n).ok());
        places.ok_or_else(|| Problem::busy(limit - self.places.available_permits(), limit))
    }
}

/// A model and its thread.
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) engine: Engine,
}

impl Shared {
    fn new(config: Config) -> Result<Self, Error> {
        let mut models: Vec<Loaded> = Vec::new();
        for Served { name, model } in config.models {
            if models.iter().any(|known| known.name == name) {
                return Err(Kind::SameName { name }.into());
            }
            let Limits { at_once, kv, kv_bytes, .. } = config.limits;
            let limits = plumb_lm::Limits { sequences: at_once, kv, kv_bytes, ..Default::default() };
            match Engine::start_with(model, limits) {
                Ok(engine) => models.push(Loaded { name, engine }),
                Err(source) => return Err(Kind::Thread { name, source }.into()),
            }
        }
        Ok(Self {
            models,
            guard: Guard::new(config.token.as_deref()),
            steering: config.steering,
            limits: config.limits,
            outside: config.outside,
            metrics: Metrics::new(),
            places: Arc::new(Semaphore::new(config.limits.queue)),
            created: seconds((config.outside.clock)()),
        })
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Serves until `end` is done; then takes nothing new in, and returns when what was begun is finished or
/// [`Limits::grace`] has passed.
///
/// # Errors
/// [`Error::is_usage`] if the listener's address can be reached from other machines and there is no token, or if two models
/// have one name; otherwise the system's own.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let address = listener.local_addr()?;
    if config.token.is_none() && !address.ip().is_loopback() {
        return Err(Kind::Open { address }.into());
    }
    let grace = config.limits.grace;
    let app = app(Arc::new(Shared::new(config)?));
    let (ending, ended) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        end.await;
        // Nobody listens if the server has failed meanwhile.
        let _ = ending.send(());
    });
    let too_late = async {
        match ended.await {
            Ok(()) => tokio::time::sleep(grace).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        result = server.into_future() => Ok(result?),
        () = too_late => Ok(()),
    }
}

fn app(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/models", get(openai::models))
        .route("/v1/models/{*name}", get(openai::model))
        .route("/v1/chat/completions", post(openai::chat))
        .route("/v1/completions", post(openai::complete))
        .route("/v1/activations", post(openai::activations))
        .route("/metrics", get(async |State(shared): State<Arc<Shared>>| shared.metrics.page()))
        .route("/health", get(async || axum::Json(serde_json::json!({ "status": "ok" }))))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(shared.limits.body))
        .layer(from_fn_with_state(shared.clone(), around))
        .with_state(shared)
}

/// Who is let in, how long it may take, and the count of it.
async fn around(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let begun = tokio::time::Instant::now();
    let path = known(request.uri().path());
    // Whether the server lives is no secret, and those who ask often have no token.
    let allowed = if path == "/health" { Ok(()) } else { shared.guard.check(request.headers()) };
    let response = match allowed {
        Err(problem) => problem.into_response(),
        Ok(()) => match tokio::time::timeout(shared.limits.time, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::late(shared.limits.time.as_secs_f64()).into_response(),
        },
    };
    shared.metrics.answered(path, response.status().as_u16(), begun.elapsed());
    response
}

/// The path as a label: what clients invent must not make ever new ones.
fn known(path: &str) -> &'static str {
    const PATHS: [&str; 6] =
        ["/v1/models", "/v1/chat/completions", "/v1/completions", "/v1/activations", "/metrics", "/health"];
    match PATHS.into_iter().find(|known| *known == path) {
        Some(known) => known,
        None if path.starts_with("/v1/models/") => "/v1/models/NAME",
        None => "other",
    }
}

async fn nothing(uri: Uri) -> Problem {
    Problem::no_path(format!(
        "there is nothing at {}; there are /v1/models, /v1/chat/completions, /v1/completions, /v1/activations, /health and /metrics",
        uri.path()
    ))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let right = if ["/v1/activations", "/v1/chat/completions", "/v1/completions"].contains(&uri.path()) {
        "POST"
    } else {
        "GET"
    };
    Problem::method(format!("{} is asked with {right}, not {method}", uri.path()))
}
