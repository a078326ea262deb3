//! A document as Markdown, for comments of continuous integration and notes. Charts are left out: what they show is in
//! the tables.

use super::cells;
use crate::number;
use crate::text;
use plumb_study::Document;
use plumb_study::document::{Block, Chart, Table};

/// Writes a document as Markdown (with GitHub's tables), with a newline at its end.
pub fn document_markdown(document: &Document) -> String {
    let mut out = format!("## {}\n", escaped(&document.title));
    if let Some(about) = &document.about {
        out.push_str(&format!("\n{}\n", escaped(about)));
    }
    if !document.facts.is_empty() {
        let facts: Vec<String> =
            document.facts.iter().map(|(n, v)| format!("**{}:** {}", escaped(n), escaped(v))).collect();
        out.push_str(&format!("\n{}\n", facts.join(" · ")));
    }
    for warning in &document.warnings {
        out.push_str(&format!("\n> ⚠ {}\n", escaped(warning)));
    }
    for section in &document.sections {
        out.push_str(&format!("\n### {}\n", escaped(&section.title)));
        blocks(&mut out, &section.blocks);
    }
    out
}

fn blocks(out: &mut String, blocks: &[Block]) {
    for block in blocks {
        match block {
            Block::Prose(text) => out.push_str(&format!("\n{}\n", escaped(text))),
            Block::Note(text) => out.push_str(&format!("\n<sub>{}</sub>\n", escaped(text))),
            Block::Heading(text) => out.push_str(&format!("\n#### {}\n", escaped(text))),
            Block::List(points) => {
                out.push('\n');
                points.iter().for_each(|p| out.push_str(&format!("- {}\n", escaped(p))));
            }
            Block::Table(t) => table(out, t),
            Block::Chart(Chart::Dots(c)) => {
                let decimals = number::decimals(c.rows.iter().map(|r| &r.value), c.unit);
                out.push_str(&format!("\n{}\n\n", escaped(&c.title)));
                for row in &c.rows {
                    let value = number::value(&row.value, c.unit, decimals);
                    out.push_str(&format!("- {}: {}\n", escaped(&row.label), escaped(&value)));
                }
            }
            Block::Chart(_) => {}
            Block::Quote(text) => {
                // Indented code needs no fence that the text could close.
                out.push('\n');
                text::shown(text).lines().for_each(|line| out.push_str(&format!("    {line}\n")));
            }
            Block::Fold { title, blocks: inner } => {
                out.push_str(&format!("\n<details><summary>{}</summary>\n", escaped(title)));
                self::blocks(out, inner);
                out.push_str("\n</details>\n");
            }
        }
    }
}

fn table(out: &mut String, table: &Table) {
    let decimals = cells::decimals(table);
    if !table.caption.is_empty() {
        out.push_str(&format!("\n**{}**\n", escaped(&table.caption)));
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push('\n');
    out.push_str(&line(table.columns.iter().map(|c| escaped(&c.name)).collect()));
    let rule = |at| if cells::is_number(table, at) { "---:".to_owned() } else { "---".to_owned() };
    out.push_str(&line((0..table.columns.len()).map(rule).collect()));
    for row in &table.rows {
        let words = row.iter().zip(&decimals).map(|(cell, d)| escaped(&cells::words(cell, *d)));
        out.push_str(&line(words.collect()));
    }
    for note in &table.notes {
        out.push_str(&format!("\n<sub>{}</sub>\n", escaped(note)));
    }
}

/// Text on one line in which nothing is markup.
fn escaped(raw: &str) -> String {
    let mut out = String::new();
    for c in text::one_line(raw).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
