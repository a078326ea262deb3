//! Tiles of up to six rows by one panel with 256-bit vectors: twelve accumulators, two weights and one broadcast.

use std::arch::x86_64::{
    __m256, _MM_HINT_T1, _mm_loadl_epi64, _mm_loadu_si128, _mm_prefetch, _mm256_add_ps, _mm256_castsi256_ps,
    _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu16_epi32, _mm256_cvtph_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
};

use half::f16;

use super::packed::{BF16, CODES, CODES_AND_MINIMA, F16, Raw, Steps};
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
        match (rows, tile.ahead.asks()) {
            (1, _) => compute::<1, false>(tile),
            (2, _) => compute::<2, false>(tile),
            (3, _) => compute::<3, false>(tile),
            (4, false) => compute::<4, false>(tile),
            (5, false) => compute::<5, false>(tile),
            (6, false) => compute::<6, false>(tile),
            (4, true) => compute::<4, true>(tile),
            (5, true) => compute::<5, true>(tile),
            (6, true) => compute::<6, true>(tile),
            _ => unreachable!("at most six rows"),
        }
    }
}

/// # Safety
/// As [`tile`], with `R` rows; with `NEXT` it asks for the lines that the tile wants. No address makes that a fault.
#[target_feature(enable = "avx2,fma")]
#[allow(
    clippy::needless_range_loop,
    reason = "vectors must not pass through functions of iterators, which may lack the feature"
)]
unsafe fn compute<const R: usize, const NEXT: bool>(tile: &Tile) {
    let mut sums: [[__m256; 2]; R] = [[_mm256_setzero_ps(); 2]; R];
    if tile.add {
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `width` floats at `y` are ours to read.
            *sums = unsafe { taken_up(tile.y.add(r * tile.y_stride), tile.width) };
        }
    }
    let (mut ahead, mut due) = (tile.ahead, 0);
    let mut k = 0;
    while k < tile.depth {
        // SAFETY: LANES = 16 floats are readable there, by the function's contract.
        let weights = unsafe {
            let at = tile.w.add(k * tile.step);
            [_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(8))]
        };
        if NEXT && k == due {
            _mm_prefetch::<_MM_HINT_T1>(ahead.line.cast());
            (ahead, due) = (ahead.after(), due + ahead.every);
        }
        for r in 0..R {
            // SAFETY: readable by the function's contract.
            let x = _mm256_set1_ps(unsafe { *tile.x.add(r * tile.x_stride + k) });
            sums[r][0] = _mm256_fmadd_ps(x, weights[0], sums[r][0]);
            sums[r][1] = _mm256_fmadd_ps(x, weights[1], sums[r][1]);
        }
        k += 1;
    }
    for (r, sums) in sums.iter().enumerate() {
        // SAFETY: `width` floats at `y` are ours to write.
        unsafe { put_down(*sums, tile.y.add(r * tile.y_stride), tile.width) };
    }
}

/// Sums that stand in memory; only the last panel of a matrix has fewer than [`LANES`] outputs.
///
/// # Safety
/// The machine has AVX2, and `width ≤ LANES` floats at `y` are readable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn taken_up(y: *const f32, width: usize) -> [__m256; 2] {
    let mut row = [0.0_f32; LANES];
    // SAFETY: as many are read as the contract says; `row` holds both halves.
    unsafe {
        if width == LANES {
            return [_mm256_loadu_ps(y), _mm256_loadu_ps(y.add(8))];
        }
        std::ptr::copy_nonoverlapping(y, row.as_mut_ptr(), width);
        [_mm256_loadu_ps(row.as_ptr()), _mm256_loadu_ps(row.as_ptr().add(8))]
    }
}

/// The other way round.
///
/// # Safety
/// As [`taken_up`], and the floats are ours to write.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn put_down(sums: [__m256; 2], y: *mut f32, width: usize) {
    let mut row = [0.0_f32; LANES];
    // SAFETY: as many are written as the contract says; `row` has room for both halves.
    unsafe {
        if width == LANES {
            _mm256_storeu_ps(y, sums[0]);
            _mm256_storeu_ps(y.add(8), sums[1]);
            return;
        }
        _mm256_storeu_ps(row.as_mut_ptr(), sums[0]);
        _mm256_storeu_ps(row.as_mut_ptr().add(8), sums[1]);
        std::ptr::copy_nonoverlapping(row.as_ptr(), y, width);
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

/// Halves as f32.
///
/// # Safety
/// The machine has AVX2 and F16C, and there are as many arrays in `out`.
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn widen_halves(halves: &[[f16; LANES]], out: &mut [[f32; LANES]]) {
    for (halves, out) in halves.iter().zip(out) {
        for half in [0, LANES / 2] {
            // SAFETY: each array holds LANES numbers, of which eight are read or written from `half` on.
            unsafe {
                let eight = _mm_loadu_si128(halves.as_ptr().add(half).cast());
                _mm256_storeu_ps(out.as_mut_ptr().add(half), _mm256_cvtph_ps(eight));
            }
        }
    }
}

/// The most rows for which weights are widened in registers, on their way into the sums.
pub(super) const FEW_ROWS: usize = 2;

/// `rows` (1 to [`FEW_ROWS`]) by `panels` (1 or 2) of packed weights.
///
/// # Safety
/// As [`tile`], with the weights of `raw` instead of those of the tile: all its pointers are readable for the panels and for
/// `depth` steps, scales and minima for each run of them, the last of which may be cut. The machine has F16C, too.
pub(super) unsafe fn few(raw: &Raw, tile: &Tile, rows: usize, panels: usize) {
    macro_rules! dispatch {
        ($form:ident) => {
            match (rows, panels) {
                (1, 1) => direct::<$form, 1, 1>(raw, tile),
                (1, 2) => direct::<$form, 1, 2>(raw, tile),
                (2, 1) => direct::<$form, 2, 1>(raw, tile),
                (2, 2) => direct::<$form, 2, 2>(raw, tile),
                _ => unreachable!("at most two rows by two panels"),
            }
        };
    }
    // SAFETY: passed on from the caller.
    unsafe {
        match raw.form() {
            F16 => dispatch!(F16),
            BF16 => dispatch!(BF16),
            CODES => dispatch!(CODES),
            _ => dispatch!(CODES_AND_MINIMA),
        }
    }
}

/// # Safety
/// As [`few`], with `R` rows and `P` panels of the form numbered `FORM`.
#[target_feature(enable = "avx2,fma,f16c")]
#[allow(
    clippy::needless_range_loop,
    reason = "vectors must not pass through functions of iterators, which may lack the feature"
)]
unsafe fn direct<const FORM: u8, const R: usize, const P: usize>(raw: &Raw, tile: &Tile) {
    let mut sums = [[[_mm256_setzero_ps(); 2]; P]; R];
    let mut scales = [[_mm256_setzero_ps(); 2]; P];
    let mut minima = [[_mm256_setzero_ps(); 2]; P];
    let (base, run) = raw.base_and_run(tile.depth);
    let (panel, runs) = (LANES * tile.depth, tile.depth.div_ceil(run));
    let mut k = 0;
    while k < tile.depth {
        if let Raw::Codes { scales: all, minima: lowest, .. } = raw {
            for p in 0..P {
                for half in 0..2 {
                    let at = (p * runs + k / run) * LANES + 8 * half;
                    // SAFETY: there is a scale, and a minimum if there are any, for each run of each panel.
                    unsafe {
                        scales[p][half] = _mm256_loadu_ps(all.add(at));
                        if FORM == CODES_AND_MINIMA {
                            minima[p][half] = _mm256_loadu_ps(lowest.add(at));
                        }
                    }
                }
            }
        }
        let end = tile.depth.min(k + run);
        while k < end {
            for p in 0..P {
                for half in 0..2 {
                    let at = p * panel + k * LANES + 8 * half;
                    // SAFETY: eight numbers of the form are readable there, by the function's contract.
                    let weights = unsafe {
                        match FORM {
                            F16 => _mm256_cvtph_ps(_mm_loadu_si128(base.cast::<u16>().add(at).cast())),
                            BF16 => {
                                let halves = _mm_loadu_si128(base.cast::<u16>().add(at).cast());
                                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(halves)))
                            }
                            _ => {
                                let whole = _mm256_cvtepi8_epi32(_mm_loadl_epi64(base.add(at).cast()));
                                let product = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), scales[p][half]);
                                if FORM == CODES_AND_MINIMA {
                                    _mm256_add_ps(product, minima[p][half])
                                } else {
                                    product
                                }
                            }
                        }
                    };
                    for r in 0..R {
                        // SAFETY: readable by the function's contract.
                        let x = _mm256_set1_ps(unsafe { *tile.x.add(r * tile.x_stride + k) });
                        sums[r][p][half] = _mm256_fmadd_ps(x, weights, sums[r][p][half]);
                    }
                }
            }
            k += 1;
        }
    }
    for r in 0..R {
        for p in 0..P {
            let lanes = (tile.width - p * LANES).min(LANES);
            // SAFETY: each panel has an output, so this part of the `width ≤ LANES · P` floats at `y` is ours to write.
            unsafe { put_down(sums[r][p], tile.y.add(r * tile.y_stride + p * LANES), lanes) };
        }
    }
}
