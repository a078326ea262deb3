//! What the rule that was fixed beforehand says of a hypothesis.

use plumb_stats::compare::equivalence;
use plumb_stats::model::Tested;

use super::Contrasted;
use crate::study::{Bounds, Direction};

/// What a rule says of a hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The adjusted p is at most alpha, and the sign is as claimed.
    Supported,
    /// A difference: the adjusted p is at most alpha and the sign is the opposite. Bounds: the contrast is shown to lie outside.
    Contradicted,
    /// Neither.
    Inconclusive,
}

/// p of a claim: of a difference the test's own, of bounds that of two one-sided tests.
pub(super) fn p_of(test: &Tested, bounds: Option<Bounds>) -> f64 {
    match bounds {
        None => test.p,
        Some(Bounds { low, high }) => equivalence(test, low, high).map_or(f64::NAN, |both| both.p),
    }
}

/// Two-sided p against the contrast's lying inside its bounds; none without bounds.
pub(super) fn p_outside(contrast: &Contrasted) -> Option<f64> {
    let Bounds { low, high } = contrast.bounds?;
    let both = equivalence(&contrast.test, low, high).ok()?;
    // One-sided p against "inside or above" is one less that against "at or below", and so above.
    Some(2.0 * (1.0 - both.p_low).min(1.0 - both.p_high))
}

/// `shown`: whether the claim is, and whether its opposite is, of bounds.
pub(super) fn of(direction: Direction, contrast: &Contrasted, shown: (bool, bool)) -> Verdict {
    let estimate = contrast.test.estimate;
    let as_claimed = contrast.bounds.is_some()
        || match direction {
            Direction::Different => true,
            Direction::Greater => estimate > 0.0,
            Direction::Less => estimate < 0.0,
        };
    match (shown, as_claimed) {
        ((true, _), true) => Verdict::Supported,
        ((true, _), false) | ((false, true), _) => Verdict::Contradicted,
        ((false, false), _) => Verdict::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plumb_stats::compare::one_sample;

    #[test]
    fn equivalence_is_shown_contradicted_or_neither() {
        let test = one_sample(&[0.1, -0.1, 0.2, -0.2, 0.05, -0.05, 0.0, 0.1], 0.0).unwrap();
        let claimed = |low, high| {
            let bounds = Some(Bounds { low, high });
            let p = p_of(&test, bounds);
            let contrast = Contrasted {
                hypothesis: String::new(),
                label: String::new(),
                test,
                bounds,
                p,
                adjusted: p,
                effect: None,
                verdict: Verdict::Inconclusive,
            };
            let outside = p_outside(&contrast).unwrap();
            of(Direction::Different, &contrast, (p <= 0.05, outside <= 0.05))
        };
        assert_eq!(claimed(-0.3, 0.3), Verdict::Supported);
        assert_eq!(claimed(-0.03, 0.03), Verdict::Inconclusive);
        assert_eq!(claimed(0.3, 0.6), Verdict::Contradicted);
        assert_eq!(claimed(-0.6, -0.3), Verdict::Contradicted);
    }
}
