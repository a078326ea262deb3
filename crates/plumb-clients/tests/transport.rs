//! The transport against servers that stall, flood, cut off and are not there.

#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only the functions marked as tests")]

use std::time::{Duration, Instant, SystemTime};

use plumb_clients::transport::{Bounds, Received, Transport};
use plumb_clients::wire::{Failed, Fault, Phase};
use reqwest::header::HeaderMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const BOUNDS: Bounds =
    Bounds { connect: Duration::from_millis(400), stall: Duration::from_millis(300), body: 100_000 };

/// A server that reads a request, says `said`, and then keeps silent for a while or ends the connection.
async fn server(said: &'static [u8], then_silent: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, said, then_silent));
        }
    });
    format!("http://{address}/v1/x")
}

async fn serve(mut stream: TcpStream, said: &[u8], then_silent: bool) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"{}") {
        if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let _ = stream.write_all(said).await;
    if then_silent {
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
}

async fn post(url: &str, within: Duration) -> Result<Received, Failed> {
    let transport = Transport::new(BOUNDS, || SystemTime::UNIX_EPOCH);
    let began = Instant::now();
    let result = transport.post(url.parse().unwrap(), HeaderMap::new(), b"{}".to_vec(), within).await;
    assert!(began.elapsed() < Duration::from_secs(5), "some limit held");
    result
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_response_comes_whole() {
    let said = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let received = post(&server(said, false).await, LONG).await.unwrap();
    assert_eq!(received.body, "abcde".as_bytes());
    assert_eq!((received.head().status, received.head().content_type), (200, Some("application/json")));
}

/// Each way in which the transport fails has its name.
#[tokio::test]
async fn failures_are_named() {
    let body = Fault::Timeout(Phase::Body);
    for (said, silent, within, expected) in [
        (b"".as_slice(), true, Duration::from_millis(300), Fault::Timeout(Phase::Head)),
        (b"", false, LONG, Fault::Network),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, LONG, body.clone()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true, LONG, body.clone()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true, Duration::from_millis(100), body),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false, LONG, Fault::Truncated),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n",
            false,
            LONG,
            Fault::TooLarge { limit: 100_000 },
        ),
        (b"garbage\r\n\r\n", false, LONG, Fault::Network),
    ] {
        let failed = post(&server(said, silent).await, within).await.unwrap_err();
        assert_eq!(failed.fault, expected, "{:?}", String::from_utf8_lossy(said));
    }
}

#[tokio::test]
async fn a_flood_without_a_length_is_stopped() {
    let mut flood = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    flood.resize(200_000, b'x');
    let failed = post(&server(flood.leak(), true).await, LONG).await.unwrap_err();
    assert_eq!(failed.fault, Fault::TooLarge { limit: 100_000 });
}

#[tokio::test]
async fn no_server_is_a_network_failure() {
    let failed = post("http://127.0.0.1:9/v1", LONG).await.unwrap_err();
    assert_eq!(failed.fault, Fault::Network);
    assert!(failed.is_retryable() && failed.words.contains("refused"), "{failed}");
}

/// A refusal whose body never comes is still a refusal, and its wait is kept.
#[tokio::test]
async fn a_refusal_without_its_words_is_still_one() {
    let said =
        b"HTTP/1.1 429 Too Many\r\nRetry-After: Thu, 01 Jan 1970 00:00:07 GMT\r\nContent-Length: 9\r\n\r\n";
    let received = post(&server(said, true).await, LONG).await.unwrap();
    assert_eq!(received.head().status, 429);
    assert_eq!(received.head().retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let said =
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";
    let received = post(&server(said, false).await, LONG).await.unwrap();
    assert_eq!(received.head().status, 307);
}
