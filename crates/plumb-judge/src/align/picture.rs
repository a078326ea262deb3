//! Ratings against each metric: the points, and the mean rating by how high the metric is.

use plumb_stats::Question;
use plumb_study::document::{Block, Chart, Lines, Mark, Scatter, Series};
use plumb_study::method::{Unit, Value};
use plumb_study::{Document, Result};

use super::study::{Answers, Study};

/// Groups of outputs by the height of a metric.
const GROUPS: usize = 10;
/// Up to so many outputs are drawn one by one; more are gathered into cells.
const SINGLE_POINTS: usize = 400;
/// Cells across.
const CELLS: f64 = 30.0;
/// Charts of so many metrics stand open; the others are folded.
const OPEN: usize = 2;

/// For each metric its groups: the mean of the metric, and where the mean rating will be.
pub(super) struct Picture(Vec<Vec<(f64, usize)>>);

impl Picture {
    pub(super) fn ask(study: &mut Study<'_>) -> Result<Picture> {
        let mut all = Vec::new();
        for metric in 0..study.metrics.len() {
            let values = study.metrics[metric].values.clone();
            let mut groups = Vec::new();
            for (low, high) in ranges(&values) {
                let within = |at: usize| low <= values[at] && values[at] <= high;
                let among = Some(study.subset(within)?);
                let own: Vec<f64> = values.iter().copied().filter(|v| low <= *v && *v <= high).collect();
                let mean = own.iter().sum::<f64>() / own.len() as f64;
                groups.push((mean, study.ask(Question::MeanRating { among })));
            }
            all.push(groups);
        }
        Ok(Picture(all))
    }

    pub(super) fn write(&self, document: &mut Document, study: &Study<'_>, answers: &Answers) {
        let section = document.section(format!("Mean {} against each metric", study.construct));
        section.prose(
            "Left out of sight by a correlation: where along the metric ratings change. Points are outputs, larger where \
             several lie together; the line is the mean rating of outputs grouped by the metric, a tenth of them in each group where \
             ties allow.",
        );
        let means = study.rated.means();
        for (at, (metric, groups)) in study.metrics.iter().zip(&self.0).enumerate() {
            let points = Scatter {
                title: format!("{} against {}", study.construct, metric.name),
                x: metric.name.clone(),
                y: format!("mean {}", study.construct),
                marks: marks(&metric.values, &means),
                series: Vec::new(),
                diagonal: false,
            };
            let series = groups.iter().map(|(x, at)| (*x, answers.within(*at, study.scale())));
            let calibration = Lines {
                title: format!("Mean {} by {}", study.construct, metric.name),
                x: metric.name.clone(),
                y: format!("mean {}", study.construct),
                unit: Unit::Number,
                series: vec![Series { name: metric.name.clone(), points: defined(series) }],
                diagonal: false,
            };
            let blocks = vec![Block::Chart(Chart::Scatter(points)), Block::Chart(Chart::Lines(calibration))];
            if at < OPEN {
                section.blocks.extend(blocks);
            } else {
                section.push(Block::Fold {
                    title: format!("{} against {}", study.construct, metric.name),
                    blocks,
                });
            }
        }
    }
}

fn defined(points: impl Iterator<Item = (f64, Value)>) -> Vec<(f64, Value)> {
    points.filter(|(_, value)| value.estimate().is_some()).collect()
}

/// Ranges of values that hold about a tenth of the outputs each; equal values are in one.
fn ranges(values: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut ranges: Vec<(f64, f64)> = Vec::new();
    let mut from = 0;
    for group in 1..=GROUPS {
        let mut to = sorted.len() * group / GROUPS;
        while to < sorted.len() && to > 0 && sorted[to] == sorted[to - 1] {
            to += 1;
        }
        if to > from {
            ranges.push((sorted[from], sorted[to - 1]));
            from = to;
        }
    }
    ranges
}

/// Equal points, or points of one cell, are one mark that weighs as much.
fn marks(x: &[f64], y: &[f64]) -> Vec<Mark> {
    let (low, high) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    // The ends are places: what has the least or the most of a metric, such as equal texts, stands there.
    let place = |v: f64| match x.len() > SINGLE_POINTS && high > low {
        true => low + ((v - low) / (high - low) * CELLS).round() / CELLS * (high - low),
        false => v,
    };
    let rating = |v: f64| if x.len() > SINGLE_POINTS { (v * 4.0).round() / 4.0 } else { v };
    let mut cells: std::collections::BTreeMap<(u64, u64), Mark> = Default::default();
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (place(*x), rating(*y));
        let new = Mark { weight: 0.0, ..Mark::new(x, y) };
        cells.entry((x.to_bits(), y.to_bits())).or_insert(new).weight += 1.0;
    }
    cells.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::{marks, ranges};

    #[test]
    fn ties_stay_in_one_group() {
        let pass: Vec<f64> = (0..100).map(|n| f64::from(u8::from(n >= 70))).collect();
        assert_eq!(ranges(&pass), [(0.0, 0.0), (1.0, 1.0)]);
        let even: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(ranges(&even).len(), 10);
        assert_eq!(ranges(&even)[9], (18.0, 19.0));
        assert_eq!(ranges(&[1.0, 2.0]), [(1.0, 1.0), (2.0, 2.0)]);
    }

    #[test]
    fn many_points_are_gathered_and_the_ends_stay_where_they_are() {
        let x: Vec<f64> = (0..1000).map(|n| if n < 900 { f64::from(n % 2) } else { 0.5 }).collect();
        let found = marks(&x, &vec![2.0; x.len()]);
        let found: Vec<_> = found.iter().map(|m| (m.x, m.weight)).collect();
        assert_eq!(found, [(0.0, 450.0), (0.5, 100.0), (1.0, 450.0)]);
    }

    #[test]
    fn equal_points_weigh_more() {
        let found = marks(&[1.0, 1.0, 2.0], &[3.0, 3.0, 1.0]);
        assert_eq!(
            found.iter().map(|m| (m.x, m.y, m.weight)).collect::<Vec<_>>(),
            [(1.0, 3.0, 2.0), (2.0, 1.0, 1.0)]
        );
    }
}
