//! Threads that run one sample after another, for callers that wait without a thread of their own.
//!
//! Each thread has its sandbox, whose worker stays between samples, so a sample that breaks one does not hold up the others. They
//! end, and are waited for, when the handle is dropped. Not here: what a sample is.

use crate::Error;
use crate::clean::Repairs;
use crate::exec::{Given, Record, Testable, references, run};
use crate::sandbox::{Options, Sandbox};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

type Wanted = (Given, oneshot::Sender<Record>);

/// A handle to the threads.
pub(crate) struct Executors {
    /// Nothing only while it is dropped.
    queue: Mutex<Option<Sender<Wanted>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Executors {
    fn drop(&mut self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A thread that is not waited for may leave files and groups of its worker behind.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// What all threads share.
struct Shared {
    testables: Vec<Testable>,
    /// Processor time of each reference solution, found when a sample of its problem first comes.
    times: Vec<OnceLock<Option<Duration>>>,
    repairs: Option<Repairs>,
}

impl Executors {
    /// Starts as many threads as `workers`, at least one.
    ///
    /// # Errors
    /// A sandbox that cannot be opened; a thread that cannot be started.
    pub(crate) fn start(
        options: Options,
        testables: Vec<Testable>,
        repairs: Option<Repairs>,
        workers: usize,
    ) -> Result<Executors, Error> {
        let (queue, wanted) = channel::<Wanted>();
        let wanted = Arc::new(Mutex::new(wanted));
        let times = testables.iter().map(|_| OnceLock::new()).collect();
        let shared = Arc::new(Shared { testables, times, repairs });
        let mut threads = Vec::new();
        for number in 0..workers.max(1) {
            let sandbox = Sandbox::open(&options)?.on_callers_thread();
            shared.testables.iter().try_for_each(|testable| testable.runs_at(sandbox.level()))?;
            let (wanted, shared) = (wanted.clone(), shared.clone());
            let thread = std::thread::Builder::new().name(format!("executor {number}"));
            let started = thread.spawn(move || work(&sandbox, &shared, &wanted)).map_err(|e| {
                Error::sandbox(format!("no thread can be started: {e}"), "free some resources")
            })?;
            threads.push(started);
        }
        Ok(Executors { queue: Mutex::new(Some(queue)), threads })
    }

    /// Runs a sample when a thread is free.
    pub(crate) async fn run(&self, given: Given) -> Result<Record, String> {
        let (answer, record) = oneshot::channel();
        let gone = "the sandbox's thread has ended";
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        queue.and_then(|queue| queue.send((given, answer)).ok()).ok_or(gone)?;
        record.await.map_err(|_| gone.to_owned())
    }
}

fn work(sandbox: &Sandbox, shared: &Shared, wanted: &Mutex<Receiver<Wanted>>) {
    loop {
        let next = wanted.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((given, answer)) = next else { return };
        if answer.is_closed() {
            continue;
        }
        let problem = given.problem;
        let mut times = vec![None; shared.testables.len()];
        times[problem] = *shared.times[problem].get_or_init(|| {
            let found = references(sandbox, &[&shared.testables[problem]]);
            found.into_iter().next().and_then(Result::ok)
        });
        let mut answer = Some(answer);
        run(sandbox, &shared.testables, &times, shared.repairs.as_ref(), std::iter::once(given), |record| {
            if let Some(answer) = answer.take() {
                // Nobody may be waiting any more.
                drop(answer.send(record));
            }
        });
    }
}
