//! One request and its response over HTTP, with a limit on everything a server could stretch: the time to
//! connect, the whole exchange, silence in the middle of a body, and the body's size.
//!
//! All endpoints share one [`Transport`], so that connections are kept and reused; it never follows a
//! redirect, for that would carry a key to another host. What a reply means is not decided here.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{ClientBuilder, Method, Request, Response, Url};
use tokio::time::{Instant, timeout_at};

use crate::retry_after::{parse_retry_after, parse_retry_after_ms};
use crate::wire::{Failed, Fault, Head, Phase};

/// The most that a server may stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Until a connection stands, name look-up and TLS included.
    pub connect: Duration,
    /// Without a byte once a response has begun.
    pub stall: Duration,
    /// Bytes of a body.
    pub body: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { connect: Duration::from_secs(10), stall: Duration::from_secs(60), body: 16 << 20 }
    }
}

/// Sends requests. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Transport {
    clients: Arc<Clients>,
    bounds: Bounds,
    clock: fn() -> SystemTime,
}

/// Each made when an address first needs it: loading certificates takes a while, and a server on this machine
/// seldom needs them.
#[derive(Debug, Default)]
struct Clients {
    /// Through the proxy that the environment names, if it names one.
    outside: OnceLock<reqwest::Client>,
    /// To this machine, which no proxy can reach for us.
    here: OnceLock<reqwest::Client>,
    /// The same without TLS.
    here_plain: OnceLock<reqwest::Client>,
}

#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}")]
pub(crate) struct Problem(reqwest::Error);

/// A response with its whole body.
#[derive(Debug, Clone)]
pub struct Received {
    status: u16,
    content_type: Option<String>,
    retry_after: Option<Duration>,
    /// As it came.
    pub body: Bytes,
}

impl Received {
    /// What readers of replies need besides the body.
    pub fn head(&self) -> Head<'_> {
        Head {
            status: self.status,
            content_type: self.content_type.as_deref(),
            retry_after: self.retry_after,
        }
    }
}

impl Transport {
    /// A transport; `clock` is asked only when a server names a date to wait for.
    pub fn new(bounds: Bounds, clock: fn() -> SystemTime) -> Transport {
        // The TLS library asks for a process-wide choice; an earlier one of somebody else is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Transport { clients: Arc::default(), bounds, clock }
    }

    /// Sets up what requests to this address need, so that what is wrong shows before the first.
    ///
    /// # Errors
    /// The machine's TLS certificates cannot be loaded.
    pub fn ready(&self, url: &Url) -> crate::Result<()> {
        Ok(self.client(url).map(drop)?)
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, Problem> {
        let (here, plain) = (is_here(url), url.scheme() == "http");
        let place = match (here, plain) {
            (true, true) => &self.clients.here_plain,
            (true, false) => &self.clients.here,
            (false, _) => &self.clients.outside,
        };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let builder = match (here, plain) {
            // Nothing on the way drops what is silent: probes of it would be six more system calls a connection.
            (true, true) => prepared(self.bounds)
                .no_proxy()
                .tls_certs_only([])
                .tcp_keepalive(None)
                .tcp_keepalive_interval(None)
                .tcp_keepalive_retries(None),
            (true, false) => prepared(self.bounds).no_proxy(),
            // A peer that is gone is noticed even while it owes an answer for minutes.
            (false, _) => prepared(self.bounds).tcp_keepalive(Duration::from_secs(30)),
        };
        let made = builder.build().map_err(Problem)?;
        Ok(place.get_or_init(|| made))
    }

    /// Posts a JSON body and waits for the whole response, at most `within`. Must run in a Tokio runtime
    /// with time enabled.
    ///
    /// # Errors
    /// Too slow (with the phase), too large, cut short, or no connection. A response of any status is none.
    pub async fn post(
        &self,
        url: Url,
        mut headers: HeaderMap,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<Received, Failed> {
        let deadline = Instant::now() + within;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let client = self.client(&url).map_err(|e| Failed::new(Fault::Network, e.to_string()))?;
        let mut request = Request::new(Method::POST, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        let response = match timeout_at(deadline, client.execute(request)).await {
            Ok(sent) => sent.map_err(|e| not_sent(&e.without_url()))?,
            Err(_) => return Err(Failed::new(Fault::Timeout(Phase::Head), limit(within))),
        };
        let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
        let asked = text("retry-after-ms").and_then(parse_retry_after_ms);
        let asked = asked.or_else(|| parse_retry_after(text(RETRY_AFTER.as_str())?, (self.clock)()));
        let received = Received {
            status: response.status().as_u16(),
            content_type: text(CONTENT_TYPE.as_str()).map(str::to_owned),
            retry_after: asked,
            body: Bytes::new(),
        };
        let body = self.body(response, deadline).await;
        match body {
            Ok(body) => Ok(Received { body, ..received }),
            // A refusal is clear from its status, and what it asks for is kept, whatever became of its words.
            Err(_) if received.status >= 400 => Ok(received),
            Err(failed) => Err(failed),
        }
    }

    async fn body(&self, mut response: Response, deadline: Instant) -> Result<Bytes, Failed> {
        let limit_bytes = self.bounds.body;
        let too_large = || Failed::new(Fault::TooLarge { limit: limit_bytes }, "");
        if response.content_length().is_some_and(|n| n > limit_bytes) {
            return Err(too_large());
        }
        let mut first = Bytes::new();
        let mut more: Vec<u8> = Vec::new();
        loop {
            let until = deadline.min(Instant::now() + self.bounds.stall);
            let piece = match timeout_at(until, response.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => break,
                Ok(Err(e)) => return Err(cut_off(&e.without_url())),
                Err(_) => {
                    let got = first.len() + more.len();
                    return Err(Failed::new(Fault::Timeout(Phase::Body), format!("after {got} bytes")));
                }
            };
            if (first.len() + more.len() + piece.len()) as u64 > limit_bytes {
                return Err(too_large());
            }
            // Nearly every body is one piece, which then need not be copied.
            if first.is_empty() {
                first = piece;
            } else {
                more.extend_from_slice(&piece);
            }
        }
        if more.is_empty() {
            return Ok(first);
        }
        Ok([first.as_ref(), &more].concat().into())
    }
}

fn prepared(bounds: Bounds) -> ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(bounds.connect)
        // Thousands of exchanges at once come and go in bursts: a connection is cheaper kept than made.
        .pool_max_idle_per_host(usize::MAX)
        .http1_only()
        .tcp_nodelay(true)
        .pool_idle_timeout(Duration::from_secs(60))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("plumbline/", env!("CARGO_PKG_VERSION")))
}

/// Whether an address is this machine's own.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|a| a.is_loopback())
}

fn limit(within: Duration) -> String {
    let seconds = within.as_secs_f32();
    if seconds < 10.0 {
        format!("the limit is {seconds:.1} s")
    } else {
        format!("the limit is {seconds:.0} s")
    }
}

/// The innermost cause says most: the outer ones only say that something failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn not_sent(error: &reqwest::Error) -> Failed {
    let fault = match (error.is_timeout(), error.is_connect()) {
        (true, true) => Fault::Timeout(Phase::Connect),
        (true, false) => Fault::Timeout(Phase::Head),
        _ => Fault::Network,
    };
    Failed::new(fault, innermost(error))
}

fn cut_off(error: &reqwest::Error) -> Failed {
    Failed::new(Fault::Truncated, innermost(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_here() {
        for (url, expected) in [
            ("http://127.0.0.1:8000/v1", true),
            ("http://127.9.9.9/", true),
            ("http://localhost:1/", true),
            ("http://[::1]:8000/v1", true),
            ("http://10.0.0.1/", false),
            ("https://localhost.example.com/", false),
        ] {
            assert_eq!(is_here(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
