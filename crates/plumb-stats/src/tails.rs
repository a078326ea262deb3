//! Tail probabilities of t, F and χ² by the functions of [`crate::distribution`] and `statrs`.
//!
//! t and F go through the incomplete beta function (DLMF 8.17; Abramowitz & Stegun 26.5.27–28), so that small
//! p-values keep their digits. Degrees of freedom may be fractions or infinite.

use statrs::function::erf::erfc;
use statrs::function::gamma::gamma_ur;

use crate::distribution::{beta_cdf, normal_quantile, t_quantile};

/// P(Z > z), standard normal, exact far out in the tail.
pub(crate) fn normal_upper(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// P(|T| > |t|) for `df` > 0 degrees of freedom.
pub(crate) fn t_two_sided(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() {
        return f64::NAN;
    }
    if df.is_infinite() { 2.0 * normal_upper(t.abs()) } else { beta_cdf(df / (df + t * t), df / 2.0, 0.5) }
}

/// The t with P(|T| > t) = 1 − level.
pub(crate) fn t_critical(level: crate::Level, df: f64) -> f64 {
    let p = 1.0 - level.tail();
    if df.is_nan() {
        return f64::NAN;
    }
    if df.is_infinite() { normal_quantile(p) } else { t_quantile(p, df) }
}

/// P(F > f) for `d1` and `d2` degrees of freedom.
pub(crate) fn f_upper(f: f64, d1: f64, d2: f64) -> f64 {
    if f <= 0.0 {
        1.0
    } else if d2.is_infinite() {
        chi_square_upper(d1 * f, d1)
    } else {
        beta_cdf(d2 / (d2 + d1 * f), d2 / 2.0, d1 / 2.0)
    }
}

/// P(X > x), χ² with `df` degrees of freedom.
pub(crate) fn chi_square_upper(x: f64, df: f64) -> f64 {
    if x <= 0.0 { 1.0 } else { gamma_ur(df / 2.0, x / 2.0) }
}
