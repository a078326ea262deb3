//! The studentized range: the largest of `k` independent standard normal values less the smallest, divided by an
//! independent estimate of their standard deviation.
//!
//! P(Q ≤ q) = ∫ f(s) W(q s) ds, W(w) = k ∫ φ(z) [Φ(z) − Φ(z − w)]^(k−1) dz, f the density of a χ variable on ν degrees
//! of freedom over √ν (Copenhaver & Holland 1988, J. Statist. Comput. Simul. 30:1–15).

use crate::distribution::normal_cdf;
use crate::quadrature::{integrate, over_scaled_chi};

/// P(W ≤ w) for the range of k standard normal values.
fn range_cdf(w: f64, k: f64) -> f64 {
    if w <= 0.0 {
        return 0.0;
    }
    let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let inside = |z: f64| density(z) * (normal_cdf(z) - normal_cdf(z - w)).powf(k - 1.0);
    k * integrate(-8.5, 8.5 + w.min(8.5), 12, inside)
}

/// P(Q > q) for `k` ≥ 2 means and `df` ≥ 2 degrees of freedom (may be infinite). Exact to about 1e-10.
pub fn tukey_upper(q: f64, k: f64, df: f64) -> f64 {
    (1.0 - over_scaled_chi(df, |s| range_cdf(q * s, k))).clamp(0.0, 1.0)
}
