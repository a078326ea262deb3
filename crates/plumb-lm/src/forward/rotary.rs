//! Rotary position embedding of query and key heads.

use crate::config::{Rotary, RotaryPairs};

/// Cosine and sine of each frequency at one position: `dims / 2` pairs, angles in f64.
pub(super) fn angles(rotary: &Rotary, position: usize) -> Vec<(f32, f32)> {
    (0..rotary.dims / 2)
        .map(|i| {
            let frequency = rotary.base.powf(-2.0 * i as f64 / rotary.dims as f64);
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            (cos as f32, sin as f32)
        })
        .collect()
}

/// Rotates one head in place; elements past the rotated ones stay.
pub(super) fn rotate(rotary: &Rotary, angles: &[(f32, f32)], head: &mut [f32]) {
    let half = rotary.dims / 2;
    for (i, &(cos, sin)) in angles.iter().enumerate() {
        let (a, b) = match rotary.pairs {
            RotaryPairs::Interleaved => (2 * i, 2 * i + 1),
            RotaryPairs::Halves => (i, i + half),
        };
        let (x, y) = (head[a], head[b]);
        head[a] = x * cos - y * sin;
        head[b] = x * sin + y * cos;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_turn_by_position_times_frequency() {
        for (pairs, a, b) in [(RotaryPairs::Interleaved, 0, 1), (RotaryPairs::Halves, 0, 2)] {
            let rotary = Rotary { base: 100.0, dims: 4, pairs };
            let mut head = [0.0; 5];
            head[a] = 1.0;
            head[4] = 7.0;
            rotate(&rotary, &angles(&rotary, 3), &mut head);
            assert!((head[a] - 3.0_f32.cos()).abs() < 1e-6 && (head[b] - 3.0_f32.sin()).abs() < 1e-6);
            assert_eq!(head[4], 7.0);
        }
    }
}
