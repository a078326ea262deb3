//! What the server counts, as Prometheus reads it.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

type Labels = Vec<(&'static str, String)>;

/// Bounds in seconds: from a word of a small model to a page of a large one.
const SECONDS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

/// The server's numbers.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Histogram,
    /// Answers that are asked for and not done.
    pub(crate) in_flight: Gauge,
    /// Requests whose client went away, or whose time was up, before they were done.
    pub(crate) cancelled: Counter,
    prompt_tokens: Family<Labels, Counter>,
    completion_tokens: Family<Labels, Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            in_flight: Gauge::default(),
            cancelled: Counter::default(),
            prompt_tokens: Family::default(),
            completion_tokens: Family::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("plumb_requests", "Requests by path and status", self.requests.clone());
        registry.register(
            "plumb_request_seconds",
            "Time to the answer, of a stream to its beginning",
            self.seconds.clone(),
        );
        registry.register("plumb_answers_in_flight", "Answers not done", self.in_flight.clone());
        registry.register(
            "plumb_cancelled",
            "Requests that ended before they were done",
            self.cancelled.clone(),
        );
        registry.register("plumb_prompt_tokens", "Tokens read, by model", self.prompt_tokens.clone());
        registry.register(
            "plumb_completion_tokens",
            "Tokens written, by model",
            self.completion_tokens.clone(),
        );
        self
    }

    /// A request was answered, or its stream begun.
    pub(crate) fn answered(&self, path: &'static str, status: u16, time: Duration) {
        let labels = vec![("path", path.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(time.as_secs_f64());
    }

    /// A request is done.
    pub(crate) fn tokens(&self, model: &str, read: usize, written: usize) {
        let labels = vec![("model", model.to_owned())];
        self.prompt_tokens.get_or_create(&labels).inc_by(read as u64);
        self.completion_tokens.get_or_create(&labels).inc_by(written as u64);
    }

    pub(crate) fn page(&self) -> Response {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    }
}
