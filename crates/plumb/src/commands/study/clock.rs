//! Times as people and spreadsheets read them.

use chrono::{DateTime, SecondsFormat};

/// Microseconds since 1970 in UTC, to the millisecond: `2026-11-29T10:00:00.123Z`.
pub fn utc(us: i64) -> String {
    DateTime::from_timestamp_micros(us)
        .map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(utc(1_700_000_000_123_456), "2023-11-14T22:13:20.123Z");
    }
}
