//! Turning stored blocks into f32.
//!
//! The block layouts are llama.cpp's (`ggml-common.h`, `ggml-quants.c`). Start with [`dequantise`]. Not here:
//! quantising, and computing on quantised weights.

mod k_quants;
mod legacy;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::gguf::TensorType;

/// Writes the values of `blocks` into `out`, which must be exactly as long as the blocks hold values.
pub(crate) fn dequantise(kind: TensorType, blocks: &[u8], out: &mut [f32]) {
    let (values, bytes) = kind.block();
    assert_eq!(blocks.len() % bytes, 0, "whole blocks");
    assert_eq!(blocks.len() / bytes * values, out.len(), "as many values as the blocks hold");
    match kind {
        TensorType::F32 => each(blocks, out, |block, out| out[0] = f32::from_le_bytes(*block)),
        TensorType::F16 => halves(blocks, out),
        TensorType::BF16 => each(blocks, out, |block, out| out[0] = bf16::from_le_bytes(*block).to_f32()),
        TensorType::Q4_0 => each::<18>(blocks, out, |block, out| legacy::q4_0(block, out)),
        TensorType::Q4_1 => each::<20>(blocks, out, |block, out| legacy::q4_1(block, out)),
        TensorType::Q5_0 => each::<22>(blocks, out, |block, out| legacy::q5_0(block, out)),
        TensorType::Q5_1 => each::<24>(blocks, out, |block, out| legacy::q5_1(block, out)),
        TensorType::Q8_0 => each::<34>(blocks, out, |block, out| legacy::q8_0(block, out)),
        TensorType::Q4K => each::<144>(blocks, out, |block, out| k_quants::q4_k(block, out)),
        TensorType::Q5K => each::<176>(blocks, out, |block, out| k_quants::q5_k(block, out)),
        TensorType::Q6K => each::<210>(blocks, out, |block, out| k_quants::q6_k(block, out)),
    }
}

/// Decodes block after block of `BYTES`; a function of its own for each type, so that the compiler sees the sizes.
#[inline]
fn each<const BYTES: usize>(blocks: &[u8], out: &mut [f32], decode: impl Fn(&[u8; BYTES], &mut [f32])) {
    let (blocks, rest) = blocks.as_chunks::<BYTES>();
    assert!(rest.is_empty(), "whole blocks");
    let values = out.len() / blocks.len().max(1);
    for (block, out) in blocks.iter().zip(out.chunks_exact_mut(values.max(1))) {
        decode(block, out);
    }
}

/// Many f16 at a time, which machines have instructions for.
fn halves(bytes: &[u8], out: &mut [f32]) {
    const MANY: usize = 64;
    for (bytes, out) in bytes.chunks(2 * MANY).zip(out.chunks_mut(MANY)) {
        let mut some = [f16::ZERO; MANY];
        for (half, bytes) in some.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *half = f16::from_le_bytes(*bytes);
        }
        some[..out.len()].convert_to_f32_slice(out);
    }
}

/// The f16 at byte `at`, as f32.
fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half_bytes(value: f32) -> [u8; 2] {
        f16::from_f32(value).to_le_bytes()
    }

    fn decode(kind: TensorType, block: &[u8]) -> Vec<f32> {
        let mut out = vec![0.0; block.len() / kind.block().1 * kind.block().0];
        dequantise(kind, block, &mut out);
        out
    }

    #[test]
    fn plain_types() {
        assert_eq!(decode(TensorType::F32, &1.5_f32.to_le_bytes()), [1.5]);
        assert_eq!(decode(TensorType::F16, &half_bytes(-2.25)), [-2.25]);
        assert_eq!(decode(TensorType::BF16, &bf16::from_f32(3.0).to_le_bytes()), [3.0]);
    }

    #[test]
    fn blocks_of_32_put_low_nibbles_first() {
        let scale = half_bytes(0.5);
        let minimum = half_bytes(1.0);
        let nibbles: Vec<u8> = (0..16).map(|i| i | ((15 - i) << 4)).collect();
        let out = decode(TensorType::Q4_0, &[&scale[..], &nibbles].concat());
        assert_eq!((out[0], out[15], out[16], out[31]), (-4.0, 3.5, 3.5, -4.0));
        let out = decode(TensorType::Q4_1, &[&scale[..], &minimum, &nibbles].concat());
        assert_eq!((out[0], out[15], out[16], out[31]), (1.0, 8.5, 8.5, 1.0));
        // The fifth bit of value 0 and of value 31 set.
        let high = 0x8000_0001_u32.to_le_bytes();
        let out = decode(TensorType::Q5_0, &[&scale[..], &high, &nibbles].concat());
        assert_eq!((out[0], out[1], out[30], out[31]), (0.0, -7.5, -7.5, 0.0));
        let out = decode(TensorType::Q5_1, &[&scale[..], &minimum, &high, &nibbles].concat());
        assert_eq!((out[0], out[1], out[30], out[31]), (9.0, 1.5, 1.5, 9.0));
        let bytes: Vec<u8> = (0..32).map(|i: i8| (i - 16) as u8).collect();
        let out = decode(TensorType::Q8_0, &[&scale[..], &bytes].concat());
        assert_eq!((out[0], out[31]), (-8.0, 7.5));
    }

    #[test]
    fn super_blocks_use_their_own_scales() {
        // Sub-block 0: scale 1, minimum 2; sub-block 4: scale 16 + 3 (two high bits from byte 0), minimum 5.
        let mut scales = [0_u8; 12];
        scales[0] = 1 | (1 << 6);
        scales[4] = 2;
        scales[8] = 3 | (5 << 4);
        let head = [half_bytes(0.5), half_bytes(0.25)].concat();
        let out = decode(TensorType::Q4K, &[&head[..], &scales, &[0x21; 128]].concat());
        assert_eq!(out[0], 0.5 * 1.0 * 1.0 - 0.25 * 2.0);
        assert_eq!(out[4 * 32], 0.5 * 19.0 * 1.0 - 0.25 * 5.0);
        let mut high = [0_u8; 32];
        high[0] = 1 | (1 << 4);
        let out = decode(TensorType::Q5K, &[&head[..], &scales, &high, &[0x21; 128]].concat());
        assert_eq!(out[0], 0.5 * 17.0 - 0.5);
        assert_eq!(out[1], 0.5 - 0.5);
        assert_eq!(out[4 * 32], 0.5 * 19.0 * 17.0 - 1.25);
    }

    #[test]
    fn six_bit_blocks() {
        let mut block = vec![0_u8; 210];
        block[0] = 0x5A; // value 0: low 10, value 64: low 5
        block[128] = 0b0010_0001; // high bits: value 0: 1, value 64: 2
        block[192] = 2; // scale of sub-block 0
        block[192 + 4] = 0xFF; // scale of sub-block 4: -1
        block[208..].copy_from_slice(&half_bytes(0.5));
        let out = decode(TensorType::Q6K, &block);
        assert_eq!(out[0], 0.5 * 2.0 * (26.0 - 32.0));
        assert_eq!(out[64], -0.5 * (37.0 - 32.0));
    }
}
