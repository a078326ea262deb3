//! Answers as they are written, as server-sent events.
//!
//! The first piece is waited for before anything is sent, so that a request that fails at once gets an error with a status
//! of its own. Later errors are an event, after which the stream ends without `[DONE]`.

use super::answer::{Come, Listening};
use super::choice;
use crate::problem::Problem;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use serde_json::Value;
use std::collections::VecDeque;
use std::convert::Infallible;

struct Telling {
    listening: Listening,
    ready: VecDeque<Event>,
    /// Bytes of each answer that were sent.
    sent: Vec<usize>,
    over: bool,
}

pub(super) async fn respond(
    listening: Listening,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Problem> {
    let count = listening.ask.count();
    let mut telling = Telling { listening, ready: VecDeque::new(), sent: vec![0; count], over: false };
    for number in 0..count {
        if let Some(piece) = choice::opening(&telling.listening.ask, number) {
            telling.tell(piece);
        }
    }
    telling.pull().await?;
    let events = unfold(telling, async |mut telling| {
        let event = telling.next().await?;
        Some((Ok(event), telling))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

impl Telling {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            if let Err(problem) = self.pull().await {
                self.over = true;
                self.ready.push_back(data(&problem.json()));
            }
        }
    }

    /// Takes one thing from the engine and makes events of it.
    async fn pull(&mut self) -> Result<(), Problem> {
        match self.listening.next().await? {
            Come::Text(number, text) => self.grow(number, &text),
            Come::Done(number, answer) => {
                // A character that was not finished is told at the end.
                let rest = answer.text.get(self.sent[number]..).unwrap_or("").to_owned();
                if !rest.is_empty() {
                    self.grow(number, &rest);
                }
                self.tell(choice::ended(&self.listening.ask, number, &answer));
            }
        }
        if self.listening.is_done() {
            self.over = true;
            if self.listening.ask.usage {
                let mut piece = self.listening.name.piece(Vec::new());
                piece["usage"] = self.listening.usage();
                self.ready.push_back(data(&piece));
            }
            self.ready.push_back(Event::default().data("[DONE]"));
        }
        Ok(())
    }

    fn grow(&mut self, number: usize, text: &str) {
        self.sent[number] += text.len();
        self.tell(choice::grown(&self.listening.ask, number, text));
    }

    fn tell(&mut self, choice: Value) {
        self.ready.push_back(data(&self.listening.name.piece(vec![choice])));
    }
}

fn data(value: &Value) -> Event {
    Event::default().data(value.to_string())
}
