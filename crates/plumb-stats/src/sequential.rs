//! Looks at data before all of them are there: how much of alpha each may spend, and how small p must be.
//!
//! Whoever looks several times at the usual level is wrong more often than alpha says. A spending function fixes beforehand how
//! much of alpha is spent by which share of the information (Lan & DeMets 1983), so numbers and times of looks may turn out
//! otherwise than planned. Start at [`levels`].
//!
//! Tests are two-sided and symmetric: the chance that |Z| reaches the bound at a look, and at none before, is what the look
//! spends. It is found by going from look to look through the density of a Brownian motion that has not crossed (Armitage,
//! McPherson & Rowe 1969), and bisecting. A test whose p is not of a normal variable is held against the level all the same,
//! as is usual (Jennison & Turnbull 2000, 3.3).

use crate::distribution::normal_quantile;
use crate::error::Error;
use crate::quadrature::nodes;
use crate::tails::normal_upper;

/// How alpha is spent as information comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Hardly anything early: 4 (1 − Φ(z / √t)) with z the normal quantile of 1 − α/4, after O'Brien & Fleming.
    OBrienFleming,
    /// About as much at each look: α ln(1 + (e − 1) t), after Pocock.
    Pocock,
}

/// What one look may decide by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookLevel {
    /// Share of all information, from 0 to 1.
    pub fraction: f64,
    /// Alpha spent by then, this look included.
    pub spent: f64,
    /// The |z| that must be reached.
    pub bound: f64,
    /// The two-sided p that must not be exceeded.
    pub level: f64,
}

impl Spending {
    /// Alpha spent by a share of the information.
    pub fn spent(self, alpha: f64, fraction: f64) -> f64 {
        if fraction >= 1.0 {
            return alpha;
        }
        if fraction <= 0.0 {
            return 0.0;
        }
        match self {
            Spending::OBrienFleming => {
                4.0 * normal_upper(normal_quantile(1.0 - alpha / 4.0) / fraction.sqrt())
            }
            Spending::Pocock => alpha * ((std::f64::consts::E - 1.0) * fraction).ln_1p(),
        }
    }
}

/// The levels of looks at these shares of the information, in their order; whoever looks once at all of it has alpha.
///
/// # Errors
/// Alpha or a share is outside (0, 1], or shares do not rise.
pub fn levels(spending: Spending, alpha: f64, fractions: &[f64]) -> Result<Vec<LookLevel>, Error> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(Error::probability("alpha", alpha));
    }
    let mut before = 0.0;
    for &fraction in fractions {
        if !(fraction > before && fraction <= 1.0) {
            return Err(Error::model(format!(
                "looks need rising shares of the information up to 1, not {fraction} after {before}"
            )));
        }
        before = fraction;
    }
    let mut walk = Walk { density: vec![(0.0, 1.0)], fraction: 0.0, spent: 0.0 };
    Ok(fractions.iter().map(|&fraction| walk.look(spending.spent(alpha, fraction), fraction)).collect())
}

/// A Brownian motion that has crossed no bound: weighted points of its density.
struct Walk {
    density: Vec<(f64, f64)>,
    fraction: f64,
    spent: f64,
}

impl Walk {
    fn look(&mut self, spent: f64, fraction: f64) -> LookLevel {
        let step = (fraction - self.fraction).sqrt();
        let wanted = spent - self.spent;
        let crossing = |z: f64| -> f64 {
            let b = z * fraction.sqrt();
            let beyond = |x: f64| normal_upper((b - x) / step) + normal_upper((b + x) / step);
            self.density.iter().map(|(x, w)| w * beyond(*x)).sum()
        };
        let (mut low, mut high) = (0.0, 40.0);
        while high - low > 1e-12 {
            let middle = 0.5 * (low + high);
            if crossing(middle) > wanted { low = middle } else { high = middle }
        }
        let bound = 0.5 * (low + high);
        let b = bound * fraction.sqrt();
        // Pieces no wider than a step's standard deviation; beyond nine of them from all that is there, nothing is.
        let reach = b.min(9.0 * fraction.sqrt());
        let pieces = (2.0 * reach / step).ceil().clamp(12.0, 400.0) as u32;
        let there = |x: f64| -> f64 {
            let scaled = |u: f64| (x - u) / step;
            let normal = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
            self.density.iter().map(|(u, w)| w * normal(scaled(*u)) / step).sum()
        };
        self.density = nodes(-reach, reach, pieces).map(|(x, w)| (x, w * there(x))).collect();
        self.fraction = fraction;
        self.spent = spent;
        LookLevel { fraction, spent, bound, level: 2.0 * normal_upper(bound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_look_at_everything_has_alpha() {
        for spending in [Spending::OBrienFleming, Spending::Pocock] {
            let only = levels(spending, 0.05, &[1.0]).unwrap();
            assert!((only[0].level - 0.05).abs() < 1e-10, "{only:?}");
            assert!((normal_upper(only[0].bound) - 0.025).abs() < 1e-9);
        }
    }

    #[test]
    fn shares_rise_within_one() {
        for wrong in [vec![0.5, 0.5], vec![0.0, 1.0], vec![0.5, 1.2], vec![f64::NAN]] {
            assert!(levels(Spending::Pocock, 0.05, &wrong).is_err(), "{wrong:?}");
        }
        assert!(levels(Spending::Pocock, 0.0, &[1.0]).is_err());
    }
}
