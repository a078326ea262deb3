//! Ratings by a metric in a mixed model: what one step of the metric is worth on the ratings' scale, with raters, problems
//! and outputs as crossed sources of chance.
//!
//! Why: a correlation says how closely a metric follows, not by how much ratings rise with it; and a model of single ratings
//! uses every one of them, however unevenly raters were given outputs.
//!
//! Not here: the models (`plumb_stats::model`).

use plumb_stats::Level;
use plumb_stats::model::{Formula, Likelihood, LinearFit, MixedModel, Table as Data, Tested};
use plumb_study::document::{Cell, Table};
use plumb_study::method::{Unit, Value};
use plumb_study::{Document, Result};

use super::study::{Study, wrong};

/// With more raters and problems than this a fit takes long: its cost grows with the cube of their number (outputs, the
/// finest factor, are eliminated one by one). At 500 a metric takes less than a second, at 1,000 some seconds.
const MOST_LEVELS: usize = 1_000;

/// The random effects that the data can tell apart.
fn formula(study: &Study<'_>) -> String {
    let several = study.ratings.iter().filter(|ratings| ratings.len() > 1).count() > study.ratings.len() / 2;
    let nested = study.rated.problems() < study.rated.outputs();
    let mut text = "rating ~ metric + (1 | rater) + (1 | problem)".to_owned();
    // With one output a problem both are the same; with one rating an output it is the residual.
    if nested && several {
        text.push_str(" + (1 | output)");
    }
    text
}

pub(super) fn write(document: &mut Document, study: &Study<'_>) -> Result<()> {
    if study.rated.raters() < 2 || study.ratings.iter().all(|ratings| ratings.len() < 2) {
        return Ok(());
    }
    let section = document.section(format!("A mixed model of {}", study.construct));
    let levels = study.rated.raters() + study.rated.problems();
    if levels > MOST_LEVELS {
        section.prose(format!(
            "Not fitted: {levels} raters and problems are more than the {MOST_LEVELS} that are fitted in reasonable time."
        ));
        return Ok(());
    }
    let text = formula(study);
    let mut names = vec!["metric", "#per standard deviation", "#df", "#p", "#rater", "#problem"];
    if text.contains("output") {
        names.push("#output");
    }
    names.push("#rest");
    let mut table = Table::new("Rise of a rating, and variances of what is left", &names);
    for metric in &study.metrics {
        let Some(data) = data(study, &metric.values)? else { continue };
        let mut cells = vec![Cell::text(metric.name.clone())];
        match MixedModel::fit(&data, &Formula::parse(&text).map_err(wrong)?, Likelihood::Restricted) {
            Ok(fit) => cells.extend(fitted(&fit, study.settings.level)),
            Err(why) => cells.push(Cell::Missing(why.to_string())),
        }
        table.row(cells);
    }
    section.table(table);
    section.note(format!(
        "{text}, by restricted maximum likelihood; the metric in its standard deviations, t intervals with Satterthwaite's degrees of \
         freedom. It takes ratings for measurements on a scale with equal steps."
    ));
    Ok(())
}

fn fitted(fit: &MixedModel, level: Level) -> Vec<Cell> {
    let slope =
        fit.coefficients().into_iter().find(|(name, _)| name == "metric").and_then(|(_, test)| test.ok());
    let mut cells = match slope {
        Some(test) => vec![value(&test, level), Cell::Number(test.df, 1), Cell::P(test.p)],
        None => vec![Cell::Missing("no slope".into()), Cell::Empty, Cell::Empty],
    };
    let groups = fit.groups();
    let variance =
        |name: &str| groups.iter().find(|group| group.group == name).map(|group| group.variance(0));
    cells.extend(
        ["rater", "problem", "output"].iter().filter_map(|name| variance(name)).map(|v| Cell::Number(v, 3)),
    );
    cells.push(Cell::Number(fit.residual_variance(), 3));
    cells
}

fn value(test: &Tested, level: Level) -> Cell {
    let at = test.interval(level);
    let value = Value::Interval { estimate: test.estimate, low: at.low, high: at.high, level: level.get() };
    Cell::Value(value, Unit::Number)
}

/// One row a rating; `None` for a metric that is the same everywhere.
fn data(study: &Study<'_>, values: &[f64]) -> Result<Option<Data>> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    if deviation.is_nan() || deviation <= 0.0 {
        return Ok(None);
    }
    let (mut rating, mut metric) = (Vec::new(), Vec::new());
    let (mut rater, mut problem, mut output) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (row, ratings)) in study.rows.iter().zip(&study.ratings).enumerate() {
        for (who, value) in ratings {
            rating.push(*value);
            metric.push((values[at] - mean) / deviation);
            rater.push(format!("r{who}"));
            problem.push(format!("p{}", study.outputs.rows[*row].problem));
            output.push(format!("o{at}"));
        }
    }
    let table = Data::new(rating.len()).numeric("rating", rating).and_then(|t| t.numeric("metric", metric));
    let table =
        table.and_then(|t| t.factor("rater", &[], &rater)).and_then(|t| t.factor("problem", &[], &problem));
    table.and_then(|t| t.factor("output", &[], &output)).map(Some).map_err(wrong)
}
