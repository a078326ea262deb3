//! A study's server as a process, on an example with as many places as are asked for.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::Problem;
use crate::measured::{self, Measured, Running};
use crate::plumb::{Plumb, Which};

/// A study in a temporary folder, and its server.
pub struct Study {
    plumb: Plumb,
    folder: tempfile::TempDir,
    pub address: SocketAddr,
    server: Option<Running>,
}

const FILES: [&str; 3] = ["first-study.toml", "first-study.csv", "first-study.md"];
const LIMIT: Duration = Duration::from_secs(600);

impl Study {
    /// The example study with this many places in all.
    pub fn of(which: &Which, people: u32) -> Result<Study, Problem> {
        let plumb = Plumb::get(which, LIMIT)?;
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        for name in FILES {
            let from = format!("{}/../examples/studies/{name}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&from).map_err(|error| format!("{from}: {error}"))?;
            let each = people.div_ceil(2);
            let text = text.replace("ALONE = 40, ADVISED = 40", &format!("ALONE = {each}, ADVISED = {each}"));
            std::fs::write(folder.path().join(name), text).map_err(|error| error.to_string())?;
        }
        // A port that is free now, so that the server can be found again after a kill.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        Ok(Study { plumb, folder, address, server: None })
    }

    /// Starts the server and waits until it takes connections.
    pub fn start(&mut self) -> Result<(), Problem> {
        let mut command = self.plumb.command();
        command
            .args(["human", "serve", "first-study.toml", "--port", &self.address.port().to_string()])
            .current_dir(self.folder.path());
        let mut running = Running::start(&mut command)?;
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if !running.is_running() || begun.elapsed() > Duration::from_secs(60) {
                running.kill();
                return Err(format!("the server did not start: {}", running.finish(LIMIT)?.last_words()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(running);
        Ok(())
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
        self.folder.path().join("runs/first-study")
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
