//! A process run to its end, with what it cost: wall time, CPU time, peak memory.
//!
//! The kernel's own account is read (`wait4`), so that nothing is sampled and a process that is
//! killed is measured too. One trap: the kernel folds the memory of the process that *starts* a
//! program into that program's peak, so whoever measures memory must be small at the start.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::Problem;

/// What a finished process was and said.
pub struct Measured {
    pub status: ExitStatus,
    pub wall: Duration,
    /// User and system time together.
    pub cpu: Duration,
    /// Peak resident memory in bytes.
    pub peak_rss: u64,
    pub stdout: String,
    pub stderr: String,
    /// The time limit was reached and the process killed.
    pub timed_out: bool,
}

impl Measured {
    pub fn peak_mib(&self) -> f64 {
        self.peak_rss as f64 / f64::from(1 << 20)
    }

    /// The end of what it said, for error messages.
    pub fn last_words(&self) -> String {
        let all = format!("{}\n{}", self.stdout.trim(), self.stderr.trim());
        let lines: Vec<&str> = all.trim().lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n  ")
    }

    /// How it ended, in words.
    pub fn ending(&self) -> String {
        if self.timed_out { "ran out of its time limit".to_owned() } else { self.status.to_string() }
    }

    /// Fails with the process's last words unless it succeeded.
    pub fn succeeded(self, what: &str) -> Result<Measured, Problem> {
        if self.status.success() {
            return Ok(self);
        }
        Err(format!("{what}: {}; it said:\n  {}", self.ending(), self.last_words()))
    }
}

/// A started process whose output goes to files, so that no full pipe can stop it.
pub struct Running {
    child: Child,
    started: Instant,
    stdout: File,
    stderr: File,
}

/// Runs to the end, or to `limit`.
pub fn run(command: &mut Command, limit: Duration) -> Result<Measured, Problem> {
    Running::start(command)?.finish(limit)
}

impl Running {
    pub fn start(command: &mut Command) -> Result<Running, Problem> {
        let open = || tempfile::tempfile().map_err(|error| format!("a temporary file: {error}"));
        let again = |file: &File| file.try_clone().map_err(|error| format!("a temporary file: {error}"));
        let (stdout, stderr) = (open()?, open()?);
        command.stdin(Stdio::null()).stdout(again(&stdout)?).stderr(again(&stderr)?);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        Ok(Running { child, started, stdout, stderr })
    }

    /// Whether it still runs. It is not waited for, so that `finish` gets the account.
    pub fn is_running(&self) -> bool {
        // SAFETY: `siginfo_t` is plain data for which zeros are valid; `waitid` writes only to it,
        // and WNOWAIT leaves the child to be waited for.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            let asked = libc::waitid(libc::P_PID, self.child.id(), &raw mut info, flags);
            asked == 0 && info.si_pid() == 0
        }
    }

    /// The first 64 KiB of what it has printed so far. The process's place in the file stays where it is.
    pub fn printed(&self) -> Result<String, Problem> {
        use std::os::unix::fs::FileExt as _;
        let mut bytes = vec![0; 1 << 16];
        let read =
            self.stdout.read_at(&mut bytes, 0).map_err(|error| format!("a temporary file: {error}"))?;
        Ok(String::from_utf8_lossy(&bytes[..read]).into_owned())
    }

    /// SIGKILL, as the out-of-memory killer or a power cut would.
    pub fn kill(&mut self) {
        let _already_gone = self.child.kill();
    }

    /// SIGKILL to whatever else runs in its process group, where it was given one of its own.
    pub fn kill_group(&self) {
        if let Ok(pid) = libc::pid_t::try_from(self.child.id()) {
            // SAFETY: kill takes numbers only; the child is not yet waited for, so the group is its.
            unsafe { libc::kill(-pid, libc::SIGKILL) };
        }
    }

    /// SIGINT, as Ctrl-C sends it.
    pub fn interrupt(&self) {
        if let Ok(pid) = libc::pid_t::try_from(self.child.id()) {
            // SAFETY: kill takes numbers only; the child is not yet waited for, so the number is its.
            unsafe { libc::kill(pid, libc::SIGINT) };
        }
    }

    pub fn finish(mut self, limit: Duration) -> Result<Measured, Problem> {
        let pid = libc::pid_t::try_from(self.child.id()).map_err(|error| error.to_string())?;
        let (finished, waits) = mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            let late = waits.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
            if late {
                // SAFETY: kill takes numbers only; the child is not yet waited for, so the number is its.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
            late
        });
        let (raw_status, usage) = wait4(pid)?;
        let wall = self.started.elapsed();
        drop(finished);
        let timed_out = watchdog.join().unwrap_or(false);
        Ok(Measured {
            status: std::os::unix::process::ExitStatusExt::from_raw(raw_status),
            wall,
            cpu: cpu(&usage),
            peak_rss: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
            stdout: read(&mut self.stdout),
            stderr: read(&mut self.stderr),
            timed_out,
        })
    }
}

/// User and system time of this process so far.
pub fn own_cpu() -> Duration {
    // SAFETY: the pointer is to a live value of ours; `rusage` is plain data, zeros are valid.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    cpu(&usage)
}

fn cpu(usage: &libc::rusage) -> Duration {
    let time = |t: libc::timeval| {
        Duration::from_secs(u64::try_from(t.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(t.tv_usec).unwrap_or(0))
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

fn wait4(pid: libc::pid_t) -> Result<(i32, libc::rusage), Problem> {
    let mut status = 0;
    loop {
        // SAFETY: both pointers are to live values of ours; `rusage` is plain data, zeros are valid.
        let (waited, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(pid, &raw mut status, 0, &raw mut usage), usage)
        };
        if waited == pid {
            return Ok((status, usage));
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(format!("wait for process {pid}: {error}"));
        }
    }
}

fn read(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("(its output could not be read: {error})"),
    }
}

/// Processor time that this thread has used since the process began.
pub fn thread_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value of ours, which the call fills.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
        + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// "1.23 s" or "45 ms".
pub fn show(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// Load average of the last minute: a figure measured on a busy machine says so.
pub fn load() -> String {
    let all = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split(' ').next().unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured_and_its_words_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let measured = run(&mut command, Duration::from_secs(30)).unwrap();
        assert_eq!(measured.status.code(), Some(3));
        assert_eq!((measured.stdout.as_str(), measured.stderr.as_str()), ("out\n", "err\n"));
        assert!(measured.peak_rss > 100_000 && !measured.timed_out);
        assert!(measured.succeeded("it").err().unwrap().contains("err"));
    }

    #[test]
    fn a_process_over_its_limit_is_killed() {
        let mut command = Command::new("sleep");
        command.arg("60");
        let running = Running::start(&mut command).unwrap();
        assert!(running.is_running());
        let measured = running.finish(Duration::from_millis(50)).unwrap();
        assert!(measured.timed_out && !measured.status.success());
    }
}
