//! The ROC curve of a judge's score: as a picture, and as what a validation file keeps of it.

use super::{SampleDesign, Validation};
use plumb_stats::Level;
use plumb_study::document::{Lines, Section, Series};
use plumb_study::method::{Unit, Value};
use serde::{Deserialize, Serialize};

/// Points of a curve that are drawn and kept.
const MOST_POINTS: usize = 120;

/// A curve, thinned to what can be told apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roc {
    /// Area under the whole curve.
    pub area: f64,
    /// Its 95 % interval; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// From the highest threshold down: (1 − specificity, recall).
    pub points: Vec<(f64, f64)>,
    /// Thresholds of the whole curve.
    pub thresholds: usize,
}

impl Roc {
    /// Of a validation; `None` without scores, or where they have no curve.
    pub fn of(found: &Validation) -> Option<Roc> {
        let roc = found.auroc.as_ref()?.as_ref().ok()?;
        let all = found.curve.len();
        let step = (all as f64 / MOST_POINTS as f64).max(1.0);
        // Evenly along the curve.
        let some = (0..all.min(MOST_POINTS)).filter_map(|at| found.curve.get((at as f64 * step) as usize));
        Some(Roc {
            area: roc.area,
            interval: roc.interval(Level::P95).ok().map(|i| (i.low, i.high)),
            points: some.map(|p| (1.0 - p.specificity, p.recall)).collect(),
            thresholds: all,
        })
    }

    /// Draws it, with what it shows of answers that were drawn so.
    pub fn draw(&self, section: &mut Section, name: String, design: SampleDesign) {
        let ends = [(0.0, 0.0)].into_iter().chain(self.points.iter().copied()).chain([(1.0, 1.0)]);
        let point = |(x, y)| (x, Value::Point { estimate: y, reason: "a point of a curve has none".into() });
        section.chart(Lines {
            title: "ROC curve".into(),
            x: "flagged among label no (1 − specificity)".into(),
            y: "flagged among label yes (recall)".into(),
            unit: Unit::Number,
            series: vec![Series { name, points: ends.map(point).collect() }],
            diagonal: true,
        });
        let mut about =
            "Each point is a threshold of the score; the diagonal is a judge that tosses a coin.".to_owned();
        if self.thresholds > self.points.len() {
            about += &format!(" {} of {} thresholds are drawn.", self.points.len(), self.thresholds);
        }
        if design == SampleDesign::ByVerdict {
            about +=
                " The answers were drawn by verdict, so this is the curve of the sample, not of all answers.";
        }
        section.note(about);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{JudgedRow, LabelledBy, Wanted, validate};
    use super::*;
    use plumb_stats::Draws;
    use plumb_study::document::{Block, Chart, Document};

    /// Scores of 500 answers, all different, higher where the label is yes.
    #[test]
    fn a_validation_keeps_a_curve_that_can_be_drawn() {
        let rows: Vec<JudgedRow> = (0..500_u32)
            .map(|at| {
                let truth = at % 3 == 0;
                let score = f64::from(at * 7_919 % 500) + if truth { 200.0 } else { 0.0 };
                let verdict = Some(score > 300.0);
                JudgedRow { cluster: at, verdict, truth, score: Some(score), ..JudgedRow::default() }
            })
            .collect();
        let wanted = Wanted {
            labelled_by: LabelledBy::People,
            by_verdict: true,
            draws: Draws::seeded(1),
            level: Level::P95,
            among: None,
        };
        let found = validate(&rows, wanted).unwrap();
        let kept = Roc::of(&found).unwrap();
        assert_eq!(kept.points.len(), MOST_POINTS);
        let (low, high) = kept.interval.unwrap();
        assert!(0.5 < low && low < kept.area && kept.area < high, "{kept:?}");
        let again: Roc = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
        assert_eq!(again, kept);
        let mut document = Document::new("a", "b");
        again.draw(document.section("c"), "guard".into(), SampleDesign::ByVerdict);
        let blocks = &document.sections[0].blocks;
        assert!(
            matches!(&blocks[0], Block::Chart(Chart::Lines(lines)) if lines.series[0].points.len() == 122)
        );
        assert!(
            matches!(&blocks[1], Block::Note(note) if note.contains("curve of the sample")),
            "{blocks:?}"
        );
        let unscored: Vec<JudgedRow> = rows.into_iter().map(|row| JudgedRow { score: None, ..row }).collect();
        assert!(Roc::of(&validate(&unscored, wanted).unwrap()).is_none());
    }
}
