//! A server in this process, and a client that hides nothing.

use plumb_lm::{Model, tiny};
use plumb_web::{Config, Limits, Outside, Served};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server of `tiny` (llama) and `plain` (qwen2 without a chat template).
pub struct Server {
    pub address: SocketAddr,
    pub end: Option<oneshot::Sender<()>>,
    pub task: JoinHandle<Result<(), plumb_web::Error>>,
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The message of an error that has OpenAI's shape.
    pub fn error(&self) -> String {
        let json = self.json();
        let error = &json["error"];
        assert!(error["type"].is_string() && error.get("param").is_some() && error.get("code").is_some());
        error["message"].as_str().unwrap().to_owned()
    }

    /// Data of a stream's events, but for the last, which must be `[DONE]`.
    pub fn events(&self) -> Vec<Value> {
        let mut data: Vec<&str> = self.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(data.pop(), Some("[DONE]"), "{self:?}");
        data.into_iter().map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}

pub fn model(family: tiny::Family, template: Option<&str>) -> Arc<Model> {
    Arc::new(Model::from_bytes(&tiny::file_with(family, template).finish()).unwrap())
}

/// Not random: a count, so that tests repeat.
fn random() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn config() -> Config {
    let served = |name: &str, model| Served { name: name.to_owned(), model };
    Config {
        models: vec![
            served("tiny", model(tiny::Family::Llama, Some(tiny::TEMPLATE))),
            served("plain", model(tiny::Family::Qwen2, None)),
        ],
        token: None,
        steering: Default::default(),
        limits: Limits::default(),
        outside: Outside { clock: || SystemTime::UNIX_EPOCH + Duration::from_secs(77), random },
    }
}

impl Server {
    pub async fn plain() -> Server {
        Server::start(config()).await
    }

    pub async fn limited(limits: Limits) -> Server {
        Server::start(Config { limits, ..config() }).await
    }

    pub async fn start(config: Config) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let task = tokio::spawn(plumb_web::serve(listener, config, async {
            // A test that is over drops the sender, which is an end too.
            let _ = ended.await;
        }));
        Server { address, end: Some(end), task }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Got {
        self.post_with(path, &body.to_string(), "").await
    }

    pub async fn post_with(&self, path: &str, body: &str, headers: &str) -> Got {
        self.raw(&request(path, body, headers)).await
    }

    pub async fn raw(&self, request: &str) -> Got {
        let mut stream = self.send(request).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        read(&String::from_utf8(bytes).unwrap())
    }

    /// Sends and does not wait.
    pub async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Waits until a line of the metrics is this one.
    pub async fn until(&self, line: &str) {
        self.until_any(line, |got| got == line).await;
    }

    /// Waits until answers are in flight.
    pub async fn until_begun(&self) {
        let begun =
            |line: &str| line.strip_prefix("plumb_answers_in_flight ").is_some_and(|number| number != "0");
        self.until_any("answers in flight", begun).await;
    }

    async fn until_any(&self, what: &str, is_it: impl Fn(&str) -> bool) {
        for _ in 0..1000 {
            if self.get("/metrics").await.body.lines().any(&is_it) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never {what}:\n{}", self.get("/metrics").await.body);
    }
}

pub fn request(path: &str, body: &str, headers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         {headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn read(text: &str) -> Got {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_owned() };
    Got { status, head, body }
}

fn unchunked(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += &rest[..size];
        text = rest[size..].trim_start_matches("\r\n");
    }
    whole
}
