//! Any program in a jail of its own: compilers, and what they made.
//!
//! Each command has a fresh jail with the files that were given, and nothing of it is left but what it was to keep.

use super::group::Groups;
use super::jail::Place;
use super::launch::Child;
use super::said;
use super::{Ended, Level, Limits, Outcome, Partial, Program, Sandbox, Verdict, batch, tree};
use crate::Error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a running command is looked at.
const LOOK: Duration = Duration::from_millis(25);

impl Sandbox {
    /// Runs one command in a jail of its own, and hands back the files that it was to keep, where it made them.
    ///
    /// `reference` is the processor time of the reference solution, as [`super::Job::reference_cpu`].
    ///
    /// # Errors
    /// The level is not [`Level::Full`], a path is not within the folder, or the program cannot be started.
    pub fn program(&self, id: u64, program: &Program, reference: Option<Duration>) -> Result<Ended, Error> {
        if self.level() != Level::Full {
            return Err(Error::sandbox(
                "commands need full isolation, which this machine does not give",
                "plumb doctor says why",
            ));
        }
        let limits = program.limits.as_ref().unwrap_or(&self.jail.limits);
        let cpu = limits.cpu.of(reference);
        let wall = limits.wall(cpu);
        let mut running = Running::start(self, program, cpu)?;
        let reason = running.watch(limits, cpu, wall)?;
        let (status, files) = running.report(&program.keep);
        let (ended, killed) = (running.child.wait(), running.groups.killed());
        let ended = said::Ended {
            status,
            // What is killed with its first process is in nobody's account; then what was seen last stands.
            reason: if reason == said::Reason::ByItself && ended.cpu > cpu {
                said::Reason::Cpu
            } else {
                reason
            },
            cpu: ended.cpu.max(running.seen),
            wall: running.began.elapsed(),
            stdout: std::mem::take(&mut running.stdout.kept),
            stderr: std::mem::take(&mut running.stderr.kept),
            out_of_memory: killed > 0 || running.over_memory,
        };
        let (mut verdict, mut detail) = said::of_stdio(None, &ended);
        if matches!(verdict, Verdict::Signal(_) | Verdict::ExitedEarly(_)) {
            let text = String::from_utf8_lossy(&ended.stderr);
            if let Some(mark) = program.out_of_memory.iter().find(|mark| text.contains(mark.as_str())) {
                (verdict, detail) = (Verdict::MemoryLimit, mark.clone());
            }
        }
        let partial = Partial::Missing("a command has no tests".to_owned());
        let outcome =
            Outcome { id, level: self.level(), ..batch::outcome(verdict, detail, partial, ended, false) };
        Ok(Ended { outcome, files })
    }
}

struct Running {
    child: Child,
    groups: Groups,
    began: Instant,
    stdout: Reading,
    stderr: Reading,
    report: Reading,
    over_memory: bool,
    address_space: bool,
    /// Processor time when it was last looked at.
    seen: Duration,
}

/// One end of a pipe and what came out of it.
struct Reading {
    pipe: OwnedFd,
    kept: Vec<u8>,
    open: bool,
}

impl Reading {
    fn of(pipe: OwnedFd) -> Result<Reading, Error> {
        rustix::io::ioctl_fionbio(&pipe, true).map_err(failed)?;
        Ok(Reading { pipe, kept: Vec::new(), open: true })
    }

    /// Takes what is there.
    fn take(&mut self) {
        let mut held = [0; 1 << 16];
        match rustix::io::read(&self.pipe, &mut held) {
            Ok(0) => self.open = false,
            Ok(count) => self.kept.extend(&held[..count]),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(_) => self.open = false,
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::sandbox(
        format!("a command cannot be started: {error}"),
        "is the machine out of memory or open files?",
    )
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(failed)
}

impl Running {
    fn start(sandbox: &Sandbox, program: &Program, cpu: Duration) -> Result<Running, Error> {
        let limits = program.limits.as_ref().unwrap_or(&sandbox.jail.limits);
        let mut most = vec![
            (libc::RLIMIT_CORE, 0),
            (libc::RLIMIT_CPU, cpu.as_secs() + 2),
            (libc::RLIMIT_NOFILE, u64::from(limits.open_files)),
            (libc::RLIMIT_FSIZE, limits.file_size),
            // One more for the process that waits.
            (libc::RLIMIT_NPROC, u64::from(limits.tasks) + 1),
        ];
        if program.address_space {
            most.push((libc::RLIMIT_AS, limits.memory));
        }
        let memory = rustix::fs::memfd_create("stdin", rustix::fs::MemfdFlags::CLOEXEC).map_err(failed)?;
        let mut stdin = std::fs::File::from(memory);
        stdin.write_all(&program.stdin).and_then(|()| stdin.rewind()).map_err(failed)?;
        let groups = Groups::make(limits);
        let ((out, out_end), (err, err_end), (report, report_end)) = (pipe()?, pipe()?, pipe()?);
        let given: usize = program.files.iter().map(|(_, content)| content.len()).sum();
        let place = Place {
            number: 0,
            stdio: [stdin.as_fd(), out_end.as_fd(), err_end.as_fd()],
            control: None,
            scratch: Path::new("/tmp"),
            scratch_size: Some(limits.file_size.max(1 << 16) + 2 * given as u64),
            groups: Some(&groups),
            keeps_power: false,
        };
        let began = Instant::now();
        let child = sandbox.jail.command(program, most, &place, report_end)?;
        let (stdout, stderr, report) = (Reading::of(out)?, Reading::of(err)?, Reading::of(report)?);
        let address_space = program.address_space;
        Ok(Running {
            child,
            groups,
            began,
            stdout,
            stderr,
            report,
            over_memory: false,
            address_space,
            seen: Duration::ZERO,
        })
    }

    /// Reads until the first process has ended, within the limits.
    fn watch(&mut self, limits: &Limits, cpu: Duration, wall: Duration) -> Result<said::Reason, Error> {
        let samples_memory = !self.address_space && !self.groups.limits_memory();
        let mut reason = said::Reason::ByItself;
        let mut looked = Instant::now();
        loop {
            let ended = self.wait_a_little()?;
            for reading in [&mut self.stdout, &mut self.stderr, &mut self.report] {
                if reading.open {
                    reading.take();
                }
            }
            if ended && !self.report.open {
                return Ok(reason);
            }
            let written = (self.stdout.kept.len() + self.stderr.kept.len()) as u64;
            let mut now = said::Reason::ByItself;
            if written > limits.output {
                now = said::Reason::Output;
            } else if self.began.elapsed() > wall {
                now = said::Reason::Wall;
            } else if looked.elapsed() > LOOK {
                looked = Instant::now();
                let used = tree::of_tree(self.child.pid());
                self.seen = self.seen.max(used.cpu);
                if used.cpu > cpu {
                    now = said::Reason::Cpu;
                }
                self.over_memory = samples_memory && used.resident > limits.memory;
            }
            if reason == said::Reason::ByItself && (now != said::Reason::ByItself || self.over_memory) {
                reason = if self.over_memory { said::Reason::Asked } else { now };
                self.child.kill();
            }
        }
    }

    /// Waits for something to read; whether the first process has ended.
    fn wait_a_little(&self) -> Result<bool, Error> {
        let readings = [&self.stdout, &self.stderr, &self.report];
        let handle = self.child.handle();
        let mut fds = vec![PollFd::new(&handle, PollFlags::IN)];
        fds.extend(readings.iter().filter(|r| r.open).map(|r| PollFd::new(&r.pipe, PollFlags::IN)));
        let time = Timespec { tv_sec: 0, tv_nsec: LOOK.as_nanos() as i64 };
        match poll(&mut fds, Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(fds[0].revents().contains(PollFlags::IN)),
            Err(error) => Err(failed(error)),
        }
    }

    /// The command's wait status and the files it was to keep. Without a report the first process was killed too.
    fn report(&self, keep: &[PathBuf]) -> (i32, Vec<(PathBuf, Vec<u8>)>) {
        let Some((status, mut rest)) = self.report.kept.split_first_chunk::<4>() else {
            return (libc::SIGKILL, Vec::new());
        };
        let mut files = Vec::new();
        for path in keep {
            let Some((size, after)) = rest.split_first_chunk::<8>() else { break };
            rest = after;
            if let Some((content, after)) =
                usize::try_from(u64::from_ne_bytes(*size)).ok().and_then(|size| rest.split_at_checked(size))
            {
                files.push((path.clone(), content.to_vec()));
                rest = after;
            }
        }
        (i32::from_ne_bytes(*status), files)
    }
}
