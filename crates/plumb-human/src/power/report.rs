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
        let hypothesis = study.hypothesis.iter().find(|h| h.id == one.hypothesis);
        let analysis = hypothesis.and_then(|h| study.analysis.iter().find(|a| a.id == h.analysis));
        let title = analysis.map_or_else(|| one.label.clone(), |a| format!("{}: {}", a.title, one.label));
        let section = document.section(title.clone());
        section.prose(format!("The contrast under the smallest effect of interest: {:.5}.", one.effect));
        if let Some(h) = hypothesis {
            let adjusted = match h.method {
                Claim::Holm => "adjusted by Holm's method within its family",
                Claim::None => "not adjusted",
            };
            section.note(match h.supported_if {
                None => format!(
                    "Supported means: p of at most {}, {adjusted}, and the sign that the hypothesis claims ({}).",
                    h.alpha,
                    h.direction.words()
                ),
                Some(bounds) => format!(
                    "Supported means: shown to lie between {} and {}, both one-sided p at most {}, the larger {adjusted}. Where the effect above lies outside, what is called power here is how often the rule errs.",
                    bounds.low, bounds.high, h.alpha
                ),
            });
        }
        tables(section, one);
        section.chart(chart(one, title));
    }
    document
}

/// A table for each number of items: a row for each number of people, a column for each spread of people.
fn tables(section: &mut Section, one: &Powered) {
    let mut numbers: Vec<Option<usize>> = one.points.iter().map(|p| p.items).collect();
    numbers.dedup();
    for items in numbers {
        let own: Vec<&PowerPoint> = one.points.iter().filter(|p| p.items == items).collect();
        let spreads = unique(own.iter().map(|p| p.person_sd));
        let sizes = unique(own.iter().map(|p| p.people));
        let leave = own.iter().any(|p| p.remain < 0.9995);
        let mut head = vec!["#people a condition".to_owned(), "#in the analysis".to_owned()];
        head.extend(leave.then(|| "#remain".to_owned()));
        head.extend(spreads.iter().map(|sd| format!("SD {sd}")));
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let title = items.map_or_else(String::new, |n| format!("{n} items"));
        let mut table = Table::new(&title, &head);
        for people in sizes {
            let here: Vec<&&PowerPoint> = own.iter().filter(|p| p.people == people).collect();
            let Some(first) = here.first() else { continue };
            let mut row = vec![Cell::Count(people as u64), Cell::Count(first.in_all as u64)];
            row.extend(leave.then(|| Cell::text(format!("{:.0} %", 100.0 * first.remain))));
            row.extend(spreads.iter().map(|sd| {
                let point = here.iter().find(|p| p.person_sd == *sd);
                point.map_or_else(|| Cell::Missing("not simulated".into()), |point| written(point))
            }));
            table.row(row);
        }
        table.note("Power with its 95 % interval; SD: between people.");
        let warned = own.iter().map(|p| p.warned).max().unwrap_or(0);
        if warned > 0 {
            table.note(format!(
                "Its model had a warning (a variance of zero, say), or could not be fitted, in at most {warned} studies of a size."
            ));
        }
        section.table(table);
    }
}

/// Each value once, in the order in which they come.
fn unique<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.fold(Vec::new(), |mut list, value| {
        if !list.contains(&value) {
            list.push(value);
        }
        list
    })
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

fn written(point: &PowerPoint) -> Cell {
    match (point.power.rate(), point.power.wilson(Level::P95)) {
        (Ok(rate), Ok(i)) => Cell::text(format!("{rate:.3} [{:.3}, {:.3}]", i.low, i.high)),
        _ => Cell::Missing("no studies".into()),
    }
}

fn chart(one: &Powered, title: String) -> Lines {
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
        title,
        x: "people in the analysis".into(),
        y: "power".into(),
        unit: Unit::Share,
        series,
        diagonal: false,
    }
}
