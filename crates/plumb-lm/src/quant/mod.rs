//! Stored blocks of weights: as integers with scales, and as f32.
//!
//! The block layouts are llama.cpp's (`ggml-common.h`, `ggml-quants.c`). Every quantised type is read as [`Codes`]:
//! small integers, and for each run of 16 or 32 of them a scale and a minimum. Start with [`dequantise`] and [`codes`].
//! Not here: quantising, and computing on quantised weights (`kernel`).

mod k_quants;
mod legacy;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::gguf::TensorType;

/// Integers of some blocks and what turns them into values: `quant · scale + minimum`, rounded after the product and
/// after the sum, with a scale and a minimum for each run of [`run`] values.
pub(crate) struct Codes<'a> {
    pub quants: &'a mut [i8],
    pub scales: &'a mut [f32],
    pub minima: &'a mut [f32],
}

/// The minimum of types that have none: added to any number, it leaves its bits.
pub(crate) const NO_MINIMUM: f32 = -0.0;
/// Values of the largest block.
const LARGEST: usize = 256;

/// Values that share a scale; `None` for types that are no integers.
pub(crate) fn run(kind: TensorType) -> Option<usize> {
    match kind {
        TensorType::F32 | TensorType::F16 | TensorType::BF16 => None,
        TensorType::Q6K => Some(16),
        _ => Some(32),
    }
}

/// Whether a type has minima.
pub(crate) fn has_minima(kind: TensorType) -> bool {
    matches!(kind, TensorType::Q4_1 | TensorType::Q5_1 | TensorType::Q4K | TensorType::Q5K)
}

/// Writes the integers of `blocks`, whose type has a [`run`]; `codes` holds exactly as many as the blocks do. Minima are written
/// where the type has them.
pub(crate) fn codes(kind: TensorType, blocks: &[u8], codes: Codes<'_>) {
    let decode: fn(&[u8], &mut Codes<'_>) = match kind {
        TensorType::F32 | TensorType::F16 | TensorType::BF16 => unreachable!("no integers"),
        TensorType::Q4_0 => legacy::q4_0,
        TensorType::Q4_1 => legacy::q4_1,
        TensorType::Q5_0 => legacy::q5_0,
        TensorType::Q5_1 => legacy::q5_1,
        TensorType::Q8_0 => legacy::q8_0,
        TensorType::Q4K => k_quants::q4_k,
        TensorType::Q5K => k_quants::q5_k,
        TensorType::Q6K => k_quants::q6_k,
    };
    let (values, bytes) = kind.block();
    let runs = values / run(kind).unwrap_or(values);
    assert_eq!(blocks.len() % bytes, 0, "whole blocks");
    assert_eq!(blocks.len() / bytes * values, codes.quants.len(), "as many values as the blocks hold");
    for (i, block) in blocks.chunks_exact(bytes).enumerate() {
        let mut codes = Codes {
            quants: &mut codes.quants[i * values..][..values],
            scales: &mut codes.scales[i * runs..][..runs],
            minima: &mut codes.minima[i * runs..][..runs],
        };
        decode(block, &mut codes);
    }
}

/// Writes the values of `blocks` into `out`, which must be exactly as long as the blocks hold values.
pub(crate) fn dequantise(kind: TensorType, blocks: &[u8], out: &mut [f32]) {
    let (values, bytes) = kind.block();
    assert_eq!(blocks.len() % bytes, 0, "whole blocks");
    assert_eq!(blocks.len() / bytes * values, out.len(), "as many values as the blocks hold");
    match kind {
        TensorType::F32 => {
            for (out, bytes) in out.iter_mut().zip(blocks.as_chunks().0) {
                *out = f32::from_le_bytes(*bytes);
            }
        }
        TensorType::F16 => halves(blocks, out),
        TensorType::BF16 => {
            for (out, bytes) in out.iter_mut().zip(blocks.as_chunks().0) {
                *out = bf16::from_le_bytes(*bytes).to_f32();
            }
        }
        _ => out.chunks_exact_mut(values).zip(blocks.chunks_exact(bytes)).for_each(|(out, block)| {
            let (mut quants, mut scales, mut minima) = ([0; LARGEST], [0.0; 16], [NO_MINIMUM; 16]);
            let run = run(kind).unwrap_or(values);
            let runs = values / run;
            let (scales, minima) = (&mut scales[..runs], &mut minima[..runs]);
            codes(kind, block, Codes { quants: &mut quants[..values], scales, minima });
            for (i, out) in out.chunks_exact_mut(run).enumerate() {
                for (out, quant) in out.iter_mut().zip(&quants[i * run..]) {
                    *out = f32::from(*quant) * scales[i] + minima[i];
                }
            }
        }),
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
