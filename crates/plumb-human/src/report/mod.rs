//! An analysed study as a document, in the order in which the study lists its analyses.
//!
//! `people` says who took part, `tables` writes models and contrasts, `figures` the charts.

mod figures;
mod people;
mod tables;

use plumb_study::document::{Block, Document, Section};

use crate::analyse::{Analysed, AnalysisResult, PassedOver, Permuted};
use crate::data::Data;
use crate::study::{Analysis, Study};

/// Writes the report of a study. Whether a registration came before the data, only who collected them can add.
pub fn report(study: &Study, data: &Data, analysed: &Analysed) -> Document {
    report_marked(study, data, analysed, &|_| None)
}

/// The same with what each analysis may be called, by its id.
pub fn report_marked(
    study: &Study,
    data: &Data,
    analysed: &Analysed,
    mark: &dyn Fn(&str) -> Option<String>,
) -> Document {
    let mut document = Document::new("Analysis of a study", study.title.clone());
    document.about = study.about.clone();
    document.fact("participants", data.participants().to_string());
    document.fact("answers", data.rows().to_string());
    document.fact("conditions", analysed.conditions.len().to_string());
    if data.is_imported() {
        document.warn(
            "The data were collected elsewhere and no registration of this study file precedes them: nothing here counts as \
             confirmatory. \"Planned\" marks the models that the study file lists, \"beside it\" those that it adds.",
        );
    }
    for note in &study.notes {
        document.warn(note.clone());
    }
    for result in &analysed.analyses {
        for why in &result.failed {
            document.warn(format!(
                "Planned in analysis {}, and not to be had from these data: {why}.",
                result.id
            ));
        }
    }
    people::section(document.section("Participants"), data, analysed);
    for (analysis, result) in study.analysis.iter().zip(&analysed.analyses) {
        if document.sections.last().is_none_or(|s| s.title != analysis.section) {
            document.section(analysis.section.clone());
        }
        if let Some(section) = document.sections.last_mut() {
            one(section, study, (analysis, mark(&analysis.id)), result);
        }
    }
    document
}

/// Adds the tests by running the assignment again.
pub fn report_permuted(document: &mut Document, list: &[Permuted]) {
    let section = document.section("Tests by running the assignment again");
    section.table(tables::permuted(list));
}

fn one(
    section: &mut Section,
    study: &Study,
    (analysis, mark): (&Analysis, Option<String>),
    result: &AnalysisResult,
) {
    section.heading(analysis.title.clone());
    if let Some(mark) = mark {
        section.prose(mark);
    }
    let outcome = study.outcome.iter().find(|o| o.id == analysis.outcome);
    if let Some(outcome) = outcome {
        let unit =
            study.unit_of(outcome.unit.as_deref()).map_or(String::new(), |u| format!(", in {}", u.label));
        let variant = outcome.variant.as_ref().map_or(String::new(), |v| format!(" ({v})"));
        section.note(format!("{}: {}{unit}{variant}.", outcome.label, outcome.of));
    }
    section.table(tables::means(result));
    section.chart(figures::means(result, &analysis.title));
    for PassedOver { formula, why } in &result.passed {
        section.note(format!("Tried as planned and passed over: {formula} ({why})."));
    }
    if let Some(model) = &result.model {
        tables::model(section, model, "Planned", true);
    }
    for why in &result.failed {
        section.prose(format!("Planned, and not to be had from these data: {why}."));
    }
    if !result.welch.is_empty() {
        for table in tables::welch(&result.welch) {
            section.table(table);
        }
    }
    if let Some(all) = &result.assigned {
        tables::assigned(section, all);
    }
    if let Some(ladder) = &result.beside {
        tables::ladder(section, ladder);
    }
    let mut blocks = Vec::new();
    if result.items.len() > 1 {
        blocks.push(Block::Chart(figures::items(result, &analysis.title).into()));
        blocks.push(Block::Table(tables::items(result)));
    }
    if !result.distribution.is_empty() {
        blocks.push(Block::Chart(figures::distribution(result, &analysis.title).into()));
    }
    section.push(Block::Fold { title: "By item, and how answers are distributed".into(), blocks });
}
