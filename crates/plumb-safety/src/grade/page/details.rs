//! The run behind a report: what was asked how, and by which program.

use super::{Named, Run};
use plumb_study::Result;
use plumb_study::document::{Block, Cell, Section, Table};

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

/// How each system was asked; who answers at an endpoint stays hidden with the names.
fn systems(section: &mut Section, run: &Run) {
    if run.named != Named::Yes {
        return;
    }
    let or_own = |value: Option<String>| value.map_or(Cell::Missing("the system's own".into()), Cell::Text);
    let mut table =
        Table::new("How systems were asked", &["subject", "kind", "temperature", "top_p", "most tokens"]);
    for subject in &run.plan.subjects {
        let s = &subject.party.sampling;
        table.row([
            Cell::text(subject.id.as_str()),
            Cell::text(&*subject.party.kind),
            or_own(s.temperature.map(|t| t.to_string())),
            or_own(s.top_p.map(|p| p.to_string())),
            or_own(s.max_tokens.map(|n| n.to_string())),
        ]);
    }
    section.table(table);
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
