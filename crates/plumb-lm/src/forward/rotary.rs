//! Rotary position embedding of query and key heads.

use crate::arch::{Rotary, RotaryPairs};

/// Cosine and sine of each pair at one position, times the magnitude; angles in f64. `long` says which frequencies.
pub(super) fn angles(rotary: &Rotary, position: usize, long: bool) -> Vec<(f32, f32)> {
    let frequencies = match &rotary.long {
        Some(other) if long => &other.frequencies,
        _ => &rotary.frequencies,
    };
    let turn = |frequency: &f64| {
        let (sin, cos) = (position as f64 * frequency).sin_cos();
        ((cos * rotary.magnitude) as f32, (sin * rotary.magnitude) as f32)
    };
    frequencies.iter().map(turn).collect()
}

/// Rotates one head in place; elements past the rotated ones stay.
pub(super) fn rotate(pairs: RotaryPairs, angles: &[(f32, f32)], head: &mut [f32]) {
    let half = angles.len();
    for (i, &(cos, sin)) in angles.iter().enumerate() {
        let (a, b) = match pairs {
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
            let rotary = Rotary { pairs, frequencies: vec![1.0, 0.1], magnitude: 1.0, long: None };
            let mut head = [0.0; 5];
            head[a] = 1.0;
            head[4] = 7.0;
            rotate(pairs, &angles(&rotary, 3, false), &mut head);
            assert!((head[a] - 3.0_f32.cos()).abs() < 1e-6 && (head[b] - 3.0_f32.sin()).abs() < 1e-6);
            assert_eq!(head[4], 7.0);
        }
    }
}
