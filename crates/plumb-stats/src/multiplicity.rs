//! Many hypotheses at once: adjusted p-values.
//!
//! Holm's step-down method (Holm 1979, Scand. J. Statistics 6:65–70) keeps the chance of any false claim in a family
//! at most alpha whatever the dependence between tests, and is never weaker than Bonferroni's. A hypothesis is
//! rejected at alpha exactly where its adjusted p-value is at most alpha.

use crate::Error;

/// Holm-adjusted p-values, in the order given: with p sorted ascending, max over j ≤ i of min(1, (m − j + 1) p_(j)).
///
/// # Errors
/// A p-value outside [0, 1] (or not a number).
pub fn holm(p: &[f64]) -> Result<Vec<f64>, Error> {
    if let Some(bad) = p.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        return Err(Error::probability("a p-value", *bad));
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut running = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let factor = (p.len() - rank) as f64;
        running = running.max((factor * p[index]).min(1.0));
        adjusted[index] = running;
    }
    Ok(adjusted)
}

/// Benjamini–Hochberg-adjusted p-values (1995, J. Royal Statist. Soc. B 57:289–300), in the order given: with p sorted
/// ascending, min over j ≥ i of min(1, m p_(j) / j). Rejecting at most q keeps the expected share of false claims
/// among claims at most q where tests are independent or positively dependent.
///
/// # Errors
/// A p-value outside [0, 1] (or not a number).
pub fn benjamini_hochberg(p: &[f64]) -> Result<Vec<f64>, Error> {
    if let Some(bad) = p.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        return Err(Error::probability("a p-value", *bad));
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    let mut adjusted = vec![0.0; p.len()];
    let mut running = 1.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let factor = p.len() as f64 / (p.len() - rank) as f64;
        running = running.min(factor * p[index]);
        adjusted[index] = running;
    }
    Ok(adjusted)
}
