//! How a command ends: exit codes, and what a person is told when it fails.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

/// How a command ended. Documented in `docs/command-line.md` and `plumb --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for is done.
    Done = 0,
    /// An error that is none of the below.
    Error = 1,
    /// The plan, a file or the command line is wrong; nothing was asked of anybody.
    Usage = 2,
    /// The run is complete, but some trials or judgments failed.
    Failures = 3,
    /// The run stopped before its end and goes on with the same command.
    Stopped = 4,
    /// The audit found a discrepancy.
    Discrepancy = 5,
    /// `compare --fail-if`: something got worse.
    Regression = 6,
    /// `compare --fail-if inconclusive`: neither a regression nor its absence is shown.
    Inconclusive = 7,
    /// `compare --fail-if`: a run is not finished or failed in parts, so nothing can be said.
    Unreliable = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// What stopped a command.
#[derive(Clone, Debug)]
pub struct Problem {
    pub message: String,
    pub help: Option<String>,
    pub exit: Exit,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), help: None, exit: Exit::Error }
    }

    /// Something that the person at the keyboard can mend in a file or on the command line.
    pub fn usage(message: impl Into<String>) -> Problem {
        Problem { exit: Exit::Usage, ..Problem::new(message) }
    }

    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// A file or folder that cannot be read or written.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Problem {
        let path = path.display().to_string();
        move |error| {
            let full = error.kind() == std::io::ErrorKind::StorageFull;
            let problem = Problem::new(format!("{path}: {error}"));
            if full { Problem { exit: Exit::Stopped, ..problem }.help(FULL) } else { problem }
        }
    }
}

const FULL: &str = "the disk is full: free some space and run the same command again";

impl From<plumb_study::Error> for Problem {
    fn from(error: plumb_study::Error) -> Problem {
        let exit = match () {
            () if error.is_plan() || error.is_changed_plan() || error.is_party() => Exit::Usage,
            () if error.is_disk_full() => Exit::Stopped,
            () => Exit::Error,
        };
        let mut message = error.to_string();
        if error.is_disk_full() {
            message = format!("the disk is full: {message}");
        }
        Problem { message, help: error.help_text().map(Into::into), exit }
    }
}

impl From<plumb_clients::Error> for Problem {
    fn from(error: plumb_clients::Error) -> Problem {
        Problem { help: error.help_text(), ..Problem::new(error.to_string()) }
    }
}

impl From<plumb_lm::Error> for Problem {
    fn from(error: plumb_lm::Error) -> Problem {
        Problem::new(error.to_string())
    }
}

impl From<plumb_report::Error> for Problem {
    fn from(error: plumb_report::Error) -> Problem {
        Problem::new(error.to_string())
    }
}

/// Tells a person what happened and how to mend it.
pub fn complain(problem: &Problem) {
    note(format_args!("error: {}", problem.message));
    if let Some(help) = &problem.help {
        note(format_args!("  help: {help}"));
    }
}

/// Prints to standard output. A reader that went away (`| head`) is no error; a result that cannot be written
/// is one.
pub fn say(text: impl Display) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            note(format_args!("error: the result cannot be written: {error}"));
            std::process::exit(Exit::Error as i32);
        }
    }
}

/// Prints a note that is not part of the result. Whether anybody reads it must not decide what happens.
pub fn note(text: impl Display) {
    use std::io::Write as _;
    let _nobody_reads = writeln!(std::io::stderr().lock(), "{text}");
}
