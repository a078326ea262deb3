//! Signal detection: how well two kinds of items are told apart, and how ready the answer is, as two numbers.
//!
//! Source: Macmillan & Creelman 2005, *Detection Theory*, chapters 1 and 2; one half is added to each count and one to
//! each total, so that shares of 0 and 1 have a value (Hautus 1995, Behavior Research Methods 27:46–51). The standard error of d′ is
//! that of Gourevitch & Galanter 1967 (Psychometrika 32:25–33), at the same shares.

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
    /// Of d′.
    pub standard_error: f64,
}

/// From the share of "yes" among items where it is right and among items where it is wrong.
///
/// # Errors
/// No items of one kind.
pub fn detection(hits: Proportion, false_alarms: Proportion) -> Result<Detection, Undefined> {
    hits.rate()?;
    false_alarms.rate()?;
    let of = |share: Proportion| {
        let trials = share.trials as f64 + 1.0;
        let rate = (share.successes as f64 + 0.5) / trials;
        let z = normal_quantile(rate);
        let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        (z, rate * (1.0 - rate) / (trials * density * density))
    };
    let ((hit, hit_variance), (alarm, alarm_variance)) = (of(hits), of(false_alarms));
    Ok(Detection {
        sensitivity: hit - alarm,
        criterion: -f64::midpoint(hit, alarm),
        standard_error: (hit_variance + alarm_variance).sqrt(),
    })
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
        // At shares p and 1 − p: the square root of 2 p (1 − p) / (n φ(z)²), by the same library.
        assert!((found.standard_error - 0.210_933_896).abs() < 1e-8, "{found:?}");
        let same = detection(share(30, 100), share(30, 100)).unwrap();
        assert!(same.sensitivity.abs() < 1e-12 && same.criterion > 0.0);
        assert!(detection(share(50, 50), share(0, 50)).unwrap().sensitivity.is_finite());
        assert!(detection(share(0, 0), share(1, 2)).is_err());
    }
}
