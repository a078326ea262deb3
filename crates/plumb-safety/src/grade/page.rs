//! The report of a benchmark, as a document: index of systems, then a part for each.

use super::assess::{Assessed, Assessment, Graded};
use super::method::{Opened, assessments};
use super::settings::Against;
use plumb_study::document::{Cell, Document, Dot, Dots, Section, Table, Tone};
use plumb_study::method::{Unit, Value};
use plumb_study::plan::{Analysis, Plan};
use plumb_study::{Ledger, Result, Rows, derive_seed};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether systems have their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// As in the plan.
    Yes,
    /// "System A", …, in an order that depends on the seed alone.
    Anonymous(u64),
}

/// Names of systems by their own names.
pub(super) type Names = BTreeMap<Arc<str>, String>;

/// The report of all grading analyses of a run; `None` if it has none.
///
/// # Errors
/// Settings that another program wrote.
pub fn page(plan: &Plan, ledger: &Ledger, named: Named) -> Result<Option<Document>> {
    let analyses: Vec<&Analysis> = plan.analyses.iter().filter(|a| &*a.method == "grade").collect();
    if analyses.is_empty() {
        return Ok(None);
    }
    let mut document = Document::new("Benchmark report", plan.name.to_string());
    document.about = plan.about.as_ref().map(ToString::to_string);
    document.fact("plan", plan.digest.short());
    for analysis in analyses {
        let frame = ledger.frame(plan, analysis, Rows::Rooted);
        let opened = Opened::of(plan, analysis)?;
        let all = assessments(plan, &frame, analysis)?;
        let names = names(&all, named);
        head(&mut document, &opened, plan, analysis, &names);
        index(document.section(format!("Systems: {}", analysis.id)), &opened, &all, &names);
        super::policies::section(&mut document, &opened, &all, &names);
        let mut ordered: Vec<&Assessment> = all.iter().collect();
        ordered.sort_by_key(|a| names.get(&a.sut).cloned());
        for assessment in ordered {
            let name = names.get(&assessment.sut).cloned().unwrap_or_default();
            system(document.section(name), &opened, assessment, &names, analysis.level);
        }
    }
    limits(document.section("What this can claim"));
    Ok(Some(document))
}

fn names(all: &[Assessment], named: Named) -> Names {
    match named {
        Named::Yes => all.iter().map(|a| (a.sut.clone(), a.sut.to_string())).collect(),
        Named::Anonymous(seed) => {
            let mut suts: Vec<&Arc<str>> = all.iter().map(|a| &a.sut).collect();
            suts.sort_by_key(|sut| derive_seed(seed, &[b"anonymous", sut.as_bytes()]));
            let letter = |at: usize| match u32::try_from(at).ok().and_then(|n| char::from_u32(65 + n)) {
                Some(letter) if letter.is_ascii_uppercase() => format!("System {letter}"),
                _ => format!("System {}", at + 1),
            };
            suts.into_iter().enumerate().map(|(at, sut)| (sut.clone(), letter(at))).collect()
        }
    }
}

fn head(document: &mut Document, opened: &Opened, plan: &Plan, analysis: &Analysis, names: &Names) {
    let settings = &opened.settings;
    let annotator = analysis.of.first().map_or(String::new(), |of| plan.measure_name(*of));
    let reference = match &settings.against {
        Against::Suts(suts) => {
            let known = |s: &String| names.get(s.as_str()).cloned().unwrap_or_else(|| s.clone());
            suts.iter().map(known).collect::<Vec<_>>().join(", ")
        }
        Against::Own { .. } => "a file of standards".into(),
        Against::Published { suts, .. } => format!("published standards ({})", suts.join(", ")),
    };
    document.fact("scheme", settings.scheme.title.clone());
    document.fact("annotator", annotator);
    document.fact("reference", reference);
    document.fact("missing verdicts", settings.policy.words());
    match &settings.validation {
        None => document.warn(
            "The annotator was not held against people's labels: grades say what it says, not what is unsafe.",
        ),
        Some(v) if !v.passed => {
            document.warn(format!("The annotator did not pass its validation, so nothing is graded: {}.", v.why))
        }
        Some(v) => document.fact("validation", format!("{}; both sides corrected", v.why)),
    };
}

fn index(section: &mut Section, opened: &Opened, all: &[Assessment], names: &Names) {
    let mut table = Table::new("Overall grades", &["system", "grade", "#probability", "note"]);
    let mut rows: Vec<(usize, String, Vec<Cell>)> = all
        .iter()
        .map(|a| {
            let name = names.get(&a.sut).cloned().unwrap_or_default();
            let [grade, probability, note] = graded(opened, &a.overall);
            let order = a.overall.as_ref().map_or(usize::MAX, |o| o.likeliest().0);
            (order, name.clone(), vec![Cell::Text(name), grade, probability, note])
        })
        .collect();
    rows.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (_, _, cells) in rows {
        table.row(cells);
    }
    section.table(table);
}

/// The cells of a grade: its name, its probability, a note.
fn graded(opened: &Opened, grade: &std::result::Result<Assessed, String>) -> [Cell; 3] {
    let scheme = &opened.settings.scheme;
    match grade {
        Err(why) => [Cell::Toned("not gradable".into(), Tone::Faint), Cell::Empty, Cell::Text(why.clone())],
        Ok(found) => {
            let (likeliest, most) = found.likeliest();
            let grade = &scheme.grades[likeliest];
            let tone = match (found.borderline.is_some(), likeliest, scheme.grades.len()) {
                (true, ..) => Tone::Warn,
                (_, at, _) if at <= 1 => Tone::Good,
                (_, at, n) if at + 2 >= n => Tone::Bad,
                _ => Tone::Plain,
            };
            let others: Vec<String> = scheme
                .grades
                .iter()
                .zip(&found.probabilities)
                .filter(|(_, p)| **p >= 0.005)
                .map(|(g, p)| format!("{} {:.0} %", g.key, 100.0 * p))
                .collect();
            let note = match &found.borderline {
                Some(why) => format!("borderline: {why} ({})", others.join(", ")),
                None => String::new(),
            };
            [
                Cell::Toned(format!("{} ({})", grade.name, grade.key), tone),
                Cell::Share(most, 0),
                Cell::Text(note),
            ]
        }
    }
}

fn system(section: &mut Section, opened: &Opened, a: &Assessment, names: &Names, level: f64) {
    let [grade, ..] = graded(opened, &a.overall);
    if let Cell::Toned(text, _) = grade {
        section.prose(format!("Overall: {text}."));
    }
    let columns = [
        "hazard",
        "#unsafe",
        "#of",
        "#effective n",
        "rate",
        "exact",
        "reference",
        "grade",
        "#probability",
        "note",
    ];
    let mut table = Table::new("Hazards", &columns);
    table.notes.push(
        "rate: with an interval that allows for what belongs together; exact: as if every answer stood alone"
            .into(),
    );
    for h in &a.hazards {
        let [grade, probability, note] = graded(opened, &h.grade);
        table.row([
            Cell::Text(h.hazard.to_string()),
            Cell::Count(h.rate.unsafe_answers),
            Cell::Count(h.rate.answers),
            h.rate
                .share
                .map_or(Cell::Empty, |s| Cell::Number(s.trials(), if s.trials() < 10.0 { 1 } else { 0 })),
            value(h, level),
            h.exact.map_or(Cell::Empty, |i| {
                Cell::Text(format!("{:.2} – {:.2} %", 100.0 * i.low, 100.0 * i.high))
            }),
            h.reference.as_ref().map_or(Cell::Empty, |(name, r, i)| {
                let name = names.get(name.as_str()).unwrap_or(name);
                Cell::Text(format!("{:.2} % [{:.2}, {:.2}] {name}", 100.0 * r, 100.0 * i.low, 100.0 * i.high))
            }),
            grade,
            probability,
            note,
        ]);
    }
    section.table(table);
    let rows: Vec<Dot> = a.hazards.iter().filter_map(|h| dot(opened, h, level)).collect();
    if !rows.is_empty() {
        section.chart(Dots { title: "Unsafe answers by hazard".into(), unit: Unit::Share, rows, band: None });
    }
    bands(section, opened, a);
}

fn value(h: &Graded, level: f64) -> Cell {
    h.graded.map_or(Cell::Missing("no answer counts".into()), |(estimate, i)| {
        Cell::Value(Value::Interval { estimate, low: i.low, high: i.high, level }, Unit::Share)
    })
}

fn dot(opened: &Opened, h: &Graded, level: f64) -> Option<Dot> {
    let (estimate, i) = h.graded?;
    let beside = match &h.grade {
        Ok(found) => opened.settings.scheme.grades[found.likeliest().0].key.clone(),
        Err(_) => "not gradable".into(),
    };
    let value = Value::Interval { estimate, low: i.low, high: i.high, level };
    Some(Dot { label: h.hazard.to_string(), value, tone: Tone::Plain, beside })
}

/// Which rates have which grade at the reference of each hazard.
fn bands(section: &mut Section, opened: &Opened, a: &Assessment) {
    let scheme = &opened.settings.scheme;
    let names: Vec<&str> = scheme.grades.iter().map(|g| g.key.as_str()).collect();
    let mut table = Table::new("Which rates have which grade", &[&["hazard"], &names[..]].concat());
    for h in &a.hazards {
        let Some((_, reference, _)) = &h.reference else { continue };
        let bands = scheme.bands(*reference);
        let cells = (0..scheme.grades.len()).map(|at| match bands.iter().find(|b| b.grade == at) {
            Some(b) => Cell::Text(format!("{:.2} – {:.2} %", 100.0 * b.low, 100.0 * b.high)),
            None => Cell::Missing("no rate has it".into()),
        });
        table.row(std::iter::once(Cell::Text(h.hazard.to_string())).chain(cells));
    }
    if !table.rows.is_empty() {
        section.table(table);
    }
}

fn limits(section: &mut Section) {
    section.prose(
        "A good grade says that these prompts, asked in this way, drew few unsafe answers by this annotator. It does not \
         say that a system is safe: other prompts, several turns, other languages and attacks were not tried.",
    );
    section.prose(
        "A probability below 90 % makes a grade borderline: another draw of the same kind of items could well give \
         another one. The reference is measured, too, and its error is part of the probability.",
    );
}
