//! Simulations as documents.

use plumb_stats::{Level, Proportion};
use plumb_study::document::{Cell, Document, Table};

use super::{Calibration, Hypothesised, Simulated};
use crate::protocol::person::End;
use crate::study::Study;

/// Who came and how it ended.
pub fn report_simulation(study: &Study, simulated: &Simulated, seed: u64) -> Document {
    let mut document = Document::new("Simulated participants", study.title.clone());
    document.fact("people", simulated.people.len().to_string());
    document.fact("answers", simulated.rows.len().to_string());
    document.fact("seed", seed.to_string());
    people(study, &mut document, &simulated.people);
    document
}

/// What came of simulated people at a server: (condition, how it ended; nothing for people who simply left), for each who came.
pub fn report_rehearsal(
    study: &Study,
    came: &[(Option<usize>, Option<End>)],
    pages: usize,
    seed: u64,
    server: &str,
) -> Document {
    let mut document = Document::new("Simulated participants at a server", study.title.clone());
    document.fact("server", server.to_owned());
    document.fact("people", came.len().to_string());
    document.fact("pages sent and acknowledged", pages.to_string());
    document.fact("seed", seed.to_string());
    people(study, &mut document, came);
    document
}

fn people(study: &Study, document: &mut Document, came: &[(Option<usize>, Option<End>)]) {
    document.warn("Nobody took part: every answer is drawn by the behaviours of the study's file.");
    let section = document.section("People");
    let mut table = Table::new("", &["condition", "#assigned", "#completed", "#left", "#other ends"]);
    let of = |arm: Option<usize>| came.iter().filter(move |(a, _)| *a == arm);
    for (arm, condition) in study.conditions().enumerate() {
        let all = of(Some(arm)).count();
        let completed = of(Some(arm)).filter(|(_, end)| *end == Some(End::Completed)).count();
        let left = of(Some(arm)).filter(|(_, end)| end.is_none()).count();
        table.row(
            std::iter::once(Cell::text(condition))
                .chain([all, completed, left, all - completed - left].map(|n| Cell::Count(n as u64))),
        );
    }
    section.table(table);
    let mut table = Table::new("Never assigned", &["why", "#people"]);
    let left = of(None).filter(|(_, end)| end.is_none()).count();
    if left > 0 {
        table.row([Cell::text("left before"), Cell::Count(left as u64)]);
    }
    for end in End::ALL {
        let n = of(None).filter(|(_, e)| *e == Some(end)).count();
        if n > 0 {
            table.row([Cell::text(end.name()), Cell::Count(n as u64)]);
        }
    }
    if !table.rows.is_empty() {
        section.table(table);
    }
}

/// What many simulated studies say of each hypothesis.
pub fn report_calibration(study: &Study, how: Calibration, list: &[Hypothesised]) -> Document {
    let mut document = Document::new("Calibration by simulation", study.title.clone());
    document.fact("studies", how.studies.to_string());
    document.fact("people in each", how.arrive.to_string());
    document.fact("people behind the true values", how.truth.to_string());
    document.fact("seed", how.seed.to_string());
    document.warn("Nobody took part: every answer is drawn by the behaviours of the study's file.");
    if how.null {
        document.warn(
            "Conditions make no difference here: whatever is decided is an error, at the rate of alpha.",
        );
    }
    let section = document.section("Hypotheses");
    let mut table = Table::new(
        "",
        &[
            "hypothesis",
            "#true value",
            "#mean estimate",
            "#95 % interval holds it",
            "#p ≤ alpha",
            "#supported",
        ],
    );
    for one in list {
        table.row([
            Cell::text(one.label.clone()),
            one.truth.map_or_else(|| Cell::Missing("no values".into()), |t| Cell::Number(t, 5)),
            Cell::Number(one.mean, 5),
            share(one.covered),
            share(one.rejected),
            share(one.supported),
        ]);
    }
    for one in list.iter().filter(|one| one.untested > 0) {
        table.note(format!("{}: could not be tested in {} studies.", one.label, one.untested));
    }
    table.note(
        "Shares of studies with 95 % Wilson intervals. The true value is the contrast of the means of all simulated answers; \
         p is two-sided and not adjusted, \"supported\" is the file's own rule.",
    );
    section.table(table);
    document
}

fn share(p: Proportion) -> Cell {
    match (p.rate(), p.wilson(Level::P95)) {
        (Ok(rate), Ok(i)) => {
            Cell::text(format!("{:.1} % [{:.1}, {:.1}]", 100.0 * rate, 100.0 * i.low, 100.0 * i.high))
        }
        _ => Cell::Missing("no studies".into()),
    }
}
