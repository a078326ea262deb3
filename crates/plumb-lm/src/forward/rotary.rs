//! Angles of rotary position embeddings. Not here: turning heads by them ([`crate::backend::Backend::rotate`]).

use crate::arch::Rotary;

/// Appends cosine and sine of each pair at one position, times the magnitude; angles in f64. `long` says which frequencies.
pub(super) fn angles(rotary: &Rotary, position: usize, long: bool, out: &mut Vec<f32>) {
    let frequencies = match &rotary.long {
        Some(other) if long => &other.frequencies,
        _ => &rotary.frequencies,
    };
    for frequency in frequencies {
        let (sin, cos) = (position as f64 * frequency).sin_cos();
        out.extend([(cos * rotary.magnitude) as f32, (sin * rotary.magnitude) as f32]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::RotaryPairs;
    use crate::kernel::rows::rotate;

    #[test]
    fn pairs_turn_by_position_times_frequency() {
        for (pairs, a, b) in [(RotaryPairs::Interleaved, 0, 1), (RotaryPairs::Halves, 0, 2)] {
            let rotary = Rotary { pairs, frequencies: vec![1.0, 0.1], magnitude: 1.0, long: None };
            let mut head = [0.0; 5];
            head[a] = 1.0;
            head[4] = 7.0;
            let mut turns = Vec::new();
            angles(&rotary, 3, false, &mut turns);
            rotate(pairs, turns.as_chunks().0, &mut head);
            assert!((head[a] - 3.0_f32.cos()).abs() < 1e-6 && (head[b] - 3.0_f32.sin()).abs() < 1e-6);
            assert_eq!(head[4], 7.0);
        }
    }
}
