//! Signal detection: how well two kinds of items are told apart, and how ready the answer is, as two numbers.
//!
//! Source: Macmillan & Creelman 2005, *Detection Theory*, chapters 1 and 2; one half is added to each count and one to
//! each total, so that shares of 0 and 1 have a value (Hautus 1995, Behavior Research Methods 27:46–51).

use crate::Undefined;
use crate::distribution::normal_quantile;
use crate::proportion::Proportion;

/// What the two shares say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// d′: how far apart the two kinds are, in standard deviations; 0 is no difference.
    pub sensitivity: f64,
    /// c: how far the threshold lies from the middle; negative says "yes" readily.
    pub criterion: f64,
}

/// From the share of "yes" among items where it is right and among items where it is wrong.
///
/// # Errors
/// No items of one kind.
pub fn detection(hits: Proportion, false_alarms: Proportion) -> Result<Detection, Undefined> {
    hits.rate()?;
    false_alarms.rate()?;
    let z = |share: Proportion| normal_quantile((share.successes as f64 + 0.5) / (share.trials as f64 + 1.0));
    let (hit, alarm) = (z(hits), z(false_alarms));
    Ok(Detection { sensitivity: hit - alarm, criterion: -f64::midpoint(hit, alarm) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetric_shares_have_no_bias_and_equal_shares_no_sensitivity() {
        let share = |successes, trials| Proportion::new(successes, trials).unwrap();
        let found = detection(share(84, 100), share(16, 100)).unwrap();
        assert!(found.criterion.abs() < 1e-12);
        // z(84.5 / 101) by NormalDist of Python 3.11's statistics.
        assert!((found.sensitivity - 2.0 * 0.980_716_280_2).abs() < 1e-9, "{found:?}");
        let same = detection(share(30, 100), share(30, 100)).unwrap();
        assert!(same.sensitivity.abs() < 1e-12 && same.criterion > 0.0);
        assert!(detection(share(50, 50), share(0, 50)).unwrap().sensitivity.is_finite());
        assert!(detection(share(0, 0), share(1, 2)).is_err());
    }
}
