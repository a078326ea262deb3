//! Many jobs on the workers, each outcome handed out as it comes.

use super::frame::Lost;
use super::worker::{Time, Worker};
use super::{Body, Calls, Job, Judging, Level, Outcome, Partial, Sandbox, Tests, Verdict, Work, said};
use crate::Error;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// A sample that must pass before a sandbox is called open; it imports a module that nothing has loaded before.
const TRY: &str = "import colorsys\ndef right(x):\n    return [x, colorsys.ONE_THIRD < 1]\n";
const TRY_TEST: &str = "def check(candidate):\n    assert candidate(41) == [41, True]\n";

/// Outcomes that wait until their jobs are run again alone. With so many no job is given to the workers until all are settled, so that
/// no more are lost where the whole run is killed.
const WAITING: usize = 16;

/// Jobs on their way to the workers.
#[derive(Default)]
struct Queue {
    jobs: Mutex<(VecDeque<Job>, bool)>,
    changed: Condvar,
}

/// Nothing that a panic could leave half done is kept under these locks.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    fn push(&self, job: Job) {
        held(&self.jobs).0.push_back(job);
        self.changed.notify_one();
    }

    fn close(&self) {
        held(&self.jobs).1 = true;
        self.changed.notify_all();
    }

    /// The next job; nothing once the queue is closed and empty.
    fn next(&self) -> Option<Job> {
        let mut jobs = held(&self.jobs);
        loop {
            if let Some(job) = jobs.0.pop_front() {
                return Some(job);
            }
            if jobs.1 {
                return None;
            }
            jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.close();
    }
}

/// Closes the queue when dropped, so that workers end even where the caller's closure panics.
struct Closing<'a>(&'a Queue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Sandbox {
    /// Runs all jobs on the workers and hands out each outcome as it comes, in no certain order, on the calling thread. Jobs are
    /// taken from the iterator only as workers become free, so any number of them needs little memory; those of one problem
    /// best come together. Samples to be run again wait until there are some, and are then run one at a time with nothing beside.
    pub fn run(&self, jobs: impl IntoIterator<Item = Job>, mut each: impl FnMut(Outcome)) {
        if self.here {
            return self.run_here(jobs, each);
        }
        let mut again = Vec::new();
        let queue = Queue::default();
        std::thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            for number in 0..self.workers.len() {
                let (tell, queue) = (tell.clone(), &queue);
                scope.spawn(move || {
                    if let Some(seat) = &self.seats[number] {
                        seat.seat(None);
                    }
                    while let Some(job) = queue.next() {
                        let outcome = self.once(number, &job);
                        if tell.send((job, outcome)).is_err() {
                            break;
                        }
                    }
                    // A worker's processes end with the thread that started them.
                    held(&self.workers[number]).take();
                });
            }
            drop(tell);
            let _closing = Closing(&queue);
            let mut jobs = jobs.into_iter();
            let mut open = 0;
            loop {
                while open < 2 * self.workers.len() && again.len() < WAITING {
                    let Some(job) = jobs.next() else { break };
                    queue.push(job);
                    open += 1;
                }
                if open == 0 && again.is_empty() {
                    break;
                }
                if open == 0 {
                    again.drain(..).for_each(|(job, first)| each(self.alone(&job, first)));
                    continue;
                }
                let Ok((job, outcome)) = told.recv() else { break };
                open -= 1;
                if self.rerun && self.is_close(&job, &outcome) {
                    again.push((job, outcome));
                } else {
                    each(outcome);
                }
            }
        });
        held(&self.workers[0]).take();
    }

    fn run_here(&self, jobs: impl IntoIterator<Item = Job>, mut each: impl FnMut(Outcome)) {
        if let Some(seat) = &self.seats[0] {
            seat.seat(None);
        }
        jobs.into_iter().for_each(|job| each(self.settled(&job)));
    }

    /// Runs one job, and again where it ends at a limit.
    pub fn run_one(&self, job: &Job) -> Outcome {
        let last = self.settled(job);
        held(&self.workers[0]).take();
        last
    }

    fn settled(&self, job: &Job) -> Outcome {
        let first = self.once(0, job);
        if self.rerun && self.is_close(job, &first) { self.alone(job, first) } else { first }
    }

    /// Whether what else the machine did could have decided: a limit, or more than half of the processor time.
    fn is_close(&self, job: &Job, outcome: &Outcome) -> bool {
        outcome.verdict.is_limit()
            || ((outcome.verdict.decides() || outcome.verdict == Verdict::Ran)
                && outcome.cpu > self.jail.limits.cpu.of(job.reference_cpu) / 2)
    }

    fn alone(&self, job: &Job, first: Outcome) -> Outcome {
        let second = self.once(0, job);
        // What a program wrote is compared by the caller, who then has both.
        if first.verdict == Verdict::Ran || second.verdict == Verdict::Ran {
            return Outcome { rerun: true, first: Some(Box::new(first)), ..second };
        }
        Outcome::of_two(&first, second)
    }

    /// Runs a job on a worker, once; a worker that is lost is replaced and the job tried a second time.
    fn once(&self, number: usize, job: &Job) -> Outcome {
        if let Work::Program(program) = &job.work {
            return match self.program(job.id, program, job.reference_cpu) {
                Ok(ended) => ended.outcome,
                Err(error) => self.broken(job, error.to_string()),
            };
        }
        if let Work::Commands(commands) = &job.work {
            return match self.commands(job.id, commands, job.reference_cpu) {
                Ok(outcome) => outcome,
                Err(why) => self.broken(job, why),
            };
        }
        if let Work::Impossible(why) = &job.work {
            return self.broken(job, why.clone());
        }
        let cpu = self.jail.limits.cpu.of(job.reference_cpu);
        let time = Time { cpu, wall: self.jail.limits.wall(cpu) };
        let mut slot = held(&self.workers[number]);
        let mut complaint = String::new();
        for _ in 0..2 {
            let worker = match slot
                .take()
                .map_or_else(|| Worker::start(&self.jail, number, self.seats[number].as_ref()), Ok)
            {
                Ok(worker) => slot.insert(worker),
                Err(error) => return self.broken(job, error.to_string()),
            };
            let done = match &job.work {
                Work::Calls(calls) => {
                    worker.calls(calls, time).map(|(said, ended)| of_calls(calls, said, ended))
                }
                Work::Stdio(stdio) => worker.stdio(stdio, time).map(|(claim, ended)| of_stdio(claim, ended)),
                Work::Program(_) | Work::Commands(_) | Work::Impossible(_) => {
                    return self.broken(job, "a command is no work for a worker".to_owned());
                }
            };
            match done {
                Ok(outcome) => return Outcome { id: job.id, level: self.level(), ..outcome },
                Err(Lost::Late) => {
                    slot.take();
                    let detail = "the tests could not be finished on its answer";
                    return Outcome {
                        detail: detail.to_owned(),
                        verdict: Verdict::WallLimit,
                        ..self.broken(job, String::new())
                    };
                }
                Err(Lost::Closed) => {
                    complaint = worker.complaint();
                    slot.take();
                }
            }
        }
        self.broken(job, format!("a process of the sandbox ended twice on this sample: {complaint}"))
    }

    fn broken(&self, job: &Job, why: String) -> Outcome {
        Outcome {
            id: job.id,
            verdict: Verdict::Infrastructure(why),
            detail: String::new(),
            cpu: Duration::ZERO,
            wall: Duration::ZERO,
            stdout: Vec::new(),
            stderr: Vec::new(),
            partial: Partial::Missing("it was not tested".to_owned()),
            level: self.level(),
            weak: false,
            rerun: false,
            first: None,
        }
    }

    /// Whether a right sample passes.
    pub(super) fn try_out(&self) -> Result<(), Error> {
        let outcome = self.run_one(&trial(0));
        match outcome.verdict {
            Verdict::Passed => Ok(()),
            // It says already how to mend it.
            Verdict::Infrastructure(why) => Err(Error::sandbox(why, "")),
            other => Err(Error::sandbox(
                format!("a right sample ends as {} ({})", other.name(), outcome.detail),
                "can every user read the interpreter's folders, and are the limits large enough?",
            )),
        }
    }
}

/// The sample that must pass.
fn trial(id: u64) -> Job {
    let tests = Tests {
        setup: String::new(),
        body: Body::Check(TRY_TEST.to_owned()),
        entry_point: Some("right".to_owned()),
        judging: Judging::Tester,
    };
    Job {
        id,
        work: Work::Calls(Calls { tests: Arc::new(tests), source: TRY.to_owned() }),
        reference_cpu: None,
    }
}

fn of_calls(calls: &Calls, told: said::Said, ended: said::Ended) -> Outcome {
    let (verdict, detail) = said::of_calls(&told, &ended);
    let partial = match (told.total, told.why) {
        (Some(total), None) => Partial::Counted { passed: told.passed, total },
        (_, why) => {
            Partial::Missing(why.unwrap_or_else(|| "it ended before all tests were reached".to_owned()))
        }
    };
    let weak = calls.tests.judging == Judging::InSample;
    outcome(verdict, detail, partial, ended, weak)
}

fn of_stdio(claim: Option<(u8, String)>, ended: said::Ended) -> Outcome {
    let (verdict, detail) = said::of_stdio(claim.as_ref(), &ended);
    outcome(verdict, detail, Partial::Missing("one output is compared".to_owned()), ended, false)
}

/// An outcome of job 0 at no level: whoever ran it fills in both.
pub(super) fn outcome(
    verdict: Verdict,
    detail: String,
    partial: Partial,
    ended: said::Ended,
    weak: bool,
) -> Outcome {
    let said::Ended { cpu, wall, stdout, stderr, .. } = ended;
    Outcome {
        id: 0,
        verdict,
        detail,
        cpu,
        wall,
        stdout,
        stderr,
        partial,
        level: Level::None,
        weak,
        rerun: false,
        first: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Isolation, Limits, Options};

    #[test]
    fn a_worker_stays_only_where_the_thread_does() {
        let options = Options {
            isolation: Isolation::Strongest,
            interpreter: "/usr/bin/python3".into(),
            limits: Limits::default(),
            workers: 1,
            rerun: true,
        };
        let open = || Sandbox::open(&options).unwrap();
        let passes =
            |sandbox: &Sandbox, id| sandbox.run([trial(id)], |o| assert_eq!(o.verdict, Verdict::Passed));
        let (own, here) = (open(), open().on_callers_thread());
        let started = |sandbox: &Sandbox| held(&sandbox.workers[0]).as_ref().map(Worker::pid);
        passes(&own, 1);
        assert_eq!(started(&own), None);
        passes(&here, 1);
        let first = started(&here);
        passes(&here, 2);
        assert!(first.is_some() && started(&here) == first, "the same worker");
    }
}
