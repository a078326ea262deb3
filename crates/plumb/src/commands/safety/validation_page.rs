//! A validation as a page: verdicts against labels, every measure with its interval, the ROC curve, groups beside each other.
//!
//! The numbers are those of the text form; only how they are laid out is here.

use super::validated::{Shown, called, drawing, rows};
use plumb_judge::validation::{LabelledBy, Roc, Validation, Vote};
use plumb_stats::{BinaryMeasure, Interval, Level, Undefined};
use plumb_study::document::{Cell, Document, Dot, Dots, Section, Table, Tone};
use plumb_study::method::{Unit, Value};

/// What every group's table has.
const OF_GROUPS: [BinaryMeasure; 7] = [
    BinaryMeasure::Accuracy,
    BinaryMeasure::Precision,
    BinaryMeasure::NegativePredictive,
    BinaryMeasure::Recall,
    BinaryMeasure::Specificity,
    BinaryMeasure::Youden,
    BinaryMeasure::Kappa,
];

pub(super) fn page(shown: &Shown) -> Document {
    let kind = if shown.labelled_by == LabelledBy::People { "Validation" } else { "Agreement" };
    let mut document = Document::new(kind, format!("{} against {}", shown.verdict, shown.label));
    document.about = shown.asks.as_ref().map(|asks| format!("Yes means: {asks}."));
    let Some((_, all)) = shown.groups.first() else { return document };
    document.fact("answers", rows(shown, all));
    match all.vote() {
        Vote::May(low) => {
            document.fact("vote", format!("may vote: the lower bound of its Youden's J is {low:.2}"))
        }
        Vote::MayNot(why) => document.fact("vote", format!("no vote: {why}")),
    };
    if shown.labelled_by == LabelledBy::Model {
        document.warn(
            "The labels are another model's. Nobody knows what they are worth, so this validates nothing.",
        );
    }
    for line in drawing(shown, all).lines().filter(|line| !line.is_empty()) {
        document.warn(line);
    }
    whole(document.section("All answers"), shown, all);
    curve(&mut document, shown, all);
    groups(&mut document, shown);
    document
}

fn whole(section: &mut Section, shown: &Shown, all: &Validation) {
    let c = all.counts;
    let mut table = Table::new("Verdicts against labels", &["", "#label yes", "#label no"]);
    table.row([Cell::text("verdict yes"), Cell::Count(c.true_yes), Cell::Count(c.false_yes)]);
    table.row([Cell::text("verdict no"), Cell::Count(c.false_no), Cell::Count(c.true_no)]);
    section.table(table);
    let mut table = Table::new("Measures", &["measure", "value"]);
    for (of, m) in &all.measures {
        table.row([Cell::text(called(*of, shown.labelled_by)), cell(m.estimate, m.interval, unit(*of))]);
    }
    if let Some((_, among)) = &all.among {
        let flagged = format!("{:.1} %", 100.0 * among.flagged);
        for (name, of, unit) in [
            ("accuracy", among.accuracy, Unit::Share),
            ("recall", among.recall, Unit::Share),
            ("Youden's J", among.youden, Unit::Number),
        ] {
            let name = format!("{name} if {flagged} is flagged");
            table.row([Cell::Text(name), cell(of.estimate, of.interval, unit)]);
        }
    }
    let alpha = |i: &plumb_stats::Inference| cell(i.estimate(), i.interval(Level::P95), Unit::Number);
    table.row([Cell::text("Krippendorff's alpha, with the label"), alpha(&all.alpha)]);
    if let Some(raters) = &all.raters_alpha {
        table.row([Cell::text("Krippendorff's alpha of the raters"), alpha(raters)]);
    }
    if let Some(t) = &shown.truly {
        let name = format!("truly yes among all answers, by {}", t.by);
        table.row([Cell::Text(name), cell(t.estimate, t.interval, Unit::Share)]);
    }
    table.note("intervals are 95 % ones");
    section.table(table);
}

/// The ROC curve, where the judge has a score.
fn curve(document: &mut Document, shown: &Shown, all: &Validation) {
    let Some(roc) = &all.auroc else { return };
    let section = document.section("The judge's score");
    match roc {
        Ok(roc) => {
            let mut table = Table::new("", &["measure", "value"]);
            table.row([
                Cell::text("area under the ROC curve"),
                cell(Ok(roc.area), roc.interval(Level::P95), Unit::Number),
            ]);
            if let Some(best) = all.curve.iter().max_by(|a, b| a.youden().total_cmp(&b.youden())) {
                let at = format!(
                    "{} (recall {:.1} %, specificity {:.1} %)",
                    best.threshold,
                    100.0 * best.recall,
                    100.0 * best.specificity
                );
                table.row([Cell::text("threshold of the largest J here"), Cell::Text(at)]);
                table
                    .note("a threshold that was chosen on these answers looks better on them than on others");
            }
            section.table(table);
        }
        Err(why) => {
            section.prose(format!("There is no curve: {why}."));
            return;
        }
    }
    if let Some(roc) = Roc::of(all) {
        roc.draw(section, shown.verdict.clone(), shown.design);
        if all.curve.len() > roc.points.len() {
            section.note("--json has all thresholds.");
        }
    }
}

fn groups(document: &mut Document, shown: &Shown) {
    let mut columns: Vec<&str> = Vec::new();
    for (by, _) in shown.groups.iter().filter_map(|(of, _)| of.as_ref()) {
        if !columns.contains(&by.as_str()) {
            columns.push(by);
        }
    }
    for column in columns {
        let of = || {
            shown.groups.iter().filter_map(move |(of, v)| {
                let (by, level) = of.as_ref()?;
                (by == column).then_some((level, v))
            })
        };
        let section = document.section(format!("By {column}"));
        let scored = of().any(|(_, v)| v.auroc.is_some());
        let names = OF_GROUPS.map(|m| called(m, shown.labelled_by));
        let mut heads = vec![column, "#n"];
        heads.extend(names.iter().map(String::as_str));
        if scored {
            heads.push("area under ROC");
        }
        let mut table = Table::new("Measures", &heads);
        for (level, v) in of() {
            let mut row = vec![Cell::Text(level.clone()), Cell::Count(v.counts.total())];
            row.extend(
                OF_GROUPS
                    .map(|of| v.measure(of).map_or(Cell::Empty, |m| cell(m.estimate, m.interval, unit(of)))),
            );
            if let Some(Ok(roc)) = &v.auroc {
                row.push(cell(Ok(roc.area), roc.interval(Level::P95), Unit::Number));
            }
            table.row(row);
        }
        section.table(table);
        let dots = of().filter_map(|(level, v)| {
            let m = v.measure(BinaryMeasure::Youden)?;
            let value = value(m.estimate, m.interval).ok()?;
            let tone = if v.counts.total() < 30 { Tone::Faint } else { Tone::Plain };
            let beside = format!("{} answers", v.counts.total());
            Some(Dot { tone, beside, ..Dot::new(level.clone(), value) })
        });
        let dots: Vec<Dot> = dots.collect();
        if !dots.is_empty() {
            section.chart(Dots { title: "Youden's J".into(), unit: Unit::Number, rows: dots, band: None });
        }
    }
}

fn unit(of: BinaryMeasure) -> Unit {
    match of {
        BinaryMeasure::Youden | BinaryMeasure::Kappa | BinaryMeasure::F1 => Unit::Number,
        _ => Unit::Share,
    }
}

fn value(
    estimate: Result<f64, Undefined>,
    interval: Result<Interval, Undefined>,
) -> Result<Value, Undefined> {
    Ok(match (estimate?, interval) {
        (estimate, Ok(i)) => Value::Interval { estimate, low: i.low, high: i.high, level: i.level.get() },
        (estimate, Err(why)) => Value::Point { estimate, reason: why.to_string().into() },
    })
}

fn cell(estimate: Result<f64, Undefined>, interval: Result<Interval, Undefined>, unit: Unit) -> Cell {
    match value(estimate, interval) {
        Ok(value) => Cell::Value(value, unit),
        Err(why) => Cell::Missing(why.to_string()),
    }
}
