//! `plumb safety items`: what fragments and templates make, and whether the fragments keep the rules of style.

use super::create;
use crate::cli::SafetyItems;
use crate::disk::Disk;
use crate::exit::{Exit, Problem, say};
use plumb_safety::style::{Finding, lint};
use plumb_safety::{Counts, Design, FragmentSet, Generated, Taxonomy, Wanted, generate, placeholders};
use std::path::Path;

pub fn items(args: &SafetyItems) -> Result<Exit, Problem> {
    // Paths of the command line count from the folder that it is typed in.
    let disk = Disk::beside(Path::new(""));
    let fragments = if args.check.is_empty() { &args.fragments } else { &args.check };
    let wanted =
        Wanted { design: args.design.clone(), taxonomy: args.taxonomy.clone(), fragments: fragments.clone() };
    let (taxonomy, design) = (wanted.taxonomy(&disk)?, wanted.design(&disk)?);
    let set = if args.counts { placeholders(&design) } else { wanted.fragments(&disk)? };
    if args.counts && set.fragments.is_empty() {
        return Err(Problem::usage(format!("the design {} has no published numbers", design.name))
            .help("leave --counts out to count what your fragments make"));
    }
    let made = generate(&taxonomy, &design, &set)?;
    if !args.check.is_empty() {
        return Ok(check(&set, &lint(&design, &set)?, args.json));
    }
    if let Some(out) = &args.out {
        write(&made, out)?;
    }
    let counts = Counts::of(&made);
    if args.json {
        say(as_json(&counts, &taxonomy, &design, args.out.as_deref()));
        return Ok(Exit::Done);
    }
    let of = if args.counts { "placeholders in the published numbers" } else { "fragments" };
    say(table(&counts, &taxonomy, &design).trim_end());
    say(format_args!(
        "{} items of {} {of} · design {} {} · taxonomy {} {}",
        counts.total(),
        set.fragments.len(),
        design.name,
        design.version,
        taxonomy.name,
        taxonomy.version
    ));
    if let Some(out) = &args.out {
        say(format_args!("{}: {} rows", out.display(), made.len()));
    }
    Ok(Exit::Done)
}

/// Prints which fragments break a rule.
fn check(set: &FragmentSet, findings: &[Finding], json: bool) -> Exit {
    if json {
        let list: Vec<serde_json::Value> = findings
            .iter()
            .map(|f| {
                serde_json::json!({
                    "place": f.place, "fragment": f.fragment, "rule": f.rule.name(),
                    "wants": f.rule.wants(), "text": f.text,
                })
            })
            .collect();
        say(serde_json::json!({ "fragments": set.fragments.len(), "findings": list }));
    } else {
        for finding in findings {
            say(finding);
        }
        say(format_args!("{} fragments, {} findings", set.fragments.len(), findings.len()));
    }
    if findings.is_empty() { Exit::Done } else { Exit::Usage }
}

fn as_json(counts: &Counts, taxonomy: &Taxonomy, design: &Design, out: Option<&Path>) -> serde_json::Value {
    let columns = counts.columns(design);
    let cells: Vec<serde_json::Value> = counts
        .rows(taxonomy)
        .into_iter()
        .flat_map(|row| columns.iter().map(move |column| (row, *column)))
        .map(|((hazard, persona), interaction)| {
            let items = counts.cell(hazard, persona, interaction);
            serde_json::json!({
                "hazard": hazard, "persona": persona, "interaction": interaction, "items": items,
            })
        })
        .collect();
    serde_json::json!({
        "items": counts.total(),
        "design": { "name": design.name, "version": design.version, "source": design.source },
        "taxonomy": { "name": taxonomy.name, "version": taxonomy.version, "source": taxonomy.source },
        "cells": cells,
        "file": out.map(|path| path.display().to_string()),
    })
}

/// One line an interaction type, one column a hazard and persona.
fn table(counts: &Counts, taxonomy: &Taxonomy, design: &Design) -> String {
    let (columns, rows) = (counts.rows(taxonomy), counts.columns(design));
    let name = rows.iter().map(|key| key.len()).max().unwrap_or(0);
    // Personas are long words; their beginnings tell them apart.
    let short = |word: &str| match word.chars().count() {
        0..=6 => word.to_owned(),
        _ => word.chars().take(5).chain(['.']).collect(),
    };
    let width = 7;
    let line = |first: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>width$}")).collect();
        format!("{first:name$}{cells}\n")
    };
    let with = |cells: Vec<String>, last: String| cells.into_iter().chain([last]).collect::<Vec<_>>();
    let mut text = line("", columns.iter().map(|(hazard, _)| short(hazard)).collect());
    text += &line("", with(columns.iter().map(|(_, persona)| short(persona)).collect(), "all".into()));
    for key in rows {
        let cells = columns.iter().map(|(h, p)| counts.cell(h, p, key).to_string()).collect();
        text += &line(key, with(cells, counts.column(key).to_string()));
    }
    let sums = columns.iter().map(|(h, p)| counts.row(h, p).to_string()).collect();
    text + &line("all", with(sums, counts.total().to_string()))
}

/// Writes the columns that the reader `csv` needs, and the tags.
fn write(items: &[Generated], path: &Path) -> Result<(), Problem> {
    let wrong = |e: &dyn std::fmt::Display| Problem::new(format!("{}: {e}", path.display()));
    let mut out = csv::Writer::from_writer(Vec::new());
    for (at, item) in items.iter().enumerate() {
        let tags = item.tags();
        if at == 0 {
            let names = tags.iter().map(|(name, _)| *name);
            out.write_record(["id", "prompt"].into_iter().chain(names).chain(["entity"]))
                .map_err(|e| wrong(&e))?;
        }
        let values = tags.iter().map(|(_, value)| &**value);
        let entity = item.entity.as_deref().unwrap_or("");
        out.write_record([&*item.id, &*item.text].into_iter().chain(values).chain([entity]))
            .map_err(|e| wrong(&e))?;
    }
    let bytes = out.into_inner().map_err(|e| wrong(&e))?;
    create(path, &bytes, "items that a run may rest on are never replaced: name another file")
}
