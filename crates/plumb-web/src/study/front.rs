//! Where every request comes in: limits that all share, and the two requests that nearly all are.
//!
//! A person fetches the page that is due and answers it, again and again. Of what such a request costs, routes, layers and extractors
//! are no small part; so these two go straight to `person`, and whatever is not exactly one of them goes through the router, which has the
//! same two routes. Not here: what anybody is told.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tower_service::Service;

use super::shared::Shared;
use super::{BODY, guard, person, rate};

/// From a request's beginning to its end.
const TIME: Duration = Duration::from_secs(20);

/// Makes a [`Front`] for each connection.
#[derive(Clone)]
pub(super) struct Door {
    pub shared: Arc<Shared>,
    pub rest: Router,
}

impl Service<IncomingStream<'_, TcpListener>> for Door {
    type Response = Front;
    type Error = Infallible;
    type Future = Ready<Result<Front, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, TcpListener>) -> Self::Future {
        ready(Ok(Front { door: Arc::new(self.clone()), peer: *stream.remote_addr() }))
    }
}

/// Answers the requests of one connection.
#[derive(Clone)]
pub(super) struct Front {
    door: Arc<Door>,
    peer: SocketAddr,
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Front { door, peer } = self.clone();
        Box::pin(async move {
            let mut response = door.answer(peer, request).await;
            guard(&mut response);
            Ok(response)
        })
    }
}

impl Door {
    async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        let shared = &self.shared;
        // Only a proxy on this machine is believed, and only where one was named.
        let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let client = rate::client(peer.ip(), forwarded, shared.secure);
        if !shared.rate.admits(client, shared.now_us()) {
            return person::busy(shared);
        }
        match tokio::time::timeout(TIME, self.routed(request)).await {
            Ok(response) if response.status() == StatusCode::PAYLOAD_TOO_LARGE => person::too_long(shared),
            Ok(response) => response,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }

    async fn routed(&self, request: Request) -> Response {
        let link = request.uri().path().strip_prefix("/p/").filter(|link| is_link(link)).map(str::to_owned);
        match (link, request.method()) {
            (Some(link), &Method::GET) => person::due_at(&self.shared, &link, request.headers()).await,
            (Some(link), &Method::POST) if is_small_form(request.headers()) => {
                let (head, body) = request.into_parts();
                answered(&self.shared, &link, &head.headers, body).await
            }
            // A router is always ready.
            _ => self.rest.clone().call(request).await.unwrap_or_else(|never| match never {}),
        }
    }
}

/// As links are made: nothing in it that would have to be decoded.
fn is_link(link: &str) -> bool {
    !link.is_empty() && link.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a form is there as pages send it, of a length that is told and taken.
fn is_small_form(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(header::CONTENT_TYPE) == Some("application/x-www-form-urlencoded")
        && text(header::CONTENT_LENGTH).and_then(|text| text.parse().ok()).is_some_and(|n: usize| n <= BODY)
}

async fn answered(shared: &Shared, link: &str, headers: &HeaderMap, body: Body) -> Response {
    match to_bytes(body, BODY).await {
        Ok(bytes) => {
            let sent = form_urlencoded::parse(&bytes);
            let sent = sent.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            person::answer_at(shared, link, headers, sent).await
        }
        // The connection broke in the middle of the form.
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
