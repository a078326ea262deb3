//! Tiles of up to twelve rows by two panels with 512-bit vectors: 24 accumulators, two weights and one broadcast.

use std::arch::x86_64::{
    __m512, __mmask16, _mm_loadu_si128, _mm512_add_ps, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_mul_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::packed::Steps;
use super::{LANES, Tile};

/// `rows` (1 to 12) by `panels` (1 or 2).
///
/// # Safety
/// The machine has AVX-512F. For every `r < rows`, `p < panels` and `k < depth`, `x[r · x_stride + k]` and the
/// [`LANES`] floats at `w[p · panel + k · step]` are readable, and the `width ≤ LANES · panels` floats at
/// `y[r · y_stride]` are readable, writable and not accessed by anybody else.
pub(super) unsafe fn tile(tile: &Tile, rows: usize, panels: usize) {
    macro_rules! dispatch {
        ($($r:literal)*) => {
            match (rows, panels) {
                $(($r, 1) => compute::<$r, 1>(tile), ($r, _) => compute::<$r, 2>(tile),)*
                _ => unreachable!("at most twelve rows"),
            }
        };
    }
    // SAFETY: passed on from the caller.
    unsafe { dispatch!(1 2 3 4 5 6 7 8 9 10 11 12) }
}

/// # Safety
/// As [`tile`], with `R` rows and `P` panels.
#[target_feature(enable = "avx512f")]
unsafe fn compute<const R: usize, const P: usize>(tile: &Tile) {
    let mut sums: [[__m512; P]; R] = [[_mm512_setzero_ps(); P]; R];
    let mask = |p: usize| {
        let lanes = tile.width.saturating_sub(p * LANES).min(LANES);
        ((1_u32 << lanes) - 1) as __mmask16
    };
    if tile.add {
        for (r, sums) in sums.iter_mut().enumerate() {
            for (p, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the mask keeps the load within the `width` floats that are ours.
                *sum = unsafe { _mm512_maskz_loadu_ps(mask(p), tile.y.add(r * tile.y_stride + p * LANES)) };
            }
        }
    }
    for k in 0..tile.depth {
        let mut weights = [_mm512_setzero_ps(); P];
        for (p, weight) in weights.iter_mut().enumerate() {
            // SAFETY: LANES floats are readable there, by the function's contract.
            *weight = unsafe { _mm512_loadu_ps(tile.w.add(p * tile.panel + k * tile.step)) };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: readable by the function's contract.
            let x = _mm512_set1_ps(unsafe { *tile.x.add(r * tile.x_stride + k) });
            for (sum, weight) in sums.iter_mut().zip(&weights) {
                *sum = _mm512_fmadd_ps(x, *weight, *sum);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (p, sum) in sums.iter().enumerate() {
            // SAFETY: the mask keeps the store within the `width` floats that are ours to write.
            unsafe { _mm512_mask_storeu_ps(tile.y.add(r * tile.y_stride + p * LANES), mask(p), *sum) };
        }
    }
}

/// Integers as f32.
///
/// # Safety
/// The machine has AVX-512F, and [`Steps::check`] has passed for `out`.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn widen(steps: Steps<'_>, out: &mut [[f32; LANES]]) {
    for (i, (quants, out)) in steps.quants.chunks(steps.run).zip(out.chunks_mut(steps.run)).enumerate() {
        // SAFETY: each array holds the LANES numbers that are read or written, and there is a scale and a minimum for each run.
        unsafe {
            let scale = _mm512_loadu_ps(steps.scales.get_unchecked(i).as_ptr());
            let minimum = steps.minima.map(|minima| _mm512_loadu_ps(minima.get_unchecked(i).as_ptr()));
            for (quants, out) in quants.iter().zip(out) {
                let whole = _mm512_cvtepi8_epi32(_mm_loadu_si128(quants.as_ptr().cast()));
                let product = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), scale);
                let value = match minimum {
                    Some(minimum) => _mm512_add_ps(product, minimum),
                    None => product,
                };
                _mm512_storeu_ps(out.as_mut_ptr(), value);
            }
        }
    }
}
