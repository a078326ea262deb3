//! What the tests here are made of: a registry with one small model, a hub on this machine that can be
//! told to misbehave, and a `Progress` that remembers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use plumb_clients::models::{Hub, Patience, Progress, Registry, Store};
use sha2::{Digest as _, Sha256};

/// The model's file: bytes without a pattern that chance could repeat.
pub fn content() -> Vec<u8> {
    (0..100_000u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

pub const HUB: &str = "[[model.source]]\nkind = \"hub\"\nrepo = \"o/r\"\nfile = \"m.gguf\"\n";

pub fn path_source(path: &Path) -> String {
    format!("[[model.source]]\nkind = \"path\"\npath = \"{}\"\n", path.display())
}

/// A folder with a registry of one model `tiny`, and a cache.
pub struct World {
    pub dir: tempfile::TempDir,
    pub registry: Registry,
}

impl World {
    pub fn new(sources: &[&str]) -> World {
        World::in_dir(tempfile::tempdir().unwrap(), sources)
    }

    pub fn in_dir(dir: tempfile::TempDir, sources: &[&str]) -> World {
        let content = content();
        let text = format!(
            "[[model]]\nname = \"tiny\"\nfile = \"tiny.gguf\"\nbytes = {}\nsha256 = \"{}\"\nlicence = \"MIT\"\n\
             architecture = \"llama\"\n{}",
            content.len(),
            sha256(&content),
            sources.concat()
        );
        let path = dir.path().join("models.toml");
        std::fs::write(&path, text).unwrap();
        let registry = Registry::builtin().unwrap().with_user(&path).unwrap();
        World { dir, registry }
    }

    pub fn store(&self) -> Store {
        Store::new(self.dir.path().join("cache")).with_patience(Patience {
            first_answer: Duration::from_millis(600),
            stall: Duration::from_millis(600),
            pip_stall: Duration::from_secs(60),
        })
    }

    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("cache/models/tiny")
    }

    /// Names in the model's folder, the lock's file left out.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|n| n != ".tiny.gguf.lock").collect();
        names.sort();
        names
    }
}

/// What a fetch said.
#[derive(Default)]
pub struct Told {
    pub notes: Mutex<Vec<String>>,
    pub most: Mutex<u64>,
}

impl Progress for Told {
    fn trying(&self, source: &str) {
        self.notes.lock().unwrap().push(format!("trying {source}"));
    }
    fn bytes(&self, done: u64, _: Option<u64>) {
        let mut most = self.most.lock().unwrap();
        *most = (*most).max(done);
    }
    fn note(&self, message: &str) {
        self.notes.lock().unwrap().push(message.to_owned());
    }
}

impl Told {
    pub fn all(&self) -> String {
        self.notes.lock().unwrap().join("\n")
    }
}

/// How the hub answers.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    Good,
    /// Accepts and says nothing.
    Silent,
    /// Sends half of the file and then nothing.
    Stalls,
    /// The right size and a tag that says nothing, but other bytes.
    WrongBytes,
    /// Says from the start that its file is another one.
    WrongTag,
    WrongSize,
    NotFound,
}

/// A hub on this machine.
pub struct FakeHub {
    pub endpoint: String,
    /// The first line and the range of each request.
    pub asked: Arc<Mutex<Vec<String>>>,
    manner: Arc<Mutex<Manner>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl FakeHub {
    pub fn new(manner: Manner) -> FakeHub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::default();
        let manner = Arc::new(Mutex::new(manner));
        let open = Arc::default();
        let hub = FakeHub {
            endpoint,
            asked: Arc::clone(&asked),
            manner: Arc::clone(&manner),
            open: Arc::clone(&open),
        };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, asked, manner) = (stream.unwrap(), Arc::clone(&asked), Arc::clone(&manner));
                open.lock().unwrap().push(stream.try_clone().unwrap());
                thread::spawn(move || serve(stream, &asked, &manner));
            }
        });
        hub
    }

    pub fn now(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Ends all connections, so that nobody waits for them any more.
    pub fn hang_up(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        thread::sleep(Duration::from_millis(100));
    }

    pub fn as_hub(&self) -> Hub {
        Hub { endpoint: self.endpoint.clone(), token: None }
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

pub const TAG: &str = "abc123";

fn serve(stream: TcpStream, asked: &Mutex<Vec<String>>, manner: &Mutex<Manner>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let range = head.iter().find_map(|l| {
            let (name, value) = l.split_once(": ")?;
            name.eq_ignore_ascii_case("range").then(|| value.to_owned())
        });
        let range = range.unwrap_or_default();
        asked.lock().unwrap().push(format!("{} {range}", head[0]));
        let manner = *manner.lock().unwrap();
        let _ = match manner {
            Manner::Silent => {
                thread::sleep(Duration::from_secs(5));
                return;
            }
            Manner::NotFound => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            _ => answer(&mut stream, &range, manner),
        };
    }
}

fn answer(stream: &mut TcpStream, range: &str, manner: Manner) -> std::io::Result<()> {
    let mut body = content();
    match manner {
        Manner::WrongBytes => body[5] ^= 1,
        Manner::WrongSize => body.push(0),
        _ => {}
    }
    let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap_or(("0", ""));
    let from: usize = from.parse().unwrap();
    let to = to.parse().map_or(body.len(), |to: usize| to + 1);
    if from >= body.len() {
        return stream.write_all(b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
    }
    let tag = if manner == Manner::WrongTag { "0".repeat(64) } else { TAG.to_owned() };
    write!(
        stream,
        "HTTP/1.1 206 Partial Content\r\nx-repo-commit: c0ffee\r\netag: \"{tag}\"\r\nContent-Range: bytes {from}-{}/{}\r\n\
         Content-Length: {}\r\n\r\n",
        to - 1,
        body.len(),
        to - from
    )?;
    if manner == Manner::Stalls && to - from > 1 {
        stream.write_all(&body[from..(from + to) / 2])?;
        thread::sleep(Duration::from_secs(10));
    }
    stream.write_all(&body[from..to])
}
