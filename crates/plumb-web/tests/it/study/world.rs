//! A study's server in this process on a journal in a folder, and browsers that do as they are told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use plumb_human::Study;
use plumb_human::collect::{Collection, Taker, Takings, freeze, thaw};
use plumb_study::{Journal, journal};
use plumb_web::{Keys, StudyConfig, StudyOutside, preview_study, serve_study};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const STUDY: &str = include_str!("../../../../../examples/studies/first-study.toml");
pub const ADMIN: &str = "look-after";
pub const PLATFORM: &str = "the platform's secret";

fn file(name: &str) -> Result<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("tests/it/study").join(name);
    let path = if own.is_file() { own } else { root.join("../../examples/studies").join(name) };
    std::fs::read_to_string(path).map_err(|e| e.to_string())
}

pub fn study(text: &str) -> Study {
    Study::parse_with(text, "first-study.toml", &file).unwrap()
}

/// What the servers' clocks show, unless a test says otherwise.
pub const NOW_US: i64 = 1_800_000_000_000_000;

/// Not random: a count, hashed, so that tests repeat.
fn random(bytes: &mut [u8]) -> bool {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    let digest = plumb_study::Digest::of(&count.to_le_bytes());
    bytes.iter_mut().zip(digest.0).for_each(|(to, from)| *to = from);
    true
}

fn opening(now_us: i64) -> journal::Opening {
    let mut id = [0; 8];
    random(&mut id);
    journal::Opening { random: id, now_us: Arc::new(move || now_us), program: "test".into() }
}

/// A server, and what it works on.
pub struct Server {
    pub address: SocketAddr,
    pub journal: PathBuf,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), plumb_web::Error>>,
}

impl Server {
    /// A new study in this folder, or the one that is there.
    pub async fn start(folder: &Path, text: &str) -> Server {
        Server::with(folder, text, NOW_US, |config| config).await
    }

    pub async fn with(
        folder: &Path,
        text: &str,
        now_us: i64,
        change: impl FnOnce(StudyConfig) -> StudyConfig,
    ) -> Server {
        let path = folder.join("journal.plumb");
        if !path.exists() {
            let plan = freeze(&study(text), text).unwrap();
            Journal::create(&path, &plan, true, &opening(now_us)).unwrap();
        }
        let journal = Journal::open(&path).unwrap();
        let (persons, mut rows) = (journal.persons().unwrap(), Vec::new());
        journal
            .people(|row| {
                rows.push(row);
                Ok(())
            })
            .unwrap();
        let collection = Collection::restore(study(text), [7; 32], &persons, &rows, Vec::new()).unwrap();
        let config = change(StudyConfig {
            collection,
            writer: journal.writer(opening(now_us)).unwrap(),
            keys: Keys::new([9; 32]),
            admin_token: ADMIN.to_owned(),
            behind_tls: false,
            open: true,
            refused: Box::new(|_| false),
            most: None,
            closes_us: None,
            platform: Some(PLATFORM.to_owned()),
            asked: tokio::sync::mpsc::channel(1).1,
            outside: StudyOutside { now_us: Arc::new(move || now_us), random },
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let task = tokio::spawn(serve_study(listener, config, async {
            let _ = ended.await;
        }));
        Server { address, journal: path, end: Some(end), task }
    }

    /// Every screen of a study, without people and without a journal.
    pub async fn preview(text: &str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let task = tokio::spawn(preview_study(listener, study(text), async {
            let _ = ended.await;
        }));
        Server { address, journal: PathBuf::new(), end: Some(end), task }
    }

    /// Ends it as Ctrl-C does.
    pub async fn stop(mut self) -> PathBuf {
        drop(self.end.take());
        self.task.await.unwrap().unwrap();
        self.journal
    }

    pub async fn get(&self, path: &str) -> Page {
        self.raw("GET", path, "", None).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.raw("POST", path, "", Some(fields)).await
    }

    pub async fn raw(&self, method: &str, path: &str, head: &str, fields: Option<&[(&str, &str)]>) -> Page {
        let body = fields.map_or_else(String::new, |fields| {
            form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
        });
        let kind = if fields.is_some() { "Content-Type: application/x-www-form-urlencoded\r\n" } else { "" };
        self.sent(method, path, &format!("{kind}{head}"), &body).await
    }

    async fn exchange(&self, request: &str) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// Any request; `head` holds the lines of its head, each with its end.
    pub async fn sent(&self, method: &str, path: &str, head: &str, body: &str) -> Page {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{head}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut answered = self.exchange(&request).await;
        // Very many connections at once may overflow the system's queue; a browser asks again, too.
        for _ in 0..3 {
            match &answered {
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    answered = self.exchange(&request).await;
                }
                _ => break,
            }
        }
        let bytes = answered.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Page {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Comes by a link and agrees; where the person's page is.
    pub async fn begin(&self, query: &str) -> String {
        let page = self.get(&format!("/{query}")).await;
        let fields = page.hidden();
        let mut fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        fields.push(("page.answer", "agree"));
        self.post("/begin", &fields).await.location()
    }

    /// Sends a page's form with these answers; those it does not ask for are left out.
    pub async fn answer(&self, at: &str, page: &Page, answers: &[(&str, &str)]) -> Page {
        let mut fields = page.hidden();
        for (name, value) in answers {
            if page.body.contains(&format!("name=\"{name}\"")) {
                fields.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        self.post(at, &fields).await
    }

    /// Goes on from wherever a person is to the end; pages passed.
    pub async fn finish(&self, at: &str) -> usize {
        for passed in 0..100 {
            let page = self.get(at).await;
            if !page.body.contains("<form") {
                return passed;
            }
            let sent = self.answer(at, &page, &RIGHT).await;
            assert_eq!((sent.status, sent.location().as_str()), (303, at), "{}", page.body);
        }
        panic!("no end");
    }
}

/// Answers that every page takes.
pub const RIGHT: [(&str, &str); 4] =
    [("task", "beads"), ("estimate", "300"), ("confidence", "4"), ("remarks", "=1+1 \"x\" 🙂")];

/// A response.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn location(&self) -> String {
        self.header("location").unwrap_or_default().to_owned()
    }

    /// Hidden fields of the page's form.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!("{name}=\""))?;
            Some(rest.split_once('"')?.0.replace("&#38;", "&").replace("&amp;", "&"))
        };
        self.body
            .split("<input type=\"hidden\"")
            .skip(1)
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
            .collect()
    }
}

/// What a journal holds of its people.
pub fn takers(path: &Path) -> Vec<Taker> {
    let journal = Journal::open(path).unwrap();
    assert_eq!(plumb_study::audit(&journal).unwrap().discrepancies, Vec::<String>::new());
    let study = thaw(&journal.root_plan().unwrap()).unwrap();
    let mut all = Vec::new();
    Takings::new(&study, &journal)
        .each(|taker| -> plumb_study::Result<()> {
            all.push(taker);
            Ok(())
        })
        .unwrap();
    all
}
