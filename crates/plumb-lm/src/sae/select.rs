//! The largest of many numbers, and pre-activations of chosen latents alone.

use super::{Activation, Sae};
use crate::kernel::{self, Panels};

/// Total order in which of equal numbers the one with the smaller index is larger.
fn key(index: usize, value: f32) -> u64 {
    // Bits of an f32 in an order that integers have: negative ones turned over.
    let bits = value.to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | u64::from(!(index as u32))
}

/// The `k` largest of `z` that are above zero, by ascending index.
///
/// Most rows have fewer numbers above zero than there are numbers, and a bound found from the largest of each block of
/// 32 leaves few to sort.
pub(super) fn largest(z: &[f32], k: usize) -> Vec<(usize, f32)> {
    const BLOCK: usize = 32;
    if k == 0 {
        return Vec::new();
    }
    let mut bound = 0.0_f32;
    if z.len() >= BLOCK * k {
        let mut tops: Vec<f32> =
            z.chunks(BLOCK).map(|block| block.iter().copied().fold(f32::NEG_INFINITY, f32::max)).collect();
        // k blocks have a number that is at least this, so no smaller one is among the k largest.
        let (_, kth, _) = tops.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        bound = kth.max(0.0);
    }
    let mut keys: Vec<u64> = Vec::with_capacity(4 * k);
    for (block, values) in z.chunks(BLOCK).enumerate() {
        for (index, value) in values.iter().enumerate() {
            if *value >= bound && *value > 0.0 {
                keys.push(key(block * BLOCK + index, *value));
            }
        }
    }
    if keys.len() > k {
        keys.select_nth_unstable_by(k - 1, |a, b| b.cmp(a));
        keys.truncate(k);
    }
    let mut found: Vec<(usize, f32)> = keys
        .into_iter()
        .map(|key| {
            let index = !(key as u32) as usize;
            (index, z[index])
        })
        .collect();
    found.sort_unstable_by_key(|(index, _)| *index);
    found
}

/// The part of an encoder that chosen latents need. Its products are the whole encoder's, to the bit.
#[derive(Debug)]
pub(crate) struct Selected {
    latents: Vec<usize>,
    panels: Panels,
}

impl Selected {
    pub(super) fn new(sae: &Sae, latents: Vec<usize>) -> Self {
        let rows: Vec<Vec<f32>> = latents.iter().map(|latent| sae.reader(*latent)).collect();
        let panels = Panels::build(latents.len(), sae.width, |n, out| out.copy_from_slice(&rows[n]));
        Self { latents, panels }
    }

    /// Pre-activations of a row that was made ready by [`Sae::reads`].
    pub(super) fn pre_activations(&self, sae: &Sae, read: &[f32]) -> Vec<f32> {
        let mut z = vec![0.0; self.latents.len()];
        kernel::multiply(sae.isa(), read, self.panels.operand(), &mut z);
        z.iter_mut().zip(&self.latents).for_each(|(z, latent)| *z += sae.encoder_bias[*latent]);
        z
    }

    /// The activations, if those of the others do not matter: always, but for TopK, and there if none is above zero.
    pub(super) fn alone(&self, sae: &Sae, z: &[f32]) -> Option<Vec<f32>> {
        if matches!(sae.activation, Activation::TopK { .. }) && z.iter().any(|z| *z > 0.0) {
            return None;
        }
        Some(self.latents.iter().zip(z).map(|(latent, z)| sae.activation.of(*latent, *z)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_largest_are_those_of_a_sort(
            z in proptest::collection::vec((-8..8_i32).prop_map(|x| x as f32 / 2.0), 1..300), k in 0..9_usize
        ) {
            let mut all: Vec<(usize, f32)> = z.iter().copied().enumerate().collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            all.truncate(k);
            all.retain(|(_, value)| *value > 0.0);
            all.sort_by_key(|(index, _)| *index);
            prop_assert_eq!(largest(&z, k), all);
        }
    }
}
