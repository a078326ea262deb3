//! How the cells of a table read, for all forms but JSON.

use crate::number;
use plumb_study::document::{Align, Cell, Table, Tone};
use plumb_study::method::{Unit, Value};

/// Decimals for each column: values of one column and unit are rounded alike.
pub(super) fn decimals(table: &Table) -> Vec<usize> {
    (0..table.columns.len())
        .map(|at| {
            let values = || {
                table.rows.iter().filter_map(move |row| match row.get(at) {
                    Some(Cell::Value(value, unit)) => Some((value, *unit)),
                    _ => None,
                })
            };
            let unit = values().next().map_or(Unit::Number, |(_, unit)| unit);
            number::decimals(values().filter(|(_, u)| *u == unit).map(|(v, _)| v), unit)
        })
        .collect()
}

/// The words of a cell.
pub(super) fn words(cell: &Cell, decimals: usize) -> String {
    match cell {
        Cell::Text(text) | Cell::Toned(text, _) => text.clone(),
        Cell::Value(value, unit) => number::value(value, *unit, decimals),
        Cell::Number(x, decimals) => number::fixed(*x, *decimals),
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
