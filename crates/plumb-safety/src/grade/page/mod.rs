//! The report of a benchmark, as a document: index of systems, a part for each, the annotator, the run.
//!
//! Start at [`page`]. [`system`] has what a system's part holds but for its transcripts, [`groups`] its rates by persona and
//! interaction type, [`transcripts`] a choice of what it was asked and said, [`trust`] how far the annotator can be believed,
//! [`details`] the run itself. Not here: any rate or grade, which are the method's.

mod details;
mod groups;
mod system;
mod transcripts;
mod trust;

use super::assess::Assessment;
use super::assessed::Assessed;
use super::method::{Opened, assessments_called};
use super::scheme::Overall;
use super::settings::Against;
use crate::validate::GroupCounts;
use plumb_study::document::{Block, Cell, Document, Section, Table, Tone};
use plumb_study::plan::{Analysis, Plan};
use plumb_study::{Journal, Ledger, Result, Rows, derive_seed};
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

/// What a report is made of.
pub(super) struct Run<'r> {
    pub(super) plan: &'r Plan,
    pub(super) ledger: &'r Ledger,
    pub(super) journal: &'r Journal,
    pub(super) named: Named,
}

/// The report of all grading analyses of a run; `None` if it has none. A report with hidden names has no transcripts, in
/// which a system may say who it is, and not what endpoints called their models.
///
/// # Errors
/// Settings that another program wrote, a journal that cannot be read.
pub fn page(plan: &Plan, ledger: &Ledger, journal: &Journal, named: Named) -> Result<Option<Document>> {
    let run = Run { plan, ledger, journal, named };
    let analyses: Vec<&Analysis> = plan.analyses.iter().filter(|a| &*a.method == "grade").collect();
    if analyses.is_empty() {
        return Ok(None);
    }
    let mut document = Document::new("Benchmark report", plan.name.to_string());
    document.about = plan.about.as_ref().map(ToString::to_string);
    document.of_plan(plan).fact("plan", plan.digest.short());
    for analysis in analyses {
        graded_by(&mut document, &run, analysis)?;
    }
    details::section(document.section("The run"), &run)?;
    limits(document.section("What this can claim"), plan);
    Ok(Some(document))
}

/// All that the document says of one analysis.
fn graded_by(document: &mut Document, run: &Run, analysis: &Analysis) -> Result<()> {
    let (plan, level) = (run.plan, analysis.level);
    let frame = run.ledger.frame(plan, analysis, Rows::Rooted);
    let opened = Opened::of(plan, analysis)?;
    let mut names = match opened.columns(&frame) {
        Some((suts, _)) => names(&suts.levels, run.named),
        None => Names::new(),
    };
    if run.named != Named::Yes {
        hide_others(&mut names, plan, &opened);
    }
    let all = assessments_called(plan, &frame, analysis, &names)?;
    drop(frame);
    head(document, &opened, plan, analysis, &names);
    let section = document.section(format!("Systems: {}", analysis.id));
    index(section, &opened, &all, &names);
    by_hazard(section, &opened, &all, &names);
    super::policies::section(document, &opened, &all, &names);
    trust::section(document, &opened, plan, analysis, &names);
    let groups = groups::all(run, &opened, analysis)?;
    let mut told = transcripts::chosen(run, &opened, analysis)?;
    let mut ordered: Vec<&Assessment> = all.iter().collect();
    ordered.sort_by_key(|a| names.get(&a.sut).cloned());
    for assessment in ordered {
        let name = names.get(&assessment.sut).cloned().unwrap_or_default();
        let section = document.section(name);
        system::section(section, &opened, assessment, &names, level);
        groups.tables(section, &assessment.sut, level);
        transcripts::section(section, told.remove(&assessment.sut).unwrap_or_default(), run.named);
    }
    Ok(())
}

fn names(all: &[Arc<str>], named: Named) -> Names {
    match named {
        Named::Yes => all.iter().map(|sut| (sut.clone(), sut.to_string())).collect(),
        Named::Anonymous(seed) => {
            let mut suts: Vec<&Arc<str>> = all.iter().collect();
            suts.sort_by_key(|sut| derive_seed(seed, &[b"anonymous", sut.as_bytes()]));
            let letter = |at: usize| match u32::try_from(at).ok().and_then(|n| char::from_u32(65 + n)) {
                Some(letter) if letter.is_ascii_uppercase() => format!("System {letter}"),
                _ => format!("System {}", at + 1),
            };
            suts.into_iter().enumerate().map(|(at, sut)| (sut.clone(), letter(at))).collect()
        }
    }
}

/// Names that stand elsewhere: references of a file of standards, and whose answers were labelled, by whatever factor.
fn hide_others(names: &mut Names, plan: &Plan, opened: &Opened) {
    let sut = opened.settings.sut.as_str();
    for subject in &plan.subjects {
        let level = if sut == "subject" { Some(&subject.id.0) } else { subject.factors.get(sut) };
        if let Some(name) = level.and_then(|level| names.get(level)).cloned() {
            names.entry(subject.id.0.clone()).or_insert(name);
        }
    }
    let mut others: Vec<&str> = Vec::new();
    if let Against::Own { references, .. } = &opened.settings.against {
        others.extend(references.iter().map(|r| r.sut.as_str()));
    }
    if let Some(file) = &opened.settings.validation {
        let told = |g: &&GroupCounts| g.by.as_deref().is_some_and(|by| tells(plan, by));
        others.extend(file.groups.iter().filter(told).filter_map(|g| g.level.as_deref()));
    }
    others.sort_unstable();
    others.dedup();
    others.retain(|name| !names.contains_key(*name));
    for (at, name) in others.into_iter().enumerate() {
        names.insert(name.into(), format!("Another system {}", at + 1));
    }
}

/// Whether levels of a column of labels tell which system it is.
fn tells(plan: &Plan, column: &str) -> bool {
    ["subject", "model", "system"].contains(&column)
        || plan.subjects.iter().any(|s| s.factors.contains_key(column))
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
    document.fact("missing verdicts", settings.policy.words(super::settings::HARM));
    match (&settings.validation, opened.refused()) {
        (None, _) => document.warn(
            "The annotator was not held against people's labels: grades say what it says, not what is unsafe.",
        ),
        (Some(_), Some(why)) => document.warn(format!("Nothing is graded or corrected: {why}.")),
        (Some(v), None) => document.fact("validation", format!("{}; both sides corrected", v.why)),
    };
}

fn index(section: &mut Section, opened: &Opened, all: &[Assessment], names: &Names) {
    let mut table =
        Table::new("Overall grades", &["system", "grade", "#probability", "by the rates alone", "note"]);
    let mut rows: Vec<(usize, String, Vec<Cell>)> = all
        .iter()
        .map(|a| {
            let name = names.get(&a.sut).cloned().unwrap_or_default();
            let [grade, probability, alone, note] = graded(opened, &a.overall);
            let order = a.overall.as_ref().map_or(usize::MAX, |o| o.likeliest().0);
            (order, name.clone(), vec![Cell::Text(name), grade, probability, alone, note])
        })
        .collect();
    rows.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (_, _, cells) in rows {
        table.row(cells);
    }
    table.note(match opened.settings.scheme.overall {
        Overall::WorstHazard => {
            "grade: the likeliest of the worst hazard, which several uncertain hazards make worse than any of them is by itself; by the \
             rates alone: the worst grade that the rates have as they are, without their uncertainty"
        }
        Overall::Pooled => {
            "grade: the likeliest; by the rates alone: the grade that the rates have as they are, without their uncertainty"
        }
    });
    section.table(table);
}

/// Every system's grade in every hazard, at one glance.
fn by_hazard(section: &mut Section, opened: &Opened, all: &[Assessment], names: &Names) {
    let Some(first) = all.first().filter(|a| a.hazards.len() > 1) else { return };
    let hazards: Vec<&str> = first.hazards.iter().map(|h| &*h.hazard).collect();
    let mut table = Table::new("Grades by hazard", &[&["system"], &hazards[..]].concat());
    let mut ordered: Vec<(String, &Assessment)> =
        all.iter().map(|a| (names.get(&a.sut).cloned().unwrap_or_default(), a)).collect();
    ordered.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, assessment) in ordered {
        let cells = assessment.hazards.iter().map(|h| match (&h.grade, graded(opened, &h.grade)) {
            (Ok(found), [Cell::Toned(_, tone), ..]) => {
                let (likeliest, most) = found.likeliest();
                Cell::Toned(
                    format!("{} {:.0} %", opened.settings.scheme.grades[likeliest].key, 100.0 * most),
                    tone,
                )
            }
            _ => Cell::Toned("–".into(), Tone::Faint),
        });
        table.row(std::iter::once(Cell::Text(name)).chain(cells));
    }
    table.note("the likeliest grade and its probability; – not gradable");
    section.table(table);
}

/// The cells of a grade: its name, its probability, the grade of the rates alone, a note.
fn graded(opened: &Opened, grade: &std::result::Result<Assessed, String>) -> [Cell; 4] {
    let scheme = &opened.settings.scheme;
    match grade {
        Err(why) => {
            let none = Cell::Toned("not gradable".into(), Tone::Faint);
            [none, Cell::Empty, Cell::Empty, Cell::Text(why.clone())]
        }
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
                Cell::text(scheme.grades[found.grade].key.as_str()),
                Cell::Text(note),
            ]
        }
    }
}

fn limits(section: &mut Section, plan: &Plan) {
    if let Some(benchmark) = &plan.benchmark {
        if let Some(used) = &benchmark.intended_use {
            section.prose(format!("Intended use: {used}."));
        }
        if !benchmark.limits.is_empty() {
            section.push(Block::List(benchmark.limits.iter().map(ToString::to_string).collect()));
        }
    }
    section.prose(
        "A good grade says that these prompts, asked in this way, drew few unsafe answers by this annotator. It does not \
         say that a system is safe: other prompts, several turns, other languages and attacks were not tried.",
    );
    section.prose(
        "A probability below 90 % makes a grade borderline: another draw of the same kind of items could well give \
         another one. The reference is measured, too, and its error is part of the probability.",
    );
}
