//! How well raters agree, and the ceiling that sets.

use plumb_stats::{Question, RatedUnits, Reliable, Scale};
use plumb_study::document::{Block, Cell, Table};
use plumb_study::method::{Unit, Value};
use plumb_study::{Document, Result};

use super::study::{Answers, Study, value_of, wrong};

pub(super) struct Raters {
    found: Reliable,
    crossed: bool,
    several: bool,
    one_rater: Option<usize>,
}

impl Raters {
    pub(super) fn ask(study: &mut Study<'_>) -> Result<Raters> {
        let mut units = RatedUnits::new();
        for (row, ratings) in study.rows.iter().zip(&study.ratings) {
            units.add(study.outputs.rows[*row].problem, ratings).map_err(wrong)?;
        }
        let reliability = units.build().map_err(wrong)?;
        let several = study.ratings.iter().any(|ratings| ratings.len() > 1);
        let one_rater = (study.rated.raters() > 1).then(|| study.ask(Question::OneRater));
        let found = reliability.infer(study.settings.draws).map_err(wrong)?;
        Ok(Raters { crossed: reliability.is_crossed(), found, several, one_rater })
    }

    /// Reliability of the means, where there is one above 0.
    pub(super) fn reliability(&self) -> Option<f64> {
        self.found.of_mean.estimate().ok().filter(|value| *value > 0.0 && self.several)
    }

    pub(super) fn write(&self, document: &mut Document, study: &Study<'_>, answers: &Answers) {
        let section = document.section(format!("How well raters agree: {}", study.construct));
        if !self.several {
            section.prose("Each output has one rating, so nothing is known of how reliable ratings are, nor of a ceiling.");
            return;
        }
        let level = study.settings.level;
        let which = if self.crossed { "ICC(3,1)" } else { "ICC(1,1)" };
        let of_mean = if self.crossed { "ICC(3,k), Cronbach's alpha" } else { "ICC(1,k)" };
        let mut table = Table::new("", &["number", "#value"]);
        let mut explained = Vec::new();
        let mut row = |name: &str, value: Value, what: &str| {
            table.row([Cell::text(name), Cell::Value(value, Unit::Number)]);
            explained.push(format!("{name}: {what}"));
        };
        if let Some(ordinal) = &self.found.alpha_ordinal {
            row("alpha, ordered", value_of(ordinal, level), "Krippendorff's alpha for ordered categories");
        }
        row(
            "alpha, interval",
            value_of(&self.found.alpha_interval, level),
            "the same, a difference counting by its square",
        );
        row(
            "one rating",
            value_of(&self.found.of_one, level),
            &format!("reliability of a single rating, {which}"),
        );
        let mean = value_of(&self.found.of_mean, level);
        row("mean rating", mean.clone(), &format!("reliability of an output's mean, {of_mean}"));
        row(
            "ceiling",
            root(&mean),
            "root of that: no metric can correlate higher with the means, but by chance",
        );
        if let Some(at) = self.one_rater {
            row(
                "one rater",
                answers.value(at, Scale::Correlation),
                "r of one rater with the mean of the others: a metric above it follows people better than one more person",
            );
        }
        section.table(table);
        section.push(Block::List(explained));
        section.note(match self.crossed {
            true => {
                "Every output was rated by the same raters, so a strict one does no harm: consistency. Intervals over problems, raters as given; \
                 the last row is computed like the correlations above."
            }
            false => {
                "Raters differ from output to output, so strictness counts as error. Intervals over problems, raters as given; \
                 the last row is computed like the correlations above."
            }
        });
    }
}

/// The root of a value that lies in 0 to 1; bounds below 0 become 0.
fn root(value: &Value) -> Value {
    let root = |x: f64| x.max(0.0).sqrt();
    match value {
        Value::Interval { estimate, low, high, level } if *estimate >= 0.0 => {
            Value::Interval { estimate: root(*estimate), low: root(*low), high: root(*high), level: *level }
        }
        Value::Point { estimate, reason } if *estimate >= 0.0 => {
            Value::Point { estimate: root(*estimate), reason: reason.clone() }
        }
        Value::Undefined(reason) => Value::Undefined(reason.clone()),
        _ => Value::Undefined("the reliability is below 0: ratings agree less than chance has it".into()),
    }
}
