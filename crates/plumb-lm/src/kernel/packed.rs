//! Weight matrices that stay as small as their file has them.
//!
//! A decode step reads every weight once, so its speed is that of memory: a byte a weight is four times as fast as f32.
//! The panels of [`Packed`] hold what the file holds (halves, or integers with scales), and a panel is widened to f32, some steps
//! at a time, in the nearest cache, right before it is multiplied. The widened values are those that decoding the file at
//! once would give, and the order of each sum is the same; so are the bits of every product.
//!
//! Start with [`Stored::multiply`]. Not here: file formats (`quant`), the tiles (`super`).

use std::ops::Range;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::buffer::Buffer;
#[cfg(target_arch = "x86_64")]
use super::raw::Raw;
use super::{
    Isa, LANES, Left, MOST_TOGETHER, Next, Operand, Panels, Shared, TOGETHER, Whole, interleave, laid_out,
    split, strided, team,
};
use crate::quant::{Codes, NO_MINIMUM};

/// A weight matrix.
#[derive(Debug)]
pub(crate) enum Stored {
    Full(Panels),
    Packed(Packed),
}

impl Stored {
    /// `y = x wᵀ`, as [`super::multiply_parallel`].
    pub(crate) fn multiply(&self, isa: Isa, x: &[f32], y: &mut [f32]) {
        match self {
            Self::Full(panels) => super::multiply_parallel(isa, x, panels.operand(), y),
            Self::Packed(packed) => packed.multiply(isa, x, y),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Full(panels) => panels.bytes(),
            Self::Packed(packed) => packed.bytes(),
        }
    }
}

/// A weight matrix in panels, `[outputs / LANES][depth][LANES]`, the last one filled up with zeros.
#[derive(Debug)]
pub(crate) struct Packed {
    values: Values,
    outputs: usize,
    depth: usize,
}

#[derive(Debug)]
enum Values {
    F16(Buffer<f16>),
    Bf16(Buffer<bf16>),
    /// `quant · scale + minimum`; a scale and a minimum for each `run` of steps, `[outputs / LANES][depth / run][LANES]`.
    Codes {
        quants: Buffer<i8>,
        scales: Buffer<f32>,
        minima: Option<Buffer<f32>>,
        run: usize,
    },
}

impl Packed {
    /// `row(n, out)` writes the `depth` weights of output `n`.
    pub(crate) fn f16(outputs: usize, depth: usize, row: impl Fn(usize, &mut [f16]) + Sync) -> Self {
        Self { values: Values::F16(laid_out(outputs, depth, row)), outputs, depth }
    }

    /// As [`Packed::f16`].
    pub(crate) fn bf16(outputs: usize, depth: usize, row: impl Fn(usize, &mut [bf16]) + Sync) -> Self {
        Self { values: Values::Bf16(laid_out(outputs, depth, row)), outputs, depth }
    }

    /// `row(n, codes)` writes the `depth` integers of output `n`, and a scale and a minimum for each `run` of them; minima are
    /// kept if they `count`.
    pub(crate) fn codes(
        outputs: usize,
        depth: usize,
        run: usize,
        count: bool,
        row: impl Fn(usize, Codes<'_>) + Sync,
    ) -> Self {
        assert!(depth.is_multiple_of(run), "whole runs");
        let panels = outputs.div_ceil(LANES);
        let runs = depth / run;
        let mut quants = Buffer::<i8>::zeroed(panels * LANES * depth);
        let mut scales = Buffer::<f32>::zeroed(panels * LANES * runs);
        // One number a panel keeps the parts together where there are no minima.
        let lowest = if count { LANES * runs } else { 1 };
        let mut minima = Buffer::<f32>::zeroed(panels * lowest);
        let panel = quants
            .chunks_mut(LANES * depth)
            .zip(scales.chunks_mut(LANES * runs))
            .zip(minima.chunks_mut(lowest));
        let mut all: Vec<_> = panel.collect();
        team::chunks(&mut all, TOGETHER, |part, panels| {
            let (q, s, m) = (
                &mut vec![0; LANES * depth],
                &mut vec![0.0; LANES * runs],
                &mut vec![NO_MINIMUM; LANES * runs],
            );
            for (panel, ((quants, scales), minima)) in (part * TOGETHER..).zip(panels) {
                let lanes = LANES.min(outputs - panel * LANES);
                // Lanes without an output stay zero, whatever the last panel left in the scratch.
                q[lanes * depth..].fill(0);
                s.fill(0.0);
                m.fill(NO_MINIMUM);
                for lane in 0..lanes {
                    let codes = Codes {
                        quants: &mut q[lane * depth..][..depth],
                        scales: &mut s[lane * runs..][..runs],
                        minima: &mut m[lane * runs..][..runs],
                    };
                    row(panel * LANES + lane, codes);
                }
                interleave(q, depth, quants);
                interleave(s, runs, scales);
                if count {
                    interleave(m, runs, minima);
                }
            }
        });
        let minima = count.then_some(minima);
        Self { values: Values::Codes { quants, scales, minima, run }, outputs, depth }
    }

    fn bytes(&self) -> usize {
        match &self.values {
            Values::F16(values) => 2 * values.len(),
            Values::Bf16(values) => 2 * values.len(),
            Values::Codes { quants, scales, minima, .. } => {
                quants.len() + 4 * (scales.len() + minima.as_ref().map_or(0, |minima| minima.len()))
            }
        }
    }

    fn multiply(&self, isa: Isa, x: &[f32], y: &mut [f32]) {
        self.multiply_panels(isa, x, 0..self.outputs.div_ceil(LANES), y);
    }

    /// The outputs of some panels alone; `y` has room for those of all, and the others stay as they are.
    pub(crate) fn multiply_panels(&self, isa: Isa, x: &[f32], panels: Range<usize>, y: &mut [f32]) {
        let rows = x.len() / self.depth;
        assert_eq!(x.len(), rows * self.depth, "whole rows");
        assert_eq!(y.len(), rows * self.outputs, "an output for each row and weight row");
        assert!(panels.end <= self.outputs.div_ceil(LANES), "panels of this matrix");
        if rows == 0 {
            return;
        }
        let y = Whole::of(y, self.outputs);
        split(panels.len(), isa.unit(rows), x.len() * panels.len() * LANES, |some| {
            self.span(isa, x, rows, panels.start + some.start..panels.start + some.end, y)
        });
    }

    /// The outputs of `panels` for all rows; nobody else touches those of `y`.
    fn span(&self, isa: Isa, x: &[f32], rows: usize, panels: Range<usize>, y: Whole) {
        // No other instruction set has kernels of few rows.
        #[cfg(target_arch = "x86_64")]
        {
            let (few_rows, few_panels) = isa.few();
            if rows <= few_rows {
                return self.few(isa, x, rows, panels, y, few_panels);
            }
        }
        let (_, most_panels) = isa.tile();
        let mut wide = vec![0.0; most_panels * LANES * isa.steps().min(self.depth)];
        for row in (0..rows).step_by(MOST_TOGETHER) {
            let left =
                Left { x: &x[row * self.depth..], stride: self.depth, rows: MOST_TOGETHER.min(rows - row) };
            let y = Whole { y: Shared(y.y.0.wrapping_add(row * y.stride)), ..y };
            for first in panels.clone().step_by(most_panels) {
                let count = most_panels.min(panels.end - first);
                self.widened(isa, left, first..first + count, y, &mut wide);
            }
        }
    }

    /// The outputs of one tile's panels, widened into `wide` some steps at a time.
    fn widened(&self, isa: Isa, left: Left<'_>, panels: Range<usize>, y: Whole, wide: &mut [f32]) {
        let outputs = (LANES * panels.len()).min(self.outputs - panels.start * LANES);
        let y = Whole { y: Shared(y.y.0.wrapping_add(panels.start * LANES)), ..y };
        for from in (0..self.depth).step_by(isa.steps()) {
            let steps = from..self.depth.min(from + isa.steps());
            let panel = LANES * steps.len();
            let left = Left { x: &left.x[from..], ..left };
            let y = Whole { add: from > 0, ..y };
            let next = self.next(panels.clone(), steps.end);
            let (done, next) = match isa {
                #[cfg(target_arch = "x86_64")]
                _ if isa.keeps(left.rows, panels.len()) => {
                    let tile = (panels.start, outputs, steps.clone());
                    (self.first(isa, left, tile, y, next, wide), Next { before: 1, ..next })
                }
                _ => {
                    for (number, wide) in panels.clone().zip(wide.chunks_exact_mut(panel)) {
                        self.widen(isa, number, steps.clone(), wide);
                    }
                    (0, next)
                }
            };
            if done < left.rows {
                let data = &wide[..panels.len() * panel];
                let w = Operand { data, outputs, depth: steps.len(), step: LANES, panel };
                let left = Left { x: &left.x[done * left.stride..], rows: left.rows - done, ..left };
                let y = Whole { y: Shared(y.y.0.wrapping_add(done * y.stride)), ..y };
                strided(isa, left, w, 0..panels.len(), y, Some(next));
            }
        }
    }

    /// The outputs of a tile's panels and some steps for the first rows, by a kernel that leaves the widened weights in `wide`. Says how
    /// many rows that are.
    #[cfg(target_arch = "x86_64")]
    fn first(
        &self,
        isa: Isa,
        left: Left<'_>,
        (panel, width, steps): (usize, usize, Range<usize>),
        y: Whole,
        next: Next,
        wide: &mut [f32],
    ) -> usize {
        let (most_rows, panels) = isa.tile();
        let tiles = left.rows.div_ceil(most_rows);
        let rows = left.rows.div_ceil(tiles);
        assert!(wide.len() >= panels * LANES * steps.len(), "room for all steps");
        let tile = super::Tile {
            x: left.x.as_ptr(),
            x_stride: left.stride,
            w: wide.as_mut_ptr(),
            step: LANES,
            panel: LANES * self.depth,
            depth: steps.len(),
            ahead: super::Ahead::share(Some(next), steps.len(), 0, tiles),
            y: y.y.0,
            y_stride: y.stride,
            width,
            add: y.add,
        };
        // SAFETY: by the callers' checks `x` holds `rows` rows of these steps, each row of `y` has room for these outputs, which nobody
        // else touches, and the buffers hold all panels, of which there are as many from `panel` on as a tile has. `wide` is ours, with room
        // for all steps. `isa` is only made for what the machine has.
        unsafe {
            let raw = self.raw(panel, steps.start);
            match isa {
                Isa::Avx512 => super::avx512::first(&raw, &tile, rows),
                Isa::Avx2 => super::avx2::first(&raw, &tile, rows),
                Isa::Portable => unreachable!("has no kernel that widens"),
            }
        }
        rows
    }

    /// [`Packed::span`] of so few rows that the weights are best widened on their way into the sums. `most` is a power of two.
    #[cfg(target_arch = "x86_64")]
    fn few(&self, isa: Isa, x: &[f32], rows: usize, panels: Range<usize>, y: Whole, most: usize) {
        let mut first = panels.start;
        while first < panels.end {
            let left = panels.end - first;
            let count = if left >= most { most } else { 1 << left.ilog2() };
            let raw = self.raw(first, 0);
            // SAFETY: by the callers' checks `x` holds `rows` rows of `depth` numbers, and row `rows - 1` of `y` has room for all
            // outputs, of which nobody else touches those of `panels`; `width` keeps stores within those of these
            // panels. Each buffer holds all panels. `isa` is only made for what the machine has.
            unsafe {
                let tile = super::Tile {
                    x: x.as_ptr(),
                    x_stride: self.depth,
                    w: std::ptr::null(),
                    step: 0,
                    panel: LANES * self.depth,
                    depth: self.depth,
                    ahead: super::Ahead::NOTHING,
                    y: y.y.0.add(first * LANES),
                    y_stride: y.stride,
                    width: (LANES * count).min(self.outputs - first * LANES),
                    add: false,
                };
                match isa {
                    Isa::Avx512 => super::avx512::few(&raw, &tile, rows, count),
                    Isa::Avx2 => super::avx2::few(&raw, &tile, rows, count),
                    Isa::Portable => unreachable!("has no kernel for few rows"),
                }
            }
            first += count;
        }
    }

    /// Where the panels from `first` on lie, from a step on with which a run begins.
    #[cfg(target_arch = "x86_64")]
    fn raw(&self, first: usize, step: usize) -> Raw {
        let at = (first * self.depth + step) * LANES;
        match &self.values {
            Values::F16(values) => Raw::F16(values[at..].as_ptr()),
            Values::Bf16(values) => Raw::Bf16(values[at..].as_ptr()),
            Values::Codes { quants, scales, minima, run } => {
                let runs = (first * (self.depth / run) + step / run) * LANES;
                Raw::Codes {
                    quants: quants[at..].as_ptr(),
                    scales: scales[runs..].as_ptr(),
                    minima: minima.as_ref().map_or(std::ptr::null(), |minima| minima[runs..].as_ptr()),
                    run: *run,
                }
            }
        }
    }

    /// What comes after so many steps of a tile's panels: their next steps, or other panels.
    fn next(&self, panels: Range<usize>, steps: usize) -> Next {
        let (panel, step) = if steps < self.depth { (panels.start, steps) } else { (panels.end, 0) };
        let numbers = (panel * self.depth + step) * LANES;
        let (at, size) = match &self.values {
            Values::F16(values) => (values.as_ptr().wrapping_add(numbers).cast(), 2),
            Values::Bf16(values) => (values.as_ptr().wrapping_add(numbers).cast(), 2),
            Values::Codes { quants, .. } => (quants.as_ptr().wrapping_add(numbers).cast(), 1),
        };
        let beside = if panels.len() > 1 { size * LANES * self.depth } else { 0 };
        Next { at, bytes: size * LANES, beside, before: 0 }
    }

    /// Writes some steps of a panel as f32, `[steps][LANES]`.
    fn widen(&self, isa: Isa, panel: usize, steps: Range<usize>, out: &mut [f32]) {
        let first = panel * self.depth;
        let at = (first + steps.start) * LANES..(first + steps.end) * LANES;
        match &self.values {
            Values::F16(values) => values[at].convert_to_f32_slice(out),
            Values::Bf16(values) => {
                for (out, value) in out.iter_mut().zip(&values[at]) {
                    *out = f32::from_bits(u32::from(value.to_bits()) << 16);
                }
            }
            Values::Codes { quants, scales, minima, run } => {
                let first = panel * (self.depth / run);
                let runs = (first + steps.start / run) * LANES..(first + steps.end.div_ceil(*run)) * LANES;
                let minima = minima.as_ref().map(|minima| minima[runs.clone()].as_chunks().0);
                let quants = quants[at].as_chunks().0;
                let steps = Steps { quants, scales: scales[runs].as_chunks().0, minima, run: *run };
                widen(isa, steps, out.as_chunks_mut().0);
            }
        }
    }
}

/// Integers of some steps of a panel, the scales and perhaps minima of their runs, and the steps of a run; the last run may be cut.
#[derive(Clone, Copy)]
pub(super) struct Steps<'a> {
    pub quants: &'a [[i8; LANES]],
    pub scales: &'a [[f32; LANES]],
    pub minima: Option<&'a [[f32; LANES]]>,
    pub run: usize,
}

impl Steps<'_> {
    /// Panics unless there is a scale, and a minimum if there are any, for each step, and room for each in `out`.
    pub(super) fn check(&self, out: &[[f32; LANES]]) {
        let runs = self.quants.len().div_ceil(self.run);
        assert!(self.scales.len() >= runs && self.minima.is_none_or(|minima| minima.len() >= runs));
        assert_eq!(out.len(), self.quants.len(), "room for all steps");
    }
}

/// `quant · scale + minimum`, rounded after the product and after the sum, so that all instruction sets give the same bits.
fn widen(isa: Isa, steps: Steps<'_>, out: &mut [[f32; LANES]]) {
    steps.check(out);
    match isa {
        // SAFETY: `isa` is only made for what the machine has, and the sizes are checked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { super::avx512::widen(steps, out) },
        _ => widen_portable(steps, out),
    }
}

fn widen_portable(steps: Steps<'_>, out: &mut [[f32; LANES]]) {
    for (k, (quants, out)) in steps.quants.iter().zip(out).enumerate() {
        let scale = &steps.scales[k / steps.run];
        for (lane, out) in out.iter_mut().enumerate() {
            *out = f32::from(quants[lane]) * scale[lane];
        }
        if let Some(minima) = steps.minima {
            out.iter_mut().zip(&minima[k / steps.run]).for_each(|(out, minimum)| *out += minimum);
        }
    }
}
