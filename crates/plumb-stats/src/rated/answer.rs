//! The answers to all questions in one replicate.
//!
//! Not here: what a question means (`super`), people's side of a correlation (`side`), fitting (`blend`).

use std::cmp::Ordering;

use super::blend::{Blend, Fitted};
use super::side::{Drawn, Side, ranks};
use super::{Form, Of, Question, Rated, Subset};
use crate::pairs::Pairs;
use crate::{Coefficient, Known, Times, Undefined};

pub(super) fn all(rated: &Rated, questions: &[Question], times: Times<'_>) -> Vec<Known> {
    let drawn = Drawn::new(rated, times);
    let mut replicate =
        Replicate { rated, times, drawn, sides: Vec::new(), pairs: Vec::new(), fitted: Vec::new() };
    questions.iter().map(|question| replicate.answer(question)).collect()
}

type SideKey = (Form, Option<Subset>);

/// What was computed for one question and serves others.
struct Replicate<'a> {
    rated: &'a Rated,
    times: Times<'a>,
    drawn: Drawn,
    sides: Vec<(SideKey, Side)>,
    pairs: Vec<((usize, SideKey), Pairs)>,
    fitted: Vec<(Blend, Fitted)>,
}

impl Replicate<'_> {
    fn answer(&mut self, question: &Question) -> Known {
        match question {
            Question::Follows { metric, form, of: Of::Coefficient(Coefficient::KendallB), among } => {
                self.pairs(*metric, *form, *among).tau_b()
            }
            Question::Follows { metric, form, of: Of::Pairs, among } => {
                self.pairs(*metric, *form, *among).accuracy()
            }
            Question::Follows { metric, form, of: Of::PairsWithTies, among } => {
                self.pairs(*metric, *form, *among).accuracy_with_ties()
            }
            Question::Follows { metric, form: Form::WithinProblem, of: Of::Coefficient(of), among } => {
                self.within(*metric, *of == Coefficient::Spearman, *among)
            }
            Question::Follows { metric, form, of: Of::Coefficient(of), among } => {
                let rated = self.rated;
                self.side(*form, *among).coefficient(*of, &rated.metrics[*metric])
            }
            Question::MeanRating { among } => self.mean(*among, |drawn, output| drawn.mean[output]),
            Question::MeanMetric { metric, among } => {
                let values = &self.rated.metrics[*metric].values;
                self.mean(*among, |_, output| values[output])
            }
            Question::Rated { at_least, among } => {
                self.mean(*among, |drawn, output| f64::from(u8::from(drawn.mean[output] >= *at_least)))
            }
            Question::Quadrant { among, at_least, below } => {
                let (_, all) = self.sums(None, |_, _| 0.0);
                let (sum, _) = self.sums(Some(*among), |drawn, output| {
                    f64::from(u8::from((drawn.mean[output] < *at_least) == *below))
                });
                if all > 0.0 { Ok(sum / all) } else { Err(Undefined::NoData) }
            }
            Question::Finds { metric, at_most, among } => self.finds(*metric, *at_most, *among),
            Question::OneRater => self.one_rater(),
            Question::Blended(blend) => self.fitted(blend).blended,
            Question::BestSingle(blend) => self.fitted(blend).best,
        }
    }

    fn side(&mut self, form: Form, among: Option<Subset>) -> &Side {
        let at = match self.sides.iter().position(|(key, _)| *key == (form, among)) {
            Some(at) => at,
            None => {
                let side = Side::new(self.rated, form, among, &self.drawn, self.times);
                self.sides.push(((form, among), side));
                self.sides.len() - 1
            }
        };
        &self.sides[at].1
    }

    fn pairs(&mut self, metric: usize, form: Form, among: Option<Subset>) -> Pairs {
        let key = (metric, (form, among));
        if let Some((_, pairs)) = self.pairs.iter().find(|(known, _)| *known == key) {
            return *pairs;
        }
        let rated = self.rated;
        let pairs = match form {
            Form::WithinProblem => self.pairs_within(metric, among),
            _ => self.side(form, among).pairs(&rated.metrics[metric]),
        };
        self.pairs.push((key, pairs));
        pairs
    }

    fn fitted(&mut self, blend: &Blend) -> Fitted {
        if let Some((_, fitted)) = self.fitted.iter().find(|(known, _)| known == blend) {
            return *fitted;
        }
        let fitted = blend.cross_validate(self.rated, &self.drawn);
        self.fitted.push((blend.clone(), fitted));
        fitted
    }

    /// Σ times × value over outputs, and Σ times; whoever stands for several is there as often.
    fn sums(&self, among: Option<Subset>, of: impl Fn(&Drawn, usize) -> f64) -> (f64, f64) {
        let add = |(sum, count): (f64, f64), output: usize| {
            let weight = f64::from(self.drawn.weight[output]) * self.rated.stands_for[output];
            if weight > 0.0 { (sum + weight * of(&self.drawn, output), count + weight) } else { (sum, count) }
        };
        match among {
            None => (0..self.rated.outputs()).fold((0.0, 0.0), add),
            Some(subset) => self.rated.subsets[subset.0].iter().map(|o| *o as usize).fold((0.0, 0.0), add),
        }
    }

    fn mean(&self, among: Option<Subset>, of: impl Fn(&Drawn, usize) -> f64) -> Known {
        let (sum, count) = self.sums(among, of);
        if count > 0.0 { Ok(sum / count) } else { Err(Undefined::NoData) }
    }

    /// Looks at each problem that counts: how often, and those of its outputs that count.
    fn problems(&self, among: Option<Subset>, mut look: impl FnMut(f64, &[usize])) {
        let chosen = among.map(|subset| &self.rated.subsets[subset.0]);
        let mut own = Vec::new();
        for (outputs, times) in
            self.rated.by_problem.iter().zip(self.times.problems).filter(|(_, times)| **times > 0)
        {
            let counts = |output: &usize| {
                self.drawn.weight[*output] > 0
                    && chosen.is_none_or(|subset| subset.binary_search(&(*output as u32)).is_ok())
            };
            own.clear();
            own.extend(outputs.iter().map(|output| *output as usize).filter(counts));
            look(f64::from(*times), &own);
        }
    }

    fn pairs_within(&self, metric: usize, among: Option<Subset>) -> Pairs {
        let (x, mean) = (&self.rated.metrics[metric], &self.drawn.mean);
        let mut pairs = Pairs::default();
        self.problems(among, |times, outputs| {
            for (at, a) in outputs.iter().enumerate() {
                for b in &outputs[..at] {
                    let second = mean[*a].partial_cmp(&mean[*b]).unwrap_or(Ordering::Equal);
                    pairs.add(x.group[*a].cmp(&x.group[*b]), second, times);
                }
            }
        });
        pairs
    }

    fn within(&self, metric: usize, by_rank: bool, among: Option<Subset>) -> Known {
        let values = &self.rated.metrics[metric].values;
        let (mut xx, mut yy, mut xy, mut size) = (0.0, 0.0, 0.0, 0.0_f64);
        let (mut x, mut y) = (Vec::new(), Vec::new());
        self.problems(among, |times, outputs| {
            let n = outputs.len() as f64;
            if outputs.len() < 2 {
                return;
            }
            for (own, all) in [(&mut x, values), (&mut y, &self.drawn.mean)] {
                own.clear();
                own.extend(outputs.iter().map(|output| all[*output]));
                if by_rank {
                    *own = ranks_of(own);
                }
            }
            let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
            for (x, y) in x.iter().zip(&y) {
                xx += times * (x - mean_x).powi(2);
                yy += times * (y - mean_y).powi(2);
                xy += times * (x - mean_x) * (y - mean_y);
                size = size.max(x.abs() * 1e-15);
            }
        });
        if xx == 0.0 && yy == 0.0 {
            return Err(Undefined::NoData);
        }
        // Equal values leave no more than the rounding of their mean.
        if xx <= size * size || yy <= 0.0 {
            return Err(Undefined::ConstantColumn);
        }
        Ok((xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
    }

    /// By ranks, as the area under the ROC curve (Hanley & McNeil 1982, Radiology 143:29–36).
    fn finds(&self, metric: usize, at_most: f64, among: Option<Subset>) -> Known {
        let x = &self.rated.metrics[metric];
        let (mut low, mut other) = (vec![0_u64; x.groups], vec![0_u64; x.groups]);
        let mut count = |output: usize| {
            let side = if self.drawn.mean[output] <= at_most { &mut low } else { &mut other };
            side[x.group[output] as usize] += u64::from(self.drawn.weight[output]);
        };
        match among {
            None => (0..self.rated.outputs()).for_each(&mut count),
            Some(subset) => self.rated.subsets[subset.0].iter().for_each(|output| count(*output as usize)),
        }
        let (lows, others) = (low.iter().sum::<u64>() as f64, other.iter().sum::<u64>() as f64);
        if lows == 0.0 || others == 0.0 {
            return Err(Undefined::NoData);
        }
        let (mut before, mut won) = (0.0, 0.0);
        for (low, other) in low.iter().zip(&other) {
            won += *other as f64 * (before + *low as f64 / 2.0);
            before += *low as f64;
        }
        Ok(won / (lows * others))
    }

    fn one_rater(&self) -> Known {
        let rated = self.rated;
        let mut own = vec![Moments::default(); rated.raters];
        for (output, range) in rated.first.windows(2).enumerate() {
            let problem = f64::from(self.times.problems[rated.problem[output] as usize]);
            let range = range[0] as usize..range[1] as usize;
            if problem == 0.0 {
                continue;
            }
            let of = |at: usize| f64::from(self.times.raters[rated.rater[at] as usize]);
            let (count, sum) =
                range.clone().fold((0.0, 0.0), |(n, s), at| (n + of(at), s + of(at) * rated.value[at]));
            for at in range.filter(|at| of(*at) > 0.0 && count > of(*at)) {
                let others = (sum - of(at) * rated.value[at]) / (count - of(at));
                own[rated.rater[at] as usize].add(rated.value[at], others, problem);
            }
        }
        let (mut sum, mut n) = (0.0, 0.0);
        for (moments, times) in own.iter().zip(self.times.raters) {
            if let Some(r) = moments.correlation() {
                sum += f64::from(*times) * moments.n * r;
                n += f64::from(*times) * moments.n;
            }
        }
        if n > 0.0 { Ok(sum / n) } else { Err(Undefined::NoData) }
    }
}

fn ranks_of(values: &[f64]) -> Vec<f64> {
    let column = crate::correlation::Column::new(values);
    let mut sizes = vec![0; column.groups];
    column.group.iter().for_each(|group| sizes[*group as usize] += 1);
    let ranks = ranks(&sizes);
    column.group.iter().map(|group| ranks[*group as usize]).collect()
}

/// Sums for a correlation, of differences from the first pair.
#[derive(Clone, Copy, Default)]
struct Moments {
    n: f64,
    from: Option<(f64, f64)>,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Moments {
    fn add(&mut self, x: f64, y: f64, times: f64) {
        let (x0, y0) = *self.from.get_or_insert((x, y));
        let (x, y) = (x - x0, y - y0);
        self.n += times;
        self.x += times * x;
        self.y += times * y;
        self.xx += times * x * x;
        self.yy += times * y * y;
        self.xy += times * x * y;
    }

    fn correlation(&self) -> Option<f64> {
        let (xx, yy) = (self.xx - self.x * self.x / self.n, self.yy - self.y * self.y / self.n);
        let rounding = |sum: f64| sum * 1e-12;
        if self.n < 2.0 || xx <= rounding(self.xx) || yy <= rounding(self.yy) {
            return None;
        }
        Some(((self.xy - self.x * self.y / self.n) / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
    }
}
