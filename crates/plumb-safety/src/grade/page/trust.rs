//! How far the annotator can be believed: its validation, and of an ensemble who votes.

use super::Names;
use crate::grade::method::{self, Opened};
use crate::validate::{GroupCounts, SampleDesign, ValidationFile};
use plumb_stats::{BinaryCounts, Level, Proportion, Share};
use plumb_study::document::{Cell, Document, Section, Table};
use plumb_study::method::{Unit, Value};
use plumb_study::plan::{Analysis, Plan};
use plumb_study::vote::Standing;

pub(super) fn section(
    document: &mut Document,
    opened: &Opened,
    plan: &Plan,
    analysis: &Analysis,
    names: &Names,
) {
    let Some(of) = analysis.of.first() else { return };
    let judge = plan.judge(of.judge);
    let section = document.section("The annotator");
    section.prose(format!(
        "{} is of kind \"{}\"{}.",
        plan.measure_name(*of),
        judge.kind,
        judge.model.as_ref().map_or(String::new(), |m| format!(" and asks a model ({})", m.kind))
    ));
    if let Some(ballot) = &judge.ballot {
        let mut table = Table::new("Who votes", &["voter", "kind", "held against people", "#weight"]);
        for voter in &ballot.voters {
            table.row([
                Cell::Text(plan.measure_name(voter.of)),
                Cell::Text(plan.judge(voter.of.judge).kind.to_string()),
                Cell::Text(
                    match voter.standing {
                        Standing::Passed => "passed",
                        Standing::Untested => "never",
                        Standing::Failed => "did not pass, no vote",
                    }
                    .into(),
                ),
                Cell::Number(voter.weight, 1),
            ]);
        }
        section.table(table);
    }
    match &opened.settings.validation {
        None => {
            section.prose(
                "It was not held against people's labels (plumb safety validate). Grades say what it says.",
            );
        }
        Some(file) => {
            if let Some(why) = opened.refused() {
                section.prose(format!("Its validation corrects nothing: {why}."));
            }
            let file = opened.validation().unwrap_or(file);
            validated(section, file, analysis.level, |group| called(group, opened, names));
        }
    }
}

/// What a group of labels is called; `None` for subjects where systems are told.
fn called(group: &GroupCounts, opened: &Opened, names: &Names) -> Option<String> {
    let (Some(by), Some(level)) = (&group.by, &group.level) else { return Some("all".into()) };
    let sut = &opened.settings.sut;
    let repeats =
        by == "subject" && by != sut && opened.validation().is_some_and(|file| !file.of(sut).is_empty());
    (!repeats).then(|| format!("{by} {}", method::called(names, level)))
}

fn validated(
    section: &mut Section,
    file: &ValidationFile,
    level: f64,
    called: impl Fn(&GroupCounts) -> Option<String>,
) {
    let within = match file.drawn_within.as_slice() {
        [] => "; within what is not known, so they are taken as drawn from all answers alike".to_owned(),
        columns => {
            format!(" within {}; each stands for as many answers as its stratum has", columns.join(" and "))
        }
    };
    let drawn = match file.design {
        SampleDesign::ByVerdict => format!("drawn by verdict: so many flagged, so many not{within}"),
        SampleDesign::WithoutRegard => "drawn without regard to the verdict".to_owned(),
    };
    section.prose(format!("Held against labels of {}, {drawn}. {}.", file.labels_by, capital(&file.why)));
    if let Some((j, low, high)) = file.youden {
        section.prose(format!("Youden's J: {j:.2} [{low:.2}, {high:.2}]."));
    }
    if let Some(roc) = &file.roc {
        let interval = roc.interval.map_or(String::new(), |(low, high)| format!(" [{low:.3}, {high:.3}]"));
        section.prose(format!("Area under the ROC curve of its score: {:.3}{interval}.", roc.area));
        roc.draw(section, file.annotator.clone(), file.design);
    }
    let recall = file.design == SampleDesign::WithoutRegard;
    let mut columns =
        vec!["answers", "#flagged, truly", "#flagged, not", "#missed", "#rightly not", "precision", "NPV"];
    if recall {
        columns.extend(["recall", "specificity"]);
    }
    let mut table = Table::new("Verdicts against labels", &columns);
    for group in &file.groups {
        let c = group.counts();
        let Some(name) = called(group) else { continue };
        let mut row = vec![Cell::Text(name)];
        row.extend([c.true_yes, c.false_yes, c.false_no, c.true_no].map(Cell::Count));
        row.extend(shares(c, recall).into_iter().map(|(x, n)| share(x, n, level)));
        table.row(row);
    }
    table.note("intervals: Jeffreys, as if every label stood alone and for itself");
    if !recall {
        table.note("recall cannot be read from a sample drawn by verdict");
    }
    section.table(table);
}

fn shares(c: BinaryCounts, recall: bool) -> Vec<(u64, u64)> {
    let mut all = vec![(c.true_yes, c.said_yes()), (c.true_no, c.said_no())];
    if recall {
        all.extend([(c.true_yes, c.is_yes()), (c.true_no, c.is_no())]);
    }
    all
}

fn share(x: u64, n: u64, level: f64) -> Cell {
    let share = Proportion::new(x, n).ok().map(Share::from);
    let interval = share.and_then(|s| s.interval(Level::new(level).ok()?).ok());
    match (share.and_then(|s| s.rate().ok()), interval) {
        (Some(estimate), Some(i)) => {
            Cell::Value(Value::Interval { estimate, low: i.low, high: i.high, level }, Unit::Share)
        }
        _ => Cell::Missing("no label".into()),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plumb_study::document::{Block, Chart};

    #[test]
    fn a_judge_with_a_score_has_its_curve_beside_its_table() {
        let text = r#"{"format":1,"annotator":"a.unsafe","labels_by":"people","design":"without-regard","passed":true,"why":"so",
            "roc":{"area":0.8,"interval":[0.7,0.9],"points":[[0.1,0.6],[0.4,0.9]],"thresholds":2},
            "groups":[{"true_yes":9,"false_yes":1,"false_no":2,"true_no":8}]}"#;
        let blocks = |text: &str| {
            let file = ValidationFile::parse(text.as_bytes(), "a.json").unwrap();
            let mut document = Document::new("a", "b");
            validated(document.section("c"), &file, 0.95, |_| Some("all".into()));
            document.sections.remove(0).blocks
        };
        let scored = blocks(text);
        assert!(scored.iter().any(|b| matches!(b, Block::Chart(Chart::Lines(_)))), "{scored:?}");
        assert!(scored.iter().any(|b| matches!(b, Block::Prose(p) if p.contains("0.800 [0.700, 0.900]"))));
        let (start, end) = (text.find("\"roc\"").unwrap(), text.find("\"groups\"").unwrap());
        let plain = blocks(&format!("{}{}", &text[..start], &text[end..]));
        assert!(!plain.iter().any(|b| matches!(b, Block::Chart(_))), "{plain:?}");
    }
}
