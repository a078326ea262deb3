//! Numbers as people read them.
//!
//! Every figure of the terminal and of the page goes through here, so that both round alike. JSON does not:
//! it holds the full value.

use plumb_study::method::{Unit, Value};

/// A true minus sign: a hyphen is too short beside digits and breaks at line ends.
const MINUS: char = '−';
/// Keeps a number and its unit on one line.
const NBSP: char = '\u{a0}';

/// A number with this many decimals, a true minus sign, and no negative zero.
pub fn fixed(x: f64, decimals: usize) -> String {
    if x.is_infinite() {
        return if x > 0.0 { "∞".into() } else { format!("{MINUS}∞") };
    }
    let text = format!("{:.decimals$}", x.abs());
    let zero = text.chars().all(|c| c == '0' || c == '.');
    if x < 0.0 && !zero { format!("{MINUS}{text}") } else { text }
}

/// Factor from stored to shown: shares and their differences are shown in hundredths.
pub fn scale(unit: Unit) -> f64 {
    match unit {
        Unit::Share | Unit::Points => 100.0,
        Unit::Number => 1.0,
    }
}

/// How many decimals a group of values needs so that its narrowest interval is still visibly one.
/// Values without intervals are shown with three figures.
pub fn decimals<'a>(values: impl Iterator<Item = &'a Value>, unit: Unit) -> usize {
    let mut narrowest = f64::INFINITY;
    let mut largest: f64 = 0.0;
    for value in values {
        if let Some(estimate) = value.estimate().filter(|e| e.is_finite()) {
            largest = largest.max(estimate.abs() * scale(unit));
        }
        if let Value::Interval { low, high, .. } = value {
            let width = (high - low) * scale(unit);
            if width > 0.0 && width.is_finite() {
                narrowest = narrowest.min(width);
            }
        }
    }
    let wanted = if narrowest.is_finite() {
        // An interval of width w keeps about two figures: 47 → 0 decimals, 3.2 → 1, 0.08 → 3.
        (0.7 - narrowest.log10()).ceil()
    } else if largest > 0.0 {
        2.0 - largest.log10().floor()
    } else {
        0.0
    };
    let most = if unit == Unit::Number { 6.0 } else { 2.0 };
    wanted.clamp(0.0, most) as usize
}

/// Decimals for a decision: one more than a table has, and enough that a bound which is not zero never looks
/// like zero, since the decision hangs on that.
pub fn decision_decimals(value: &Value, low: f64, high: f64, unit: Unit) -> usize {
    let mut decimals = decimals(std::iter::once(value), unit).max(1);
    let looks_zero =
        |x: f64, decimals| x != 0.0 && fixed(x * scale(unit), decimals).chars().all(|c| "−0.".contains(c));
    while decimals < 6 && (looks_zero(low, decimals) || looks_zero(high, decimals)) {
        decimals += 1;
    }
    decimals
}

/// A value in its unit, without its interval: `68 %`, `+12 pp`, `0.43`.
pub fn estimate(x: f64, unit: Unit, decimals: usize) -> String {
    let text = fixed(x * scale(unit), decimals);
    match unit {
        Unit::Share => format!("{text}{NBSP}%"),
        Unit::Points if x > 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0') => {
            format!("+{text}{NBSP}pp")
        }
        Unit::Points => format!("{text}{NBSP}pp"),
        Unit::Number => text,
    }
}

/// An interval's bounds in the unit of its estimate: `[49, 83]`.
pub fn interval(low: f64, high: f64, unit: Unit, decimals: usize) -> String {
    format!("[{},{NBSP}{}]", fixed(low * scale(unit), decimals), fixed(high * scale(unit), decimals))
}

/// A value with its interval, or the words that stand in for it.
pub fn value(value: &Value, unit: Unit, decimals: usize) -> String {
    match value {
        Value::Interval { estimate: e, low, high, .. } => {
            format!("{} {}", estimate(*e, unit, decimals), interval(*low, *high, unit, decimals))
        }
        Value::Point { estimate: e, .. } => format!("{} [no interval]", estimate(*e, unit, decimals)),
        Value::Undefined(_) => "undefined".into(),
    }
}

/// A p-value: `0.032`, `< 0.001`.
pub fn p(p: f64) -> String {
    if p < 0.001 {
        format!("<{NBSP}0.001")
    } else if p < 0.1 {
        fixed(p, 3)
    } else {
        fixed(p, 2)
    }
}

/// A confidence level: `95 %`, `99.5 %`.
pub fn level(level: f64) -> String {
    // Rounded first, since 1 − 0.05 / 3 has a long tail that means nothing.
    let percent = (level * 1e4).round() / 100.0;
    format!("{percent}{NBSP}%")
}

/// A whole number in groups of three: `12 400`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 trial`, `5 trials`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{}{NBSP}{}", count(n), if n == 1 { one } else { many })
}

/// A time in microseconds with the two units that matter: `840 ms`, `3.2 s`, `4 min 12 s`, `2 h 05 min`.
pub fn duration(us: u64) -> String {
    let seconds = us / 1_000_000;
    match us {
        0 => format!("0{NBSP}s"),
        1..1_000 => format!("{us}{NBSP}µs"),
        1_000..1_000_000 => format!("{}{NBSP}ms", us / 1_000),
        1_000_000..60_000_000 => format!("{:.1}{NBSP}s", (us / 100_000) as f64 / 10.0),
        60_000_000..3_600_000_000 => format!("{}{NBSP}min {:02}{NBSP}s", seconds / 60, seconds % 60),
        _ => format!("{}{NBSP}h {:02}{NBSP}min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Money in nano-units of US dollars, the currency of the price table: to the cent from one dollar up, else
/// with two figures.
pub fn money(nano: u64) -> String {
    let dollars = nano as f64 / 1e9;
    let decimals = if dollars >= 1.0 || nano == 0 {
        2
    } else {
        (1.0 - dollars.log10().floor()).clamp(2.0, 9.0) as usize
    };
    format!("{dollars:.decimals$}{NBSP}USD")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(estimate: f64, low: f64, high: f64) -> Value {
        Value::Interval { estimate, low, high, level: 0.95 }
    }

    #[test]
    fn values_read_as_people_write_them() {
        let plain = |text: String| text.replace(NBSP, " ");
        assert_eq!(plain(value(&wide(0.68, 0.49, 0.83), Unit::Share, 0)), "68 % [49, 83]");
        assert_eq!(plain(value(&wide(0.12, -0.031, 0.27), Unit::Points, 1)), "+12.0 pp [−3.1, 27.0]");
        assert_eq!(plain(value(&wide(-0.001, -0.2, 0.1), Unit::Points, 0)), "0 pp [−20, 10]");
        let point = Value::Point { estimate: 0.5, reason: "one cluster".into() };
        assert_eq!(plain(value(&point, Unit::Number, 2)), "0.50 [no interval]");
        assert_eq!(value(&Value::Undefined("no values".into()), Unit::Share, 0), "undefined");
        assert_eq!(fixed(f64::NEG_INFINITY, 1), "−∞");
    }

    #[test]
    fn decimals_follow_the_narrowest_interval() {
        let of = |values: &[Value], unit| decimals(values.iter(), unit);
        assert_eq!(of(&[wide(0.68, 0.49, 0.83)], Unit::Share), 0);
        assert_eq!(of(&[wide(0.68, 0.49, 0.83), wide(0.0, 0.0, 0.032)], Unit::Share), 1);
        assert_eq!(of(&[wide(0.004, 0.0036, 0.0044)], Unit::Share), 2);
        assert_eq!(of(&[wide(1.0, 1.0, 1.0)], Unit::Share), 0);
        assert_eq!(of(&[wide(0.43, 0.31, 0.55)], Unit::Number), 2);
        assert_eq!(of(&[], Unit::Number), 0);
    }

    #[test]
    fn small_things() {
        let plain = |text: String| text.replace([NBSP, '\u{202f}'], " ");
        assert_eq!(plain(p(0.00004)), "< 0.001");
        assert_eq!(plain(p(0.0321)), "0.032");
        assert_eq!(plain(level(0.95)), "95 %");
        assert_eq!(plain(level(1.0 - 0.05 / 3.0)), "98.33 %");
        assert_eq!(plain(count(517_080)), "517 080");
        assert_eq!(plain(count(4_800)), "4800");
        assert_eq!(plain(duration(842_999)), "842 ms");
        assert_eq!(plain(duration(59_990_000)), "59.9 s");
        assert_eq!(plain(duration(252_000_000)), "4 min 12 s");
        assert_eq!(plain(duration(7_500_000_000)), "2 h 05 min");
        assert_eq!(plain(money(1_234_000_000)), "1.23 USD");
        assert_eq!(plain(money(420_000)), "0.00042 USD");
        assert_eq!(plain(money(0)), "0.00 USD");
    }
}
