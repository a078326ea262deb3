//! Aligned columns that fit a terminal.

use super::paint::{Paint, Painter};
use crate::text;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Narrowest that a column is cut to when a table does not fit.
const NARROWEST: usize = 6;
/// Between columns.
const GAP: usize = 2;

/// Which way a column is flush.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text, which may be cut.
    Left,
    /// Text that may not be cut.
    Whole,
    /// Numbers.
    Right,
    /// A drawing, left out where the table would not fit with it.
    Drawing,
}

/// A cell: text without control characters, and its paint.
pub(crate) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A cell of untrusted text: on one line, made visible.
    pub(crate) fn new(raw: &str, paint: Paint) -> Cell {
        Cell { text: text::excerpt(raw, 200), paint }
    }

    /// A cell of a longer text, for a table that wraps.
    pub(crate) fn long(raw: &str, paint: Paint) -> Cell {
        Cell { text: text::excerpt(raw, 2_000), paint }
    }
}

/// Rows of cells under headings.
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Row>,
    wraps: bool,
}

/// A row of cells, or a line over the rows that belong together.
enum Row {
    Cells(Vec<Cell>),
    Heading(Cell),
}

impl Table {
    /// A table with these headings. A heading may be empty.
    pub(crate) fn new(columns: Vec<(String, Align)>) -> Table {
        let columns = columns.into_iter().map(|(name, align)| (text::excerpt(&name, 60), align)).collect();
        Table { columns, rows: Vec::new(), wraps: false }
    }

    /// The same table, with texts that do not fit going on in further lines, where it would cut them.
    pub(crate) fn wrapping(mut self) -> Table {
        self.wraps = true;
        self
    }

    /// Adds a row; it has a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row::Cells(cells));
    }

    /// Adds a line over the rows that follow.
    pub(crate) fn heading(&mut self, cell: Cell) {
        self.rows.push(Row::Heading(cell));
    }

    /// Columns that hold nothing are left out, and the widest text is cut until the table fits.
    pub(crate) fn write(&self, out: &mut String, painter: Painter, indent: usize, width: usize) {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let widths = self.rows.iter().filter_map(|row| match row {
                    Row::Cells(cells) => cells.get(at).map(|c| c.text.width()),
                    Row::Heading(_) => None,
                });
                let cells = widths.max().unwrap_or(0);
                if cells == 0 { 0 } else { cells.max(self.columns[at].0.width()) }
            })
            .collect();
        let room = width.saturating_sub(indent);
        if used(&widths) > room {
            for (width, _) in widths.iter_mut().zip(&self.columns).filter(|(_, c)| c.1 == Align::Drawing) {
                *width = 0;
            }
        }
        self.shrink(&mut widths, room);
        let heads: Vec<Cell> =
            self.columns.iter().map(|(name, _)| Cell { text: name.clone(), paint: Paint::Dim }).collect();
        if heads.iter().any(|h| !h.text.is_empty()) {
            self.line(out, painter, indent, &widths, &heads);
        }
        for row in &self.rows {
            match row {
                Row::Cells(cells) if self.wraps => {
                    for line in broken(cells, &widths) {
                        self.line(out, painter, indent, &widths, &line);
                    }
                }
                Row::Cells(cells) => self.line(out, painter, indent, &widths, cells),
                Row::Heading(cell) => {
                    out.push_str(&" ".repeat(indent));
                    painter.paint(out, &cut(&cell.text, room), cell.paint);
                    out.push('\n');
                }
            }
        }
    }

    fn shrink(&self, widths: &mut [usize], room: usize) {
        while used(widths) > room {
            let widest = (0..widths.len())
                .filter(|at| self.columns[*at].1 == Align::Left && widths[*at] > NARROWEST)
                .max_by_key(|at| (widths[*at], std::cmp::Reverse(*at)));
            match widest {
                Some(at) => widths[at] -= 1,
                // Nothing is left to cut: numbers are worth more than a straight right edge.
                None => return,
            }
        }
    }

    fn line(&self, out: &mut String, painter: Painter, indent: usize, widths: &[usize], cells: &[Cell]) {
        let mut line = " ".repeat(indent);
        let mut waiting = 0;
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            if *width == 0 {
                continue;
            }
            let shown = cut(&cell.text, *width);
            let pad = width - shown.width();
            let before = if *align == Align::Right { pad } else { 0 };
            line.push_str(&" ".repeat(waiting + before));
            painter.paint(&mut line, &shown, cell.paint);
            waiting = GAP + pad - before;
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// A row as lines: each text goes on under its own beginning.
fn broken(cells: &[Cell], widths: &[usize]) -> Vec<Vec<Cell>> {
    let parts: Vec<Vec<String>> =
        cells.iter().zip(widths).map(|(cell, width)| lines(&cell.text, (*width).max(1))).collect();
    let most = parts.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let line = |at: usize| {
        let text = |parts: &Vec<String>| parts.get(at).cloned().unwrap_or_default();
        cells.iter().zip(&parts).map(|(cell, parts)| Cell { text: text(parts), paint: cell.paint }).collect()
    };
    (0..most).map(line).collect()
}

/// A text in lines of so many columns, broken at spaces; a word that is longer than a line is left to be cut.
fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Columns of a terminal that these widths take.
fn used(widths: &[usize]) -> usize {
    widths.iter().filter(|w| **w > 0).map(|w| w + GAP).sum::<usize>().saturating_sub(GAP)
}

/// The text in at most `width` columns of a terminal. It loses its middle: names often differ at their ends.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let head = fitting(text.chars(), room.div_ceil(2));
    let tail: String = fitting(text.chars().rev(), room / 2).chars().rev().collect();
    format!("{head}…{tail}")
}

/// As many of the characters as fit.
fn fitting(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect()
}

/// Writes a paragraph: the first line after `lead`, later ones under its text.
pub(crate) fn paragraph(out: &mut String, lead: &str, raw: &str, width: usize) {
    let indent = lead.width();
    let room = width.saturating_sub(indent).max(20);
    let mut line = String::new();
    let mut first = true;
    let mut flush = |line: &mut String| {
        if first {
            out.push_str(lead);
        } else {
            out.push_str(&" ".repeat(indent));
        }
        first = false;
        out.push_str(line);
        out.push('\n');
        line.clear();
    };
    // Only plain spaces break: a number stays with its unit.
    for word in text::one_line(raw).split(' ').filter(|w| !w.is_empty()) {
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            flush(&mut line);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        flush(&mut line);
    }
}
