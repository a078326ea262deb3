//! One engine's limits: how many exchanges at once, pauses that it asks for, and the circuit breaker.

use crate::event::Event;
use crate::observe::{Failure, FailureKind};
use crate::plan::Limits;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Share of the allowed exchanges kept after a "too many requests".
const SHRINK: f64 = 0.7;

/// Limits of one engine.
///
/// The number of exchanges at once adapts: additive increase on answers, multiplicative decrease on 429s
/// (at most once in the time of a round trip), never above the plan's limit.
pub(super) struct Engine {
    permits: Arc<Semaphore>,
    most: usize,
    breaker: u32,
    longest_pause: Duration,
    state: Mutex<State>,
}

struct State {
    /// Exchanges allowed at once now.
    allowed: f64,
    /// Permits in existence; trails `allowed` until enough come back.
    existing: usize,
    shrunk: Option<Instant>,
    paused_until: Option<Instant>,
    failures_in_a_row: u32,
    /// Failed observations since the last answer, not in the journal yet: an endpoint that fails
    /// everything stops the run, and then they never count as attempts.
    held: Vec<Event>,
}

/// What became of an exchange, for the engine's limits.
pub(super) enum Outcome<'a> {
    Answered,
    Failed(&'a Failure),
}

impl Engine {
    pub(super) fn new(most: usize, limits: &Limits) -> Engine {
        Engine {
            permits: Arc::new(Semaphore::new(most)),
            most,
            breaker: limits.breaker,
            longest_pause: Duration::from_millis(limits.retry_after_cap_ms),
            state: Mutex::new(State {
                allowed: most as f64,
                existing: most,
                shrunk: None,
                paused_until: None,
                failures_in_a_row: 0,
                held: Vec::new(),
            }),
        }
    }

    /// Most exchanges at once.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place among the exchanges, and for a pause to end.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        loop {
            let until = self.state().paused_until;
            match until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => return Some(permit),
            }
        }
    }

    /// Gives a place back and adapts the limit to what happened.
    pub(super) fn leave(
        &self,
        permit: OwnedSemaphorePermit,
        outcome: &Outcome,
        took: Duration,
        now: Instant,
    ) {
        let mut state = self.state();
        match outcome {
            Outcome::Answered => {
                state.allowed = (state.allowed + 1.0 / state.allowed).min(self.most as f64);
            }
            Outcome::Failed(failure) if failure.kind == FailureKind::RateLimited => {
                if state.shrunk.is_none_or(|at| now - at > took) {
                    state.allowed = (state.allowed * SHRINK).max(1.0);
                    state.shrunk = Some(now);
                }
                if let Some(asked) = failure.retry_after.filter(|d| *d <= self.longest_pause) {
                    let until = now + asked;
                    state.paused_until = Some(state.paused_until.map_or(until, |p| p.max(until)));
                }
            }
            Outcome::Failed(_) => {}
        }
        let wanted = (state.allowed as usize).max(1);
        if state.existing > wanted {
            state.existing -= 1;
            permit.forget();
        } else {
            if state.existing < wanted {
                state.existing += 1;
                self.permits.add_permits(1);
            }
            drop(permit);
        }
    }

    /// An exchange was answered (or withheld): the endpoint works. Gives back what was held.
    pub(super) fn worked(&self) -> Vec<Event> {
        let mut state = self.state();
        state.failures_in_a_row = 0;
        std::mem::take(&mut state.held)
    }

    /// An exchange failed for good. True when it is the last straw.
    pub(super) fn failed(&self) -> bool {
        let mut state = self.state();
        state.failures_in_a_row += 1;
        state.failures_in_a_row >= self.breaker
    }

    /// Holds a failed observation until the endpoint answers anything, or the run ends.
    pub(super) fn hold(&self, events: Vec<Event>) {
        self.state().held.extend(events);
    }

    /// What is held.
    pub(super) fn release(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn exchange(engine: &Engine, outcome: &Outcome<'_>, now: Instant) {
        let permit = engine.permits.clone().acquire_owned().await.unwrap();
        engine.leave(permit, outcome, Duration::from_millis(1), now);
    }

    #[tokio::test]
    async fn the_limit_shrinks_on_429_and_grows_back() {
        let engine = Engine::new(100, &Limits::default());
        let limited = Failure::passing(FailureKind::RateLimited, "");
        let start = Instant::now();
        for second in 1..=20 {
            exchange(&engine, &Outcome::Failed(&limited), start + Duration::from_secs(second)).await;
        }
        let low = engine.state().allowed;
        assert!(low < 5.0, "{low}");
        for _ in 0..10_000 {
            exchange(&engine, &Outcome::Answered, start).await;
        }
        assert_eq!(engine.state().allowed, 100.0);
        assert_eq!(engine.state().existing, 100);
        assert_eq!(engine.permits.available_permits(), 100);
    }

    #[tokio::test]
    async fn a_pause_that_the_server_asks_for_holds_everyone_up_to_the_cap() {
        let engine = Engine::new(4, &Limits::default());
        let asked = |seconds| Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Failure::passing(FailureKind::RateLimited, "")
        };
        let now = Instant::now();
        exchange(&engine, &Outcome::Failed(&asked(9)), now).await;
        exchange(&engine, &Outcome::Failed(&asked(4)), now).await;
        exchange(&engine, &Outcome::Failed(&asked(3_600)), now).await;
        assert_eq!(engine.state().paused_until, Some(now + Duration::from_secs(9)));
    }

    #[test]
    fn the_breaker_trips_only_on_failures_in_a_row() {
        let engine = Engine::new(1, &Limits { breaker: 3, ..Limits::default() });
        assert!(!engine.failed() && !engine.failed());
        engine.worked();
        assert!(!engine.failed() && !engine.failed());
        assert!(engine.failed());
    }
}
