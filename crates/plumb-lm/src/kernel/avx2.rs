//! Tiles of up to six rows by one panel with 256-bit vectors: twelve accumulators, two weights and one broadcast.

use std::arch::x86_64::{
    __m256, _mm_loadl_epi64, _mm256_add_ps, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::packed::Steps;
use super::{LANES, Tile};

/// `rows` (1 to 6) by one panel.
///
/// # Safety
/// The machine has AVX2 and FMA. For every `r < rows` and `k < depth`, `x[r · x_stride + k]` and the [`LANES`] floats
/// at `w[k · step]` are readable, and the `width ≤ LANES` floats at `y[r · y_stride]` are readable, writable and not accessed by
/// anybody else.
pub(super) unsafe fn tile(tile: &Tile, rows: usize) {
    // SAFETY: passed on from the caller.
    unsafe {
        match rows {
            1 => compute::<1>(tile),
            2 => compute::<2>(tile),
            3 => compute::<3>(tile),
            4 => compute::<4>(tile),
            5 => compute::<5>(tile),
            6 => compute::<6>(tile),
            _ => unreachable!("at most six rows"),
        }
    }
}

/// # Safety
/// As [`tile`], with `R` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn compute<const R: usize>(tile: &Tile) {
    let mut sums: [[__m256; 2]; R] = [[_mm256_setzero_ps(); 2]; R];
    if tile.add {
        for (r, sums) in sums.iter_mut().enumerate() {
            let mut row = [0.0_f32; LANES];
            // SAFETY: `width ≤ LANES` floats at `y` are ours to read, and `row` holds both halves.
            unsafe {
                std::ptr::copy_nonoverlapping(tile.y.add(r * tile.y_stride), row.as_mut_ptr(), tile.width);
                *sums = [_mm256_loadu_ps(row.as_ptr()), _mm256_loadu_ps(row.as_ptr().add(8))];
            }
        }
    }
    for k in 0..tile.depth {
        // SAFETY: LANES = 16 floats are readable there, by the function's contract.
        let weights = unsafe {
            let at = tile.w.add(k * tile.step);
            [_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(8))]
        };
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: readable by the function's contract.
            let x = _mm256_set1_ps(unsafe { *tile.x.add(r * tile.x_stride + k) });
            for (sum, weight) in sums.iter_mut().zip(&weights) {
                *sum = _mm256_fmadd_ps(x, *weight, *sum);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let mut row = [0.0_f32; LANES];
        // SAFETY: `row` has room for both halves; `width ≤ LANES` floats at `y` are ours to write.
        unsafe {
            _mm256_storeu_ps(row.as_mut_ptr(), sums[0]);
            _mm256_storeu_ps(row.as_mut_ptr().add(8), sums[1]);
            std::ptr::copy_nonoverlapping(row.as_ptr(), tile.y.add(r * tile.y_stride), tile.width);
        }
    }
}

/// Integers as f32.
///
/// # Safety
/// The machine has AVX2, and [`Steps::check`] has passed for `out`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn widen(steps: Steps<'_>, out: &mut [[f32; LANES]]) {
    for (i, (quants, out)) in steps.quants.chunks(steps.run).zip(out.chunks_mut(steps.run)).enumerate() {
        for half in [0, LANES / 2] {
            // SAFETY: each array holds LANES numbers, of which eight are read or written from `half` on, and there is a scale
            // and a minimum for each run.
            unsafe {
                let scale = _mm256_loadu_ps(steps.scales.get_unchecked(i).as_ptr().add(half));
                let minimum =
                    steps.minima.map(|minima| _mm256_loadu_ps(minima.get_unchecked(i).as_ptr().add(half)));
                for (quants, out) in quants.iter().zip(out.iter_mut()) {
                    let whole = _mm256_cvtepi8_epi32(_mm_loadl_epi64(quants.as_ptr().add(half).cast()));
                    let product = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), scale);
                    let value = match minimum {
                        Some(minimum) => _mm256_add_ps(product, minimum),
                        None => product,
                    };
                    _mm256_storeu_ps(out.as_mut_ptr().add(half), value);
                }
            }
        }
    }
}
