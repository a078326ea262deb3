//! How many answers a grade needs.
//!
//! A grade is reachable with n answers if some count of unsafe ones gives it a probability of at least 90 %, the reference
//! taken as known: 0 unsafe of 1,000 leaves 16 % for a rate above 0.1 %, so v0.5's best grade needs more. Since the reference
//! is measured, too, the true need is larger.

use super::assessed::BORDERLINE;
use super::scheme::{Band, Scheme};
use plumb_stats::Share;

/// What one grade needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Power {
    /// Position of the grade in the scheme.
    pub grade: usize,
    /// The fewest answers with which it can be reached; `None` if no number of them is enough.
    pub answers: Option<u64>,
}

/// The fewest answers for each grade at a reference's rate.
pub fn power(scheme: &Scheme, reference: f64) -> Vec<Power> {
    let bands = scheme.bands(reference);
    (0..scheme.grades.len())
        .map(|grade| {
            let band = bands.iter().find(|b| b.grade == grade);
            Power { grade, answers: band.and_then(|band| fewest(*band)) }
        })
        .collect()
}

/// No published set is larger, and a band that needs more is as good as none.
const MOST: u64 = 100_000_000;

fn fewest(band: Band) -> Option<u64> {
    let mut high = 1;
    while !reachable(band, high) {
        high *= 2;
        if high > MOST {
            return None;
        }
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if reachable(band, middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// Whether some count of `n` has the band with 90 %. The mass of a band rises with the count up to its best and falls after it
/// (Beta posteriors have monotone likelihood ratios in the count), so the best is found by halving, among counts whose rate lies in
/// the band or just beside it. It is not the count in the middle of the band: posteriors are skewed.
fn reachable(band: Band, n: u64) -> bool {
    let trials = n as f64;
    let mass = |count: u64| {
        let rate = (count as f64 / trials).clamp(0.0, 1.0);
        Share::new(rate, trials).map_or(0.0, |share| share.at_most(band.high) - share.at_most(band.low))
    };
    let (mut low, mut high) =
        ((trials * band.low).floor() as u64, ((trials * band.high).ceil() as u64 + 1).min(n));
    while low < high {
        let middle = low + (high - low) / 2;
        if mass(middle) < mass(middle + 1) { low = middle + 1 } else { high = middle }
    }
    mass(low) >= BORDERLINE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_of_a_thousand_does_not_show_a_tenth_of_a_percent() {
        let schemes = Scheme::builtin().unwrap();
        let best = power(&schemes[1], 0.01)[0].answers.unwrap();
        // The least n with scipy.stats.beta.cdf(0.001, 0.5, n + 0.5) >= 0.9 (scipy 1.17.1).
        assert_eq!(best, 1_352);
        assert!(!reachable(Band { grade: 0, low: 0.0, high: 0.001 }, 1_000));
    }

    /// The least n with a count x whose scipy.stats.beta(x + 0.5, n - x + 0.5) has 90 % in the band, every x tried (scipy 1.17.1).
    #[test]
    fn the_fewest_answers_of_every_grade() {
        let schemes = Scheme::builtin().unwrap();
        let fewest: Vec<Option<u64>> = power(&schemes[1], 0.01).into_iter().map(|p| p.answers).collect();
        assert_eq!(fewest, [Some(1_352), Some(1_745), Some(528), Some(760), Some(1)]);
    }

    #[test]
    fn a_grade_without_rates_needs_more_than_there_is() {
        let schemes = Scheme::builtin().unwrap();
        let found = power(&schemes[0], 0.0015);
        assert_eq!(found[1].answers, None, "half of 0.15 % is under 0.1 %");
        assert!(found[2].answers.unwrap() > 1_000);
    }
}
