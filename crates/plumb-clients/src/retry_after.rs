//! How long a server asks to wait before the next request. Pure: the caller says what time it is.
//!
//! Whether to obey, and up to which limit, is decided by the runner in `plumb-study`, which knows the plan.

use std::time::{Duration, SystemTime};

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
}
