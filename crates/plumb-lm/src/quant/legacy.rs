//! Blocks of 32 values with one scale: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
//!
//! In the 4- and 5-bit types byte `j` holds value `j` in its low nibble and value `j + 16` in its high one; the fifth
//! bits lie in a 32-bit word, value `i` at bit `i`. Types ending in 0 are symmetric, those ending in 1 have a minimum.

use super::half_at;

fn nibbles(bytes: &[u8], high: u32, value: impl Fn(u8) -> f32, out: &mut [f32]) {
    let (low_half, high_half) = out.split_at_mut(16);
    for (j, byte) in bytes.iter().enumerate() {
        let fifth = |i: usize| (((high >> i) & 1) as u8) << 4;
        low_half[j] = value((byte & 0x0F) | fifth(j));
        high_half[j] = value((byte >> 4) | fifth(j + 16));
    }
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn q4_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    nibbles(&block[2..], 0, |q| (f32::from(q) - 8.0) * scale, out);
}

pub(super) fn q4_1(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
    nibbles(&block[4..], 0, |q| f32::from(q) * scale + minimum, out);
}

pub(super) fn q5_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    nibbles(&block[6..], word_at(block, 2), |q| (f32::from(q) - 16.0) * scale, out);
}

pub(super) fn q5_1(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
    nibbles(&block[8..], word_at(block, 4), |q| f32::from(q) * scale + minimum, out);
}

pub(super) fn q8_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    for (value, byte) in out.iter_mut().zip(&block[2..]) {
        *value = f32::from(*byte as i8) * scale;
    }
}
