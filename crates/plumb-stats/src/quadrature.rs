//! Integrals over smooth densities, by the composite Gauss–Legendre rule (16 points a piece; Abramowitz & Stegun 25.4.30).

/// Nodes and weights on [−1, 1], positive half.
const RULE: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_87),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_78),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_89),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_095),
];

/// Points and weights of the rule over [low, high], cut into equal pieces.
pub(crate) fn nodes(low: f64, high: f64, pieces: u32) -> impl Iterator<Item = (f64, f64)> {
    let half = (high - low) / f64::from(2 * pieces);
    (0..pieces).flat_map(move |piece| {
        let middle = low + half * f64::from(2 * piece + 1);
        RULE.into_iter()
            .flat_map(move |(x, w)| [(middle - half * x, w * half), (middle + half * x, w * half)])
    })
}

/// ∫ f over [low, high], cut into equal pieces.
pub(crate) fn integrate(low: f64, high: f64, pieces: u32, f: impl Fn(f64) -> f64) -> f64 {
    nodes(low, high, pieces).map(|(x, w)| w * f(x)).sum()
}

/// E f(S) for S a χ variable on `df` degrees of freedom divided by √df. The density is scaled by its own integral, since
/// log Γ would cancel at large `df`.
pub(crate) fn over_scaled_chi(df: f64, f: impl Fn(f64) -> f64) -> f64 {
    if df > 1e12 {
        return f(1.0);
    }
    // Relative to the density at 1, near its peak.
    let density = |s: f64| ((df - 1.0) * s.ln() - df * (s * s - 1.0) / 2.0).exp();
    let spread = 9.0 / (2.0 * df).sqrt();
    let (low, high) = ((1.0 - spread).max(1e-12), 1.0 + spread);
    integrate(low, high, 14, |s| density(s) * f(s)) / integrate(low, high, 14, density)
}
