//! `plumb align`: metrics against people's ratings, from tables and runs.

use super::tables::{Source, is_of_pilot, read_source};
use crate::cli::Align as Args;
use crate::exit::{Exit, Problem, note, say};
use crate::show;
use plumb_judge::align::{Columns, Naming, Settings, align, join};
use plumb_report::{document_html, document_json, document_terminal};
use plumb_stats::{Draws, Level};
use plumb_study::items::{Origin, Row};
use std::path::PathBuf;

/// What names a trial of a run.
const OF_RUN: [&str; 3] = ["item", "subject", "repetition"];

pub fn run(args: &Args) -> Result<Exit, Problem> {
    if args.folds < 2 {
        return Err(Problem::usage(format!("--folds {}: two at least", args.folds)));
    }
    let scores = read(&args.scores)?;
    let ratings = read(&args.ratings)?;
    let columns = columns(args, &scores, &ratings)?;
    let outputs = join(&scores.rows, &ratings.rows, &columns)?;
    let settings = Settings {
        pass: args.pass.clone(),
        similarity: args.similarity.clone(),
        valued: args.valued,
        least: args.least,
        raters_fixed: args.raters_fixed,
        folds: args.folds,
        draws: Draws { seed: args.seed, replicates: args.draws },
        level: Level::P95,
        made_by: args.made_by.clone(),
        title: format!("{} against {}", outputs.metrics.join(", "), outputs.constructs.join(", ")),
    };
    let mut document = align(&outputs, &settings)?;
    for path in &args.ratings {
        if args.made_by.is_none() && is_of_pilot(path)? {
            document.warn(format!(
                "{} is a pilot: its ratings try the study, and simulated people may have given them (--made-by says so)",
                path.display()
            ));
        }
    }
    if let Some(path) = &args.html {
        std::fs::write(path, document_html(&document)?).map_err(Problem::io(path))?;
    }
    match args.json {
        true => say(document_json(&document)?.trim_end()),
        false => say(document_terminal(&document, show::style()).trim_end()),
    }
    if let Some(path) = &args.html {
        note(format_args!("{}: written", path.display()));
    }
    Ok(Exit::Done)
}

/// Rows of all files of one side.
struct Side {
    rows: Vec<Row>,
    /// Whether they come from runs.
    run: bool,
}

impl Side {
    fn has(&self, column: &str) -> bool {
        self.rows.first().is_some_and(|row| row.get(column).is_some())
    }

    /// Whether its rows say which answers of runs they are about.
    fn about_outputs(&self) -> bool {
        self.rows.iter().any(|row| row.get(Origin::COLUMNS[0]).is_some_and(|plan| !plan.is_empty()))
    }

    /// The usual column, where the rows have it.
    fn usual(&self, table: &str, run: &str) -> Option<String> {
        let name = if self.run { run } else { table };
        self.has(name).then(|| name.to_owned())
    }
}

fn read(paths: &[PathBuf]) -> Result<Side, Problem> {
    let mut side = Side { rows: Vec::new(), run: false };
    for path in paths {
        let (rows, source) = read_source(path)?;
        side.run = source == Source::Run;
        side.rows.extend(rows);
    }
    Ok(side)
}

/// What was typed goes before what is usual.
fn columns(args: &Args, scores: &Side, ratings: &Side) -> Result<Columns, Problem> {
    // In runs that the metrics come from, too, ratings are verdicts on a subject's answers; nobody is named.
    let same = args.ratings.iter().all(|path| args.scores.contains(path));
    let either = |typed: &Option<String>, table: &str, run: &str| {
        let of_ratings = || ratings.has(table).then(|| table.to_owned());
        typed.clone().or_else(|| scores.usual(table, run)).or_else(of_ratings)
    };
    let rater = args.rater.clone().or_else(|| if same { None } else { ratings.usual("rater", "subject") });
    if args.id.is_empty() && args.rating_id.is_empty() && scores.about_outputs() && ratings.about_outputs() {
        return Ok(Columns {
            naming: Naming::Origin,
            problem: args.problem.clone(),
            system: args.model.clone(),
            rater,
            weight: either(&args.weight, "weight", "weight"),
            metrics: args.metrics.clone(),
            ratings: args.ratings_of.clone(),
        });
    }
    let id = match (args.id.as_slice(), scores.run) {
        ([], true) => OF_RUN.map(str::to_owned).to_vec(),
        ([], false) => vec!["id".to_owned()],
        (typed, _) => typed.to_vec(),
    };
    let rating_id = match args.rating_id.as_slice() {
        [] if ratings.run && !same && !scores.run => {
            return Err(Problem::usage("which columns of the ratings name the output that was rated?")
                .help("--rating-id A,B; in a run of ratings these are tags of its items"));
        }
        [] => id.clone(),
        typed => typed.to_vec(),
    };
    if rating_id.len() != id.len() {
        return Err(Problem::usage(format!(
            "--id names {} columns, --rating-id {}",
            id.len(),
            rating_id.len()
        ))
        .help("both name the same things in the same order"));
    }
    Ok(Columns {
        problem: either(&args.problem, "problem", "item"),
        system: either(&args.model, "model", "subject"),
        rater,
        weight: either(&args.weight, "weight", "weight"),
        metrics: args.metrics.clone(),
        ratings: args.ratings_of.clone(),
        naming: Naming::Columns { scores: id, ratings: rating_id },
    })
}
