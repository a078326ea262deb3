//! Matrix products in which each output is computed in one fixed order.
//!
//! Every product of the forward pass, attention included, is `y[r][n] = Σ_k x[r][k] · w[n][k]`, summed with fused
//! multiply-adds over `k = 0, 1, …` in one accumulator. That order depends on nothing: not on how many rows are computed
//! together, nor on threads, nor on the instruction set. So a sequence gets the same bits alone, in a batch, prefilled
//! at once or token by token; a general matrix library, which splits `k` by the sizes of the call, cannot promise that.
//!
//! It costs nothing: the outputs, not the sum, fill the vector lanes. Weights lie in *panels* of [`LANES`] outputs
//! ([`Panels`]), so that a step over `k` is one broadcast of `x` and one or two contiguous loads of `w`, each reused
//! for up to twelve rows; a decode step reads each weight from memory once for the whole batch.
//!
//! Start with [`multiply_parallel`]. Not here: what is multiplied with what (`forward`), and elementwise functions ([`rows`]).

mod ahead;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod buffer;
mod packed;
mod portable;
#[cfg(target_arch = "x86_64")]
mod raw;
pub(crate) mod rows;
pub(crate) mod team;

use ahead::{Ahead, Next};
pub(crate) use packed::{Packed, Stored};

/// Outputs in a panel.
pub(crate) const LANES: usize = 16;
/// The most rows a tile of any instruction set computes together.
#[cfg(target_arch = "x86_64")]
const MOST_ROWS: usize = 12;
/// Rows after which the next panels come: more would have left the caches before they are met again.
const MOST_TOGETHER: usize = 96;
/// The most panels that a kernel takes at once.
#[cfg(target_arch = "x86_64")]
const MOST_PANELS: usize = 4;
/// Panels that one thread lays out after another, with the same scratch.
const TOGETHER: usize = 8;
/// Fewer multiply-adds than this are not worth a second thread.
const WORTH_THREADS: usize = 1 << 17;

/// The instruction set in use. All give the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Isa {
    /// The fastest that this machine has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            let has = [
                is_x86_feature_detected!("avx2"),
                is_x86_feature_detected!("fma"),
                is_x86_feature_detected!("f16c"),
            ];
            if has == [true; 3] {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// The most rows, and panels at once, for which it multiplies packed weights without writing them out as f32 first.
    #[cfg(target_arch = "x86_64")]
    fn few(self) -> (usize, usize) {
        match self {
            Self::Avx512 => (avx512::FEW_ROWS, MOST_PANELS),
            Self::Avx2 => (avx2::FEW_ROWS, 2),
            Self::Portable => (0, 1),
        }
    }

    /// Whether its kernel of the first rows of a tile with so many panels writes packed weights out as f32 on its way.
    #[cfg(target_arch = "x86_64")]
    fn keeps(self, rows: usize, panels: usize) -> bool {
        match self {
            Self::Avx512 => rows > avx512::FEW_ROWS && panels == self.tile().1,
            Self::Avx2 => true,
            Self::Portable => false,
        }
    }

    /// Panels that a product of so many rows with packed weights takes at once.
    fn unit(self, rows: usize) -> usize {
        #[cfg(target_arch = "x86_64")]
        {
            let (few_rows, few_panels) = self.few();
            if rows <= few_rows {
                return few_panels;
            }
        }
        let _ = rows;
        self.tile().1
    }

    /// Steps after which the next rows come: the panels of a tile, and the rows that they meet, stay in the first cache,
    /// and the sums are put down and taken up again as seldom as that allows.
    fn steps(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 256,
            _ => 128,
        }
    }

    /// Rows and panels of its largest tile.
    fn tile(self) -> (usize, usize) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => (MOST_ROWS, 2),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => (6, 1),
            Self::Portable => (4, 1),
        }
    }
}

/// A weight matrix in panels: `[outputs / LANES][depth][LANES]`, the last panel filled up with zeros.
#[derive(Debug)]
pub(crate) struct Panels {
    data: buffer::Buffer<f32>,
    outputs: usize,
    depth: usize,
}

impl Panels {
    /// Builds the matrix from its rows, in parallel: `row(n, out)` writes the `depth` weights of output `n`.
    pub(crate) fn build(outputs: usize, depth: usize, row: impl Fn(usize, &mut [f32]) + Sync) -> Self {
        Self { data: laid_out(outputs, depth, row), outputs, depth }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.data.len() * size_of::<f32>()
    }

    pub(crate) fn operand(&self) -> Operand<'_> {
        Operand {
            data: &self.data,
            outputs: self.outputs,
            depth: self.depth,
            step: LANES,
            panel: LANES * self.depth,
        }
    }
}

/// Lays rows out in panels, in parallel: `row(n, out)` writes the `depth` values of output `n`.
fn laid_out<T: buffer::Number + Send + Sync>(
    outputs: usize,
    depth: usize,
    row: impl Fn(usize, &mut [T]) + Sync,
) -> buffer::Buffer<T> {
    let mut data = buffer::Buffer::zeroed(outputs.div_ceil(LANES) * LANES * depth);
    team::chunks(&mut data, TOGETHER * LANES * depth, |part, panels| {
        let mut scratch = vec![T::default(); LANES * depth];
        for (panel, data) in (part * TOGETHER..).zip(panels.chunks_mut(LANES * depth)) {
            let lanes = LANES.min(outputs - panel * LANES);
            for (lane, out) in scratch.chunks_exact_mut(depth).take(lanes).enumerate() {
                row(panel * LANES + lane, out);
            }
            // Lanes without an output stay zero, whatever the last panel left in the scratch.
            scratch[lanes * depth..].fill(T::default());
            interleave(&scratch, depth, data);
        }
    });
    data
}

/// `[LANES][depth]` to `[depth][LANES]`, some steps at a time so that both sides stay in the nearest cache.
fn interleave<T: Copy>(rows: &[T], depth: usize, out: &mut [T]) {
    const STEPS: usize = 16;
    for (block, out) in out.chunks_mut(STEPS * LANES).enumerate() {
        let first = block * STEPS;
        for lane in 0..LANES {
            let row = &rows[lane * depth + first..][..out.len() / LANES];
            for (step, value) in out.chunks_exact_mut(LANES).zip(row) {
                step[lane] = *value;
            }
        }
    }
}

/// The right-hand side of a product, wherever it lies: weight `k` of output `n` is at
/// `(n / LANES) · panel + k · step + n % LANES`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub data: &'a [f32],
    pub outputs: usize,
    pub depth: usize,
    /// Distance of consecutive `k`.
    pub step: usize,
    /// Distance of consecutive panels.
    pub panel: usize,
}

impl Operand<'_> {
    /// Weight `k` of output `n`.
    pub(crate) fn at(&self, n: usize, k: usize) -> f32 {
        self.data[n / LANES * self.panel + k * self.step + n % LANES]
    }
}

/// What one tile computes: some rows times one or two panels. Pointers, because neighbouring tiles of other threads
/// write between this tile's rows.
#[derive(Debug, Clone, Copy)]
struct Tile {
    x: *const f32,
    x_stride: usize,
    w: *const f32,
    step: usize,
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "only kernels of several panels read it")
    )]
    panel: usize,
    depth: usize,
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only kernels of one machine ask"))]
    ahead: Ahead,
    y: *mut f32,
    y_stride: usize,
    /// Outputs to store, at most `LANES ×` panels.
    width: usize,
    /// Whether the sums go on from what stands in `y`.
    add: bool,
}

/// Columns of rows that lie somewhere within wider ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    /// Where the first begins.
    pub first: usize,
    /// Distance of consecutive rows.
    pub stride: usize,
}

/// The output of a product that threads fill in parallel.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: the pointer is only written through by `span`, whose calls for disjoint panels write disjoint elements.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// `y = x wᵀ` on the calling thread; the shapes are those of [`multiply_parallel`].
pub(crate) fn multiply(isa: Isa, x: &[f32], w: Operand<'_>, y: &mut [f32]) {
    let rows = check(x, w, y);
    span(isa, x, rows, w, 0..w.outputs.div_ceil(LANES), Whole::of(y, w.outputs));
}

/// `y (+)= x wᵀ` for `rows` rows that lie within wider ones: a product whose `w` is stored in parts is done part by part,
/// by outputs side by side, or by depth with `add`, which goes on with the sums. The bits are those of the whole.
pub(crate) fn multiply_part(
    isa: Isa,
    (x, x_at): (&[f32], Columns),
    rows: usize,
    w: Operand<'_>,
    (y, y_at): (&mut [f32], Columns),
    add: bool,
) {
    check_right(w);
    assert!(rows > 0 && x_at.stride >= w.depth && y_at.stride >= w.outputs, "rows do not overlap");
    let (x, y) = (&x[x_at.first..], &mut y[y_at.first..]);
    assert!(x.len() >= (rows - 1) * x_at.stride + w.depth, "the left-hand side holds all rows");
    assert!(y.len() >= (rows - 1) * y_at.stride + w.outputs, "there is room for all rows");
    let left = Left { x, stride: x_at.stride, rows };
    let out = Whole { y: Shared(y.as_mut_ptr()), stride: y_at.stride, add };
    strided(isa, left, w, 0..w.outputs.div_ceil(LANES), out, None);
}

/// `y = x wᵀ`, with the outputs split over the threads of the current pool; `x` is `rows × depth`, `y` is
/// `rows × outputs`, both without gaps.
pub(crate) fn multiply_parallel(isa: Isa, x: &[f32], w: Operand<'_>, y: &mut [f32]) {
    let rows = check(x, w, y);
    let y = Whole::of(y, w.outputs);
    let (_, unit) = isa.tile();
    split(w.outputs.div_ceil(LANES), unit, rows * w.outputs * w.depth, |panels| {
        span(isa, x, rows, w, panels, y);
    });
}

/// Calls `compute` with ranges that together are all `panels`, on the threads of the team or pool if `work`
/// multiply-adds are worth it. All ranges but the last are multiples of `unit`, the panels that a kernel takes at once.
fn split(panels: usize, unit: usize, work: usize, compute: impl Fn(std::ops::Range<usize>) + Sync) {
    let threads = rayon::current_num_threads();
    if threads == 1 || work < WORTH_THREADS {
        return compute(0..panels);
    }
    // A few parts for each thread even out what else the machine is doing. Their sizes differ by one unit at most, the larger
    // ones first, so that threads end together.
    let units = panels.div_ceil(unit);
    let parts = units.min(4 * threads);
    let (least, larger) = (units / parts, units % parts);
    let start = |part: usize| panels.min(unit * (part * least + part.min(larger)));
    team::for_each(parts, |part| compute(start(part)..start(part + 1)));
}

/// Checks that all that a product reads and writes is there; returns the number of rows.
fn check(x: &[f32], w: Operand<'_>, y: &[f32]) -> usize {
    check_right(w);
    let rows = x.len() / w.depth;
    assert_eq!(x.len(), rows * w.depth, "whole rows");
    assert_eq!(y.len(), rows * w.outputs, "an output for each row and weight row");
    rows
}

fn check_right(w: Operand<'_>) {
    assert!(w.depth > 0 && w.outputs > 0, "a product of something");
    let last = (w.outputs.div_ceil(LANES) - 1) * w.panel + (w.depth - 1) * w.step;
    assert!(w.data.len() >= last + LANES, "the right-hand side holds all panels");
}

/// Where a product is written: the first row, and the distance of rows.
#[derive(Clone, Copy)]
struct Whole {
    y: Shared,
    stride: usize,
    add: bool,
}

impl Whole {
    fn of(y: &mut [f32], outputs: usize) -> Self {
        Self { y: Shared(y.as_mut_ptr()), stride: outputs, add: false }
    }
}

/// The left-hand side: `rows` rows, `stride` apart.
#[derive(Clone, Copy)]
struct Left<'a> {
    x: &'a [f32],
    stride: usize,
    rows: usize,
}

/// [`strided`] of rows without gaps.
fn span(isa: Isa, x: &[f32], rows: usize, w: Operand<'_>, panels: std::ops::Range<usize>, out: Whole) {
    strided(isa, Left { x, stride: w.depth, rows }, w, panels, out, None);
}

/// Computes the outputs of `panels` for all rows. Callers have checked that the left-hand side holds its rows, the right
/// one its panels, and that `out` has room for each row's outputs, of which nobody else touches those of `panels`. `next` is what
/// comes after all of `w` if that is a copy; else it is what follows in memory.
fn strided(
    isa: Isa,
    left: Left<'_>,
    w: Operand<'_>,
    panels: std::ops::Range<usize>,
    out: Whole,
    next: Option<Next>,
) {
    let ((_, most_panels), most_steps) = (isa.tile(), isa.steps());
    for row in (0..left.rows).step_by(MOST_TOGETHER) {
        let rows = row..left.rows.min(row + MOST_TOGETHER);
        for panel in panels.clone().step_by(most_panels) {
            for step in (0..w.depth).step_by(most_steps) {
                let count = most_panels.min(panels.end - panel);
                let steps = step..w.depth.min(step + most_steps);
                tiles(isa, left, w, (rows.clone(), panel, count, steps), (out, next));
            }
        }
    }
}

/// The part of [`strided`] that reads some steps of a tile's panels, for some rows.
fn tiles(
    isa: Isa,
    left: Left<'_>,
    w: Operand<'_>,
    (rows, panel, count, steps): (std::ops::Range<usize>, usize, usize, std::ops::Range<usize>),
    (out, next): (Whole, Option<Next>),
) {
    let (most_rows, _) = isa.tile();
    // Tiles of rows as equal as can be: one that is left with a row or two would wait for its few sums.
    let many = rows.len().div_ceil(most_rows).max(1);
    let (least, larger) = (rows.len() / many, rows.len() % many);
    let first = panel * w.panel + steps.start * w.step;
    let follows = || {
        let next = if steps.end < w.depth { first + steps.len() * w.step } else { (panel + count) * w.panel };
        let beside = if count > 1 { 4 * w.panel } else { 0 };
        Next { at: w.data.as_ptr().wrapping_add(next).cast(), bytes: 4 * w.step, beside, before: 0 }
    };
    let next = next.or_else(|| (w.step == LANES).then(follows));
    let width = (LANES * count).min(w.outputs - panel * LANES);
    let mut row = rows.start;
    for number in 0..many {
        let rows_here = least + usize::from(number < larger);
        // SAFETY: by the callers' checks, row `row + rows_here - 1` of `x` and panel `panel + count - 1` of `w` lie
        // within their slices, LANES floats of each step included, and `y` has room for the outputs of each row;
        // `width` keeps loads and stores of `y` within these panels' columns. `isa` is only ever made by `detect`, or by tests for sets that
        // `detect` found, so its instructions exist here.
        unsafe {
            let tile = Tile {
                x: left.x.as_ptr().add(row * left.stride + steps.start),
                x_stride: left.stride,
                w: w.data.as_ptr().add(first),
                step: w.step,
                panel: w.panel,
                depth: steps.len(),
                ahead: Ahead::share(next, steps.len(), number, many),
                y: out.y.0.add(row * out.stride + panel * LANES),
                y_stride: out.stride,
                width,
                add: out.add || steps.start > 0,
            };
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512::tile(&tile, rows_here, count),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2::tile(&tile, rows_here),
                Isa::Portable => portable::tile(&tile, rows_here),
            }
        }
        row += rows_here;
    }
}

#[cfg(test)]
mod tests;
