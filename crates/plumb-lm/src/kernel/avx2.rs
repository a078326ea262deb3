//! Tiles of up to six rows by one panel with 256-bit vectors: twelve accumulators, two weights and one broadcast.

use std::arch::x86_64::{
    __m256, _MM_HINT_T1, _mm_loadl_epi64, _mm_loadu_si128, _mm_prefetch, _mm256_add_ps, _mm256_castsi256_ps,
    _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu16_epi32, _mm256_cvtph_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
};

use super::raw::{BF16, CODES, CODES_AND_MINIMA, F16, Raw, by_form};
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

/// The most rows for which weights are widened in registers, on their way into the sums.
pub(super) const FEW_ROWS: usize = 2;

/// `rows` (1 to [`FEW_ROWS`]) by `panels` (1 or 2) of packed weights.
///
/// # Safety
/// As [`tile`], with the weights of `raw` instead of those of the tile: all its pointers are readable for the panels, which are the tile's
/// `panel` numbers apart, and for `depth` steps of each, scales and minima for each run of them, the last of which may be cut. The
/// machine has F16C, too.
pub(super) unsafe fn few(raw: &Raw, tile: &Tile, rows: usize, panels: usize) {
    macro_rules! dispatch {
        ($form:ident) => {
            match (rows, panels) {
                (1, 1) => direct::<$form, 1, 1, false>(raw, tile),
                (1, 2) => direct::<$form, 1, 2, false>(raw, tile),
                (2, 1) => direct::<$form, 2, 1, false>(raw, tile),
                (2, 2) => direct::<$form, 2, 2, false>(raw, tile),
                _ => unreachable!("at most two rows by two panels"),
            }
        };
    }
    // SAFETY: passed on from the caller.
    unsafe { by_form!(raw, dispatch) }
}

/// `rows` (1 to 6) by one panel of packed weights, which are written to the tile's `w` as f32 for the rows that come after. The
/// widening takes little time there: other parts of the processor do it than multiply.
///
/// # Safety
/// As [`few`], and the [`LANES`] floats of each of the `depth` steps from `w` on are the caller's alone to write.
pub(super) unsafe fn first(raw: &Raw, tile: &Tile, rows: usize) {
    macro_rules! dispatch {
        ($form:ident) => {
            match rows {
                1 => direct::<$form, 1, 1, true>(raw, tile),
                2 => direct::<$form, 2, 1, true>(raw, tile),
                3 => direct::<$form, 3, 1, true>(raw, tile),
                4 => direct::<$form, 4, 1, true>(raw, tile),
                5 => direct::<$form, 5, 1, true>(raw, tile),
                6 => direct::<$form, 6, 1, true>(raw, tile),
                _ => unreachable!("at most six rows"),
            }
        };
    }
    // SAFETY: passed on from the caller.
    unsafe { by_form!(raw, dispatch) }
}

/// # Safety
/// As [`few`], with `R` rows and `P` panels of the form numbered `FORM`; with `KEEP` as [`first`].
#[target_feature(enable = "avx2,fma,f16c")]
#[allow(
    clippy::needless_range_loop,
    reason = "vectors must not pass through functions of iterators, which may lack the feature"
)]
unsafe fn direct<const FORM: u8, const R: usize, const P: usize, const KEEP: bool>(raw: &Raw, tile: &Tile) {
    let mut sums = [[[_mm256_setzero_ps(); 2]; P]; R];
    if KEEP && tile.add {
        for r in 0..R {
            // SAFETY: `width` floats at `y` are ours to read.
            sums[r][0] = unsafe { taken_up(tile.y.add(r * tile.y_stride), tile.width) };
        }
    }
    let mut scales = [[_mm256_setzero_ps(); 2]; P];
    let mut minima = [[_mm256_setzero_ps(); 2]; P];
    let (base, run) = raw.base_and_run(tile.depth);
    let (panel, runs) = (tile.panel, tile.panel / LANES / run);
    let (mut ahead, mut due) = (tile.ahead, if tile.ahead.asks() { 0 } else { usize::MAX });
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
            let mut weights = [[_mm256_setzero_ps(); 2]; P];
            for p in 0..P {
                for half in 0..2 {
                    let at = p * panel + k * LANES + 8 * half;
                    // SAFETY: eight numbers of the form are readable there, by the function's contract.
                    weights[p][half] = unsafe { widened::<FORM>(base, at, scales[p][half], minima[p][half]) };
                    if KEEP {
                        // SAFETY: LANES floats of each step are ours to write there, by the function's contract.
                        unsafe { _mm256_storeu_ps(tile.w.cast_mut().add(at), weights[p][half]) };
                    }
                }
            }
            if KEEP && k == due {
                _mm_prefetch::<_MM_HINT_T1>(ahead.line.cast());
                (ahead, due) = (ahead.after(), due + ahead.every);
            }
            for r in 0..R {
                // SAFETY: readable by the function's contract.
                let x = _mm256_set1_ps(unsafe { *tile.x.add(r * tile.x_stride + k) });
                for p in 0..P {
                    sums[r][p][0] = _mm256_fmadd_ps(x, weights[p][0], sums[r][p][0]);
                    sums[r][p][1] = _mm256_fmadd_ps(x, weights[p][1], sums[r][p][1]);
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

/// The eight numbers from the one numbered `at` on, as f32. A product and a sum are rounded each, as on all other sets.
///
/// # Safety
/// The machine has AVX2 and F16C, and eight numbers of the form are readable there.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn widened<const FORM: u8>(base: *const u8, at: usize, scale: __m256, minimum: __m256) -> __m256 {
    // SAFETY: passed on from the caller.
    unsafe {
        match FORM {
            F16 => _mm256_cvtph_ps(_mm_loadu_si128(base.cast::<u16>().add(at).cast())),
            BF16 => {
                let halves = _mm_loadu_si128(base.cast::<u16>().add(at).cast());
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(halves)))
            }
            _ => {
                let whole = _mm256_cvtepi8_epi32(_mm_loadl_epi64(base.add(at).cast()));
                let product = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), scale);
                if FORM == CODES_AND_MINIMA { _mm256_add_ps(product, minimum) } else { product }
            }
        }
    }
}
