//! A document as one page that asks the network for nothing and runs no script.

use super::cells;
use super::charts::{DotsView, dots, tone};
use super::plane::{Plane, Shape, bars, lines, scatter};
use crate::error::{Error, Kind, Result};
use crate::html::{STYLE, STYLE_HASH, Text};
use askama::Template;
use plumb_study::Document;
use plumb_study::document::{Block, Cell, Chart, Section, Table};
use plumb_study::method::Value;

/// What the report's style lacks.
const MORE_STYLE: &str = include_str!("../../templates/document.css");
/// Its hash for the content security policy; a test says what it must be.
const MORE_STYLE_HASH: &str = "sha256-2YwDvKKP1fWL+j3Y3jt7O9zFY04IJ7J7NFnPOxVOlbg=";

#[derive(Template)]
#[template(path = "document.html")]
struct Page {
    style: &'static str,
    style_hash: &'static str,
    more_style: &'static str,
    more_style_hash: &'static str,
    kind: Text,
    title: Text,
    about: Option<Text>,
    facts: Vec<(Text, Text)>,
    warnings: Vec<Text>,
    sections: Vec<SectionView>,
}

struct SectionView {
    title: Text,
    blocks: Vec<BlockView>,
}

enum BlockView {
    Prose(Text),
    Note(Text),
    List(Vec<Text>),
    Heading(Text),
    Table(TableView),
    Dots(DotsView),
    Plane(Box<Plane>),
    Quote(Text),
    /// Opens a fold; the blocks up to [`BlockView::EndFold`] are in it.
    Fold(Text),
    EndFold,
}

struct TableView {
    caption: Text,
    columns: Vec<(Text, &'static str)>,
    rows: Vec<Vec<CellView>>,
    notes: Vec<Text>,
}

struct CellView {
    text: Text,
    class: String,
}

/// Writes a document as HTML.
///
/// # Errors
/// Only if the template cannot be rendered, which no content brings about.
pub fn document_html(document: &Document) -> Result<String> {
    let page = Page {
        style: STYLE,
        style_hash: STYLE_HASH,
        more_style: MORE_STYLE,
        more_style_hash: MORE_STYLE_HASH,
        kind: Text::of(&document.kind),
        title: Text::of(&document.title),
        about: document.about.as_deref().map(Text::of),
        facts: document.facts.iter().map(|(n, v)| (Text::of(n), Text::of(v))).collect(),
        warnings: document.warnings.iter().map(|w| Text::of(w)).collect(),
        sections: document.sections.iter().map(section).collect(),
    };
    page.render().map_err(|e| Error::from(Kind::Page(e)))
}

fn section(section: &Section) -> SectionView {
    let mut views = Vec::new();
    blocks(&section.blocks, &mut views);
    SectionView { title: Text::of(&section.title), blocks: views }
}

fn blocks(blocks: &[Block], out: &mut Vec<BlockView>) {
    for block in blocks {
        let view = match block {
            Block::Prose(text) => BlockView::Prose(Text::of(text)),
            Block::Note(text) => BlockView::Note(Text::of(text)),
            Block::List(points) => BlockView::List(points.iter().map(|p| Text::of(p)).collect()),
            Block::Heading(text) => BlockView::Heading(Text::of(text)),
            Block::Quote(text) => BlockView::Quote(Text::of(text)),
            Block::Table(t) => BlockView::Table(table(t)),
            Block::Chart(Chart::Dots(c)) => BlockView::Dots(dots(c)),
            Block::Chart(Chart::Scatter(c)) => BlockView::Plane(Box::new(scatter(c))),
            Block::Chart(Chart::Lines(c)) => BlockView::Plane(Box::new(lines(c))),
            Block::Chart(Chart::Bars(c)) => BlockView::Plane(Box::new(bars(c))),
            Block::Fold { title, blocks } => {
                out.push(BlockView::Fold(Text::of(title)));
                self::blocks(blocks, out);
                BlockView::EndFold
            }
        };
        out.push(view);
    }
}

fn table(table: &Table) -> TableView {
    let decimals = cells::decimals(table);
    let class = |at: usize| if cells::is_number(table, at) { "num" } else { "" };
    let classes = |at: usize, cell: &Cell| {
        let all = [class(at), tone(cells::tone(cell)), wrapping(cell)];
        all.into_iter().filter(|class| !class.is_empty()).collect::<Vec<_>>().join(" ")
    };
    TableView {
        caption: Text::of(&table.caption),
        columns: table.columns.iter().enumerate().map(|(at, c)| (Text::of(&c.name), class(at))).collect(),
        rows: table
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .enumerate()
                    .map(|(at, cell)| CellView {
                        text: Text::of(&cells::words(cell, decimals.get(at).copied().unwrap_or_default())),
                        class: classes(at, cell),
                    })
                    .collect()
            })
            .collect(),
        notes: table.notes.iter().map(|n| Text::of(n)).collect(),
    }
}

/// Texts of more characters than this keep some width on a narrow screen, where a table is scrolled.
const LONG: usize = 24;

/// How a cell breaks: a value with its interval stays on one line, a sentence does not become a column of single words.
fn wrapping(cell: &Cell) -> &'static str {
    match cell {
        Cell::Value(Value::Undefined(_), _) => "",
        Cell::Value(..) | Cell::Interval(..) => "value",
        Cell::Text(text) if text.chars().count() > LONG => "long",
        _ => "",
    }
}
