//! The number that a reply ends in, and whether it is the expected one.
//!
//! Where a reply marks its answer (`####`, `\boxed{…}`, "answer is", "answer:"), the number after the last mark counts;
//! else the last number of the reply. Thousands separators, currency signs, percent signs, exponents and simple
//! fractions are read; words for numbers are not.
//!
//! Not here: units ("3 km" is 3; 0.5 and "50 %" are two numbers) and algebra.

use std::sync::LazyLock;

use regex::Regex;

/// Why no number can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoNumber {
    /// The reply has no number.
    #[error("no number in the reply")]
    None,
    /// The reply marks its answer, and it is no number.
    #[error("no number after the mark of the final answer")]
    NoneMarked,
    /// Beyond what an `f64` holds.
    #[error("the number is too large to be held")]
    TooLarge,
    /// Such as 1/0.
    #[error("a fraction with denominator 0")]
    ZeroDenominator,
}

/// How far from the expected number still counts as equal: the larger of both bounds, as Python's `math.isclose`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// In the number's own unit.
    pub absolute: f64,
    /// As a share of the expected number.
    pub relative: f64,
}

impl Tolerance {
    /// Whether `value` counts as `expected`.
    pub fn accepts(self, value: f64, expected: f64) -> bool {
        (value - expected).abs() <= self.absolute.max(self.relative * expected.abs())
    }
}

static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)####|\\boxed\s*\{|\banswer\b\**\s*(?:(?:is|was|equals|comes to)\b\s*[:=]?|[:=])").ok()
});

/// An optional minus, digits with or without thousands separators, decimals, exponent.
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[-−+]?(?:[$€£]\s?)?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?").ok()
});

/// The final number of a reply.
///
/// # Errors
/// No number, none after the mark, or one that no `f64` holds.
pub fn final_number(reply: &str) -> Result<f64, NoNumber> {
    let mark = MARK.as_ref().and_then(|mark| {
        // "The answer is in three parts. … 12" has a word that looks like a mark; `####` and the box are none.
        mark.find_iter(reply)
            .filter(|m| firm(m.as_str()) || numbers(rest_of_line(reply, m.end())).next().is_some())
            .last()
    });
    match mark {
        // After a mark the first number counts: "The answer is 12, since 3 × 4 = 12 and not 7".
        Some(mark) if mark.as_str().starts_with('\\') => boxed(rest_of_line(reply, mark.end())),
        Some(mark) => numbers(rest_of_line(reply, mark.end())).next().unwrap_or(Err(NoNumber::NoneMarked)),
        None => numbers(reply).last().unwrap_or(Err(NoNumber::None)),
    }
}

fn firm(mark: &str) -> bool {
    mark.starts_with(['#', '\\'])
}

fn rest_of_line(reply: &str, from: usize) -> &str {
    reply[from..].trim_start_matches([' ', '\t', '*', '\n', '\r']).lines().next().unwrap_or("")
}

static FRACTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(-?)\s*\\[dt]?frac\s*\{\s*(-?[\d.]+)\s*\}\s*\{\s*(-?[\d.]+)\s*\}").ok()
});

/// The number in a TeX box, whose closing brace comes after it. A term such as `2\sqrt{3}` is none.
fn boxed(content: &str) -> Result<f64, NoNumber> {
    if let Some(parts) = FRACTION.as_ref().and_then(|f| f.captures(content)) {
        let part = |at: usize| {
            parts.get(at).and_then(|m| m.as_str().parse::<f64>().ok()).ok_or(NoNumber::NoneMarked)
        };
        let (above, below) = (part(2)?, part(3)?);
        let sign = if parts.get(1).is_some_and(|m| !m.is_empty()) { -1.0 } else { 1.0 };
        return if below == 0.0 { Err(NoNumber::ZeroDenominator) } else { finite(sign * above / below) };
    }
    let end = content.find('}').unwrap_or(content.len());
    let (inside, after) = content.split_at(end);
    // The brace that closes the box, or a unit: `\boxed{18\text{ cm}}`, `\boxed{50\%}`.
    let bare = [r"\text", r"\%", r"\,", r"\mathrm"].iter().filter_map(|unit| inside.find(unit)).min();
    let inside = &inside[..bare.unwrap_or(inside.len())];
    if (bare.is_none() && inside.contains('\\') && !inside.contains(r"\$"))
        || !(after.is_empty() || after.starts_with('}'))
    {
        return Err(NoNumber::NoneMarked);
    }
    let mut found = numbers(inside);
    let last = inside.trim_end().chars().next_back();
    match (found.next(), found.next()) {
        (Some(only), None) if last.is_some_and(|c| c.is_ascii_digit() || c == '%' || c == '€') => only,
        _ => Err(NoNumber::NoneMarked),
    }
}

/// All numbers of a text, fractions as one.
fn numbers(text: &str) -> impl Iterator<Item = Result<f64, NoNumber>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (start, end, value) = next_number(text, at)?;
        at = end;
        let fraction = text[end..].strip_prefix('/').and_then(|_| next_number(text, end + 1));
        match fraction {
            // "3/4", but not the date "3/4/2020" nor "3/x".
            Some((second, after, below))
                if second == end + 1 && !text[after..].starts_with('/') && !text[..start].ends_with('/') =>
            {
                at = after;
                Some(if below == 0.0 { Err(NoNumber::ZeroDenominator) } else { finite(value / below) })
            }
            _ => Some(finite(value)),
        }
    })
}

fn finite(value: f64) -> Result<f64, NoNumber> {
    if value.is_finite() { Ok(value) } else { Err(NoNumber::TooLarge) }
}

/// Start, end and value of the first number at or after `from`.
fn next_number(text: &str, from: usize) -> Option<(usize, usize, f64)> {
    let number = NUMBER.as_ref()?;
    let found = number.find_at(text, from)?;
    let before = text[..found.start()].chars().next_back();
    let digits: String = found
        .as_str()
        .chars()
        .filter(|c| !matches!(c, ',' | '$' | '€' | '£' | '+') && !c.is_whitespace())
        .map(|c| if c == '−' { '-' } else { c })
        .collect();
    // A hyphen after a letter, digit or bracket joins or subtracts; it is no sign.
    let joined = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, ')' | ']' | '}'));
    let digits = if joined { digits.trim_start_matches('-') } else { &digits };
    Some((found.start(), found.end(), digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{NoNumber, Tolerance, final_number};
    use proptest::prelude::*;

    #[test]
    fn final_numbers() {
        for (reply, expected) in [
            ("42", Ok(42.0)),
            ("3 apples and 4 pears make 7.", Ok(7.0)),
            ("That is $1,234.50.", Ok(1234.5)),
            ("-5", Ok(-5.0)),
            ("−5 degrees", Ok(-5.0)),
            ("pages 3-4", Ok(4.0)),
            ("x = 10-3", Ok(3.0)),
            ("steps: 1, 2\n#### 1,000", Ok(1000.0)),
            ("so \\boxed{18}. Check: 3 + 4", Ok(18.0)),
            ("The answer is 12, since 3 times 4 is not 7.", Ok(12.0)),
            ("**Answer:** 0.5 (that is 50 %)", Ok(0.5)),
            ("Answer:\n72", Ok(72.0)),
            ("My answer has parts. First 3, then 9.", Ok(9.0)),
            ("The answer is 3. Wait: the answer is 4.", Ok(4.0)),
            ("3/4", Ok(0.75)),
            ("on 3/4/2020", Ok(2020.0)),
            ("1/0", Err(NoNumber::ZeroDenominator)),
            ("6.02e23", Ok(6.02e23)),
            (".5", Ok(0.5)),
            ("1e999", Err(NoNumber::TooLarge)),
            (r"so \boxed{\frac{3}{4}}", Ok(0.75)),
            (r"\boxed{-\dfrac{1}{2}}", Ok(-0.5)),
            (r"\boxed{x = 5}", Ok(5.0)),
            (r"\boxed{18\text{ cm}}", Ok(18.0)),
            (r"\boxed{\$1,200}", Ok(1200.0)),
            (r"\boxed{50\%}", Ok(50.0)),
            (r"\boxed{2\sqrt{3}}", Err(NoNumber::NoneMarked)),
            (r"\boxed{2x}", Err(NoNumber::NoneMarked)),
            (r"\boxed{3, 4}", Err(NoNumber::NoneMarked)),
            ("#### none", Err(NoNumber::NoneMarked)),
            ("none", Err(NoNumber::None)),
            ("", Err(NoNumber::None)),
        ] {
            assert_eq!(final_number(reply), expected, "{reply}");
        }
    }

    #[test]
    fn tolerance_is_the_larger_bound() {
        let exact = Tolerance { absolute: 0.0, relative: 0.0 };
        let loose = Tolerance { absolute: 0.1, relative: 0.01 };
        assert!(exact.accepts(3.0, 3.0) && !exact.accepts(3.0, 3.000_001));
        assert!(loose.accepts(1000.0, 1009.0) && loose.accepts(0.0, 0.1) && !loose.accepts(1.0, 1.2));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = final_number(&text);
        }

        #[test]
        fn reads_back_what_was_written(whole in -1_000_000_i64..1_000_000, cents in 0_u32..100) {
            let text = format!("In total {whole}.{cents:02}.");
            prop_assert_eq!(final_number(&text), Ok(format!("{whole}.{cents:02}").parse::<f64>().unwrap()));
        }

        #[test]
        fn marked_numbers_win(number in 0_u32..100_000, other in 0_u32..100_000) {
            prop_assert_eq!(final_number(&format!("{other}\n#### {number}\n")), Ok(f64::from(number)));
        }
    }
}
