//! Judges against people: does a metric follow what people say of the same outputs, how closely, and where does it err?
//!
//! Why: a metric is worth what it says of people's judgment, whatever the metric is: a similarity, a pass of tests, a guard's
//! score, another model's grade. Dibia et al. 2022 (arXiv 2210.16494) ask it of code: people value code that fails its
//! tests, so tests and similarity together may follow value better than either.
//!
//! Where to start: [`join`] brings tables of scores and ratings together as [`Outputs`]; [`align`] makes a
//! [`plumb_study::Document`] of them. One [`study::Study`] is made for each thing that people rated; each part of the
//! document (`follow`, `errs`, `hybrid`, `systems`, …) first says what it wants to know, then all is asked on the
//! same draws, then each part writes.
//!
//! Not here: the statistics (`plumb-stats`), reading files and journals (the binary), yes/no judges (`crate::validation`,
//! which this calls where ratings are yes and no).

mod errs;
mod follow;
mod hybrid;
mod mixed;
mod named;
mod picture;
mod raters;
mod study;
mod systems;
mod table;
mod yes_no;

use plumb_stats::{Draws, Level};
use plumb_study::{Document, Result};

pub use named::Naming;
pub use table::{Columns, Output, Outputs, join};

use study::Study;

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The metric that says whether an output passes its tests: 0 or 1.
    pub pass: Option<String>,
    /// The metric that is added to it in COMBINED; on a scale from 0 to 1.
    pub similarity: Option<String>,
    /// From which mean rating on an output is valued; by default the lowest level above the middle of the scale.
    pub valued: Option<f64>,
    /// Up to which mean rating an output is among the least valued; by default the highest level below the middle.
    pub least: Option<f64>,
    /// Whether raters are taken as given: intervals then say nothing about other raters.
    pub raters_fixed: bool,
    /// Folds of problems for blends.
    pub folds: usize,
    /// Draws of problems and raters.
    pub draws: Draws,
    /// Level of the intervals.
    pub level: Level,
    /// Where the ratings come from if not from people, such as "simulated": said wherever they are shown.
    pub made_by: Option<String>,
    /// The document's title.
    pub title: String,
}

/// Holds metrics against ratings.
///
/// # Errors
/// A metric that is named and not there, or that is no pass or no share; fewer than 100 draws.
pub fn align(outputs: &Outputs, settings: &Settings) -> Result<Document> {
    let mut document = Document::new("Metrics against people", &settings.title);
    head(&mut document, outputs, settings);
    for construct in 0..outputs.constructs.len() {
        let study = Study::new(outputs, construct, settings)?;
        parts(&mut document, study)?;
    }
    how(&mut document, settings, outputs);
    Ok(document)
}

/// Below these numbers intervals are shaky; the limits of `plumb-stats`.
const FEW_PROBLEMS: usize = 30;
const FEW_RATERS: usize = 10;

fn head(document: &mut Document, outputs: &Outputs, settings: &Settings) {
    let ratings: usize = outputs.rows.iter().flat_map(|row| &row.ratings).map(Vec::len).sum();
    document.about = Some(match &settings.made_by {
        None => "How closely metrics follow what people say of the same outputs.".into(),
        Some(by) => format!("How closely metrics follow ratings that are {by}: no person gave them."),
    });
    document.fact("outputs", outputs.rows.len().to_string());
    document.fact("problems", outputs.problems.len().to_string());
    if !outputs.systems.is_empty() {
        document.fact("models", outputs.systems.len().to_string());
    }
    document.fact("ratings", ratings.to_string());
    document.fact(
        "raters",
        if outputs.raters.is_empty() { "not named".into() } else { outputs.raters.len().to_string() },
    );
    if let Some(by) = &settings.made_by {
        document.warn(format!("The ratings are {by}. Nothing here says what people think."));
    }
    if outputs.rows.iter().any(|row| row.stands_for != 1.0) {
        let all: f64 = outputs.rows.iter().map(|row| row.stands_for).sum();
        document.fact("drawn for", format!("{} outputs", (all * 100.0).round() / 100.0));
        document.warn(
            "Outputs were drawn with unequal chances: shares and means count each as often as it stands for (--weight), and are those of all \
             outputs; correlations and pairs count each rated output once",
        );
    }
    for (what, n) in outputs.left_out.iter().filter(|(_, n)| *n > 0) {
        document.warn(format!("{n} {what}"));
    }
    if outputs.problems.len() < FEW_PROBLEMS {
        let n = outputs.problems.len();
        let problems = if n == 1 { "problem" } else { "problems" };
        document.warn(format!("Only {n} {problems}: intervals rest on few draws"));
    }
    if (2..FEW_RATERS).contains(&outputs.raters.len()) && !settings.raters_fixed {
        document.warn(format!(
            "Only {} raters, so how far others would differ is known poorly",
            outputs.raters.len()
        ));
    }
    if outputs.raters.len() == 1 {
        document.warn("One person rated, so nothing is known of how others would: intervals are about other problems only");
    }
    if outputs.raters.is_empty() {
        document.warn("Nobody is named as rater, so ratings of one output count as one person's: intervals say nothing about other raters");
    }
}

fn parts(document: &mut Document, mut study: Study<'_>) -> Result<()> {
    let raters = raters::Raters::ask(&mut study)?;
    let follow = follow::Follow::ask(&mut study);
    let picture = picture::Picture::ask(&mut study)?;
    let errs = errs::Errs::ask(&mut study)?;
    let hybrid = hybrid::Hybrid::ask(&mut study)?;
    let systems = systems::Systems::ask(&mut study)?;
    let answers = study.answers()?;
    follow.write(document, &study, &answers, raters.reliability());
    raters.write(document, &study, &answers);
    picture.write(document, &study, &answers);
    errs.write(document, &study, &answers);
    hybrid.write(document, &study, &answers);
    systems.write(document, &study, &answers);
    mixed::write(document, &study)?;
    yes_no::write(document, &study)
}

fn how(document: &mut Document, settings: &Settings, outputs: &Outputs) {
    let two_way = !settings.raters_fixed && outputs.raters.len() > 1;
    let section = document.section("How it was computed");
    let percent = settings.level.get() * 100.0;
    section.prose(match two_way {
        true => format!(
            "{percent} % intervals come from a two-way bootstrap: {} replicates draw problems and raters, each with \
             replacement; a rating counts as often as its problem times its rater. The interval is a t interval around \
             the estimate with the replicates' standard error, for correlations on Fisher's z scale, for shares Wilson's \
             on the effective number of outputs. Models are taken as given: another model may be another matter.",
            settings.draws.replicates
        ),
        false => format!(
            "{percent} % intervals come from a bootstrap of {} replicates over problems (BCa; t below 20 problems; shares: \
             Wilson's on the effective number of outputs). Raters and models are taken as given.",
            settings.draws.replicates
        ),
    });
    section.prose(format!("Seed {}; equal tables and options give equal numbers.", settings.draws.seed));
    section.note(
        "Over outputs: the mean of an output's ratings. Per rating: each rating less the mean of its rater's, so that who is \
         strict counts for nothing; the metric is left as it is. Within problems: differences from the problem's own mean, \
         or pairs of outputs of one problem. A metric of 0 and 1 is a number like any other; Pearson's r is then the \
         point-biserial correlation.",
    );
}
