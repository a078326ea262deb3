//! A comparison for programs: JSON, and JUnit.

use super::{place, title};
use crate::error::{Error, Kind, Result};
use crate::json::{FORMAT, Float, value};
use crate::number;
use crate::text::{escaped, one_line};
use plumb_study::compare::{Compared, Comparison, Moved, Named, Outcome};
use plumb_study::method::{Missing, Unit};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A comparison for programs, with a newline at its end.
///
/// # Errors
/// Only if it cannot be serialised, which no content brings about.
pub fn comparison_json(c: &Comparison) -> Result<String> {
    let named = |n: &Named| json!({ "plan": n.name, "hash": n.plan.hex(), "state": n.state.hex() });
    let whole = json!({
        "format": FORMAT,
        "standing": c.standing().name(),
        "base": named(&c.base),
        "run": named(&c.run),
        "subjects": c.subjects.iter().map(|(b, r)| json!({ "base": b, "run": r })).collect::<Vec<_>>(),
        "items": {
            "shared": c.items.shared, "only_base": c.items.only_base, "only_run": c.items.only_run,
            "changed": c.items.changed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
        "faults": c.faults,
        "notes": c.notes,
        "left_out": c.left_out.iter().map(|(id, why)| json!({ "analysis": id.as_str(), "why": why })).collect::<Vec<_>>(),
        "differences": c.rows.iter().map(row_json).collect::<Vec<_>>(),
        "changed": c.moved.iter().map(moved_json).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&whole).map_err(|e| Error::from(Kind::Json(e)))?;
    text.push('\n');
    Ok(text)
}

fn row_json(row: &Compared) -> Json {
    let at: BTreeMap<&str, &str> = row.at.iter().map(|(n, l)| (&**n, &**l)).collect();
    let missing =
        |side: &[(Missing, u64)]| side.iter().map(|(why, n)| (why.name(), *n)).collect::<BTreeMap<_, _>>();
    let mut object = json!({
        "analysis": row.analysis.as_str(), "of": row.of, "at": at,
        "subjects": { "base": row.subjects.0, "run": row.subjects.1 },
        "base": value(&row.base), "run": value(&row.run), "difference": value(&row.difference),
        "outcome": row.outcome.name(), "items": row.n, "effective_n": Float(row.effective),
        "up": row.moved.0, "down": row.moved.1, "lost": row.lost.0, "gained": row.lost.1,
        "missing": { "base": missing(&row.missing[0]), "run": missing(&row.missing[1]) },
        "made_by": row.method,
    });
    if let Some((low, high)) = row.bounds {
        object["difference_bounds"] = json!([Float(low), Float(high)]);
    }
    for (side, said) in ["base", "run"].into_iter().zip(&row.policies) {
        if let Some(said) = said {
            object["policies"][side] = said.as_str().into();
        }
    }
    if let Some(aim) = row.aim {
        object["better"] = aim.better.name().into();
        if let Some(margin) = aim.margin {
            object["margin"] = json!(Float(margin));
        }
    }
    let p = [("p_worse", row.p_worse), ("p_better", row.p_better), ("p_kept", row.p_kept)];
    for (name, p) in p.into_iter().filter_map(|(name, p)| Some((name, p?))) {
        object[name] = json!(Float(p));
    }
    object
}

fn moved_json(m: &Moved) -> Json {
    let mut object = json!({
        "item": m.item.to_string(), "measure": m.measure, "base": m.base, "run": m.run,
        "subjects": { "base": m.subjects.0, "run": m.subjects.1 },
    });
    if let Some(better) = m.better {
        object["better"] = better.into();
    }
    object
}

/// A comparison as a JUnit file: one case a difference. A regression fails, an inconclusive one is skipped with its
/// reason, a fault of a run is an error.
pub fn comparison_junit(c: &Comparison) -> String {
    let failed = c.rows.iter().filter(|r| r.outcome == Outcome::Regression).count();
    let open = c.rows.iter().filter(|r| skipped(r).is_some()).count();
    let (cases, errors) = (c.rows.len() + c.faults.len(), c.faults.len());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuite name=\"{}\" tests=\"{cases}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"{open}\">",
        xml(&title(c))
    );
    for fault in &c.faults {
        let _ = writeln!(
            out,
            "  <testcase classname=\"run\" name=\"{0}\"><error message=\"{0}\"/></testcase>",
            xml(fault)
        );
    }
    for row in &c.rows {
        let points = if row.unit == Unit::Share { Unit::Points } else { row.unit };
        let decimals = number::decimals(std::iter::once(&row.difference), points);
        let said = format!("{}: {}", row.outcome.name(), number::value(&row.difference, points, decimals));
        let (class, name) = (xml(row.analysis.as_str()), xml(&place(c, row)));
        let _ = write!(out, "  <testcase classname=\"{class}\" name=\"{name}\">");
        if row.outcome == Outcome::Regression {
            let _ = write!(out, "<failure message=\"{}\"/>", xml(&said));
        } else if let Some(why) = skipped(row) {
            let _ = write!(out, "<skipped message=\"{}\"/>", xml(&format!("{said} ({why})")));
        } else {
            let _ = write!(out, "<system-out>{}</system-out>", xml(&said));
        }
        out.push_str("</testcase>\n");
    }
    out.push_str("</testsuite>\n");
    out
}

/// Why a row is no verdict.
fn skipped(row: &Compared) -> Option<&'static str> {
    match row.outcome {
        Outcome::Inconclusive if row.same => {
            Some("no verdict changed, but the items are too few to show that the margin is kept")
        }
        Outcome::Inconclusive if row.aim.is_some_and(|a| a.margin.is_none()) => {
            Some("the plan states no margin")
        }
        Outcome::Inconclusive => Some("neither worse nor shown to keep the margin"),
        Outcome::NoData => Some("no item has a value on both sides"),
        Outcome::NoAim => Some("the plan does not say which way is better"),
        _ => None,
    }
}

/// Text for an attribute or element, with what acts made visible.
fn xml(raw: &str) -> String {
    escaped(&one_line(raw))
}
