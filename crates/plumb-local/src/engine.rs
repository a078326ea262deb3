//! A loaded model and the thread that answers with it.
//!
//! The thread owns the generator and takes jobs from a channel, so that everything asked of one model, by whichever
//! subject or judge, is computed in one batch. Whoever waits for an answer holds the other end of a channel of its own: it
//! learns of the end, whatever that is, even if the thread dies, and by going away it cancels the job.

use plumb_lm::{Audience, Control, Event, Generator, Job, Limits, Model, Work};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc as stream, oneshot};

/// What became of a job.
pub type Outcome = Result<plumb_lm::Outcome, plumb_lm::Error>;

/// Tokens of prompts in one pass: enough to make good use of each weight, and short enough that writing goes on at a
/// readable pace while prompts come in.
const PROMPT_TOKENS: usize = 256;

/// An idle engine waits this long for more: steered variants of one item are asked at the same time, and are computed
/// together only if they begin together.
const GATHER: Duration = Duration::from_millis(2);

/// The thread ended the job without an outcome: a defect.
#[derive(Debug)]
pub struct Broken;

/// What a job that is listened to gives.
#[derive(Debug)]
pub enum Piece {
    /// The answer grew by this text.
    Text(String),
    /// It is done; the last piece of each job.
    Done(Outcome),
}

/// Pieces of several jobs as they come, each with the number of its job. Dropping it cancels what is not done. If it ends
/// before each job is [`Piece::Done`], a defect of the engine ended the others.
pub type Pieces = stream::UnboundedReceiver<(usize, Piece)>;

/// Who waits for a job.
pub(crate) enum Waiter {
    /// For its end. The channel's sender is used up by the answer, hence the cell.
    End(RefCell<Option<oneshot::Sender<Outcome>>>),
    /// For every piece of it; an answer's length bounds what can lie in the channel.
    Pieces(usize, stream::UnboundedSender<(usize, Piece)>),
}

/// Tells each waiter its outcome.
pub(crate) struct Waiters;

impl Audience<Waiter> for Waiters {
    fn event(&mut self, waiter: &Waiter, event: Event<'_>) {
        // That something cannot be sent means that nobody waits any more.
        match (waiter, event) {
            (Waiter::End(sender), Event::Done(outcome)) => {
                if let Some(sender) = sender.take() {
                    let _ = sender.send(outcome);
                }
            }
            (Waiter::End(_), Event::Text(_)) => {}
            (Waiter::Pieces(job, sender), event) => {
                let piece = match event {
                    Event::Text(text) => Piece::Text(text.to_owned()),
                    Event::Done(outcome) => Piece::Done(outcome),
                };
                let _ = sender.send((*job, piece));
            }
        }
    }

    fn waits(&self, waiter: &Waiter) -> bool {
        match waiter {
            Waiter::End(sender) => sender.borrow().as_ref().is_some_and(|sender| !sender.is_closed()),
            Waiter::Pieces(_, sender) => !sender.is_closed(),
        }
    }
}

type Jobs = mpsc::Receiver<(Waiter, Job)>;

/// A model and its thread, which ends when the engine is dropped.
pub struct Engine {
    jobs: mpsc::Sender<(Waiter, Job)>,
    model: Arc<Model>,
    /// A clone of the thread's, for its counters.
    generator: Generator,
}

impl Engine {
    /// Starts the thread; it answers at most `sequences` jobs at once.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(model: Arc<Model>, sequences: usize) -> std::io::Result<Self> {
        Self::start_with(model, Limits { sequences, ..Limits::default() })
    }

    /// [`Engine::start`] with the limits of sequences, and of memory and type of keys and values.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start_with(model: Arc<Model>, limits: Limits) -> std::io::Result<Self> {
        let limits = Limits { prompt_tokens: PROMPT_TOKENS, gather: GATHER, ..limits };
        let generator = Generator::new(model.clone(), limits);
        let counting = generator.clone();
        let jobs = start(move |jobs| {
            // Jobs are cancelled one by one, by their waiters going away.
            let never = AtomicBool::new(false);
            generator.serve(jobs, Control { cancel: &never, now: &Instant::now }, &mut Waiters);
        })?;
        Ok(Self { jobs, model, generator: counting })
    }

    /// What was computed so far, and what was not, being shared.
    pub fn work(&self) -> Work {
        self.generator.work()
    }

    /// The model that answers.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Hands jobs in and gives what they write as they write it.
    pub fn listen(&self, jobs: Vec<Job>) -> Pieces {
        let (sender, pieces) = stream::unbounded_channel();
        for (number, job) in jobs.into_iter().enumerate() {
            // Without its thread the engine drops the sender, and the pieces end.
            let _ = self.jobs.send((Waiter::Pieces(number, sender.clone()), job));
        }
        pieces
    }

    /// Hands a job in and waits for its end. Dropping the future cancels the job.
    ///
    /// # Errors
    /// [`Broken`] if a defect ended the job.
    pub async fn ask(&self, job: Job) -> Result<Outcome, Broken> {
        ask(&self.jobs, job).await
    }
}

async fn ask(jobs: &mpsc::Sender<(Waiter, Job)>, job: Job) -> Result<Outcome, Broken> {
    let (sender, receiver) = oneshot::channel();
    jobs.send((Waiter::End(RefCell::new(Some(sender))), job)).map_err(|_| Broken)?;
    receiver.await.map_err(|_| Broken)
}

/// Runs `serve` on a thread until the channel is closed. A panic ends the jobs that it had taken (their waiters are told by
/// their channels' closing); the next ones are served again, since a model never changes and so cannot be left half
/// changed.
fn start(serve: impl Fn(&Jobs) + Send + 'static) -> std::io::Result<mpsc::Sender<(Waiter, Job)>> {
    let (sender, jobs) = mpsc::channel();
    let work = move || while catch_unwind(AssertUnwindSafe(|| serve(&jobs))).is_err() {};
    std::thread::Builder::new().name("local model".to_owned()).spawn(work)?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plumb_lm::{Choice, Prompt};

    fn job(text: &str) -> Job {
        Job::Choose(Choice::new(Prompt::Text(text.to_owned()), vec!["x".to_owned()]))
    }

    /// Panics at the job "panic", cancels all others.
    fn fragile(jobs: &Jobs) {
        let mut held = Vec::new();
        while let Ok((waiter, job)) = jobs.recv() {
            match job {
                Job::Choose(choice) if choice.context == Prompt::Text("hold".to_owned()) => held.push(waiter),
                Job::Choose(choice) if choice.context == Prompt::Text("panic".to_owned()) => {
                    panic!("a defect")
                }
                _ => {
                    let outcome = Ok(plumb_lm::Outcome::Choices(plumb_lm::Choices {
                        scores: vec![],
                        prompt_tokens: 1,
                    }));
                    Waiters.event(&waiter, Event::Done(outcome));
                }
            }
        }
    }

    #[tokio::test]
    async fn a_panic_is_told_to_all_whose_jobs_it_ends_and_the_thread_goes_on() {
        let jobs = start(fragile).unwrap();
        let held = ask(&jobs, job("hold"));
        let panics = async {
            tokio::task::yield_now().await;
            ask(&jobs, job("panic")).await
        };
        let (held, panics) = tokio::join!(held, panics);
        assert!(held.is_err() && panics.is_err());
        assert!(ask(&jobs, job("fine")).await.is_ok());
    }

    #[tokio::test]
    async fn a_thread_that_is_gone_is_told() {
        let jobs = start(|jobs| drop(jobs.recv())).unwrap();
        assert!(ask(&jobs, job("a")).await.is_err(), "the job was dropped");
        assert!(ask(&jobs, job("b")).await.is_err(), "nobody takes it");
    }

    #[test]
    fn a_waiter_that_went_away_does_not_wait() {
        let (sender, receiver) = oneshot::channel();
        let waiter = Waiter::End(RefCell::new(Some(sender)));
        assert!(Waiters.waits(&waiter));
        drop(receiver);
        assert!(!Waiters.waits(&waiter));
        let (sender, pieces) = stream::unbounded_channel();
        let waiter = Waiter::Pieces(0, sender);
        assert!(Waiters.waits(&waiter));
        drop(pieces);
        assert!(!Waiters.waits(&waiter));
    }

    #[tokio::test]
    async fn pieces_of_all_jobs_come_with_their_numbers() {
        let bytes = plumb_lm::tiny::file(plumb_lm::tiny::Family::Llama).finish();
        let engine = Engine::start(Arc::new(Model::from_bytes(&bytes).unwrap()), 2).unwrap();
        let job = |seed| {
            let sampling = plumb_lm::Sampling { temperature: 1.0, max_tokens: 9, ..Default::default() };
            Job::Complete(plumb_lm::Request::new(Prompt::Text("go".into()), sampling, seed))
        };
        let mut pieces = engine.listen((0..5).map(job).collect());
        let (mut texts, mut done) = (vec![String::new(); 5], 0);
        while let Some((number, piece)) = pieces.recv().await {
            match piece {
                Piece::Text(text) => texts[number] += &text,
                Piece::Done(Ok(plumb_lm::Outcome::Completion(answer))) => {
                    assert!(answer.text.starts_with(&texts[number]));
                    let Ok(Ok(plumb_lm::Outcome::Completion(alone))) = engine.ask(job(number as u64)).await
                    else {
                        panic!("an answer")
                    };
                    assert_eq!(answer, alone);
                    done += 1;
                }
                Piece::Done(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(done, 5);
    }
}
