//! Does a metric rank models as people do?

use plumb_stats::{Coefficient, Known, Question, Scale, Subset, Undefined, correlation};
use plumb_study::document::{Cell, Table};
use plumb_study::method::{Unit, Value};
use plumb_study::{Document, Result};

use super::study::{Answers, Study};

/// With fewer models a correlation over models is an anecdote.
const FEWEST: usize = 8;

pub(super) struct Systems {
    all: Vec<System>,
}

struct System {
    name: String,
    outputs: usize,
    rating: usize,
    /// For each metric.
    metrics: Vec<usize>,
}

impl Systems {
    pub(super) fn ask(study: &mut Study<'_>) -> Result<Systems> {
        let of: Vec<Option<u32>> = study.rows.iter().map(|row| study.outputs.rows[*row].system).collect();
        let mut all = Vec::new();
        for (system, name) in study.outputs.systems.iter().enumerate() {
            let among: Subset = study.subset(|at| of[at] == Some(system as u32))?;
            let outputs = study.rated.outputs_of(Some(among));
            if outputs == 0 {
                continue;
            }
            let rating = study.ask(Question::MeanRating { among: Some(among) });
            let metrics = (0..study.metrics.len())
                .map(|metric| study.ask(Question::MeanMetric { metric, among: Some(among) }))
                .collect();
            all.push(System { name: name.clone(), outputs, rating, metrics });
        }
        Ok(Systems { all })
    }

    pub(super) fn write(&self, document: &mut Document, study: &Study<'_>, answers: &Answers) {
        if self.all.len() < 2 {
            return;
        }
        let section =
            document.section(format!("Does a metric rank models as people do: {}", study.construct));
        let mut names = vec!["model".to_owned(), "#outputs".into(), format!("#mean {}", study.construct)];
        names.extend(study.metrics.iter().map(|metric| format!("#{}", metric.name)));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut table = Table::new("Means by model", &names);
        let mut order: Vec<&System> = self.all.iter().collect();
        let mean = |system: &System| answers.estimate(system.rating).unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
        for system in &order {
            let metrics = system.metrics.iter().map(|at| number(answers.estimate(*at)));
            let own = [
                Cell::text(system.name.clone()),
                Cell::Count(system.outputs as u64),
                Cell::Value(answers.within(system.rating, study.scale()), Unit::Number),
            ];
            table.row(own.into_iter().chain(metrics));
        }
        section.table(table);
        self.pairs(section, study, answers, &order);
        self.agreement(section, study, answers);
    }

    fn pairs(
        &self,
        section: &mut plumb_study::document::Section,
        study: &Study<'_>,
        answers: &Answers,
        order: &[&System],
    ) {
        let mut names = vec!["model".to_owned(), "less".into(), format!("#{}", study.construct)];
        names.extend(study.metrics.iter().map(|metric| format!("#{}", metric.name)));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut table = Table::new("Differences on pairs of models", &names);
        for (at, a) in order.iter().enumerate() {
            for b in &order[at + 1..] {
                let difference =
                    |a: usize, b: usize| Cell::Value(answers.shown(&answers.difference(a, b)), Unit::Number);
                let metrics = a.metrics.iter().zip(&b.metrics).map(|(a, b)| difference(*a, *b));
                let own =
                    [Cell::text(a.name.clone()), Cell::text(b.name.clone()), difference(a.rating, b.rating)];
                table.row(own.into_iter().chain(metrics));
            }
        }
        section.push(plumb_study::document::Block::Fold {
            title: "Differences on pairs of models, by people and by each metric".into(),
            blocks: vec![plumb_study::document::Block::Table(table)],
        });
    }

    fn agreement(&self, section: &mut plumb_study::document::Section, study: &Study<'_>, answers: &Answers) {
        let pairs = self.all.len() * (self.all.len() - 1) / 2;
        let told = self.told_apart(study, answers);
        let enough = self.all.len() >= FEWEST;
        let mut names = vec!["metric", "#pairs ordered as people do", "#of pairs that people tell apart"];
        if enough {
            names.push("#Pearson's r over models");
            names.push("#Kendall's tau-b over models");
        }
        let mut table = Table::new("", &names);
        for (metric, of) in study.metrics.iter().enumerate() {
            let share = answers.derive(Scale::Real, |v| self.alike(v, metric));
            let told_alike = told
                .iter()
                .filter(|(a, b)| self.same_side(answers.replicated.estimates(), metric, *a, *b))
                .count();
            let mut cells = vec![
                Cell::text(of.name.clone()),
                if self.all.len() > 2 {
                    Cell::Value(bounded(answers.shown(&share)), Unit::Share)
                } else {
                    Cell::text(if share.estimate() == Ok(1.0) { "yes" } else { "no" })
                },
                Cell::text(format!("{told_alike} of {}", told.len())),
            ];
            if enough {
                for coefficient in [Coefficient::Pearson, Coefficient::KendallB] {
                    let over =
                        answers.derive(Scale::Correlation, |v| self.over_models(v, metric, coefficient));
                    cells.push(Cell::Value(answers.shown(&over), Unit::Number));
                }
            }
            table.row(cells);
        }
        section.table(table);
        section.note(format!(
            "{} of {} models; a metric that ties two counts one half. People tell a pair apart where the interval of the \
             difference of their mean ratings leaves out 0. Intervals hold these models fixed: they say how other problems and \
             raters would order the same models.{}",
            if pairs == 1 { "One pair".to_owned() } else { format!("{pairs} pairs") },
            self.all.len(),
            if enough { "" } else { " A correlation over models is given from 8 models on." }
        ));
    }

    fn told_apart(&self, study: &Study<'_>, answers: &Answers) -> Vec<(usize, usize)> {
        let mut told = Vec::new();
        for a in 0..self.all.len() {
            for b in 0..a {
                let difference = answers.difference(self.all[a].rating, self.all[b].rating);
                if difference.interval(study.settings.level).is_ok_and(|i| !i.contains(0.0)) {
                    told.push((a, b));
                }
            }
        }
        told
    }

    fn same_side(&self, v: &[Known], metric: usize, a: usize, b: usize) -> bool {
        self.side(v, metric, a, b).is_ok_and(|share| share == 1.0)
    }

    /// 1 where both order the pair alike, ½ where the metric or people tie it, else 0.
    fn side(&self, v: &[Known], metric: usize, a: usize, b: usize) -> Known {
        let (a, b) = (&self.all[a], &self.all[b]);
        let (people, own) = (v[a.rating]? - v[b.rating]?, v[a.metrics[metric]]? - v[b.metrics[metric]]?);
        Ok(match people * own {
            x if x > 0.0 => 1.0,
            0.0 => 0.5,
            _ => 0.0,
        })
    }

    fn alike(&self, v: &[Known], metric: usize) -> Known {
        let (mut sum, mut n) = (0.0, 0.0);
        for a in 0..self.all.len() {
            for b in 0..a {
                sum += self.side(v, metric, a, b)?;
                n += 1.0;
            }
        }
        Ok(sum / n)
    }

    fn over_models(&self, v: &[Known], metric: usize, of: Coefficient) -> Known {
        let own: Vec<f64> = self.all.iter().map(|s| v[s.metrics[metric]]).collect::<Result<_, _>>()?;
        let people: Vec<f64> = self.all.iter().map(|s| v[s.rating]).collect::<Result<_, _>>()?;
        correlation(of, &own, &people).map_err(|_| Undefined::NoData)?
    }
}

fn number(value: Option<f64>) -> Cell {
    value.map_or(Cell::Missing("no value".into()), |value| Cell::Number(value, 3))
}

/// An interval of a share that is no share of independent trials.
fn bounded(value: Value) -> Value {
    match value {
        Value::Interval { estimate, low, high, level } => {
            Value::Interval { estimate, low: low.clamp(0.0, 1.0), high: high.clamp(0.0, 1.0), level }
        }
        other => other,
    }
}
