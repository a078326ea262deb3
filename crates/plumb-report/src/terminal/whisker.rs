//! A scale and whiskers drawn with characters.

use crate::axis::Axis;
use crate::number;
use plumb_study::method::{Unit, Value};

/// Columns of whiskers, where there is room.
const WHISKERS: usize = 31;

/// The ends of the axis, over the whiskers.
pub(crate) fn scale(axis: &Axis, unit: Unit) -> String {
    let ends = [axis.ticks.first(), axis.ticks.last()].map(|t| t.map_or(String::new(), |t| tick(*t, axis)));
    let suffix = if unit == Unit::Share { " %" } else { "" };
    let high = format!("{}{suffix}", ends[1]);
    let room = WHISKERS.saturating_sub(ends[0].chars().count() + high.chars().count());
    // Spaces that do not break, so that the heading keeps its width.
    format!("{}{}{high}", ends[0], "\u{a0}".repeat(room)).replace(' ', "\u{a0}")
}

/// A label of the axis.
fn tick(tick: f64, axis: &Axis) -> String {
    number::fixed(tick, axis.decimals())
}

/// `├──●──┤` on the axis; `<` and `>` where an end lies beyond it.
pub(crate) fn drawn(axis: &Axis, unit: Unit, value: &Value) -> String {
    let scale = number::scale(unit);
    let column = |x: f64| (axis.place(x * scale).at * (WHISKERS - 1) as f64).round() as usize;
    let mut line = vec!['\u{a0}'; WHISKERS];
    if let Some(zero) = axis.zero() {
        line[(zero * (WHISKERS - 1) as f64).round() as usize] = '┊';
    }
    if let Value::Interval { low, high, .. } = value {
        let (from, to) = (column(*low), column(*high));
        line[from..=to].fill('─');
        line[from] = if axis.place(low * scale).beyond { '<' } else { '├' };
        line[to] = if axis.place(high * scale).beyond { '>' } else { '┤' };
    }
    if let Some(estimate) = value.estimate() {
        line[column(estimate)] = '●';
    }
    line.into_iter().collect()
}
