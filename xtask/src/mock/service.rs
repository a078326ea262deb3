//! One request in, one reply out: routing, latency, and the choice of fault.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};

use crate::body::Reply;
use crate::config::{Config, Fault};
use crate::reply::{self, Content};
use crate::request::{self, Asked, Wire};
use crate::tally::{Tally, Ticket};

/// A request as it came in, kept when `Config::keep_requests` asks for it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub path: String,
    /// Names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) tally: Arc<Tally>,
    pub(crate) recorded: Mutex<Vec<Recorded>>,
}

/// The service's only failure: the connection is to be reset instead of answered.
#[derive(Debug)]
pub(crate) struct ResetConnection;

impl fmt::Display for ResetConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reset on purpose")
    }
}

impl std::error::Error for ResetConnection {}

type Outcome = Result<Response<Reply>, ResetConnection>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const PNG: HeaderValue = HeaderValue::from_static("image/png");

impl State {
    pub(crate) async fn handle(self: Arc<State>, request: Request<Incoming>) -> Outcome {
        let wire = match (request.method(), request.uri().path()) {
            (&Method::POST, "/v1/chat/completions") => Wire::Chat,
            (&Method::POST, "/v1/completions") => Wire::Completion,
            (&Method::POST, "/v1/messages") => Wire::Anthropic,
            (method, path) => return Ok(self.administer(method, path)),
        };
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return Err(ResetConnection); // the client went away in the middle of its request
        };
        let body = body.to_bytes();
        if self.config.keep_requests > 0 {
            self.record(&parts, &body);
        }
        match request::read(wire, &body) {
            Ok(asked) => self.answer(wire, &asked).await,
            Err(why) => {
                let bytes = reply::error(wire, "invalid_request_error", None, &why);
                Ok(self.respond(StatusCode::BAD_REQUEST, JSON, Reply::plain(bytes)))
            }
        }
    }

    fn administer(&self, method: &Method, path: &str) -> Response<Reply> {
        let ok = |bytes: String| self.respond(StatusCode::OK, JSON, Reply::plain(Bytes::from(bytes)));
        match (method, path) {
            (&Method::GET, "/v1/models") => ok(MODELS.to_owned()),
            (&Method::GET, "/stats") => {
                ok(serde_json::to_string(&self.tally.stats()).unwrap_or_default() + "\n")
            }
            (&Method::POST, "/reset") => {
                self.tally.reset();
                ok("{}\n".to_owned())
            }
            _ => {
                let why = format!("no route {method} {path}");
                let bytes = reply::error(Wire::Chat, "not_found", None, &why);
                self.respond(StatusCode::NOT_FOUND, JSON, Reply::plain(bytes))
            }
        }
    }

    async fn answer(&self, wire: Wire, asked: &Asked) -> Outcome {
        let ticket = Ticket::take(&self.tally, asked.key);
        if let Some(why) = &self.config.reject_all {
            let bytes = reply::error(wire, "authentication_error", Some("invalid_api_key"), why);
            return Ok(self.respond(StatusCode::UNAUTHORIZED, JSON, Reply::at_once(bytes, ticket, false)));
        }
        if self.config.capacity.is_some_and(|most| self.tally.in_flight() > most as u64) {
            return self.misbehave(Fault::RateLimitedBare, wire, asked, ticket).await;
        }
        let latency = self.config.latency_for(asked.key);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match self.config.fault_for(asked.key, ticket.attempt) {
            Some(fault) => self.misbehave(fault, wire, asked, ticket).await,
            None => Ok(self.good(JSON, Reply::at_once(self.good_bytes(wire, asked), ticket, true))),
        }
    }

    fn good_bytes(&self, wire: Wire, asked: &Asked) -> Bytes {
        let made;
        let text = match &self.config.fixed_reply {
            Some(text) => text,
            None => {
                made = reply::reply_text(&asked.last_user, self.config.tokens);
                &made
            }
        };
        reply::success(wire, asked, self.config.tokens, &Content::Text(text))
    }

    fn good(&self, content_type: HeaderValue, reply: Reply) -> Response<Reply> {
        self.respond(StatusCode::OK, content_type, reply)
    }

    async fn misbehave(&self, fault: Fault, wire: Wire, asked: &Asked, ticket: Ticket) -> Outcome {
        self.tally.fault(fault);
        let shaped = |content: &Content<'_>| reply::success(wire, asked, self.config.tokens, content);
        let bad = |bytes: Bytes, ticket: Ticket| self.good(JSON, Reply::at_once(bytes, ticket, false));
        Ok(match fault {
            Fault::RateLimited
            | Fault::RateLimitedBare
            | Fault::ServerError
            | Fault::Unavailable
            | Fault::FilteredPrompt => self.error_status(fault, wire, ticket),
            Fault::Reset => return Err(ResetConnection),
            Fault::NoReply => std::future::pending().await,
            Fault::Late => {
                tokio::time::sleep(self.config.late).await;
                self.good(JSON, Reply::at_once(self.good_bytes(wire, asked), ticket, true))
            }
            Fault::StallAfterHeaders => {
                self.good(JSON, Reply::stall_after(0, self.good_bytes(wire, asked), ticket))
            }
            Fault::StallMidBody => {
                let bytes = self.good_bytes(wire, asked);
                self.good(JSON, Reply::stall_after(bytes.len() / 2, bytes, ticket))
            }
            Fault::SlowBody => {
                let bytes = self.good_bytes(wire, asked);
                self.good(JSON, Reply::trickle(bytes, ticket, self.config.trickle))
            }
            Fault::NullContent => bad(shaped(&Content::NullLength), ticket),
            Fault::EmptyContent => bad(shaped(&Content::Text("")), ticket),
            Fault::FilteredReply => bad(shaped(&Content::NullFiltered), ticket),
            Fault::MissingChoices => bad(shaped(&Content::NoChoices { null: false }), ticket),
            Fault::NullChoices => bad(shaped(&Content::NoChoices { null: true }), ticket),
            Fault::TruncatedJson => {
                let bytes = self.good_bytes(wire, asked);
                bad(bytes.slice(..bytes.len() * 2 / 3), ticket)
            }
            Fault::HtmlOk => self.good(HTML, Reply::at_once(Bytes::from(reply::HTML), ticket, false)),
            Fault::HtmlBadGateway => self.respond(
                StatusCode::BAD_GATEWAY,
                HTML,
                Reply::at_once(Bytes::from(reply::HTML), ticket, false),
            ),
            Fault::WrongContentType => {
                self.good(PNG, Reply::at_once(self.good_bytes(wire, asked), ticket, false))
            }
        })
    }

    fn error_status(&self, fault: Fault, wire: Wire, ticket: Ticket) -> Response<Reply> {
        let (status, kind, code, message) = match fault {
            Fault::RateLimited | Fault::RateLimitedBare => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_error",
                Some("rate_limit_exceeded"),
                "Too many requests; slow down.",
            ),
            Fault::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded_error",
                None,
                "The model is overloaded at the moment.",
            ),
            Fault::FilteredPrompt => (
                StatusCode::BAD_REQUEST,
                "invalid_request_error",
                Some("content_filter"),
                "The prompt was blocked by the provider's content filter (content_filter).",
            ),
            _ => {
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error", None, "Something went wrong on our side.")
            }
        };
        let bytes = reply::error(wire, kind, code, message);
        let mut response = self.respond(status, JSON, Reply::at_once(bytes, ticket, false));
        if fault == Fault::RateLimited {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(self.config.retry_after_s));
        }
        response
    }

    fn respond(&self, status: StatusCode, content_type: HeaderValue, reply: Reply) -> Response<Reply> {
        self.tally.status(status.as_u16());
        let mut response = Response::new(reply);
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    }

    fn record(&self, parts: &hyper::http::request::Parts, body: &[u8]) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded.len() >= self.config.keep_requests {
            return;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        recorded.push(Recorded {
            path: parts.uri.path().to_owned(),
            headers: headers.collect(),
            body: text(body),
        });
    }
}

const MODELS: &str = r#"{"object":"list","data":[{"id":"mock-1","object":"model","created":1700000000,"owned_by":"plumbline"}]}"#;
