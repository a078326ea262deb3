//! How the cells of a table read, for all forms but JSON.

use crate::number;
use plumb_study::document::{Align, Cell, Table, Tone};
use plumb_study::method::{Unit, Value};

/// Decimals for each column: values of one column and unit are rounded alike.
pub(super) fn decimals(table: &Table) -> Vec<Decimals> {
    (0..table.columns.len())
        .map(|at| {
            let values = |wanted: Unit| {
                table.rows.iter().filter_map(move |row| match row.get(at) {
                    Some(Cell::Value(value, unit)) if *unit == wanted => Some(value),
                    _ => None,
                })
            };
            Decimals(
                [Unit::Share, Unit::Points, Unit::Number].map(|unit| number::decimals(values(unit), unit)),
            )
        })
        .collect()
}

/// Decimals of a column's values, by their unit.
#[derive(Clone, Copy, Default)]
pub(super) struct Decimals([usize; 3]);

/// The words of a cell.
pub(super) fn words(cell: &Cell, decimals: Decimals) -> String {
    match cell {
        Cell::Text(text) | Cell::Toned(text, _) => text.clone(),
        Cell::Value(value, unit) => number::value(value, *unit, decimals.0[*unit as usize]),
        Cell::Number(x, decimals) => number::fixed(*x, *decimals),
        Cell::Interval(low, high, decimals) => {
            format!("[{}, {}]", number::fixed(*low, *decimals), number::fixed(*high, *decimals))
        }
        Cell::Count(n) => number::count(*n),
        Cell::Share(x, decimals) => number::estimate(*x, Unit::Share, *decimals),
        Cell::P(p) => number::p(*p),
        Cell::Missing(why) => format!("— {why}"),
        Cell::Empty => String::new(),
    }
}

/// How a cell is meant.
pub(super) fn tone(cell: &Cell) -> Tone {
    match cell {
        Cell::Toned(_, tone) => *tone,
        Cell::Missing(_) | Cell::Value(Value::Undefined(_), _) => Tone::Faint,
        _ => Tone::Plain,
    }
}

/// Whether a column holds numbers.
pub(super) fn is_number(table: &Table, at: usize) -> bool {
    table.columns.get(at).is_some_and(|c| c.align == Align::Right)
}
