//! Where each metric errs: what it puts low although people value it, and high although they do not; and the four quadrants
//! of passing and being valued.

use plumb_stats::{Coefficient, Form, Question, Subset};
use plumb_study::document::{Bar, Bars, Cell, Section, Table, Tone};
use plumb_study::method::{Unit, Value};
use plumb_study::{Document, Result};

use super::study::{Answers, SLACK, Study};

/// More thresholds than this say nothing new.
const MOST_THRESHOLDS: usize = 9;

pub(super) struct Errs {
    ends: Vec<Ends>,
    tests: Option<Tests>,
}

/// What a metric puts lowest and highest.
struct Ends {
    metric: usize,
    low: End,
    high: End,
}

struct End {
    among: Subset,
    words: String,
    valued: usize,
}

/// Passing and failing outputs.
struct Tests {
    passes: Subset,
    fails: Subset,
    quadrants: Vec<Quadrants>,
    /// Metrics within failing outputs.
    failing: Vec<Failing>,
}

struct Quadrants {
    at_least: f64,
    /// Of all outputs: passes and valued, passes and not, fails and valued, fails and not.
    of_all: [usize; 4],
    fails_valued: usize,
    passes_valued: usize,
}

struct Failing {
    metric: usize,
    pearson: usize,
    tau: usize,
    finds: usize,
}

impl Errs {
    pub(super) fn ask(study: &mut Study<'_>) -> Result<Errs> {
        let mut ends = Vec::new();
        for metric in 0..study.metrics.len() {
            ends.extend(Ends::ask(study, metric)?);
        }
        let tests = study.pass.map(|pass| Tests::ask(study, pass)).transpose()?;
        Ok(Errs { ends, tests })
    }

    pub(super) fn write(&self, document: &mut Document, study: &Study<'_>, answers: &Answers) {
        let section = document.section(format!("Where each metric errs: {}", study.construct));
        section.prose(format!(
            "Valued is an output with a {}{}. For a metric of 0 and 1 the ends are its two values, else the lowest and the \
             highest quarter of the outputs, ties included; in brackets how many outputs.",
            study.valued_words(),
            if study.settings.valued.is_none() { " (the lowest level above the middle of the scale)" } else { "" }
        ));
        let mut table = Table::new("", &["metric", "low", "#valued all the same", "high", "#not valued"]);
        for ends in &self.ends {
            let valued = |end: &End| answers.value(end.valued, study.share(Some(end.among)));
            let not = answers.derive(study.share(Some(ends.high.among)), |v| Ok(1.0 - v[ends.high.valued]?));
            table.row([
                Cell::text(study.metrics[ends.metric].name.clone()),
                Cell::text(ends.low.words.clone()),
                Cell::Value(valued(&ends.low), Unit::Share),
                Cell::text(ends.high.words.clone()),
                Cell::Value(answers.shown(&not), Unit::Share),
            ]);
        }
        section.table(table);
        match &self.tests {
            Some(tests) => tests.write(document, study, answers),
            None => {
                section.prose(
                    "No metric says whether an output passes its tests (--pass), so nothing is said of failing outputs that \
                     people value.",
                );
            }
        }
    }
}

impl Ends {
    fn ask(study: &mut Study<'_>, metric: usize) -> Result<Option<Ends>> {
        let values = study.metrics[metric].values.clone();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return Ok(None) };
        if first == last {
            return Ok(None);
        }
        let quarter = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
        let (low, high) = match study.metrics[metric].binary {
            true => (*first, *last),
            false => (quarter(0.25), quarter(0.75)),
        };
        let mut end = |fits: &dyn Fn(f64) -> bool, words: String| -> Result<End> {
            let among = study.subset(|at| fits(values[at]))?;
            let at_least = study.valued - SLACK;
            let valued = study.ask(Question::Rated { at_least, among: Some(among) });
            Ok(End { among, words: format!("{words} ({})", study.rated.outputs_of(Some(among))), valued })
        };
        let words = |sign: &str, value: f64| format!("{sign}\u{a0}{}", (value * 1e3).round() / 1e3);
        Ok(Some(Ends {
            metric,
            low: end(&|v| v <= low, words("≤", low))?,
            high: end(&|v| v >= high, words("≥", high))?,
        }))
    }
}

impl Tests {
    fn ask(study: &mut Study<'_>, pass: usize) -> Result<Tests> {
        let passed: Vec<bool> = study.metrics[pass].values.iter().map(|v| *v == 1.0).collect();
        let (passes, fails) = (study.subset(|at| passed[at])?, study.subset(|at| !passed[at])?);
        let quadrants = thresholds(study)
            .into_iter()
            .map(|threshold| {
                let at_least = threshold - SLACK;
                let mut of = |among, below| study.ask(Question::Quadrant { among, at_least, below });
                let of_all = [of(passes, false), of(passes, true), of(fails, false), of(fails, true)];
                let mut valued = |among| study.ask(Question::Rated { at_least, among: Some(among) });
                Quadrants {
                    at_least: threshold,
                    of_all,
                    fails_valued: valued(fails),
                    passes_valued: valued(passes),
                }
            })
            .collect();
        let (among, at_most) = (Some(fails), study.least + SLACK);
        let failing = study
            .single()
            .into_iter()
            .filter(|metric| *metric != pass)
            .map(|metric| Failing {
                metric,
                pearson: study.follows(metric, Form::ItemMean, Coefficient::Pearson, among),
                tau: study.follows(metric, Form::ItemMean, Coefficient::KendallB, among),
                finds: study.ask(Question::Finds { metric, at_most, among }),
            })
            .collect();
        Ok(Tests { passes, fails, quadrants, failing })
    }

    fn write(&self, document: &mut Document, study: &Study<'_>, answers: &Answers) {
        let section = document.section(format!("Tests and {}", study.construct));
        let (passing, failing) =
            (study.rated.outputs_of(Some(self.passes)), study.rated.outputs_of(Some(self.fails)));
        section.prose(format!(
            "{passing} of {} outputs pass, {failing} fail. {}",
            study.rated.outputs(),
            self.summary(study, answers)
        ));
        self.quadrants(section, study, answers);
        if !self.failing.is_empty() {
            section.heading("Among failing outputs alone");
            self.failing(section, study, answers);
        }
    }

    fn summary(&self, study: &Study<'_>, answers: &Answers) -> String {
        let Some(at) = self.quadrants.iter().find(|q| (q.at_least - study.valued).abs() < SLACK) else {
            return String::new();
        };
        let percent = |value: &Value| match value {
            Value::Interval { estimate, low, high, .. } => {
                format!("{:.0} % [{:.0}, {:.0}]", estimate * 100.0, low * 100.0, high * 100.0)
            }
            other => other.estimate().map_or("an unknown share".into(), |e| format!("{:.0} %", e * 100.0)),
        };
        let fails = answers.value(at.fails_valued, study.share(Some(self.fails)));
        let passes = answers.derive(study.share(Some(self.passes)), |v| Ok(1.0 - v[at.passes_valued]?));
        format!(
            "Of those that fail, {} have a {}; of those that pass, {} do not.",
            percent(&fails),
            study.valued_words(),
            percent(&answers.shown(&passes))
        )
    }

    fn quadrants(&self, section: &mut Section, study: &Study<'_>, answers: &Answers) {
        let all = study.share(None);
        let names = ["valued from", "#passes, valued", "#passes, not", "#fails, valued", "#fails, not"];
        let mut table = Table::new("The four quadrants: shares of all outputs at every threshold", &names);
        let mut errs = Table::new(
            "The two errors at every threshold",
            &["valued from", "#of failing: valued", "#of passing: not valued"],
        );
        let mut bars = Vec::new();
        for q in &self.quadrants {
            let name = match (q.at_least - study.valued).abs() < SLACK {
                true => Cell::toned(format!("{} (chosen)", q.at_least), Tone::Plain),
                false => Cell::text(q.at_least.to_string()),
            };
            let shares = q.of_all.map(|at| Cell::Value(answers.value(at, all), Unit::Share));
            table.row(std::iter::once(name.clone()).chain(shares));
            let not = answers.derive(study.share(Some(self.passes)), |v| Ok(1.0 - v[q.passes_valued]?));
            errs.row([
                name,
                Cell::Value(answers.value(q.fails_valued, study.share(Some(self.fails))), Unit::Share),
                Cell::Value(answers.shown(&not), Unit::Share),
            ]);
            let heights = q.of_all.iter().map(|at| answers.estimate(*at).unwrap_or(0.0)).collect();
            bars.push(Bar { label: format!("≥ {}", q.at_least), heights });
        }
        section.chart(Bars {
            title: format!(
                "Passing and being valued, by the mean {} from which an output counts as valued",
                study.construct
            ),
            y: "share of outputs".into(),
            share: true,
            bars,
            parts: ["passes, valued", "passes, not valued", "fails, valued", "fails, not valued"]
                .map(str::to_owned)
                .to_vec(),
        });
        section.table(table);
        section.table(errs);
    }

    fn failing(&self, section: &mut Section, study: &Study<'_>, answers: &Answers) {
        let best = self
            .failing
            .iter()
            .max_by(|a, b| {
                let found = |f: &Failing| answers.estimate(f.finds).unwrap_or(f64::NEG_INFINITY);
                found(a).total_cmp(&found(b))
            })
            .map(|f| f.finds);
        let finds = format!("#finds {} ≤ {}", study.construct, study.least);
        let mut table =
            Table::new("", &["metric", "#Pearson's r", "#Kendall's tau-b", &finds, "#less than the best"]);
        for f in &self.failing {
            let behind = best.filter(|best| *best != f.finds).map(|best| answers.difference(f.finds, best));
            table.row([
                Cell::text(study.metrics[f.metric].name.clone()),
                Cell::Value(answers.correlation(f.pearson), Unit::Number),
                Cell::Value(answers.correlation(f.tau), Unit::Number),
                Cell::Value(answers.within(f.finds, (0.0, 1.0)), Unit::Number),
                behind.map_or(Cell::text("best"), |i| Cell::Value(answers.shown(&i), Unit::Number)),
            ]);
        }
        section.table(table);
        section.note(
            "Finds: the chance that the metric is lower for one of the least valued outputs than for another failing output; 0.5 \
             is chance (the area under the ROC curve).",
        );
        section.note(self.range(study));
    }

    /// What the narrower range among failing outputs does to correlations.
    fn range(&self, study: &Study<'_>) -> String {
        let means = study.rated.means();
        let failed = |at: &usize| study.pass.is_some_and(|pass| study.metrics[pass].values[*at] != 1.0);
        let spread = |values: &[f64]| {
            let all = deviation(values.iter().copied());
            let own = deviation((0..values.len()).filter(failed).map(|at| values[at]));
            if all > 0.0 { format!("{:.0} %", own / all * 100.0) } else { "none".into() }
        };
        let metrics: Vec<String> = self
            .failing
            .iter()
            .map(|f| format!("{} {}", study.metrics[f.metric].name, spread(&study.metrics[f.metric].values)))
            .collect();
        format!(
            "Range: among failing outputs the standard deviation of the mean {} is {} of that among all outputs (metrics: {}). A \
             correlation over a narrower range is lower even where the metric is as good, so these are not to be compared with \
             correlations over all outputs.",
            study.construct,
            spread(&means),
            metrics.join(", ")
        )
    }
}

/// Every level but the lowest; of a scale with many levels, some.
fn thresholds(study: &Study<'_>) -> Vec<f64> {
    let mut all: Vec<f64> = study.levels.iter().skip(1).copied().collect();
    if all.len() > MOST_THRESHOLDS {
        let last = all.len() - 1;
        all = (0..MOST_THRESHOLDS).map(|n| all[n * last / (MOST_THRESHOLDS - 1)]).collect();
    }
    if !all.iter().any(|level| (level - study.valued).abs() < SLACK) {
        all.push(study.valued);
        all.sort_by(f64::total_cmp);
    }
    all
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let (n, sum) = values.clone().fold((0.0, 0.0), |(n, s), v| (n + 1.0, s + v));
    (values.map(|v| (v - sum / n).powi(2)).sum::<f64>() / n).sqrt()
}
