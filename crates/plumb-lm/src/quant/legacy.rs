//! Blocks of 32 values with one scale: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
//!
//! In the 4- and 5-bit types byte `j` holds value `j` in its low nibble and value `j + 16` in its high one; the fifth
//! bits lie in a 32-bit word, value `i` at bit `i`. Types ending in 0 are symmetric, those ending in 1 have a minimum.

use super::{Codes, half_at};

/// `zero` is the integer that stands for 0.
fn nibbles(bytes: &[u8], high: u32, zero: i8, quants: &mut [i8]) {
    let (low_half, high_half) = quants.split_at_mut(16);
    for (j, byte) in bytes.iter().enumerate() {
        let fifth = |i: usize| (((high >> i) & 1) as u8) << 4;
        low_half[j] = ((byte & 0x0F) | fifth(j)) as i8 - zero;
        high_half[j] = ((byte >> 4) | fifth(j + 16)) as i8 - zero;
    }
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn q4_0(block: &[u8], codes: &mut Codes<'_>) {
    codes.scales[0] = half_at(block, 0);
    nibbles(&block[2..], 0, 8, codes.quants);
}

pub(super) fn q4_1(block: &[u8], codes: &mut Codes<'_>) {
    codes.scales[0] = half_at(block, 0);
    codes.minima[0] = half_at(block, 2);
    nibbles(&block[4..], 0, 0, codes.quants);
}

pub(super) fn q5_0(block: &[u8], codes: &mut Codes<'_>) {
    codes.scales[0] = half_at(block, 0);
    nibbles(&block[6..], word_at(block, 2), 16, codes.quants);
}

pub(super) fn q5_1(block: &[u8], codes: &mut Codes<'_>) {
    codes.scales[0] = half_at(block, 0);
    codes.minima[0] = half_at(block, 2);
    nibbles(&block[8..], word_at(block, 4), 0, codes.quants);
}

pub(super) fn q8_0(block: &[u8], codes: &mut Codes<'_>) {
    codes.scales[0] = half_at(block, 0);
    for (quant, byte) in codes.quants.iter_mut().zip(&block[2..]) {
        *quant = *byte as i8;
    }
}
