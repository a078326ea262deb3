//! When to try an exchange again. Pure.

use crate::observe::Failure;
use crate::plan::Limits;
use std::time::Duration;

/// First wait without word from the server.
const FIRST: Duration = Duration::from_millis(500);
/// Longest wait without word from the server.
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait before request number `made + 1` of an exchange, or `None` to give up.
///
/// Exponential with half of each wait drawn at random (`jitter` in [0, 1)), so that many exchanges that
/// failed together do not return together. A server's `Retry-After` is obeyed up to the plan's cap, plus
/// the jitter; one beyond the cap ends the exchange.
pub(super) fn wait(failure: &Failure, made: u32, limits: &Limits, jitter: f64) -> Option<Duration> {
    if !failure.retryable || made >= limits.tries {
        return None;
    }
    let grown = FIRST.saturating_mul(1 << made.saturating_sub(1).min(10)).min(LONGEST);
    let spread = grown.mul_f64(0.5 + 0.5 * jitter);
    match failure.retry_after {
        None => Some(spread),
        Some(asked) if asked > Duration::from_millis(limits.retry_after_cap_ms) => None,
        // A short spread on top: everyone was told the same time.
        Some(asked) => Some(asked + FIRST.mul_f64(jitter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::FailureKind;

    fn failure(retry_after: Option<u64>) -> Failure {
        Failure {
            used: Default::default(),
            retry_after: retry_after.map(Duration::from_secs),
            ..Failure::passing(FailureKind::RateLimited, "slow down")
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let limits = Limits { tries: 4, ..Limits::default() };
        let waits: Vec<Option<Duration>> =
            (1..=4).map(|made| wait(&failure(None), made, &limits, 0.0)).collect();
        let ms = |n| Some(Duration::from_millis(n));
        assert_eq!(waits, [ms(250), ms(500), ms(1000), None]);
    }

    #[test]
    fn a_server_is_obeyed_up_to_the_cap() {
        let limits = Limits { retry_after_cap_ms: 60_000, ..Limits::default() };
        assert_eq!(wait(&failure(Some(7)), 1, &limits, 0.0), Some(Duration::from_secs(7)));
        assert_eq!(wait(&failure(Some(86_400)), 1, &limits, 0.0), None);
    }

    #[test]
    fn what_cannot_pass_is_not_tried_again() {
        let rejected = Failure::last(FailureKind::Rejected, "no");
        assert_eq!(wait(&rejected, 1, &Limits::default(), 0.0), None);
    }
}
