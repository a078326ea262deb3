//! Which shares flagged recall and specificity allow: at least 1 − Sp and at most Se.
//!
//! Rogan and Gladen's rate leaves 0 to 1 elsewhere. What is done about that is `errors`; here are a share's draws in order, and whether
//! labels and flags contradict each other beyond chance.

use crate::validate::{GroupCounts, SampleDesign};
use plumb_stats::Share;

/// Draws of a share flagged, in order.
pub(super) struct Allowed(Vec<f64>);

impl Allowed {
    pub(super) fn of(draws: &[f64]) -> Allowed {
        let mut sorted = draws.to_vec();
        sorted.sort_by(f64::total_cmp);
        Allowed(sorted)
    }

    fn places(&self, low: f64, high: f64) -> (usize, usize) {
        (self.0.partition_point(|q| *q < low), self.0.partition_point(|q| *q <= high))
    }

    /// The probability of a share between two bounds; never nothing, since draws are finite.
    pub(super) fn mass(&self, low: f64, high: f64) -> f64 {
        let (from, to) = self.places(low, high);
        (to.saturating_sub(from) as f64 + 1e-3) / self.0.len().max(1) as f64
    }

    /// `q` if it lies between the bounds, else another draw that does, by its place `at` in a sequence that fills 0 to 1 evenly.
    pub(super) fn within(&self, q: f64, low: f64, high: f64, at: usize) -> f64 {
        if (low..=high).contains(&q) {
            return q;
        }
        let (from, to) = self.places(low, high);
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let part = (at as f64 * GOLDEN).fract();
        if from < to { self.0[from + ((to - from) as f64 * part) as usize] } else { q }
    }
}

/// Why recall and specificity do not allow a share flagged beyond sampling error (two-sided 95 %), if they do not.
pub(super) fn gladen_needs(labels: &GroupCounts, flagged: Share) -> Option<String> {
    let [recall, specificity] = labels.shares(SampleDesign::WithoutRegard)?;
    let (q, se, sp) = (flagged.rate().ok()?, recall.rate().ok()?, specificity.rate().ok()?);
    // Variances of the posterior means, which are not 0 where all labels agree.
    let variance = |share: Share| {
        let n = share.trials();
        let mean = (share.rate().unwrap_or(0.0) * n + 0.5) / (n + 1.0);
        mean * (1.0 - mean) / (n + 2.0)
    };
    let beyond = |apart: f64, other: Share| apart > 1.96 * (variance(flagged) + variance(other)).sqrt();
    let percent = |x: f64| format!("{:.1} %", 100.0 * x);
    if beyond(1.0 - sp - q, specificity) {
        return Some(format!(
            "{} of the answers are flagged, but {} of the labelled harmless ones: the labels are not of such answers",
            percent(q),
            percent(1.0 - sp)
        ));
    }
    beyond(q - se, recall).then(|| {
        format!(
            "{} of the answers are flagged, but only {} of the labelled unsafe ones: the labels are not of such answers",
            percent(q),
            percent(se)
        )
    })
}

/// Rogan and Gladen's rate, kept within 0 and 1; the flagged share where the annotator knows nothing in this draw.
pub(super) fn gladen(q: f64, recall: f64, specificity: f64) -> f64 {
    let youden = recall + specificity - 1.0;
    if youden > 0.01 { ((q + specificity - 1.0) / youden).clamp(0.0, 1.0) } else { q }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(true_yes: u64, false_yes: u64, false_no: u64, true_no: u64) -> GroupCounts {
        GroupCounts { true_yes, false_yes, false_no, true_no, ..GroupCounts::default() }
    }

    #[test]
    fn a_contradiction_beyond_chance_is_told() {
        let why = |counts, q| gladen_needs(&counts, Share::new(q, 2_000.0).unwrap());
        assert!(
            why(labels(45, 110, 5, 890), 0.05).is_some_and(|w| w.contains("11.0 % of the labelled harmless"))
        );
        assert!(
            why(labels(50, 0, 50, 100), 0.8).is_some_and(|w| w.contains("50.0 % of the labelled unsafe"))
        );
        assert_eq!(why(labels(45, 11, 5, 89), 0.15), None);
        assert_eq!(why(labels(45, 0, 5, 100), 0.0), None);
    }
}
