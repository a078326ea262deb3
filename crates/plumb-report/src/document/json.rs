//! A document for programs: the same pieces in the same order, numbers in full.
//!
//! A value that does not exist says why, as in `report.json`; a number that is not finite says so.

use crate::error::{Error, Kind, Result};
use crate::json::{FORMAT, Float, value};
use plumb_study::Document;
use plumb_study::document::{Block, Cell, Chart, Table};
use plumb_study::method::Unit;
use serde_json::{Value as Json, json};

/// Writes a document as JSON, with a newline at its end.
///
/// # Errors
/// Only if it cannot be serialised, which no content brings about.
pub fn document_json(document: &Document) -> Result<String> {
    let facts: Vec<Json> = document.facts.iter().map(|(n, v)| json!({ "name": n, "value": v })).collect();
    let sections: Vec<Json> = document
        .sections
        .iter()
        .map(|s| json!({ "title": s.title, "blocks": s.blocks.iter().map(block).collect::<Vec<_>>() }))
        .collect();
    let mut whole = json!({ "format": FORMAT, "kind": document.kind, "title": document.title });
    if let Some(about) = &document.about {
        whole["about"] = about.as_str().into();
    }
    whole["facts"] = facts.into();
    whole["warnings"] = document.warnings.clone().into();
    whole["sections"] = sections.into();
    let mut text = serde_json::to_string_pretty(&whole).map_err(|e| Error::from(Kind::Json(e)))?;
    text.push('\n');
    Ok(text)
}

fn block(block: &Block) -> Json {
    match block {
        Block::Prose(text) => json!({ "prose": text }),
        Block::Note(text) => json!({ "note": text }),
        Block::List(points) => json!({ "list": points }),
        Block::Heading(text) => json!({ "heading": text }),
        Block::Quote(text) => json!({ "quote": text }),
        Block::Table(t) => json!({ "table": table(t) }),
        Block::Chart(c) => json!({ "chart": chart(c) }),
        Block::Fold { title, blocks } => {
            json!({ "fold": { "title": title, "blocks": blocks.iter().map(self::block).collect::<Vec<_>>() } })
        }
    }
}

fn table(table: &Table) -> Json {
    let columns: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let rows: Vec<Vec<Json>> = table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    json!({ "caption": table.caption, "columns": columns, "rows": rows, "notes": table.notes })
}

fn cell(cell: &Cell) -> Json {
    match cell {
        Cell::Text(text) | Cell::Toned(text, _) => json!(text),
        Cell::Value(v, unit) => {
            let mut object = json!(value(v));
            object["unit"] = unit_name(*unit).into();
            object
        }
        Cell::Number(x, _) | Cell::Share(x, _) | Cell::P(x) => json!(Float(*x)),
        Cell::Interval(low, high, _) => json!({ "low": Float(*low), "high": Float(*high) }),
        Cell::Count(n) => json!(n),
        Cell::Missing(why) => json!({ "missing": why }),
        Cell::Empty => json!({}),
    }
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => "share of one",
        Unit::Points => "difference of shares",
        Unit::Number => "number",
    }
}

fn chart(chart: &Chart) -> Json {
    match chart {
        Chart::Dots(c) => {
            let rows = c.rows.iter().map(|r| {
                let mut row = json!({ "label": r.label, "value": value(&r.value), "beside": r.beside });
                if !r.bands.is_empty() {
                    let bands = r.bands.iter().map(|b| json!({ "low": Float(b.low), "high": Float(b.high) }));
                    row["bands"] = bands.collect();
                }
                row
            });
            let mut object = json!({ "form": "dots", "title": c.title, "unit": unit_name(c.unit), "rows": rows.collect::<Vec<_>>() });
            if let Some((low, high)) = c.band {
                object["band"] = json!({ "low": Float(low), "high": Float(high) });
            }
            object
        }
        Chart::Scatter(c) => {
            let marks = c.marks.iter().map(|m| {
                let mut mark = json!({ "x": Float(m.x), "y": Float(m.y), "weight": Float(m.weight) });
                if let Some(series) = c.series.get(m.series) {
                    mark["series"] = series.as_str().into();
                }
                if let Some(label) = &m.label {
                    mark["label"] = label.as_str().into();
                }
                mark
            });
            json!({ "form": "scatter", "title": c.title, "x": c.x, "y": c.y, "marks": marks.collect::<Vec<_>>() })
        }
        Chart::Lines(c) => {
            let series = c.series.iter().map(|s| {
                let points = s.points.iter().map(|(x, v)| json!({ "x": Float(*x), "value": value(v) }));
                json!({ "name": s.name, "points": points.collect::<Vec<_>>() })
            });
            json!({ "form": "lines", "title": c.title, "x": c.x, "y": c.y, "unit": unit_name(c.unit), "series": series.collect::<Vec<_>>() })
        }
        Chart::Bars(c) => {
            let bars = c.bars.iter().map(|b| {
                json!({ "label": b.label, "heights": b.heights.iter().map(|h| json!(Float(*h))).collect::<Vec<_>>() })
            });
            json!({ "form": "bars", "title": c.title, "y": c.y, "share": c.share, "parts": c.parts, "bars": bars.collect::<Vec<_>>() })
        }
    }
}
