//! Correlations of each metric with the ratings, in every form, and which metric follows better.

use plumb_stats::multiplicity::holm;
use plumb_stats::{Coefficient, Dependent, Form, Of, Question, correlation};
use plumb_study::Document;
use plumb_study::document::{Block, Cell, Chart, Dot, Dots, Section, Table};
use plumb_study::method::{Unit, Value};

use super::study::{Answers, Study};

const ALL: [Coefficient; 3] = [Coefficient::Pearson, Coefficient::Spearman, Coefficient::KendallB];
/// More metrics than this are compared with the best one only.
const ALL_PAIRS_UP_TO: usize = 6;

/// Where the answers about one metric are.
struct Asked {
    item: [usize; 3],
    rating: [usize; 3],
    within: [usize; 2],
    pairs: usize,
    pairs_with_ties: usize,
    pairs_within: usize,
}

pub(super) struct Follow(Vec<Asked>);

impl Follow {
    pub(super) fn ask(study: &mut Study<'_>) -> Follow {
        let metrics = study.metrics.len();
        let of_metric = |metric: usize| {
            let mut all = |form| ALL.map(|of| study.follows(metric, form, of, None));
            let (item, rating) = (all(Form::ItemMean), all(Form::PerRating));
            let within = [Coefficient::Pearson, Coefficient::KendallB]
                .map(|of| study.follows(metric, Form::WithinProblem, of, None));
            let mut pairs = |form, of| study.ask(Question::Follows { metric, form, of, among: None });
            Asked {
                item,
                rating,
                within,
                pairs: pairs(Form::ItemMean, Of::Pairs),
                pairs_with_ties: pairs(Form::ItemMean, Of::PairsWithTies),
                pairs_within: pairs(Form::WithinProblem, Of::Pairs),
            }
        };
        Follow((0..metrics).map(of_metric).collect())
    }

    pub(super) fn write(
        &self,
        document: &mut Document,
        study: &Study<'_>,
        answers: &Answers,
        reliability: Option<f64>,
    ) {
        let section = document.section(format!("How closely metrics follow {}", study.construct));
        let mut order: Vec<usize> = (0..study.metrics.len()).collect();
        let r = |metric: usize| answers.estimate(self.0[metric].item[0]).unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|a, b| r(*b).total_cmp(&r(*a)));
        let rows = order
            .iter()
            .map(|metric| Dot::new(self.name(study, *metric), answers.correlation(self.0[*metric].item[0])))
            .collect();
        let title = format!("Pearson's r of each metric with the mean {}", study.construct);
        section.chart(Dots { title, unit: Unit::Number, rows, band: None });
        section.prose(format!(
            "{} outputs of {} problems, {} ratings.",
            study.rated.outputs(),
            study.rated.problems(),
            study.rated.ratings()
        ));
        let mut table = |caption: &str, names: [&str; 3], of: &dyn Fn(&Asked) -> [Value; 3]| {
            let mut table = Table::new(caption, &["metric", names[0], names[1], names[2]]);
            for metric in &order {
                let cells = of(&self.0[*metric]).map(|value| Cell::Value(value, Unit::Number));
                table.row(std::iter::once(Cell::text(self.name(study, *metric))).chain(cells));
            }
            section.table(table);
        };
        let three = ["#Pearson's r", "#Spearman's rho", "#Kendall's tau-b"];
        table("Over outputs, with the mean rating", three, &|m| m.item.map(|at| answers.correlation(at)));
        table("Per rating, raters centred", three, &|m| m.rating.map(|at| answers.correlation(at)));
        let share = study.share(None);
        table("Within problems", ["#Pearson's r", "#Kendall's tau-b", "#pairs ordered alike"], &|m| {
            let [pearson, tau] = m.within.map(|at| answers.correlation(at));
            [pearson, tau, answers.value(m.pairs_within, share)]
        });
        let names = ["#pairs ordered alike", "#same, ties told too", "#r without rating error"];
        table("Pairs of outputs, and r with error of the ratings taken out", names, &|m| {
            let corrected = corrected(answers.correlation(m.item[0]), reliability);
            [answers.value(m.pairs, share), answers.value(m.pairs_with_ties, share), corrected]
        });
        section.note(
            "Pairs ordered alike: of the pairs that people tell apart, the share that the metric orders as people do; a pair \
             that the metric ties counts one half, and chance gives 0.5. Ties told too: of all pairs, the share on which both \
             say before, after or equal. r without rating error is r over the root of the means' reliability, which is \
             taken as known.",
        );
        self.differences(section, study, answers, &order);
    }

    fn name(&self, study: &Study<'_>, metric: usize) -> String {
        let metric = &study.metrics[metric];
        if metric.binary { format!("{} (0/1)", metric.name) } else { metric.name.clone() }
    }

    fn differences(&self, section: &mut Section, study: &Study<'_>, answers: &Answers, order: &[usize]) {
        if order.len() < 2 {
            return;
        }
        let all = order.len() <= ALL_PAIRS_UP_TO;
        let pairs: Vec<(usize, usize)> = (0..if all { order.len() } else { 1 })
            .flat_map(|a| (a + 1..order.len()).map(move |b| (order[a], order[b])))
            .collect();
        let found: Vec<[plumb_stats::Inference; 2]> = pairs
            .iter()
            .map(|(a, b)| [0, 2].map(|of| answers.difference(self.0[*a].item[of], self.0[*b].item[of])))
            .collect();
        let raw: Vec<f64> =
            found.iter().map(|[r, _]| r.test(0.0).map_or(1.0, |test| test.p_two_sided)).collect();
        let adjusted = holm(&raw).unwrap_or_else(|_| raw.clone());
        let one_each = study.rated.outputs() == study.rated.problems();
        let mut names =
            vec!["better, it seems", "than", "#difference of r", "#p (Holm)", "#difference of tau-b"];
        if one_each {
            names.extend(["#Williams' t", "#p", "#Steiger's Z", "#p"]);
        }
        let caption = if all {
            "Differences, on the same outputs"
        } else {
            "Each metric less the one with the largest r"
        };
        let mut table = Table::new(caption, &names);
        for (((a, b), [r, tau]), p) in pairs.iter().zip(&found).zip(&adjusted) {
            let mut cells = vec![
                Cell::text(study.metrics[*a].name.clone()),
                Cell::text(study.metrics[*b].name.clone()),
                Cell::Value(answers.shown(r), Unit::Number),
                if r.interval(study.settings.level).is_ok() {
                    Cell::P(*p)
                } else {
                    Cell::Missing("no interval".into())
                },
                Cell::Value(answers.shown(tau), Unit::Number),
            ];
            if one_each {
                cells.extend(self.classical(study, answers, *a, *b));
            }
            table.row(cells);
        }
        section.table(table);
        section.note(match one_each {
            true => {
                "Intervals and p by the paired bootstrap: both correlations in the same replicates. Williams' t and Steiger's Z \
                 take raters as given and outputs as independent, which they may be: each problem has one."
            }
            false => {
                "Intervals and p by the paired bootstrap: both correlations in the same replicates. Tests that take outputs for \
                 independent (Williams, Steiger) are left out: a problem has several."
            }
        });
        let rows = pairs.iter().zip(&found).map(|((a, b), [r, _])| {
            Dot::new(format!("{} − {}", study.metrics[*a].name, study.metrics[*b].name), answers.shown(r))
        });
        let title = format!("Differences of Pearson's r with the mean {}", study.construct);
        let chart = Dots { title: title.clone(), unit: Unit::Number, rows: rows.collect(), band: None };
        section.push(Block::Fold { title, blocks: vec![Block::Chart(Chart::Dots(chart))] });
    }

    fn classical(&self, study: &Study<'_>, answers: &Answers, a: usize, b: usize) -> Vec<Cell> {
        let between = correlation(Coefficient::Pearson, &study.metrics[a].values, &study.metrics[b].values);
        let r = |metric: usize| answers.estimate(self.0[metric].item[0]);
        let test = match (r(a), r(b), between) {
            (Some(a), Some(b), Ok(Ok(between))) => {
                Dependent::new(a, b, between, study.rated.outputs() as u64).ok()
            }
            _ => None,
        };
        let cells = |test: Option<plumb_stats::DependentTest>| match test {
            Some(test) => [Cell::Number(test.statistic, 2), Cell::P(test.p_two_sided)],
            None => [Cell::Missing("undefined".into()), Cell::Empty],
        };
        let williams = test.and_then(|test| test.williams().ok());
        let steiger = test.and_then(|test| test.steiger().ok());
        cells(williams).into_iter().chain(cells(steiger)).collect()
    }
}

/// A correlation without the error of the ratings, whose reliability is taken as known.
fn corrected(value: Value, reliability: Option<f64>) -> Value {
    let Some(root) = reliability.map(f64::sqrt) else {
        return Value::Undefined("the reliability of the ratings is not known or not above 0".into());
    };
    match value {
        Value::Interval { estimate, low, high, level } => {
            Value::Interval { estimate: estimate / root, low: low / root, high: high / root, level }
        }
        Value::Point { estimate, reason } => Value::Point { estimate: estimate / root, reason },
        undefined => undefined,
    }
}
