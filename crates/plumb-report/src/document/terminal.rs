//! A document on a terminal. Charts with whiskers are drawn; other charts are named, since the page has them.

use super::cells;
use crate::axis::Axis;
use crate::terminal::{self as screen, Align, Cell, Paint, Painter, Style, Table as Columns, paragraph};
use crate::{number, text};
use plumb_study::Document;
use plumb_study::document::{Block, Chart, Dots, Table, Tone};

/// Rows beyond this many are left to the page and to JSON.
const MOST_ROWS: usize = 60;

/// Writes a document for a terminal, with a newline at its end.
pub fn document_terminal(document: &Document, style: Style) -> String {
    let mut writer = Writer { out: String::new(), painter: style.painter(), width: style.width.max(40) };
    writer.painter.paint(&mut writer.out, &text::excerpt(&document.title, 200), Paint::Bold);
    writer.out.push('\n');
    if let Some(about) = &document.about {
        writer.paragraph("", about);
    }
    for (name, value) in &document.facts {
        writer.paragraph("  ", &format!("{name}: {value}"));
    }
    for warning in &document.warnings {
        let mut lines = String::new();
        paragraph(&mut lines, "! ", warning, writer.width);
        for line in lines.lines() {
            writer.painter.paint(&mut writer.out, line, Paint::Warn);
            writer.out.push('\n');
        }
    }
    for section in &document.sections {
        writer.heading(&section.title);
        writer.blocks(&section.blocks);
    }
    writer.out
}

struct Writer {
    out: String,
    painter: Painter,
    width: usize,
}

impl Writer {
    fn paragraph(&mut self, lead: &str, text: &str) {
        paragraph(&mut self.out, lead, text, self.width);
    }

    fn heading(&mut self, title: &str) {
        self.out.push('\n');
        self.painter.paint(&mut self.out, &text::excerpt(title, 160), Paint::Bold);
        self.out.push('\n');
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Prose(text) | Block::Note(text) => self.paragraph("  ", text),
                Block::List(points) => points.iter().for_each(|p| self.paragraph("  - ", p)),
                Block::Heading(title) => {
                    self.out.push('\n');
                    self.paragraph("  ", &format!("{title}:"));
                }
                Block::Table(table) => self.table(table),
                Block::Chart(Chart::Dots(dots)) => self.dots(dots),
                Block::Chart(chart) => {
                    let title = match chart {
                        Chart::Scatter(c) => &c.title,
                        Chart::Lines(c) => &c.title,
                        Chart::Bars(c) => &c.title,
                        Chart::Dots(c) => &c.title,
                    };
                    self.paragraph("  ", &format!("(chart in the page: {title})"));
                }
                Block::Quote(text) => self.paragraph("  | ", &text::excerpt(text, 400)),
                Block::Fold { title, .. } => self.paragraph("  ", &format!("(in the page: {title})")),
            }
        }
    }

    fn table(&mut self, table: &Table) {
        if !table.caption.is_empty() {
            self.paragraph("  ", &format!("{}:", table.caption));
        }
        let columns = (0..table.columns.len())
            .map(|at| {
                let align = if cells::is_number(table, at) { Align::Right } else { Align::Left };
                (table.columns[at].name.clone(), align)
            })
            .collect();
        let decimals = cells::decimals(table);
        let mut screen = Columns::new(columns).wrapping();
        for row in table.rows.iter().take(MOST_ROWS) {
            let cell = |(cell, decimals)| Cell::long(&cells::words(cell, decimals), paint(cells::tone(cell)));
            screen.row(row.iter().zip(decimals.iter().copied()).map(cell).collect());
        }
        screen.write(&mut self.out, self.painter, 2, self.width);
        if table.rows.len() > MOST_ROWS {
            self.paragraph(
                "  ",
                &format!("… and {} more rows in the page and in JSON", table.rows.len() - MOST_ROWS),
            );
        }
        for note in &table.notes {
            self.paragraph("  ", note);
        }
    }

    fn dots(&mut self, dots: &Dots) {
        let axis = Axis::over(dots.rows.iter().map(|r| &r.value), dots.unit);
        let decimals = number::decimals(dots.rows.iter().map(|r| &r.value), dots.unit);
        self.paragraph("  ", &format!("{}:", dots.title));
        let columns = vec![
            (String::new(), Align::Left),
            (String::new(), Align::Right),
            (screen::scale(&axis, dots.unit), Align::Drawing),
            (String::new(), Align::Left),
        ];
        let mut table = Columns::new(columns);
        for row in dots.rows.iter().take(MOST_ROWS) {
            table.row(vec![
                Cell::new(&row.label, paint(row.tone)),
                Cell::new(&number::value(&row.value, dots.unit, decimals), Paint::Plain),
                Cell::new(&screen::drawn(&axis, dots.unit, &row.value), Paint::Plain),
                Cell::new(&row.beside, Paint::Dim),
            ]);
        }
        table.write(&mut self.out, self.painter, 2, self.width);
    }
}

fn paint(tone: Tone) -> Paint {
    match tone {
        Tone::Plain => Paint::Plain,
        Tone::Good => Paint::Good,
        Tone::Bad => Paint::Bad,
        Tone::Warn => Paint::Warn,
        Tone::Faint => Paint::Dim,
    }
}
