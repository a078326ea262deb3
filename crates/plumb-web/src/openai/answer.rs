//! Waiting for the engine: places in the queue, the end of every answer, and what becomes of a client that goes away.

use super::ask::Ask;
use super::choice::{self, Name};
use crate::problem::Problem;
use crate::server::Shared;
use plumb_lm::Completion;
use plumb_local::{Piece, Pieces};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// A request whose jobs are with the engine. Dropping it takes them away from there.
pub(super) struct Listening {
    pub shared: Arc<Shared>,
    pub ask: Ask,
    pub name: Name,
    pieces: Pieces,
    /// When the time of the whole request is up.
    end: Instant,
    /// Answers that are done.
    done: usize,
    /// Tokens written by them.
    written: usize,
    /// Whether the engine said why it gives no answer, so that nobody went away.
    refused: bool,
    _places: OwnedSemaphorePermit,
}

/// What comes of a request, in order.
pub(super) enum Come {
    /// An answer grew.
    Text(usize, String),
    /// An answer is done.
    Done(usize, Completion),
}

impl Listening {
    /// Takes places for all answers and hands the jobs in.
    pub(super) fn begin(shared: Arc<Shared>, ask: Ask) -> Result<Self, Problem> {
        let count = ask.count();
        let limit = shared.limits.queue;
        if count > limit {
            let message = format!("the request asks for {count} answers; {limit} at once are the most");
            return Err(Problem::field("prompt", message));
        }
        let places = shared.take_places(count)?;
        shared.metrics.in_flight.inc_by(gauge(count));
        let pieces = shared.models[ask.at].engine.listen(ask.jobs());
        let name = Name::new(&shared, &ask);
        let end = Instant::now() + shared.limits.time;
        Ok(Self { name, pieces, end, done: 0, written: 0, refused: false, _places: places, ask, shared })
    }

    pub(super) fn is_done(&self) -> bool {
        self.done == self.ask.count()
    }

    /// The next thing that comes. Not to be asked once all answers are done.
    pub(super) async fn next(&mut self) -> Result<Come, Problem> {
        let Ok(piece) = tokio::time::timeout_at(self.end, self.pieces.recv()).await else {
            return Err(Problem::late(self.shared.limits.time.as_secs_f64()));
        };
        match piece {
            None => Err(Problem::broken()),
            Some((number, Piece::Text(text))) => Ok(Come::Text(number, text)),
            Some((_, Piece::Done(Err(error)))) => {
                self.refused = true;
                Err(Problem::engine(&error))
            }
            Some((number, Piece::Done(Ok(plumb_lm::Outcome::Completion(answer))))) => {
                self.done += 1;
                self.written += answer.completion_tokens;
                self.shared.metrics.in_flight.dec();
                if self.is_done() {
                    let model = &self.shared.models[self.ask.at].name;
                    self.shared.metrics.tokens(model, self.read(), self.written);
                }
                Ok(Come::Done(number, answer))
            }
            // No other job was handed in.
            Some((_, Piece::Done(Ok(_)))) => Err(Problem::broken()),
        }
    }

    /// The whole answer at once.
    pub(super) async fn whole(mut self) -> Result<Value, Problem> {
        let mut choices = vec![Value::Null; self.ask.count()];
        while !self.is_done() {
            if let Come::Done(number, answer) = self.next().await? {
                choices[number] = choice::whole(&self.ask, number, &answer);
            }
        }
        Ok(self.name.whole(choices, self.usage()))
    }

    /// Tokens of all prompts; answers of one prompt share it.
    fn read(&self) -> usize {
        self.ask.prompts.iter().map(|given| given.ids.len()).sum()
    }

    pub(super) fn usage(&self) -> Value {
        choice::usage(self.read(), self.written)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let left = self.ask.count() - self.done;
        if left > 0 {
            self.shared.metrics.in_flight.dec_by(gauge(left));
            if !self.refused {
                self.shared.metrics.cancelled.inc();
            }
        }
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
