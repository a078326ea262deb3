//! One worker: a tester and a zygote in jails of their own, and how a job goes through them.
//!
//! For each sample a fresh pair of sockets is made; one end goes to the tester with the number of the tests, the other to
//! the zygote with the sample's text. The tester's word says what held; the zygote's says how the process ended. The
//! sample itself is never asked.

use super::frame::{self, Lost, pair};
use super::group::Groups;
use super::jail::{Jail, Place};
use super::launch::Child;
use super::said::{Ended, Said};
use super::seat::Seat;
use super::{Body, Calls, Judging, Stdio, Tests};
use crate::Error;
use rustix::fd::{AsFd, OwnedFd};
use serde_json::json;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const WIRE: &str = include_str!("python/wire.py");
const ZYGOTE: &str = include_str!("python/zygote.py");
const SAMPLE: &str = include_str!("python/sample.py");
const TESTER: &str = include_str!("python/tester.py");

/// Problems whose compiled tests a tester holds.
const KNOWN: usize = 256;
/// How long an interpreter may take to start, which is a tenth of a second on a machine that does nothing else. No verdict waits for it.
const START: Duration = Duration::from_secs(300);
/// How long trusted processes may take for what is theirs.
const GRACE: Duration = Duration::from_secs(10);

/// Processor time and wall time of one sample.
#[derive(Clone, Copy)]
pub(super) struct Time {
    pub cpu: Duration,
    pub wall: Duration,
}

pub(super) struct Worker {
    // Ended in this order: whoever may hold others open first.
    zygote: Process,
    tester: Process,
    groups: Groups,
    /// How many processes of samples the kernel had killed for want of memory after the last one.
    killed: u64,
    known: Vec<(u64, Arc<Tests>)>,
    next: u64,
    _scratch: Option<tempfile::TempDir>,
    value: u64,
    output: u64,
    processes: u32,
}

struct Process {
    child: Child,
    control: OwnedFd,
    /// What it wrote to standard error: only when something is wrong.
    errors: std::fs::File,
}

impl Worker {
    pub(super) fn start(jail: &Jail, number: usize, seat: Option<&Seat>) -> Result<Worker, Error> {
        let own_folder = jail.level != super::Level::Full;
        let scratch = own_folder.then(|| scratch(jail, number)).transpose()?;
        let folder = scratch.as_ref().map_or(PathBuf::from("/tmp"), |s| s.path().to_owned());
        let groups = Groups::make(&jail.limits);
        let limits = &jail.limits;
        let tester = Process::start(jail, TESTER, number, &folder, None)?;
        let config = json!({ "path": jail.interpreter.path, "memory": limits.memory.max(1 << 30) });
        tester.configure(&config, None)?;
        let zygote = Process::start(jail, ZYGOTE, number, &folder, Some(&groups))?;
        let config = json!({
            "path": jail.interpreter.path,
            "program": format!("{WIRE}\n\n{SAMPLE}"),
            "namespaces": jail.level == super::Level::Full,
            "guarded": jail.level != super::Level::None,
            "uid": jail.user_of_sample(number),
            "filter": jail.of_sample,
            "scratch": folder,
            "watched": own_folder,
            "memory": limits.memory,
            "open_files": limits.open_files,
            "file_size": limits.file_size,
            "tasks": jail.counts_tasks().then_some(limits.tasks),
            "output": limits.output,
            "forks": limits.processes > 1 || jail.level == super::Level::None,
            "cores": limits.tasks.min(std::thread::available_parallelism().map_or(1, |n| n.get() as u32)),
        });
        zygote.configure(&config, zygote.child.namespace.as_ref())?;
        zygote.configure(&json!(zygote.child.mapped()), None)?;
        if let Some(seat) = seat {
            [&tester, &zygote]
                .into_iter()
                .for_each(|p| seat.seat(rustix::process::Pid::from_raw(p.child.pid())));
        }
        let (value, output) = (limits.value, limits.output);
        let killed = groups.killed();
        Ok(Worker {
            zygote,
            tester,
            groups,
            killed,
            known: Vec::new(),
            next: 0,
            _scratch: scratch,
            value,
            output,
            processes: limits.processes,
        })
    }

    #[cfg(test)]
    pub(super) fn pid(&self) -> i32 {
        self.zygote.child.pid()
    }

    /// Runs a sample whose functions are called.
    ///
    /// # Errors
    /// A trusted process is gone; the worker is of no more use.
    pub(super) fn calls(&mut self, calls: &Calls, time: Time) -> Result<(Said, Ended), Lost> {
        let (ours, theirs) = pair().map_err(|_| Lost::Closed)?;
        self.tell_tester(&calls.tests, &ours)?;
        self.tell_zygote(0, time, &[], &calls.source, &theirs)?;
        drop((ours, theirs));
        let until = Instant::now() + time.wall + GRACE;
        let said = frame::receive(&self.tester.control, 1 << 20, until);
        if said == Err(Lost::Late) {
            // The zygote has ended the sample long ago: the tests go on by themselves, over an answer they cannot finish.
            return Err(Lost::Late);
        }
        let said = Said::read(&said?).ok_or(Lost::Closed)?;
        let mut ended = self.ended()?;
        // Whoever the kernel ends for want of memory is gone; where a sample has one process, nobody else could be meant.
        if self.processes > 1 || said.verdict == "gone" {
            ended.out_of_memory = self.short_of_memory();
        }
        Ok((said, ended))
    }

    /// Runs a program that reads and writes; what it said of itself, and how it ended.
    ///
    /// # Errors
    /// As [`Worker::calls`].
    pub(super) fn stdio(&mut self, stdio: &Stdio, time: Time) -> Result<(Option<(u8, String)>, Ended), Lost> {
        let (ours, theirs) = pair().map_err(|_| Lost::Closed)?;
        self.tell_zygote(1, time, &stdio.stdin, &stdio.source, &theirs)?;
        drop(theirs);
        let until = Instant::now() + time.wall + GRACE;
        let body = frame::receive(&self.zygote.control, self.most(), until)?;
        frame::nudge(&self.zygote.control)?;
        let mut ended = Ended::read(&body).ok_or(Lost::Closed)?;
        ended.out_of_memory = self.short_of_memory();
        // Whatever it sent, it sent before it ended.
        let claim = frame::receive(&ours, 1 << 16, Instant::now()).ok();
        let claim = claim.and_then(|c| c.split_first().map(|(k, t)| (*k, String::from_utf8_lossy(t).into())));
        Ok((claim, ended))
    }

    /// Whether the kernel has killed for want of memory since this was asked last.
    fn short_of_memory(&mut self) -> bool {
        let before = std::mem::replace(&mut self.killed, self.groups.killed());
        self.killed > before
    }

    fn most(&self) -> usize {
        (self.output as usize) * 2 + (4 << 20)
    }

    fn ended(&mut self) -> Result<Ended, Lost> {
        frame::nudge(&self.zygote.control)?;
        let body = frame::receive(&self.zygote.control, self.most(), Instant::now() + GRACE)?;
        Ended::read(&body).ok_or(Lost::Closed)
    }

    fn tell_tester(&mut self, tests: &Arc<Tests>, channel: &OwnedFd) -> Result<(), Lost> {
        let mut head = json!({ "value": self.value });
        let at = self.known.iter().position(|(_, known)| Arc::ptr_eq(known, tests));
        let number = match at {
            Some(at) => self.known[at].0,
            None => {
                self.next += 1;
                head["given"] = given(tests);
                if self.known.len() == KNOWN {
                    head["forget"] = json!([self.known.remove(0).0]);
                }
                self.known.push((self.next, tests.clone()));
                self.next
            }
        };
        head["tests"] = json!(number);
        frame::send(&self.tester.control, head.to_string().as_bytes(), Some(channel.as_fd()))
    }

    fn tell_zygote(
        &mut self,
        mode: u8,
        time: Time,
        stdin: &[u8],
        source: &str,
        channel: &OwnedFd,
    ) -> Result<(), Lost> {
        let mut body = vec![mode];
        body.extend((time.cpu.as_nanos() as u64).to_le_bytes());
        body.extend((time.wall.as_nanos() as u64).to_le_bytes());
        body.extend((stdin.len() as u32).to_le_bytes());
        body.extend((self.value as u32).to_le_bytes());
        body.extend(stdin);
        body.extend(source.as_bytes());
        frame::send(&self.zygote.control, &body, Some(channel.as_fd()))
    }

    /// What the trusted processes complained about, for the message when one is lost.
    pub(super) fn complaint(&self) -> String {
        [&self.zygote, &self.tester].into_iter().find_map(Process::said).unwrap_or_default()
    }
}

fn given(tests: &Tests) -> serde_json::Value {
    let (check, asserts) = match &tests.body {
        Body::Check(text) => (Some(text), None),
        Body::Asserts(list) => (None, Some(list)),
    };
    json!({
        "setup": tests.setup,
        "check": check,
        "asserts": asserts,
        "entry_point": tests.entry_point,
        "weak": tests.judging == Judging::InSample,
    })
}

/// A scratch folder for levels that have no file system of their own.
fn scratch(jail: &Jail, number: usize) -> Result<tempfile::TempDir, Error> {
    let failed = |e: std::io::Error| {
        Error::sandbox(
            format!("a scratch folder cannot be made: {e}"),
            "is the folder for temporary files writable?",
        )
    };
    let prefix = format!("plumb-sandbox-{}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir().map_err(failed)?;
    if let Some(user) = jail.user_of_sample(number) {
        std::os::unix::fs::chown(folder.path(), Some(user), Some(user)).map_err(failed)?;
    }
    Ok(folder)
}

impl Process {
    fn start(
        jail: &Jail,
        code: &str,
        number: usize,
        scratch: &Path,
        groups: Option<&Groups>,
    ) -> Result<Process, Error> {
        let failed = |what: &str, e: &dyn std::fmt::Display| {
            Error::sandbox(format!("{what}: {e}"), "is the machine out of memory or open files?")
        };
        let (control, theirs) = pair().map_err(|e| failed("sockets", &e))?;
        let null = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .map_err(|e| failed("/dev/null", &e))?;
        let errors = rustix::fs::memfd_create("errors", rustix::fs::MemfdFlags::CLOEXEC)
            .map_err(|e| failed("memory for messages", &e))?;
        let place = Place {
            number,
            stdio: [null.as_fd(), null.as_fd(), errors.as_fd()],
            control: Some(theirs.as_fd()),
            scratch,
            scratch_size: None,
            groups,
            keeps_power: groups.is_some(),
        };
        let child = jail.python(&format!("{WIRE}\n\n{code}"), &place)?;
        Ok(Process { child, control, errors: errors.into() })
    }

    /// Sends the settings and waits until it is ready.
    fn configure(&self, config: &serde_json::Value, with: Option<&OwnedFd>) -> Result<(), Error> {
        frame::send(&self.control, config.to_string().as_bytes(), with.map(|fd| fd.as_fd()))
            .and_then(|()| frame::receive(&self.control, 1 << 10, Instant::now() + START).map(|_| ()))
            .map_err(|lost| match lost {
                Lost::Late => Error::sandbox(
                    format!("the interpreter in the jail is not ready after {} s", START.as_secs()),
                    "is the machine too busy, or this program at a priority that gets no time?",
                ),
                Lost::Closed => Error::sandbox(
                    format!(
                        "the interpreter does not start in the jail: {}",
                        self.said().as_deref().unwrap_or("it ended without a word")
                    ),
                    "plumb doctor says what this machine gives",
                ),
            })
    }

    /// The last line of its errors, if there is one.
    fn said(&self) -> Option<String> {
        let mut held = vec![0; 1 << 14];
        let size = self.errors.metadata().map_or(0, |m| m.len());
        let from = size.saturating_sub(held.len() as u64);
        let got = self.errors.read_at(&mut held, from).unwrap_or(0);
        let text = String::from_utf8_lossy(&held[..got]);
        text.lines().last().map(str::to_owned)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        for process in [&mut self.zygote, &mut self.tester] {
            process.child.kill();
            process.child.wait();
        }
    }
}
