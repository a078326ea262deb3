//! Tests of two correlations with the same third variable, from the correlations and the number of independent rows.
//!
//! Why: they are what papers print for "this metric correlates better than that one". Both take rows for independent, so
//! they are right only with one output a problem and raters taken as given; else use
//! [`crate::Correlations::difference`] or differences of [`crate::Question`]s, which resample what belongs together.

use crate::distribution::{normal_cdf, t_tail};
use crate::{Error, Undefined};

/// Correlations of a and b with y and with each other, in `n` independent rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dependent {
    a_y: f64,
    b_y: f64,
    a_b: f64,
    n: f64,
}

/// A test statistic with its two-sided p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DependentTest {
    /// t with n − 3 degrees of freedom, or z.
    pub statistic: f64,
    pub p_two_sided: f64,
}

impl Dependent {
    /// # Errors
    /// A correlation outside −1 to 1.
    pub fn new(a_y: f64, b_y: f64, a_b: f64, n: u64) -> Result<Self, Error> {
        for r in [a_y, b_y, a_b] {
            if !(-1.0..=1.0).contains(&r) {
                return Err(Error::correlation(r));
            }
        }
        Ok(Self { a_y, b_y, a_b, n: n as f64 })
    }

    /// Williams' t (1959, J. R. Stat. Soc. B 21:396–399), which Steiger (1980) recommends.
    pub fn williams(&self) -> Result<DependentTest, Undefined> {
        let Self { a_y, b_y, a_b, n } = *self;
        if n < 4.0 {
            return Err(Undefined::NoData);
        }
        let determinant = 1.0 - a_y * a_y - b_y * b_y - a_b * a_b + 2.0 * a_y * b_y * a_b;
        let middle = (a_y + b_y) / 2.0;
        let below = 2.0 * (n - 1.0) / (n - 3.0) * determinant + middle * middle * (1.0 - a_b).powi(3);
        if below <= 0.0 {
            return Err(Undefined::NoVariation);
        }
        let statistic = (a_y - b_y) * ((n - 1.0) * (1.0 + a_b) / below).sqrt();
        Ok(DependentTest { statistic, p_two_sided: t_tail(statistic.abs(), n - 3.0) * 2.0 })
    }

    /// Steiger's Z with the mean correlation in the covariance (1980, Psychol. Bull. 87:245–251, eq. 14).
    pub fn steiger(&self) -> Result<DependentTest, Undefined> {
        let Self { a_y, b_y, a_b, n } = *self;
        if n < 4.0 {
            return Err(Undefined::NoData);
        }
        let square = ((a_y + b_y) / 2.0).powi(2);
        let psi = a_b * (1.0 - 2.0 * square) - square / 2.0 * (1.0 - 2.0 * square - a_b * a_b);
        let spread = 2.0 - 2.0 * psi / (1.0 - square).powi(2);
        if spread.is_nan() || spread <= 0.0 || a_y.abs() >= 1.0 || b_y.abs() >= 1.0 {
            return Err(Undefined::NoVariation);
        }
        let statistic = (a_y.atanh() - b_y.atanh()) * ((n - 3.0) / spread).sqrt();
        Ok(DependentTest { statistic, p_two_sided: 2.0 * normal_cdf(-statistic.abs()) })
    }
}
