//! The scale that dots and whiskers of one panel share.
//!
//! A reader compares lengths, so all rows of a panel use one axis, and shares start at zero: a bar of noise
//! must not fill the page.

use plumb_study::method::{Unit, Value};

/// A scale in the unit that is shown (percent, points or plain).
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    /// Values at which the axis is labelled.
    pub ticks: Vec<f64>,
}

/// Where a value is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Position from 0 (left end) to 1 (right end).
    pub at: f64,
    /// The value lies beyond the end that it is drawn at.
    pub beyond: bool,
}

impl Axis {
    /// An axis that holds all finite parts of the values.
    pub fn over<'a>(values: impl Iterator<Item = &'a Value>, unit: Unit) -> Axis {
        let scale = crate::number::scale(unit);
        let mut low = f64::INFINITY;
        let mut high = f64::NEG_INFINITY;
        for value in values {
            let ends = match value {
                Value::Interval { estimate, low, high, .. } => vec![*estimate, *low, *high],
                Value::Point { estimate, .. } => vec![*estimate],
                Value::Undefined(_) => Vec::new(),
            };
            for end in ends.into_iter().filter(|e| e.is_finite()) {
                low = low.min(end * scale);
                high = high.max(end * scale);
            }
        }
        match unit {
            Unit::Share => {
                let top =
                    [1.0, 2.0, 5.0, 10.0, 20.0, 40.0].into_iter().find(|top| high <= *top).unwrap_or(100.0);
                Axis::between(0.0, top)
            }
            _ if low > high => Axis::between(0.0, 1.0),
            Unit::Points => {
                // Zero in the middle: which side a difference lies on is the question.
                let reach = low.abs().max(high.abs()).max(0.1);
                Axis::between(-reach, reach)
            }
            // Zero is kept where it is near; a mean of 400 ± 3 would be lost beside it.
            Unit::Number if low > 0.0 && low <= high - low => Axis::between(0.0, high),
            Unit::Number if high < 0.0 && -high <= high - low => Axis::between(low, 0.0),
            Unit::Number => Axis::between(low, high),
        }
    }

    /// An axis from one value to another, in the unit that is shown, its ends rounded outwards.
    pub fn between(low: f64, high: f64) -> Axis {
        // A single value gets room around it.
        let room = if high > low { 0.0 } else { low.abs().max(1.0) * 0.1 };
        let (low, high) = (low - room, high + room);
        let step = nice_step(high - low);
        let first = (low / step).floor();
        let count = ((high / step).ceil() - first).clamp(1.0, 20.0) as i32;
        let ticks: Vec<f64> = (0..=count).map(|n| (first + f64::from(n)) * step).collect();
        Axis { low: first * step, high: (first + f64::from(count)) * step, ticks }
    }

    /// Where a shown value lies.
    pub fn place(&self, x: f64) -> Place {
        let at = (x - self.low) / (self.high - self.low);
        Place { at: at.clamp(0.0, 1.0), beyond: !(-1e-9..=1.0 + 1e-9).contains(&at) }
    }

    /// Where zero lies, if it is inside and not at an end.
    pub fn zero(&self) -> Option<f64> {
        let at = self.place(0.0);
        (!at.beyond && at.at > 0.0 && at.at < 1.0).then_some(at.at)
    }

    /// Decimals that its ticks need.
    pub fn decimals(&self) -> usize {
        let step = (self.high - self.low) / (self.ticks.len().max(2) - 1) as f64;
        (-step.log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize
    }
}

/// A step of 1, 2 or 5 × a power of ten that makes four to eight parts of a length.
fn nice_step(length: f64) -> f64 {
    let rough = length / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    match rough / power {
        x if x < 1.5 => power,
        x if x < 3.5 => 2.0 * power,
        x if x < 7.5 => 5.0 * power,
        _ => 10.0 * power,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(values: &[(f64, f64, f64)], unit: Unit) -> Axis {
        let values: Vec<Value> = values
            .iter()
            .map(|(low, estimate, high)| Value::Interval {
                estimate: *estimate,
                low: *low,
                high: *high,
                level: 0.95,
            })
            .collect();
        Axis::over(values.iter(), unit)
    }

    #[test]
    fn ends_and_ticks_are_round() {
        assert_eq!(over(&[(0.49, 0.68, 0.83)], Unit::Share).ticks, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(over(&[(0.0, 0.01, 0.04)], Unit::Share).ticks, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(
            over(&[(-0.1, 0.1, 0.25)], Unit::Points).ticks,
            [-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0]
        );
        assert_eq!(over(&[(401.0, 402.0, 403.0)], Unit::Number).ticks, [401.0, 401.5, 402.0, 402.5, 403.0]);
        assert_eq!(over(&[(-0.1, 0.1, 0.25)], Unit::Points).zero(), Some(0.5));
        assert_eq!(over(&[], Unit::Number).ticks.len(), 6);
        assert!((over(&[(3.0, 3.0, 3.0)], Unit::Number).place(3.0).at - 0.5).abs() < 1e-9);
    }

    #[test]
    fn infinite_bounds_end_at_the_edge() {
        let axis = over(&[(f64::NEG_INFINITY, 0.2, 0.4)], Unit::Number);
        assert_eq!(axis.place(f64::NEG_INFINITY), Place { at: 0.0, beyond: true });
        assert!(!axis.place(0.2).beyond);
    }
}
