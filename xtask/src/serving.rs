//! A study's server as a process, on an example with as many places as are asked for.

use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Problem;
use crate::measured::{self, Measured, Running};
use crate::plumb::{Plumb, Which};

/// A study in a temporary folder, and its server.
pub struct Study {
    plumb: Plumb,
    folder: tempfile::TempDir,
    example: Example,
    pub address: SocketAddr,
    server: Option<Running>,
}

/// Which study is shown.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Example {
    /// Six jars, nine pages a person (examples/studies/first-study.toml)
    First,
    /// The paper's first experiment: two phases, some sixty pages (examples/studies/interpretability-1.toml)
    Experiment1,
    /// Every kind of field and of part
    #[value(skip)]
    Fields,
}

impl Example {
    fn name(self) -> &'static str {
        match self {
            Example::First => "first-study",
            Example::Experiment1 => "interpretability-1",
            Example::Fields => "fields",
        }
    }

    /// Its folder in this checkout, and the files beside the study's own.
    fn files(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Example::First => ("examples/studies", &["first-study.csv", "first-study.md"]),
            Example::Experiment1 => (
                "examples/studies",
                &[
                    "interpretability-1.csv",
                    "interpretability-consent.md",
                    "interpretability-instructions.md",
                    "interpretability-debriefing.md",
                ],
            ),
            Example::Fields => ("crates/plumb-web/tests/it/study", &["fields.csv", "table.csv"]),
        }
    }

    fn with_places(self, text: &str, people: u32) -> String {
        let each = people.div_ceil(2);
        match self {
            Example::First => {
                text.replace("ALONE = 40, ADVISED = 40", &format!("ALONE = {each}, ADVISED = {each}"))
            }
            Example::Experiment1 => text.replace("people = 1250", &format!("people = {people}")),
            Example::Fields => text.to_owned(),
        }
    }
}

/// A file of this checkout.
pub fn checkout(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// A port that is free now, so that a server can be found again after a kill.
pub fn free_port() -> Result<SocketAddr, Problem> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    free.map_err(|error| format!("no free port: {error}"))
}

/// Waits until a server that was just started takes connections; false where it ended or a minute has gone by.
pub fn takes_connections(running: &Running, address: impl ToSocketAddrs + Copy) -> bool {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if !running.is_running() || begun.elapsed() > Duration::from_secs(60) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

const LIMIT: Duration = Duration::from_secs(1200);

impl Study {
    /// An example with this many places in all.
    pub fn of(which: &Which, example: Example, people: u32) -> Result<Study, Problem> {
        let plumb = Plumb::get(which, LIMIT)?;
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        let (from, files) = example.files();
        let own = format!("{}.toml", example.name());
        for name in files.iter().copied().chain([own.as_str()]) {
            let from = checkout(from).join(name);
            let text = std::fs::read_to_string(&from).map_err(|e| format!("{}: {e}", from.display()))?;
            let text = if name == own { example.with_places(&text, people) } else { text };
            std::fs::write(folder.path().join(name), text).map_err(|error| error.to_string())?;
        }
        Ok(Study { plumb, folder, example, address: free_port()?, server: None })
    }

    /// Adds tables to the study's file.
    pub fn append(&self, tables: &str) -> Result<(), Problem> {
        let path = self.folder.path().join(format!("{}.toml", self.example.name()));
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        std::fs::write(&path, text + tables).map_err(|error| error.to_string())
    }

    /// Holds a platform's list of submissions against the run; what is said of it.
    pub fn reconcile(&self, list: &str) -> Result<serde_json::Value, Problem> {
        let path = self.folder.path().join("submissions.csv");
        std::fs::write(&path, list).map_err(|error| error.to_string())?;
        let mut command = self.plumb.command();
        command.args(["human", "reconcile"]).arg(self.run()).arg(&path).arg("--json");
        let done = measured::run(&mut command, LIMIT)?.succeeded("plumb human reconcile")?;
        serde_json::from_str(&done.stdout).map_err(|error| format!("{error}: {}", done.stdout))
    }

    /// A file of the run's folder.
    pub fn written(&self, name: &str) -> Result<String, Problem> {
        let path = self.run().join(name);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Starts the server and waits until it takes connections.
    pub fn start(&mut self) -> Result<(), Problem> {
        self.start_with(&[])
    }

    /// The same with more options.
    pub fn start_with(&mut self, more: &[&str]) -> Result<(), Problem> {
        let mut command = self.plumb.command();
        command
            .args(["human", "serve", &format!("{}.toml", self.example.name())])
            .args(["--port", &self.address.port().to_string()])
            .args(more)
            .current_dir(self.folder.path());
        let mut running = Running::start(&mut command)?;
        if !takes_connections(&running, self.address) {
            running.kill();
            return Err(format!("the server did not start: {}", running.finish(LIMIT)?.last_words()));
        }
        self.server = Some(running);
        Ok(())
    }

    /// The token of the admin page, as the server prints it.
    pub fn token(&self) -> Result<String, Problem> {
        let server = self.server.as_ref().ok_or("no server runs")?;
        let begun = Instant::now();
        loop {
            let said = server.printed()?;
            let token = said.split("token ").nth(1).and_then(|rest| rest.split_once('\n'));
            if let Some((token, _)) = token {
                return Ok(token.trim().to_owned());
            }
            if begun.elapsed() > Duration::from_secs(30) {
                return Err(format!("the server printed no token: {said}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> Result<Measured, Problem> {
        let mut running = self.server.take().ok_or("no server runs")?;
        running.kill();
        running.finish(LIMIT)
    }

    /// Ends the server as Ctrl-C does, and audits what it leaves.
    pub fn stop(&mut self) -> Result<Measured, Problem> {
        let running = self.server.take().ok_or("no server runs")?;
        running.interrupt();
        let measured = running.finish(LIMIT)?.succeeded("plumb human serve")?;
        self.plumb.audit(&self.run())?;
        Ok(measured)
    }

    fn run(&self) -> PathBuf {
        self.folder.path().join("runs").join(self.example.name())
    }

    /// The run's tables as JSON lines: the folder that they are in.
    pub fn export(&self) -> Result<PathBuf, Problem> {
        let to = self.folder.path().join("export");
        let mut command = self.plumb.command();
        command.arg("export").arg(self.run()).args(["--format", "jsonl", "--out"]).arg(&to);
        measured::run(&mut command, LIMIT)?.succeeded("plumb export")?;
        Ok(to)
    }
}

impl Drop for Study {
    fn drop(&mut self) {
        if let Some(mut running) = self.server.take() {
            running.kill();
            let _ = running.finish(LIMIT);
        }
    }
}

/// The runtime of a crowd.
pub fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))
}
