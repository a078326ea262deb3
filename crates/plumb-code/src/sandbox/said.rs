//! What the tester and the zygote said, and the verdict that follows from both.

use super::Verdict;
use serde::Deserialize;
use std::time::Duration;

/// The tester's word.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    pub verdict: String,
    pub detail: String,
    pub passed: u32,
    pub total: Option<u32>,
    /// Why the tests cannot be counted.
    pub why: Option<String>,
}

impl Said {
    pub(super) fn read(body: &[u8]) -> Option<Said> {
        serde_json::from_slice(body.strip_prefix(b"T")?).ok()
    }
}

/// Why a zygote ended a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    ByItself,
    Cpu,
    Wall,
    Output,
    /// The tests were done.
    Asked,
    Files,
    /// It never came as far as the sample's code.
    Setup,
}

/// The zygote's word.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// As `wait` gives it.
    pub status: i32,
    pub reason: Reason,
    pub cpu: Duration,
    pub wall: Duration,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub out_of_memory: bool,
}

impl Ended {
    pub(super) fn read(body: &[u8]) -> Option<Ended> {
        let body = body.strip_prefix(b"Z")?;
        let (head, rest) = body.split_at_checked(29)?;
        let long = |at: usize| head[at..at + 8].try_into().ok().map(u64::from_le_bytes);
        let word = |at: usize| head[at..at + 4].try_into().ok().map(u32::from_le_bytes);
        let reason = match head[4] {
            0 => Reason::ByItself,
            1 => Reason::Cpu,
            2 => Reason::Wall,
            3 => Reason::Output,
            4 => Reason::Asked,
            5 => Reason::Files,
            6 => Reason::Setup,
            _ => return None,
        };
        let (stdout, stderr) = rest.split_at_checked(word(21)? as usize)?;
        Some(Ended {
            status: word(0)? as i32,
            reason,
            cpu: Duration::from_nanos(long(5)?),
            wall: Duration::from_nanos(long(13)?),
            stdout: stdout.to_vec(),
            stderr: stderr.to_vec(),
            out_of_memory: false,
        })
    }

    /// What the process's end says by itself; nothing where it was ended because the tests were done.
    pub(super) fn verdict(&self) -> Option<(Verdict, String)> {
        let limit = |verdict, what: &str| Some((verdict, what.to_owned()));
        match self.reason {
            Reason::Cpu => limit(Verdict::CpuLimit, "more processor time than it may use"),
            // Whether it waited or was kept waiting: the limit of wall time is where a busy machine can decide.
            Reason::Wall => {
                let (cpu, wall) = (self.cpu.as_secs_f64(), self.wall.as_secs_f64());
                let why =
                    format!("more wall time than it may use: {wall:.1} s, of which it computed {cpu:.1} s");
                Some((Verdict::WallLimit, why))
            }
            Reason::Output => limit(Verdict::OutputLimit, "wrote more than it may"),
            Reason::Files => limit(Verdict::OutputLimit, "more or larger files than it may have"),
            Reason::Setup => {
                let said = String::from_utf8_lossy(&self.stderr).into_owned();
                Some((
                    Verdict::Infrastructure(format!("a sample could not be started: {said}")),
                    String::new(),
                ))
            }
            _ if self.out_of_memory => limit(Verdict::MemoryLimit, "the kernel ended it for want of memory"),
            Reason::Asked => None,
            Reason::ByItself if libc::WIFSIGNALED(self.status) => {
                let signal = libc::WTERMSIG(self.status);
                Some(match signal {
                    libc::SIGSYS => (Verdict::Forbidden, "a system call of another architecture".to_owned()),
                    libc::SIGXCPU => (Verdict::CpuLimit, "more processor time than it may use".to_owned()),
                    libc::SIGXFSZ => (Verdict::OutputLimit, "a larger file than it may have".to_owned()),
                    signal => (Verdict::Signal(signal), format!("signal {signal}")),
                })
            }
            Reason::ByItself => {
                let code = libc::WEXITSTATUS(self.status);
                Some((Verdict::ExitedEarly(code), format!("ended with code {code} before the tests did")))
            }
        }
    }
}

/// The verdict on a sample whose functions were called.
///
/// The tests decide, if they came to an end; but what passed them beyond its limits did not pass. Where the sample was gone
/// before, its end decides.
pub(super) fn of_calls(said: &Said, ended: &Ended) -> (Verdict, String) {
    let beyond = ended.verdict().filter(|(verdict, _)| verdict.is_limit());
    let verdict = match said.verdict.as_str() {
        "passed" => return beyond.unwrap_or((Verdict::Passed, String::new())),
        "gone" => {
            let lost = (Verdict::ExitedEarly(0), "closed its channel to the tests".to_owned());
            return ended.verdict().unwrap_or(lost);
        }
        "wrong-answer" => Verdict::WrongAnswer,
        "exception" => Verdict::Exception,
        "syntax-error" => Verdict::SyntaxError,
        "memory-limit" => Verdict::MemoryLimit,
        "outside-grammar" => Verdict::OutsideGrammar,
        "forbidden" => Verdict::Forbidden,
        "exited-early" => {
            let code = said.detail.parse().unwrap_or(1);
            return (Verdict::ExitedEarly(code), format!("called exit with code {code}"));
        }
        _ => return (Verdict::Infrastructure(said.detail.clone()), String::new()),
    };
    (verdict, said.detail.clone())
}

/// The verdict on a program that reads and writes. Its own word only ever tells kinds of failure apart.
pub(super) fn of_stdio(claim: Option<&(u8, String)>, ended: &Ended) -> (Verdict, String) {
    match ended.verdict() {
        Some((Verdict::ExitedEarly(0), _)) => (Verdict::Ran, String::new()),
        Some((Verdict::ExitedEarly(code), detail)) => match claim {
            Some((b'S', text)) => (Verdict::SyntaxError, text.clone()),
            Some((b'M', text)) => (Verdict::MemoryLimit, text.clone()),
            Some((b'F', text)) => (Verdict::Forbidden, text.clone()),
            Some((b'E', text)) => (Verdict::Exception, text.clone()),
            _ => (Verdict::ExitedEarly(code), detail.replace(" before the tests did", "")),
        },
        Some(other) => other,
        None => (Verdict::Infrastructure("it was ended and nobody asked".to_owned()), String::new()),
    }
}
