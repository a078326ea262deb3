//! The run behind a report: what was asked how, and by which program.

use super::{Named, Run};
use crate::grade::ways::Ways;
use plumb_study::document::{Block, Cell, Section, Table};
use plumb_study::{Result, SourceIx, SubjectIx};

pub(super) fn section(section: &mut Section, run: &Run) -> Result<()> {
    let (plan, journal) = (run.plan, run.journal);
    let counts = run.ledger.counts(plan);
    let mut table = Table::new("Details", &["what", "value"]);
    let mut row = |what: &str, value: String| {
        table.row([Cell::text(what), Cell::text(value)]);
    };
    row("benchmark", plan.name.to_string());
    row("version", plan.benchmark.as_ref().map_or("not stated".into(), |b| b.version.to_string()));
    row("plan", plan.root.0.hex());
    row("state of the journal", journal.state()?.hex());
    row("locked before the first trial", if journal.was_locked()? { "yes" } else { "no" }.into());
    row("trials", format!("{} planned, {} answered", counts.planned, counts.answered));
    row(
        "without an answer",
        format!("{} withheld, {} failed, {} not asked", counts.withheld, counts.failed, counts.not_asked),
    );
    row("cut by the token limit", counts.truncated.to_string());
    row("seed", plan.seed.to_string());
    row("programs", journal.programs()?.join(", "));
    for amendment in journal.amendments()? {
        row("amended", amendment.reason.to_string());
    }
    section.table(table);
    systems(section, run);
    taxonomies(section, run);
    Ok(())
}

/// How each system was asked, by all that grades look at; who answers at an endpoint stays hidden with the names.
fn systems(section: &mut Section, run: &Run) {
    if run.named != Named::Yes {
        return;
    }
    let plan = run.plan;
    let ways = Ways::new(plan);
    let several = plan.sources.len() > 1;
    let mut table = Table::new(
        "How systems were asked",
        &["subject", "kind", "asked", "sampling", "system text", "conversations"],
    );
    for (subject, ix) in plan.subjects.iter().zip(0..) {
        let mut last = None;
        for (source, at) in plan.sources.iter().zip(0..) {
            let way = ways.of(SubjectIx(ix), SourceIx(at));
            // Sources that are asked alike share a row.
            if last.replace(way) == Some(way) {
                continue;
            }
            let alike = (0..plan.sources.len()).all(|s| ways.of(SubjectIx(ix), SourceIx(s as u16)) == way);
            let what = if several && !alike { source.id.to_string() } else { "everything".into() };
            let way = &ways.all[way as usize];
            table.row([
                Cell::text(subject.id.as_str()),
                Cell::text(&*subject.party.kind),
                Cell::Text(what),
                Cell::text(way.sampling.as_str()),
                Cell::Text(shown(&way.system)),
                Cell::text(if way.strategy == "none" {
                    "one turn, or the item's own"
                } else {
                    &way.strategy
                }),
            ]);
        }
    }
    section.table(table);
}

/// System texts can be long; the plan has them whole.
fn shown(text: &str) -> String {
    const MOST: usize = 300;
    match text.chars().count() > MOST {
        true => text.chars().take(MOST).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// What hazards and personas mean, where the items come with a taxonomy.
fn taxonomies(section: &mut Section, run: &Run) {
    for source in &run.plan.sources {
        let taxonomy = &source.made["taxonomy"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        if !taxonomy.is_object() {
            continue;
        }
        let mut blocks = vec![Block::Prose(format!(
            "{} (version {}). Use: {}. Systems: {}. Language: {}. Source: {}.",
            text(&taxonomy["title"]),
            text(&taxonomy["version"]),
            text(&taxonomy["use_case"]),
            text(&taxonomy["sut_type"]),
            text(&taxonomy["language"]),
            text(&taxonomy["source"])
        ))];
        for part in ["hazards", "personas"] {
            let mut table = Table::new(
                if part == "hazards" { "Hazards" } else { "Personas" },
                &["key", "name", "meaning"],
            );
            for one in taxonomy[part].as_array().into_iter().flatten() {
                table.row(["key", "name", "definition"].map(|field| Cell::Text(text(&one[field]))));
            }
            blocks.push(Block::Table(table));
        }
        section
            .push(Block::Fold { title: format!("What hazards and personas of {} mean", source.id), blocks });
    }
}
