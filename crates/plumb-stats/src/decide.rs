//! From an interval to a decision on a hypothesis that was written down beforehand.
//!
//! A claim is supported, contradicted or inconclusive; there is no fourth word and no "trend".
//!
//! | claim | interval looked at | supported | contradicted |
//! |---|---|---|---|
//! | greater than null | level 1 − 2α | whole interval above | whole interval below |
//! | less than null | level 1 − 2α | whole interval below | whole interval above |
//! | different from null | level 1 − α | null outside | never: "no difference" needs bounds |
//! | inside bounds | level 1 − 2α | whole interval inside | whole interval outside, on one side |
//!
//! A one-sided claim at α uses the interval of level 1 − 2α because its lower bound alone is a bound at 1 − α; the
//! last row is the two one-sided tests procedure (Schuirmann 1987, J. Pharmacokin. Biopharm. 15:657–680). The p-values
//! come from inverting those same intervals, so in a family of one hypothesis table and p-value always agree. In a
//! larger family the decision goes by Holm-adjusted p-values: those of the claims decide what is supported, and those
//! of the opposite claims, adjusted likewise, what is contradicted. A hypothesis without an interval still counts as
//! a member of its family, with p = 1.

use crate::multiplicity::holm;
use crate::{Error, Inference, Interval, Level, Undefined};

/// What was claimed about a quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Claim {
    Greater {
        null: f64,
    },
    Less {
        null: f64,
    },
    Different {
        null: f64,
    },
    /// Equivalence: inside `[low, high]`.
    Inside {
        low: f64,
        high: f64,
    },
}

impl Claim {
    /// p-values for the claim and for its opposite.
    fn p(self, inference: &Inference) -> Result<(f64, f64), Undefined> {
        Ok(match self {
            Self::Greater { null } => {
                let test = inference.test(null)?;
                (test.p_greater, test.p_less)
            }
            Self::Less { null } => {
                let test = inference.test(null)?;
                (test.p_less, test.p_greater)
            }
            Self::Different { null } => (inference.test(null)?.p_two_sided, 1.0),
            Self::Inside { low, high } => {
                let (at_low, at_high) = (inference.test(low)?, inference.test(high)?);
                (at_low.p_greater.max(at_high.p_less), at_low.p_less.min(at_high.p_greater))
            }
        })
    }

    fn level(self, alpha: f64) -> Result<Level, Error> {
        Level::new(match self {
            Self::Different { .. } => 1.0 - alpha,
            Self::Greater { .. } | Self::Less { .. } | Self::Inside { .. } => 1.0 - 2.0 * alpha,
        })
    }

    fn check(self) -> Result<(), Error> {
        match self {
            Self::Greater { null } | Self::Less { null } | Self::Different { null } if !null.is_finite() => {
                Err(Error::not_finite("a null value"))
            }
            Self::Inside { low, high } if !(low < high && low.is_finite() && high.is_finite()) => {
                Err(Error::bounds(low, high))
            }
            _ => Ok(()),
        }
    }
}

/// A claim with the error rate it is judged at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hypothesis {
    pub claim: Claim,
    /// Strictly between 0 and ½.
    pub alpha: f64,
}

/// How hypotheses of one family share their error rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adjustment {
    #[default]
    Holm,
    None,
}

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    Supported,
    Contradicted,
    Inconclusive,
}

/// A decision with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decided {
    pub decision: Decision,
    /// Unadjusted p-value of the claim.
    pub p: f64,
    /// The same within its family.
    pub p_adjusted: f64,
    /// Within its family, of the opposite claim.
    pub p_opposite_adjusted: f64,
    /// The unadjusted interval at the level of the table above.
    pub interval: Interval,
}

/// Decides all hypotheses of one family, in order. A hypothesis without an interval gets the reason instead of a
/// decision.
///
/// # Errors
/// An alpha outside (0, ½), a null value or bounds that are not finite, or bounds in the wrong order.
pub fn decide(
    family: &[(Hypothesis, &Inference)],
    adjustment: Adjustment,
) -> Result<Vec<Result<Decided, Undefined>>, Error> {
    let mut p = Vec::with_capacity(family.len());
    for (hypothesis, inference) in family {
        hypothesis.claim.check()?;
        if !(hypothesis.alpha > 0.0 && hypothesis.alpha < 0.5) {
            return Err(Error::probability("alpha (at most one half)", hypothesis.alpha));
        }
        p.push(hypothesis.claim.p(inference));
    }
    let side = |pick: fn(&(f64, f64)) -> f64| -> Result<Vec<f64>, Error> {
        let raw: Vec<f64> = p.iter().map(|both| both.as_ref().map_or(1.0, pick)).collect();
        match adjustment {
            Adjustment::Holm => holm(&raw),
            Adjustment::None => Ok(raw),
        }
    };
    let (claims, opposites) = (side(|both| both.0)?, side(|both| both.1)?);
    let mut decided = Vec::with_capacity(family.len());
    for (i, (hypothesis, inference)) in family.iter().enumerate() {
        let level = hypothesis.claim.level(hypothesis.alpha)?;
        decided.push(inference.interval(level).and_then(|interval| {
            let (raw, _) = p[i]?;
            let decision = if claims[i] <= hypothesis.alpha {
                Decision::Supported
            } else if opposites[i] <= hypothesis.alpha {
                Decision::Contradicted
            } else {
                Decision::Inconclusive
            };
            let (p_adjusted, p_opposite_adjusted) = (claims[i], opposites[i]);
            Ok(Decided { decision, p: raw, p_adjusted, p_opposite_adjusted, interval })
        }));
    }
    Ok(decided)
}
