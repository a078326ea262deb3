//! Quantiles and tails of the normal, t and beta distributions.
//!
//! Why not only `statrs`: its continued fraction for the incomplete beta stops after 140 terms, too few for the
//! shape parameters of a run with hundreds of thousands of rows, and its beta quantile is Newton without a bracket.
//! The log-gamma function and the normal quantile's starting point are `statrs`'s.
//!
//! Sources: DLMF 8.17.22 (continued fraction), evaluated by the modified Lentz method; quantiles by bisection on the
//! distribution function, which cannot leave its bracket.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::gamma::ln_gamma;

/// Upper bound on terms of the continued fraction: it needs about the square root of the larger shape parameter.
const TERMS: u32 = 100_000;

/// P(Z ≤ z), standard normal.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    Normal::standard().cdf(z)
}

/// The z with P(Z ≤ z) = p; infinite at p = 0 and p = 1.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    Normal::standard().inverse_cdf(p)
}

/// The t with P(T ≤ t) = p for `df` degrees of freedom (`df` ≥ 1 here).
pub(crate) fn t_quantile(p: f64, df: f64) -> f64 {
    if p == 0.5 {
        return 0.0;
    }
    let tail = p.min(1.0 - p);
    // P(|T| > t) = I_x(df/2, 1/2) with x = df / (df + t²).
    let x = beta_quantile(2.0 * tail, df / 2.0, 0.5);
    let t = (df * (1.0 - x) / x).sqrt();
    if p < 0.5 { -t } else { t }
}

/// P(T > t) for t ≥ 0 and `df` degrees of freedom.
pub(crate) fn t_tail(t: f64, df: f64) -> f64 {
    // P(|T| > t) = I_x(df/2, 1/2) with x = df / (df + t²).
    beta_cdf(df / (df + t * t), df / 2.0, 0.5) / 2.0
}

/// The regularised incomplete beta function I_x(a, b) = P(B ≤ x), a, b > 0.
pub(crate) fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    // The continued fraction would go through all its terms to say the same.
    if x.is_nan() || a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(x, a, b) / a
    } else {
        1.0 - front * continued_fraction(1.0 - x, b, a) / b
    }
}

fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    let tiny = f64::MIN_POSITIVE / f64::EPSILON;
    let guard = |v: f64| if v.abs() < tiny { tiny } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..=TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    value
}

/// The x with I_x(a, b) = p.
pub(crate) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    // Bisect until the bracket cannot shrink: about 60 steps for ordinary quantiles, more for tiny ones.
    for _ in 0..1100 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high || high - low <= high * 2.0 * f64::EPSILON {
            break;
        }
        if beta_cdf(middle, a, b) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{normal_quantile, t_quantile};

    #[test]
    fn quantiles_equal_scipy() {
        let file: Value =
            serde_json::from_str(include_str!("../../../fixtures/stats/distributions.json")).unwrap();
        let get = |case: &Value, name: &str| case[name].as_f64().unwrap();
        for case in file["t"].as_array().unwrap() {
            let (p, df, theirs) = (get(case, "p"), get(case, "df"), get(case, "value"));
            let ours = t_quantile(p, df);
            assert!((ours / theirs - 1.0).abs() < 1e-9, "t {p} {df}: {ours} against {theirs}");
            assert!((t_quantile(1.0 - p, df) + theirs).abs() < 1e-8 * theirs, "t mirrored {p} {df}");
        }
        for case in file["normal"].as_array().unwrap() {
            let (p, theirs) = (get(case, "p"), get(case, "value"));
            let ours = normal_quantile(p);
            assert!(
                (ours - theirs).abs() < 1e-9 * theirs.abs().max(1.0),
                "normal {p}: {ours} against {theirs}"
            );
        }
    }
}
