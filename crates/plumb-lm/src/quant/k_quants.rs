//! Super-blocks of 256 values whose sub-blocks have quantised scales: Q4_K, Q5_K, Q6_K.

use super::{Codes, half_at};

/// Scale and minimum of sub-block `j` (0 to 7), 6 bits each, packed into 12 bytes: the first four sub-blocks have
/// theirs in the low six bits of bytes `j` and `j + 4`; the others have four bits in byte `j + 4` and two in the high
/// bits of the first eight.
fn scale_and_minimum(packed: &[u8], j: usize) -> (f32, f32) {
    let (scale, minimum) = if j < 4 {
        (packed[j] & 63, packed[j + 4] & 63)
    } else {
        let low = packed[j + 4];
        ((low & 0x0F) | ((packed[j - 4] >> 6) << 4), (low >> 4) | ((packed[j] >> 6) << 4))
    };
    (f32::from(scale), f32::from(minimum))
}

/// d, dmin (f16 each), 12 bytes of scales, 128 bytes of nibbles: each 32 bytes hold the low nibbles of one sub-block
/// and the high nibbles of the next.
pub(super) fn q4_k(block: &[u8], codes: &mut Codes<'_>) {
    four_or_five_bits(block, &[0; 32], &block[16..], codes);
}

/// As Q4_K, with 32 bytes of fifth bits before the nibbles: bit `j` of byte `l` belongs to value `l` of sub-block `j`.
pub(super) fn q5_k(block: &[u8], codes: &mut Codes<'_>) {
    four_or_five_bits(block, &block[16..48], &block[48..], codes);
}

fn four_or_five_bits(block: &[u8], fifth: &[u8], nibbles: &[u8], codes: &mut Codes<'_>) {
    let (d, d_min) = (half_at(block, 0), half_at(block, 2));
    for (j, quants) in codes.quants.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = scale_and_minimum(&block[4..16], j);
        (codes.scales[j], codes.minima[j]) = (d * scale, -(d_min * minimum));
        let bytes = &nibbles[j / 2 * 32..][..32];
        let shift = 4 * (j % 2);
        for ((quant, byte), fifth) in quants.iter_mut().zip(bytes).zip(fifth) {
            *quant = (((byte >> shift) & 0x0F) | (((fifth >> j) & 1) << 4)) as i8;
        }
    }
}

/// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, d (f16). Each half of 128 values uses 64 bytes of
/// nibbles and 32 of pairs; within it, group `g` of 32 values takes the nibbles of bytes `32 (g % 2) ..`, low for
/// `g < 2` and high for the others, and bits `2 g` of the pairs.
pub(super) fn q6_k(block: &[u8], codes: &mut Codes<'_>) {
    let d = half_at(block, 208);
    for (scale, byte) in codes.scales.iter_mut().zip(&block[192..208]) {
        *scale = d * f32::from(*byte as i8);
    }
    for (half, quants) in codes.quants.chunks_exact_mut(128).enumerate() {
        let low = &block[64 * half..][..64];
        let high = &block[128 + 32 * half..][..32];
        for (g, quants) in quants.chunks_exact_mut(32).enumerate() {
            let nibbles = &low[32 * (g % 2)..][..32];
            for (l, quant) in quants.iter_mut().enumerate() {
                let q = ((nibbles[l] >> (4 * (g / 2))) & 0x0F) | (((high[l] >> (2 * g)) & 3) << 4);
                *quant = q as i8 - 32;
            }
        }
    }
}
