//! The mock endpoint as a child process, so that its CPU time and memory are its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use plumb_mock::Stats;

use crate::Problem;

pub struct MockProcess {
    child: Child,
    pub addr: SocketAddr,
}

impl MockProcess {
    /// Starts `xtask mock-server --port 0` with more arguments; it answers when this returns.
    pub fn start(args: &[String]) -> Result<MockProcess, Problem> {
        let us = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
        let mut child = Command::new(us)
            .args(["mock-server", "--port", "0"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("start the mock server: {error}"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(|error| format!("the mock server: {error}"))?;
        }
        let addr = line.trim().strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
        match addr {
            Some(addr) => Ok(MockProcess { child, addr }),
            None => {
                let _already_gone = child.kill();
                let _reaped = child.wait();
                Err(format!("the mock server said `{}` instead of its address", line.trim()))
            }
        }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    pub fn stats(&self) -> Result<Stats, Problem> {
        let body = self.ask("GET", "/stats")?;
        serde_json::from_str(&body).map_err(|error| format!("the mock server's counts: {error}: {body}"))
    }

    pub fn reset(&self) -> Result<(), Problem> {
        self.ask("POST", "/reset").map(drop)
    }

    /// CPU time that the server has used so far.
    pub fn cpu(&self) -> Result<Duration, Problem> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // The name in parentheses may hold spaces; user and system time are fields 14 and 15.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        // Linux shows ticks of 1/100 s to programs, whatever its own clock.
        Ok(Duration::from_millis(ticks * 10))
    }

    fn ask(&self, method: &str, path: &str) -> Result<String, Problem> {
        let wrong = |error: std::io::Error| format!("{method} {path} of the mock server: {error}");
        let mut stream = TcpStream::connect(self.addr).map_err(wrong)?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(wrong)?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: mock\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).map_err(wrong)?;
        let mut response = String::new();
        stream.read_to_string(&mut response).map_err(wrong)?;
        match response.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
            _ => Err(format!("{method} {path} of the mock server: {response}")),
        }
    }
}

impl Drop for MockProcess {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
