//! Messages of a recruiting platform: Prolific tells when a submission's status changes.
//!
//! A message counts only with its signature: the base64 of HMAC-SHA256, keyed with the workspace's secret, over the time in
//! `X-Prolific-Request-Timestamp` followed by the body as it was sent, in `X-Prolific-Request-Signature`. Headers, signature
//! and fields are as Prolific's API reference has them ("Webhooks": "Verifying", "Receiving", read 2026-11). That the time
//! counts seconds is read out of "UNIX timestamp", and for how long a message is fresh is ours. Messages may come twice and
//! in any order: a status that is known changes nothing, and what does not fit what happened here is counted for the admin
//! page and listed by `plumb human reconcile`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use plumb_human::collect::{Request, Status};
use plumb_human::protocol::person::{End, Screen};
use sha2::Sha256;

use super::shared::Shared;

/// How old a message may be, in seconds.
const FRESH: i64 = 600;

/// Whether `signature` is the secret's over time and body.
fn is_signed(secret: &str, timestamp: &str, body: &[u8], signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(timestamp.as_bytes());
    mac.update(body);
    STANDARD.decode(signature).is_ok_and(|given| mac.verify_slice(&given).is_ok())
}

/// A change of a submission's status.
pub(super) async fn told(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(secret) = &shared.platform else { return StatusCode::NOT_FOUND.into_response() };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (time, signature) = (header("x-prolific-request-timestamp"), header("x-prolific-request-signature"));
    let age = time.parse::<i64>().map(|sent| (shared.now_us() / 1_000_000 - sent).abs());
    if !is_signed(secret, time, &body, signature) || !age.is_ok_and(|age| age <= FRESH) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(message) = serde_json::from_slice::<serde_json::Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if message["event_type"] != "submission.status.change" {
        return StatusCode::OK.into_response();
    }
    let text = |key: &str| message[key].as_str().unwrap_or("").to_owned();
    let (id, status) = (text("participant_id"), text("status"));
    let came_to = take(&shared, id, &status).await;
    *shared.lock().told.entry(came_to.clone()).or_insert(0) += 1;
    if shared.is_broken() { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { came_to.into_response() }
}

/// What a status came to, in words without the person.
async fn take(shared: &Shared, id: String, status: &str) -> String {
    let Some(status) = Status::read(status) else { return format!("unknown status {status}") };
    let here = {
        let people = shared.lock();
        let Some(who) = people.collection.by_id(&id) else {
            return format!("{} of somebody who never began here", status.name());
        };
        people.collection.screen(who)
    };
    let fits = !(status.ends() && here == Some(Screen::End(End::Completed)));
    match shared.perform(&Request::Platform { id, status }).await {
        Ok(()) if fits => status.name().to_owned(),
        Ok(()) => format!("{} of somebody who completed here", status.name()),
        Err(why) => why,
    }
}

#[cfg(test)]
mod tests {
    use super::is_signed;

    #[test]
    fn a_signature_is_of_time_and_body_and_of_nothing_else() {
        // Python 3.11: base64.b64encode(hmac.new(b"s3cret", b"1800000000" + b'{"status":"RETURNED"}', hashlib.sha256).digest())
        let (time, body) = ("1800000000", br#"{"status":"RETURNED"}"#);
        let signature = "qjVKWybD9gWe7MpcxJ65/O/iG6PB/ikXUvw8dHPqTMI=";
        assert!(is_signed("s3cret", time, body, signature));
        assert!(!is_signed("other", time, body, signature));
        assert!(!is_signed("s3cret", "1800000001", body, signature));
        assert!(!is_signed("s3cret", time, br#"{"status":"APPROVED"}"#, signature));
        assert!(!is_signed("s3cret", time, body, ""));
    }
}
