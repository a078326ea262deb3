//! The largest of many numbers, and pre-activations of chosen latents alone.

use super::{Activation, Sae, coarse};
use crate::kernel::{self, LANES, Operand, Panels, team};

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

    /// The chosen latents in a row.
    pub(super) fn stand(&self, sae: &Sae, row: &[f32]) -> Standing<'_> {
        let mut read = vec![0.0; row.len()];
        sae.reads(row, &mut read);
        let mut z = vec![0.0; self.latents.len()];
        kernel::multiply(sae.isa(), &read, self.panels.operand(), &mut z);
        z.iter_mut().zip(&self.latents).for_each(|(z, latent)| *z += sae.encoder_bias[*latent]);
        Standing {
            latents: &self.latents,
            read,
            larger: vec![0; z.len()],
            unsure: vec![Vec::new(); z.len()],
            z,
        }
    }
}

/// Chosen latents of a row, and how many others are known to be larger. All that TopK needs to know of those others is whether
/// there are `k` of them.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    latents: &'a [usize],
    /// The row as the encoder reads it.
    read: Vec<f32>,
    z: Vec<f32>,
    larger: Vec<usize>,
    /// Others of which the bounds do not tell whether they are larger, for each chosen latent.
    unsure: Vec<Vec<usize>>,
}

impl Standing<'_> {
    /// Whether more has to be known of others before the activations are.
    pub(super) fn is_open(&self, sae: &Sae) -> bool {
        let Activation::TopK { k } = sae.activation else { return false };
        self.z.iter().zip(&self.larger).any(|(z, larger)| *z > 0.0 && *larger < k)
    }

    /// Counts the larger ones among latents from `first` on, of whose pre-activations bounds are known.
    fn count(&mut self, first: usize, low: &[f32], high: &[f32]) {
        let own = self.latents.iter().zip(&self.z).zip(self.larger.iter_mut().zip(&mut self.unsure));
        for ((latent, own), (larger, unsure)) in own {
            for (block, high) in high.chunks(LANES).enumerate() {
                // In most blocks there is none, which is seen many at a time.
                if !high.iter().fold(false, |some, high| some | (*high >= *own)) {
                    continue;
                }
                for (index, high) in (block * LANES..).zip(high) {
                    if *high < *own || first + index == *latent {
                        continue;
                    }
                    match low[index] > *own {
                        true => *larger += 1,
                        false => unsure.push(first + index),
                    }
                }
            }
        }
    }

    /// Computes those of which bounds did not tell enough, until enough is known.
    fn decide(&mut self, sae: &Sae, k: usize) {
        let whole = sae.encoder.operand();
        for (index, unsure) in self.unsure.iter().enumerate() {
            let (latent, own, larger) = (self.latents[index], self.z[index], &mut self.larger[index]);
            let mut left = &unsure[..];
            while let (Some(first), true) = (left.first(), *larger < k && *larger + left.len() >= k) {
                let panel = first / LANES;
                let (now, later) = left.split_at(left.partition_point(|other| other / LANES == panel));
                let outputs = LANES.min(whole.outputs - panel * LANES);
                let part = Operand { data: &whole.data[panel * whole.panel..], outputs, ..whole };
                let mut z = [0.0; LANES];
                kernel::multiply(sae.isa(), &self.read, part, &mut z[..outputs]);
                // Of equal ones the one with the smaller number counts as larger.
                let z = |other: &usize| z[other % LANES] + sae.encoder_bias[*other];
                *larger +=
                    now.iter().filter(|other| z(other) > own || z(other) == own && **other < latent).count();
                left = later;
            }
        }
    }

    /// The activations, once nothing is open.
    pub(super) fn activations(&self, sae: &Sae) -> Vec<f32> {
        let of = |((latent, z), larger): ((&usize, &f32), &usize)| match sae.activation {
            Activation::TopK { k } if *larger >= k => 0.0,
            _ => sae.activation.of(*latent, *z),
        };
        self.latents.iter().zip(&self.z).zip(&self.larger).map(of).collect()
    }
}

/// Panels of latents that are looked at first; the next are more each time, so that little is read where few tell enough.
const FIRST: usize = 4;
const GROWTH: usize = 4;

/// Closes what is open of rows, which share what is read of the encoder: a coarse copy of it bounds what the others are, and
/// few of them are left to be computed.
pub(super) fn settle(sae: &Sae, mut open: Vec<&mut Standing<'_>>) {
    let Activation::TopK { k } = sae.activation else { return };
    let coarse = sae.coarse();
    let panels = sae.latents().div_ceil(LANES);
    let (mut first, mut size) = (0, FIRST);
    let (mut read, mut z) = (Vec::new(), Vec::new());
    while first < panels && !open.is_empty() {
        let block = first..panels.min(first + size);
        read.clear();
        open.iter().for_each(|standing| read.extend_from_slice(&standing.read));
        z.resize(open.len() * sae.latents(), 0.0);
        coarse.multiply(sae.isa(), &read, block.clone(), &mut z);
        let latents = block.start * LANES..sae.latents().min(block.end * LANES);
        team::chunks(&mut open, 1, |row, standing| {
            let z = &z[row * sae.latents()..][latents.clone()];
            let (low, high) = coarse.bounds(sae, latents.clone(), z, coarse::length(&standing[0].read));
            standing[0].count(latents.start, &low, &high);
        });
        open.retain(|standing| standing.is_open(sae));
        (first, size) = (block.end, GROWTH * size);
    }
    team::chunks(&mut open, 1, |_, standing| standing[0].decide(sae, k));
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

        /// Small whole numbers, so that many are equal.
        #[test]
        fn chosen_latents_are_what_they_are_among_all(
            seed in any::<u32>(), k in 1..40_usize, latents in 1..300_usize, rows in 1..5_usize,
        ) {
            let mut state = seed;
            let mut numbers = |count: usize| -> Vec<f32> {
                let next = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((state >> 24) % 5) as f32 - 2.0
                };
                std::iter::repeat_with(next).take(count).collect()
            };
            let width = 3;
            let parts = crate::sae::Parts {
                width,
                encoder: numbers(latents * width),
                encoder_bias: numbers(latents),
                decoder: numbers(latents * width),
                decoder_bias: numbers(width),
                centred: true,
                activation: Activation::TopK { k: k.min(latents) },
                rescale: crate::sae::Rescale::None,
            };
            let sae = Sae::new(parts, crate::sae::Provenance::default()).unwrap();
            let rows = numbers(rows * width);
            let chosen: Vec<usize> = (0..latents).step_by(latents.div_ceil(7)).collect();
            let selected = Selected::new(&sae, chosen.clone());
            let mut standings: Vec<Standing<'_>> =
                rows.chunks_exact(width).map(|row| selected.stand(&sae, row)).collect();
            settle(&sae, standings.iter_mut().filter(|standing| standing.is_open(&sae)).collect());
            let codes = sae.encode(&rows);
            for (row, standing) in standings.iter().enumerate() {
                let among: Vec<f32> = chosen.iter().map(|latent| codes.get(row, *latent)).collect();
                prop_assert_eq!(standing.activations(&sae), among);
            }
        }
    }
}
