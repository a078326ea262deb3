//! Decimal numbers as whole millionths, so that no value that people see or enter is ever rounded unseen.

/// One, in millionths.
pub(crate) const ONE: i64 = 1_000_000;

/// A decimal number in millionths, exactly; `None` for anything else, more than six decimals included.
pub(crate) fn millionths(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !plain(whole) || !plain(part) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    let value = whole.checked_mul(ONE)?.checked_add(part)?;
    Some(if negative { -value } else { value })
}

/// Decimals that a step of so many millionths needs.
pub(crate) fn decimals(step: i64) -> usize {
    (0..6).find(|d| step % 10_i64.pow(6 - d) == 0).unwrap_or(6) as usize
}

/// Millionths as a decimal number with this many decimals.
pub(crate) fn written(millionths: i64, decimals: usize) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let (whole, part) = (millionths.unsigned_abs() / 1_000_000, millionths.unsigned_abs() % 1_000_000);
    if decimals == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:06}");
    format!("{sign}{whole}.{}", &part[..decimals])
}

/// A whole number with its thousands apart.
pub(crate) fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut words = if n < 0 { "−".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// The nearest whole number to a ratio, halves away from zero. `by` must be positive.
pub(crate) fn nearest(n: i128, by: i128) -> i128 {
    let half = (2 * n.abs() + by) / (2 * by);
    if n < 0 { -half } else { half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_written_exactly() {
        for (text, value) in [("1.2", 1_200_000), ("-0.000001", -1), ("30", 30_000_000)] {
            assert_eq!(millionths(text), Some(value));
            assert_eq!(written(value, decimals(value)), text);
        }
        for text in ["", "1e3", ".5", "1.2345678", "1,2", "--1", "NaN"] {
            assert_eq!(millionths(text), None, "{text}");
        }
        assert_eq!((grouped(-1_234_567), grouped(12)), ("−1,234,567".into(), "12".into()));
        assert_eq!([nearest(5, 2), nearest(-5, 2), nearest(4, 3), nearest(0, 7)], [3, -3, 1, 0]);
    }
}
