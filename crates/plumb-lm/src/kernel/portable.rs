//! The tile that every machine can compute, and the one that the others are tested against.

use super::{LANES, Tile};

/// One panel for `rows` rows.
///
/// # Safety
/// For every `r < rows` and `k < depth`, `x[r · x_stride + k]` and the [`LANES`] floats at `w[k · step]` are readable,
/// and the `width ≤ LANES` floats at `y[r · y_stride]` are readable, writable and not accessed by anybody else.
pub(super) unsafe fn tile(tile: &Tile, rows: usize) {
    for r in 0..rows {
        let mut sums = [0.0_f32; LANES];
        if tile.add {
            // SAFETY: `width` floats there are ours, by the function's contract.
            unsafe {
                std::ptr::copy_nonoverlapping(tile.y.add(r * tile.y_stride), sums.as_mut_ptr(), tile.width)
            };
        }
        for k in 0..tile.depth {
            // SAFETY: both are readable by the function's contract.
            let (x, w) = unsafe {
                (
                    *tile.x.add(r * tile.x_stride + k),
                    std::slice::from_raw_parts(tile.w.add(k * tile.step), LANES),
                )
            };
            for (sum, w) in sums.iter_mut().zip(w) {
                *sum = x.mul_add(*w, *sum);
            }
        }
        // SAFETY: `width` floats there are ours to write, by the function's contract.
        unsafe { std::ptr::copy_nonoverlapping(sums.as_ptr(), tile.y.add(r * tile.y_stride), tile.width) };
    }
}
