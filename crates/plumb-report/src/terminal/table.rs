//! Aligned columns that fit a terminal.

use super::paint::{Paint, Painter};
use crate::text;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Narrowest that a column is cut to when a table does not fit.
const NARROWEST: usize = 6;
/// Words up to this width stay whole where a table wraps.
const WHOLE_WORD: usize = 36;
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

    /// Columns that hold nothing are left out, and the widest text is cut until the table fits. One that wraps and would have
    /// to cut words comes in parts instead, each with the first column.
    pub(crate) fn write(&self, out: &mut String, painter: Painter, indent: usize, width: usize) {
        let mut widths = self.widths(UnicodeWidthStr::width);
        let room = width.saturating_sub(indent);
        if used(&widths) > room {
            for (width, _) in widths.iter_mut().zip(&self.columns).filter(|(_, c)| c.1 == Align::Drawing) {
                *width = 0;
            }
        }
        for (number, mut widths) in self.parts(widths, room).into_iter().enumerate() {
            if number > 0 {
                out.push('\n');
            }
            self.shrink(&mut widths, room);
            self.part(out, painter, indent, (&widths, room));
        }
    }

    /// The widest of each column's cells and of its heading, by some measure of a text; 0 of a column without any text.
    fn widths(&self, measure: impl Fn(&str) -> usize) -> Vec<usize> {
        let of = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| match row {
                Row::Cells(cells) => cells.get(at).map(|c| measure(&c.text)),
                Row::Heading(_) => None,
            });
            let cells = cells.max().unwrap_or(0);
            if cells == 0 { 0 } else { cells.max(measure(&self.columns[at].0)) }
        };
        (0..self.columns.len()).map(of).collect()
    }

    /// How narrow a column may become before words are cut.
    fn narrowest(&self, widths: &[usize]) -> Vec<usize> {
        let word = |text: &str| text.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0);
        let least = if self.wraps { self.widths(word) } else { vec![NARROWEST; widths.len()] };
        let columns = self.columns.iter().zip(widths).zip(least);
        let narrowest = |((column, width), least): ((&(String, Align), &usize), usize)| match column.1 {
            Align::Left => (*width).min(least.clamp(NARROWEST, WHOLE_WORD)),
            _ => *width,
        };
        columns.map(narrowest).collect()
    }

    /// The widths of each part of the table: all columns if they fit, else as many as do. A column of width 0 is not shown.
    fn parts(&self, widths: Vec<usize>, room: usize) -> Vec<Vec<usize>> {
        let narrowest = self.narrowest(&widths);
        if !self.wraps || used(&narrowest) <= room {
            return vec![widths];
        }
        let first = vec![narrowest[0]];
        let mut parts: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
        for at in (1..widths.len()).filter(|at| widths[*at] > 0) {
            match parts.last_mut().filter(|(taken, _)| used(taken) + GAP + narrowest[at] <= room) {
                Some((taken, columns)) => {
                    taken.push(narrowest[at]);
                    columns.push(at);
                }
                None => parts.push(([first.clone(), vec![narrowest[at]]].concat(), vec![0, at])),
            }
        }
        let shown = |(_, columns): &(Vec<usize>, Vec<usize>)| {
            let width = |(at, width): (usize, &usize)| if columns.contains(&at) { *width } else { 0 };
            widths.iter().enumerate().map(width).collect()
        };
        parts.iter().map(shown).collect()
    }

    fn part(&self, out: &mut String, painter: Painter, indent: usize, (widths, room): (&[usize], usize)) {
        let heads: Vec<Cell> =
            self.columns.iter().map(|(name, _)| Cell { text: name.clone(), paint: Paint::Dim }).collect();
        if heads.iter().any(|h| !h.text.is_empty()) {
            for line in if self.wraps { broken(&heads, widths) } else { vec![heads] } {
                self.line(out, painter, indent, widths, &line);
            }
        }
        for row in &self.rows {
            match row {
                Row::Cells(cells) if self.wraps => {
                    for line in broken(cells, widths) {
                        self.line(out, painter, indent, widths, &line);
                    }
                }
                Row::Cells(cells) => self.line(out, painter, indent, widths, cells),
                Row::Heading(cell) => {
                    out.push_str(&" ".repeat(indent));
                    painter.paint(out, &cut(&cell.text, room), cell.paint);
                    out.push('\n');
                }
            }
        }
    }

    /// Takes from the widest texts; words are cut only where nothing else is left.
    fn shrink(&self, widths: &mut [usize], room: usize) {
        let narrowest = self.narrowest(widths);
        while used(widths) > room {
            let widest = |least: &dyn Fn(usize) -> usize| {
                (0..widths.len())
                    .filter(|at| self.columns[*at].1 == Align::Left && widths[*at] > least(*at))
                    .max_by_key(|at| (widths[*at], std::cmp::Reverse(*at)))
            };
            match widest(&|at| narrowest[at]).or_else(|| widest(&|_| NARROWEST)) {
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
    let part = |(cell, width): (&Cell, &usize)| match width {
        0 => Vec::new(),
        width => lines(&cell.text, *width),
    };
    let parts: Vec<Vec<String>> = cells.iter().zip(widths).map(part).collect();
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
