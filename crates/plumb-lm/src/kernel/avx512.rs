//! Tiles of up to twelve rows by two panels with 512-bit vectors: 24 accumulators, two weights and one broadcast.

use std::arch::x86_64::{
    __m512, __mmask16, _MM_HINT_T1, _mm_loadu_si128, _mm_prefetch, _mm256_loadu_si256, _mm512_add_ps,
    _mm512_castsi512_ps, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_cvtepu16_epi32, _mm512_cvtph_ps,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_mul_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_slli_epi32, _mm512_storeu_ps,
};

use super::ahead::Ahead;
use super::packed::Steps;
use super::raw::{BF16, CODES, CODES_AND_MINIMA, F16, Raw, by_form};
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

/// Tiles of fewer rows are never one of several, and ask for nothing.
const ASKING_ROWS: usize = 6;

/// Asks for a line of each panel.
#[inline(always)]
fn ask<const P: usize>(ahead: Ahead) {
    // SAFETY: a hint; no address makes it a fault, and the instruction is older than the sets of this module.
    unsafe {
        _mm_prefetch::<_MM_HINT_T1>(ahead.line.cast());
        if P == 2 {
            _mm_prefetch::<_MM_HINT_T1>(ahead.line.wrapping_add(ahead.beside).cast());
        }
    }
}

/// The first step at which a tile asks, if it ever does.
#[inline(always)]
fn first_due(ahead: Ahead) -> usize {
    if ahead.asks() { 0 } else { usize::MAX }
}

/// The lanes of panel `p` that are outputs.
#[inline(always)]
fn mask(tile: &Tile, p: usize) -> __mmask16 {
    let lanes = tile.width.saturating_sub(p * LANES).min(LANES);
    ((1_u32 << lanes) - 1) as __mmask16
}

/// # Safety
/// As [`tile`], with `R` rows and `P` panels.
#[target_feature(enable = "avx512f")]
#[allow(
    clippy::needless_range_loop,
    reason = "vectors must not pass through functions of iterators, which may lack the feature"
)]
unsafe fn compute<const R: usize, const P: usize>(tile: &Tile) {
    let mut sums: [[__m512; P]; R] = [[_mm512_setzero_ps(); P]; R];
    if tile.add {
        for r in 0..R {
            for p in 0..P {
                // SAFETY: the mask keeps the load within the `width` floats that are ours.
                sums[r][p] = unsafe {
                    _mm512_maskz_loadu_ps(mask(tile, p), tile.y.add(r * tile.y_stride + p * LANES))
                };
            }
        }
    }
    let (mut ahead, mut due) = (tile.ahead, first_due(tile.ahead));
    let mut k = 0;
    while k < tile.depth {
        let mut weights = [_mm512_setzero_ps(); P];
        for p in 0..P {
            // SAFETY: LANES floats are readable there, by the function's contract.
            weights[p] = unsafe { _mm512_loadu_ps(tile.w.add(p * tile.panel + k * tile.step)) };
        }
        if R >= ASKING_ROWS && k == due {
            ask::<P>(ahead);
            (ahead, due) = (ahead.after(), due + ahead.every);
        }
        for r in 0..R {
            // SAFETY: readable by the function's contract.
            let x = _mm512_set1_ps(unsafe { *tile.x.add(r * tile.x_stride + k) });
            for p in 0..P {
                sums[r][p] = _mm512_fmadd_ps(x, weights[p], sums[r][p]);
            }
        }
        k += 1;
    }
    for r in 0..R {
        for p in 0..P {
            // SAFETY: the mask keeps the store within the `width` floats that are ours to write.
            unsafe {
                _mm512_mask_storeu_ps(tile.y.add(r * tile.y_stride + p * LANES), mask(tile, p), sums[r][p])
            };
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

/// The most rows for which weights are widened in registers, on their way into the sums.
pub(super) const FEW_ROWS: usize = 4;

/// `rows` (1 to [`FEW_ROWS`]) by `panels` (1, 2 or 4) of packed weights.
///
/// # Safety
/// As [`tile`], with the weights of `raw` instead of those of the tile: all its pointers are readable for the panels, which are the tile's
/// `panel` numbers apart, and for `depth` steps of each, scales and minima for each run of them, the last of which may be cut.
pub(super) unsafe fn few(raw: &Raw, tile: &Tile, rows: usize, panels: usize) {
    macro_rules! dispatch {
        ($form:ident) => {
            match (rows, panels) {
                (1, 1) => direct::<$form, 1, 1, false>(raw, tile),
                (1, 2) => direct::<$form, 1, 2, false>(raw, tile),
                (1, 4) => direct::<$form, 1, 4, false>(raw, tile),
                (2, 1) => direct::<$form, 2, 1, false>(raw, tile),
                (2, 2) => direct::<$form, 2, 2, false>(raw, tile),
                (2, 4) => direct::<$form, 2, 4, false>(raw, tile),
                (3, 1) => direct::<$form, 3, 1, false>(raw, tile),
                (3, 2) => direct::<$form, 3, 2, false>(raw, tile),
                (3, 4) => direct::<$form, 3, 4, false>(raw, tile),
                (4, 1) => direct::<$form, 4, 1, false>(raw, tile),
                (4, 2) => direct::<$form, 4, 2, false>(raw, tile),
                (4, 4) => direct::<$form, 4, 4, false>(raw, tile),
                _ => unreachable!("at most four rows by four panels"),
            }
        };
    }
    // SAFETY: passed on from the caller.
    unsafe { by_form!(raw, dispatch) }
}

/// `rows` (more than [`FEW_ROWS`], at most 12) by two panels of packed weights, which are written to the tile's `w` as f32, panel after
/// panel, for the rows that come after.
///
/// # Safety
/// As [`few`], and the [`LANES`] floats of each of the `depth` steps of two panels from `w` on are the caller's alone to write.
pub(super) unsafe fn first(raw: &Raw, tile: &Tile, rows: usize) {
    macro_rules! dispatch {
        ($form:ident) => {
            match rows {
                5 => direct::<$form, 5, 2, true>(raw, tile),
                6 => direct::<$form, 6, 2, true>(raw, tile),
                7 => direct::<$form, 7, 2, true>(raw, tile),
                8 => direct::<$form, 8, 2, true>(raw, tile),
                9 => direct::<$form, 9, 2, true>(raw, tile),
                10 => direct::<$form, 10, 2, true>(raw, tile),
                11 => direct::<$form, 11, 2, true>(raw, tile),
                12 => direct::<$form, 12, 2, true>(raw, tile),
                _ => unreachable!("five to twelve rows"),
            }
        };
    }
    // SAFETY: passed on from the caller.
    unsafe { by_form!(raw, dispatch) }
}

/// # Safety
/// As [`few`], with `R` rows and `P` panels of the form numbered `FORM`; with `KEEP` as [`first`].
#[target_feature(enable = "avx512f")]
#[allow(
    clippy::needless_range_loop,
    reason = "vectors must not pass through functions of iterators, which may lack the feature"
)]
unsafe fn direct<const FORM: u8, const R: usize, const P: usize, const KEEP: bool>(raw: &Raw, tile: &Tile) {
    let mut sums = [[_mm512_setzero_ps(); P]; R];
    if KEEP && tile.add {
        for r in 0..R {
            for p in 0..P {
                // SAFETY: the mask keeps the load within the `width` floats that are ours.
                sums[r][p] = unsafe {
                    _mm512_maskz_loadu_ps(mask(tile, p), tile.y.add(r * tile.y_stride + p * LANES))
                };
            }
        }
    }
    let mut scales = [_mm512_setzero_ps(); P];
    let mut minima = [_mm512_setzero_ps(); P];
    let (base, run) = raw.base_and_run(tile.depth);
    let (panel, runs) = (tile.panel, tile.panel / LANES / run);
    let (mut ahead, mut due) = (tile.ahead, first_due(tile.ahead));
    let mut k = 0;
    while k < tile.depth {
        if let Raw::Codes { scales: all, minima: lowest, .. } = raw {
            for p in 0..P {
                let at = (p * runs + k / run) * LANES;
                // SAFETY: there is a scale, and a minimum if there are any, for each run of each panel.
                unsafe {
                    scales[p] = _mm512_loadu_ps(all.add(at));
                    if FORM == CODES_AND_MINIMA {
                        minima[p] = _mm512_loadu_ps(lowest.add(at));
                    }
                }
            }
        }
        let end = tile.depth.min(k + run);
        while k < end {
            let mut weights = [_mm512_setzero_ps(); P];
            for p in 0..P {
                let at = p * panel + k * LANES;
                // SAFETY: LANES numbers of the form are readable there, by the function's contract.
                weights[p] = unsafe {
                    match FORM {
                        F16 => _mm512_cvtph_ps(_mm256_loadu_si256(base.cast::<u16>().add(at).cast())),
                        BF16 => {
                            let halves = _mm256_loadu_si256(base.cast::<u16>().add(at).cast());
                            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves)))
                        }
                        _ => {
                            let whole = _mm512_cvtepi8_epi32(_mm_loadu_si128(base.add(at).cast()));
                            let product = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), scales[p]);
                            if FORM == CODES_AND_MINIMA { _mm512_add_ps(product, minima[p]) } else { product }
                        }
                    }
                };
                if KEEP {
                    // SAFETY: LANES floats of each step of each panel are ours to write there, by the function's contract.
                    unsafe {
                        let kept = tile.w.cast_mut().add((p * tile.depth + k) * LANES);
                        _mm512_storeu_ps(kept, weights[p]);
                    }
                }
            }
            if KEEP && R >= ASKING_ROWS && k == due {
                ask::<P>(ahead);
                (ahead, due) = (ahead.after(), due + ahead.every);
            }
            for r in 0..R {
                // SAFETY: readable by the function's contract.
                let x = _mm512_set1_ps(unsafe { *tile.x.add(r * tile.x_stride + k) });
                for p in 0..P {
                    sums[r][p] = _mm512_fmadd_ps(x, weights[p], sums[r][p]);
                }
            }
            k += 1;
        }
    }
    for r in 0..R {
        for p in 0..P {
            // SAFETY: the mask keeps the store within the `width` floats that are ours to write.
            unsafe {
                _mm512_mask_storeu_ps(tile.y.add(r * tile.y_stride + p * LANES), mask(tile, p), sums[r][p]);
            }
        }
    }
}
