//! Times in pairs, without and with something, and by how much the second is longer.

use serde_json::Value;

/// Prints what each edit costs: the median of the pairs' ratios, and an interval that needs no assumption of how they are
/// distributed.
pub fn print(edited: &Value) {
    for one in edited.as_array().into_iter().flatten() {
        let seconds = |pair: &Value, which: usize| pair[which].as_f64();
        let pairs = one["pairs"].as_array().into_iter().flatten();
        let pairs: Vec<(f64, f64)> =
            pairs.filter_map(|pair| seconds(pair, 0).zip(seconds(pair, 1))).collect();
        let mut plain: Vec<f64> = pairs.iter().map(|(without, _)| *without).collect();
        let mut ratios: Vec<f64> = pairs.iter().map(|(without, with)| with / without).collect();
        plain.sort_by(f64::total_cmp);
        ratios.sort_by(f64::total_cmp);
        let (low, high) = middle(ratios.len());
        let (Some(low), Some(high)) = (ratios.get(low), ratios.get(high)) else { continue };
        let percent = |ratio: f64| 100.0 * (ratio - 1.0);
        let verdict = match (percent(*low), percent(*high)) {
            (_, high) if high < 2.0 => "met",
            (low, _) if low >= 2.0 => "MISSED",
            _ => "not shown",
        };
        println!(
            "{}, writing {}: {:.2} ms a pass without, {:+.2} % [{:+.2}, {:+.2}] with, {} pairs (under 2 wanted: {verdict})",
            one["edit"].as_str().unwrap_or("?"),
            one["sequences"],
            1e3 * plain[plain.len() / 2],
            percent(ratios[ratios.len() / 2]),
            percent(*low),
            percent(*high),
            ratios.len(),
        );
    }
}

/// Between which of `n` ordered values the median lies with 95 % confidence, by the sign test; all of them if there are few.
fn middle(n: usize) -> (usize, usize) {
    // The chance that exactly `below` of the values lie below the median, then the next.
    let mut chance = 0.5_f64.powi(n as i32);
    let (mut low, mut tail) = (0, chance);
    while low + 1 < n / 2 {
        chance *= (n - low) as f64 / (low + 1) as f64;
        tail += chance;
        if 2.0 * tail > 0.05 {
            break;
        }
        low += 1;
    }
    (low, n.saturating_sub(1 + low))
}

#[cfg(test)]
mod tests {
    use super::middle;

    #[test]
    fn the_interval_is_that_of_tables() {
        // Conover, Practical Nonparametric Statistics: ranks 4 and 12 of 15, 6 and 15 of 20.
        assert_eq!(middle(15), (3, 11));
        assert_eq!(middle(20), (5, 14));
        assert_eq!(middle(3), (0, 2));
    }
}
