//! When to ask again after a failure, as a pure function: no clock, no randomness, no waiting.
//!
//! A server may say how long to wait. It is obeyed up to a stated cap, and above it the exchange is given
//! up rather than holding a run for a day. What may be asked again at all is the failure's own property:
//! see [`crate::wire::Failed::is_retryable`].

use std::time::{Duration, SystemTime};

/// How often and how long to wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// How many times a request is sent in all, the first included.
    pub attempts: u32,
    /// The wait before the second attempt is at most this; it doubles with each further one.
    pub base: Duration,
    /// No wait of our own choice is longer.
    pub cap: Duration,
    /// A server that asks for more patience than this is given up.
    pub longest_retry_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            attempts: 5,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(120),
        }
    }
}

/// What to do after a retryable failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    Wait(Duration),
    GiveUp(GiveUp),
}

/// Why a failure that could be tried again is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GiveUp {
    #[error("all {attempts} attempts failed")]
    AttemptsSpent { attempts: u32 },
    #[error("the server asks to wait {} s, and the limit is {} s", asked.as_secs(), limit.as_secs())]
    AskedTooLong { asked: Duration, limit: Duration },
}

impl Backoff {
    /// After the `failed`-th attempt (from 1) failed. `jitter` is uniform in [0, 1).
    ///
    /// Without a word of the server the wait is uniform between half and all of `base · 2^(failed − 1)`,
    /// so that many clients spread out. With one it is at least what was asked, and up to a tenth more.
    pub fn next(&self, failed: u32, jitter: f64, retry_after: Option<Duration>) -> Next {
        if failed >= self.attempts {
            return Next::GiveUp(GiveUp::AttemptsSpent { attempts: self.attempts });
        }
        let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.5 };
        let doubled = 2u32.saturating_pow(failed.saturating_sub(1));
        let own = self.base.saturating_mul(doubled).min(self.cap).mul_f64(0.5 + jitter / 2.0);
        match retry_after {
            Some(asked) if asked > self.longest_retry_after => {
                Next::GiveUp(GiveUp::AskedTooLong { asked, limit: self.longest_retry_after })
            }
            Some(asked) => Next::Wait(asked.mul_f64(1.0 + jitter / 10.0).max(own)),
            None => Next::Wait(own),
        }
    }
}

/// Reads a `Retry-After` header: seconds (with or without a fraction) or an HTTP date, which is compared
/// with `now`. A date gone by is zero. `None` if it is neither.
pub fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if value.starts_with(|c: char| c.is_ascii_digit()) {
        // Anything too large to hold is "for ever".
        return match value.parse::<f64>() {
            Ok(seconds) => Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
            Err(_) => None,
        };
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Reads a `retry-after-ms` header, which some providers send beside the other.
pub fn parse_retry_after_ms(value: &str) -> Option<Duration> {
    let milliseconds: f64 = value.trim().parse().ok()?;
    Duration::try_from_secs_f64(milliseconds / 1e3).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        // 2015-10-21 07:28:00 UTC is 1445412480.
        let now = SystemTime::UNIX_EPOCH + S(1_445_412_480 - 90);
        for (value, expected) in [
            ("0", Some(S(0))),
            (" 120 ", Some(S(120))),
            ("1.5", Some(Duration::from_millis(1500))),
            ("86400", Some(S(86_400))),
            ("1e400", Some(Duration::MAX)),
            ("99999999999999999999999", Some(Duration::MAX)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(S(90))),
            ("Wednesday, 21-Oct-15 07:28:00 GMT", Some(S(90))),
            ("Wed Oct 21 07:28:00 2015", Some(S(90))),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(S(0))),
            ("-5", None),
            ("5 minutes", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(value, now), expected, "{value:?}");
        }
        assert_eq!(parse_retry_after_ms("250"), Some(Duration::from_millis(250)));
        assert_eq!(parse_retry_after_ms("-1"), None);
        assert_eq!(parse_retry_after_ms("NaN"), None);
    }

    #[test]
    fn waits_double_up_to_the_cap_and_spread() {
        let backoff = Backoff { attempts: 20, ..Backoff::default() };
        let wait = |failed, jitter| match backoff.next(failed, jitter, None) {
            Next::Wait(d) => d.as_millis(),
            Next::GiveUp(why) => panic!("{why}"),
        };
        assert_eq!([wait(1, 0.0), wait(2, 0.0), wait(3, 0.0)], [250, 500, 1000]);
        assert_eq!(wait(1, 0.999_999_9), 499);
        assert_eq!(wait(19, 0.0), 15_000);
    }

    #[test]
    fn a_server_is_obeyed_up_to_the_limit() {
        let backoff = Backoff::default();
        assert_eq!(backoff.next(1, 0.0, Some(S(7))), Next::Wait(S(7)));
        assert_eq!(backoff.next(1, 1.0, Some(S(10))), Next::Wait(S(11)));
        // "At once" does not mean hammering.
        assert_eq!(backoff.next(1, 0.0, Some(S(0))), Next::Wait(Duration::from_millis(250)));
        let Next::GiveUp(why) = backoff.next(1, 0.0, Some(S(86_400))) else { panic!("a day is too long") };
        assert_eq!(why.to_string(), "the server asks to wait 86400 s, and the limit is 120 s");
    }

    #[test]
    fn attempts_end() {
        let backoff = Backoff::default();
        assert!(matches!(backoff.next(4, 0.5, None), Next::Wait(_)));
        assert_eq!(backoff.next(5, 0.5, None), Next::GiveUp(GiveUp::AttemptsSpent { attempts: 5 }));
        assert!(matches!(backoff.next(u32::MAX, f64::NAN, Some(S(1))), Next::GiveUp(_)));
        let eager = Backoff { attempts: u32::MAX, ..backoff };
        assert!(matches!(eager.next(u32::MAX - 1, f64::NAN, None), Next::Wait(_)));
    }
}
