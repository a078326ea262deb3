//! Power as a document with a chart for each hypothesis.

use plumb_stats::Level;
use plumb_study::document::{Cell, Document, Lines, Section, Series, Table};
use plumb_study::method::{Unit, Value};

use super::{PowerPoint, PowerSettings, Powered};
use crate::study::{Claim, Study};

/// Writes power over numbers of people.
pub fn report_power(study: &Study, settings: PowerSettings, list: &[Powered]) -> Document {
    let mut document = Document::new("Power by simulation", study.title.clone());
    let simulations =
        settings.simulations.or(study.power.as_ref().map(|p| p.simulations)).unwrap_or_default();
    document.fact("studies at each size", simulations.to_string());
    document.fact("hypotheses", list.len().to_string());
    document.fact("seed", settings.seed.to_string());
    assumptions(document.section("Assumptions"), study);
    for one in list {
        let section = document.section(one.label.clone());
        section.prose(format!("The contrast under the smallest effect of interest: {:.5}.", one.effect));
        if let Some(h) = study.hypothesis.iter().find(|h| h.id == one.hypothesis) {
            let adjusted = match h.method {
                Claim::Holm => "adjusted by Holm's method within its family",
                Claim::None => "not adjusted",
            };
            section.note(format!(
                "Supported means: p of at most {}, {adjusted}, and the sign that the hypothesis claims ({}).",
                h.alpha,
                h.direction.words()
            ));
        }
        let mut table = Table::new(
            "",
            &[
                "#people a condition",
                "#in all",
                "#remain",
                "#items",
                "#SD between people",
                "#power",
                "95 % interval",
                "#models with a warning",
            ],
        );
        for point in &one.points {
            let (rate, bounds) = written(point);
            table.row([
                Cell::Count(point.people as u64),
                Cell::Count(point.in_all as u64),
                Cell::text(format!("{:.0} %", 100.0 * point.remain)),
                Cell::text(point.items.map_or_else(|| "all".to_owned(), |n| n.to_string())),
                Cell::Number(point.person_sd, 4),
                rate,
                bounds,
                Cell::Count(point.warned),
            ]);
        }
        section.table(table);
        section.chart(chart(one));
    }
    document
}

fn assumptions(section: &mut Section, study: &Study) {
    let Some(power) = &study.power else { return };
    let mut table = Table::new(
        "",
        &["outcome", "SD between people", "#between items", "#items by condition", "#of answers"],
    );
    for outcome in &power.outcome {
        let range: Vec<String> = outcome.person_sd.iter().map(f64::to_string).collect();
        table.row([
            Cell::text(outcome.outcome.clone()),
            Cell::text(range.join(", ")),
            Cell::Number(outcome.item_sd, 4),
            Cell::Number(outcome.item_condition_sd, 4),
            Cell::Number(outcome.residual_sd, 4),
        ]);
    }
    table.note(format!(
        "Normal errors, independent between outcomes; each person leaves before each item with probability {} and misses each check of \
         attention with probability {}. Assignment, blocks and exclusions are those of the file; people count from assignment on, and \
         remain where no exclusion leaves them out.",
        power.leaves, power.misses_checks
    ));
    section.table(table);
    if let Some(strata) = study.strata_at_most() {
        let shares = match &power.strata[..] {
            [] => "equal".to_owned(),
            list => list.iter().map(f64::to_string).collect::<Vec<_>>().join(" : "),
        };
        section.prose(format!(
            "{strata} strata, shares {shares}; they stand in each model as the analysis has them."
        ));
    }
    let some: Vec<&str> = study
        .hypothesis
        .iter()
        .filter(|h| {
            let analysis = study.analysis.iter().find(|a| a.id == h.analysis);
            !analysis.is_some_and(|a| power.outcome.iter().any(|o| o.outcome == a.outcome))
        })
        .map(|h| h.id.as_str())
        .collect();
    if !some.is_empty() {
        section.prose(format!(
            "Not simulated, since [power] says nothing of their outcome: {}. Families are adjusted over the others.",
            some.join(", ")
        ));
    }
}

fn written(point: &PowerPoint) -> (Cell, Cell) {
    match (point.power.rate(), point.power.wilson(Level::P95)) {
        (Ok(rate), Ok(i)) => (Cell::Number(rate, 3), Cell::text(format!("[{:.3}, {:.3}]", i.low, i.high))),
        _ => (Cell::Missing("no studies".into()), Cell::Missing("no studies".into())),
    }
}

fn chart(one: &Powered) -> Lines {
    let mut series: Vec<Series> = Vec::new();
    for point in &one.points {
        let items = point.items.map_or_else(String::new, |n| format!(", {n} items"));
        let name = format!("SD between people {}{items}", point.person_sd);
        let value = match (point.power.rate(), point.power.wilson(Level::P95)) {
            (Ok(estimate), Ok(i)) => Value::Interval { estimate, low: i.low, high: i.high, level: 0.95 },
            _ => Value::Undefined("no studies".into()),
        };
        let at = (point.in_all as f64, value);
        match series.iter_mut().find(|s| s.name == name) {
            Some(same) => same.points.push(at),
            None => series.push(Series { name, points: vec![at] }),
        }
    }
    Lines {
        title: format!("Power: {}", one.label),
        x: "people in all".into(),
        y: "power".into(),
        unit: Unit::Share,
        series,
        diagonal: false,
    }
}
