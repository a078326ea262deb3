//! Programs that are built first: what must be there, the build, the program.

use super::job::{Build, Built, Need};
use super::{Commands, Outcome, Program, Sandbox, Verdict};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Lines of a compiler's complaint that are kept, and characters of them.
const LINES: usize = 12;
const LONG: usize = 1000;
/// How often something that must be there is looked for, where a limit ends the search.
const TRIES: u32 = 3;

impl Sandbox {
    /// Builds, if that is not done, and runs. The outcome is that of the program, or of a build that failed: a program that
    /// does not compile is [`Verdict::SyntaxError`], one whose build passes a limit has that limit's verdict.
    ///
    /// # Errors
    /// Why nothing can be found out, in words: something is missing, a command cannot be started.
    pub(super) fn commands(
        &self,
        id: u64,
        commands: &Commands,
        reference: Option<Duration>,
    ) -> Result<Outcome, String> {
        for need in &commands.needs {
            self.has(need)?;
        }
        let mut run = commands.run.clone();
        if let Some(build) = &commands.build {
            match self.built(build)? {
                Ok(files) => run.files.extend(files.iter().cloned()),
                Err(failed) => return Ok(Outcome { id, ..(**failed).clone() }),
            }
        }
        self.program(id, &run, reference).map(|ended| ended.outcome).map_err(|e| e.to_string())
    }

    fn has(&self, need: &Need) -> Result<(), String> {
        // A limit that ends the search, on a busy machine, says nothing of what it looked for.
        let found = || {
            for _ in 0..TRIES {
                match self.commands(0, &need.commands, None)?.verdict {
                    Verdict::Ran => return Ok(()),
                    limit if limit.is_limit() => {}
                    _ => return Err(need.missing.clone()),
                }
            }
            Err(format!("{}, or not within its limits", need.missing))
        };
        need.found.get_or_init(found).clone()
    }

    fn built<'a>(&self, build: &'a Build) -> Result<&'a Built, String> {
        build.built.get_or_make(|| {
            let mut program = build.program.clone();
            if let Some(first) = &build.after {
                match self.built(first)? {
                    Ok(files) => program.files.extend(files.iter().cloned()),
                    Err(failed) => {
                        return Err(format!("what comes before every build failed: {}", failed.detail));
                    }
                }
            }
            self.build(&program)
        })
    }

    fn build(&self, program: &Program) -> Result<Built, String> {
        let ended = self.program(0, program, None).map_err(|e| e.to_string())?;
        let mut outcome = ended.outcome;
        if outcome.verdict == Verdict::Ran {
            if ended.files.len() == program.keep.len() {
                return Ok(Ok(ended.files.into_iter().map(|(path, bytes)| (path, bytes.into())).collect()));
            }
            return Err("the build ended well and did not make all that it was to make".to_owned());
        }
        if matches!(outcome.verdict, Verdict::ExitedEarly(_)) {
            outcome.verdict = Verdict::SyntaxError;
            let said = String::from_utf8_lossy(&outcome.stderr);
            let lines: Vec<&str> = said.lines().take(LINES).collect();
            outcome.detail = lines.join("\n").chars().take(LONG).collect();
        } else {
            outcome.detail = format!("while it was built: {}", outcome.detail);
        }
        Ok(Err(Box::new(outcome)))
    }
}

/// What one makes while all others who need it wait. Where making it failed, the next tries again.
#[derive(Debug)]
pub(super) struct Once<T> {
    made: OnceLock<T>,
    making: Mutex<()>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Once { made: OnceLock::new(), making: Mutex::new(()) }
    }
}

impl<T> Once<T> {
    fn get_or_make<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = make()?;
        Ok(self.made.get_or_init(|| made))
    }
}

#[cfg(test)]
mod tests {
    use super::Once;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn many_who_need_the_same_make_it_once() {
        let (once, made) = (Once::default(), AtomicU32::new(0));
        assert_eq!(once.get_or_make(|| Err::<u32, _>("not yet")), Err("not yet"));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let make = || {
                        std::thread::yield_now();
                        Ok::<_, ()>(made.fetch_add(1, Ordering::Relaxed))
                    };
                    assert_eq!(once.get_or_make(make), Ok(&0));
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }
}
