//! The backend of this machine's processor: `kernel`'s products and elementwise functions, on the threads of a team.
//!
//! Every row's bits depend on its own sequence alone (see `kernel`), whatever else is in the batch and however many threads there are.

mod attention;

use std::ops::Range;

use super::{Attend, Backend, Heads, Patterns};
use crate::arch::{Activation, Config, RotaryPairs};
use crate::cache::Cache;
use crate::kernel::{Isa, Packed, Panels, Stored, rows, team};
use crate::weights::{Form, Given, Norm};

/// Fewer elements than this are not worth a second thread.
const WORTH_THREADS: usize = 1 << 13;

#[derive(Debug)]
pub(crate) struct Cpu {
    isa: Isa,
}

impl Cpu {
    /// With the fastest instructions that this machine has.
    pub(super) fn detect() -> Self {
        Self { isa: Isa::detect() }
    }
}

/// Rows of one width without gaps.
pub(crate) struct Table {
    values: Vec<f32>,
    width: usize,
}

impl Table {
    fn rows(&self) -> usize {
        self.values.len() / self.width
    }

    fn row(&self, number: usize) -> &[f32] {
        &self.values[number * self.width..][..self.width]
    }

    /// Calls `compute` with every row and its number, on the threads of the team; `work` elements are looked at for each.
    fn compute(&mut self, work: usize, compute: impl Fn(usize, &mut [f32]) + Sync) {
        let (width, rows) = (self.width, (WORTH_THREADS / work).max(1));
        team::chunks(&mut self.values, rows * width, |chunk, out| {
            for (index, out) in out.chunks_exact_mut(width).enumerate() {
                compute(chunk * rows + index, out);
            }
        });
    }
}

impl Backend for Cpu {
    type Matrix = Stored;
    type Vector = Vec<f32>;
    type Rows = Table;

    fn during<R>(&self, pass: impl FnOnce() -> R) -> R {
        team::assemble(pass)
    }

    /// As small as the file has it: what is stored in one form stays in it, all else becomes f32.
    fn matrix(&self, given: &Given<'_>) -> Stored {
        let (outputs, depth) = (given.outputs(), given.depth());
        match given.form() {
            Form::F16 => Stored::Packed(Packed::f16(outputs, depth, |n, out| given.f16(n, out))),
            Form::Bf16 => Stored::Packed(Packed::bf16(outputs, depth, |n, out| given.bf16(n, out))),
            Form::Codes { run, minima } => {
                Stored::Packed(Packed::codes(outputs, depth, run, minima, |n, out| given.codes(n, run, out)))
            }
            Form::Full => Stored::Full(Panels::build(outputs, depth, |n, out| given.full(n, out))),
        }
    }

    fn bytes(matrix: &Stored) -> usize {
        matrix.bytes()
    }

    fn vector(&self, values: Vec<f32>) -> Vec<f32> {
        values
    }

    fn rows(&self, values: Vec<f32>, width: usize) -> Table {
        Table { values, width }
    }

    fn room(&self, count: usize, width: usize) -> Table {
        Table { values: vec![0.0; count * width], width }
    }

    fn values(&self, rows: Table) -> Vec<f32> {
        rows.values
    }

    fn visit(&self, rows: &mut Table, look: impl FnOnce(&mut [f32])) {
        look(&mut rows.values);
    }

    fn select(&self, rows: &Table, numbers: &[usize]) -> Table {
        let mut values = Vec::with_capacity(numbers.len() * rows.width);
        numbers.iter().for_each(|&number| values.extend_from_slice(rows.row(number)));
        Table { values, width: rows.width }
    }

    fn linear(&self, x: &Table, w: &Stored, bias: Option<&Vec<f32>>, y: &mut Table) {
        w.multiply(self.isa, &x.values, &mut y.values);
        if let Some(bias) = bias {
            y.compute(y.width, |_, row| rows::add(row, bias));
        }
    }

    fn norm(&self, x: &Table, norm: &Norm<Vec<f32>>, eps: f64, out: &mut Table) {
        out.compute(x.width, |number, out| match norm {
            Norm::Rms { weight } => rows::rms_norm(self.isa, x.row(number), weight, eps, out),
            Norm::Layer { weight, bias } => rows::layer_norm(x.row(number), weight, bias, eps, out),
        });
    }

    fn norm_heads(&self, rows: &mut Table, heads: &Heads, weight: &Vec<f32>, eps: f64) {
        let (dim, width) = (heads.dim, rows.width);
        let placed = heads.numbers.start * dim..heads.numbers.end * dim;
        rows.compute(width, |_, row| {
            let mut scratch = vec![0.0; dim];
            for head in row[placed.clone()].chunks_exact_mut(dim) {
                scratch.copy_from_slice(head);
                rows::rms_norm(self.isa, &scratch, weight, eps, head);
            }
        });
    }

    fn rotate(&self, rows: &mut Table, heads: &Heads, pairs: RotaryPairs, angles: &Table) {
        let (dim, width) = (heads.dim, rows.width);
        let placed = heads.numbers.start * dim..heads.numbers.end * dim;
        rows.compute(width, |number, row| {
            let turns = angles.row(number).as_chunks().0;
            row[placed.clone()].chunks_exact_mut(dim).for_each(|head| rows::rotate(pairs, turns, head));
        });
    }

    fn store(&self, qkv: &Table, which: Range<usize>, cache: &mut Cache, (config, layer): (&Config, usize)) {
        let keys = config.heads * config.head_dim;
        let pairs = which.map(|number| {
            let both = &qkv.row(number)[keys..];
            both.split_at(both.len() / 2)
        });
        cache.append(layer, pairs);
    }

    fn attend(&self, ask: Attend<'_>, qkv: &Table, out: &mut Table, tell: Option<Patterns<'_>>) {
        attention::attend(self.isa, ask, qkv, out, tell);
    }

    fn activate(&self, activation: Activation, gated: bool, x: &Table, out: &mut Table) {
        let width = out.width;
        out.compute(width, |number, out| match gated {
            true => {
                let (gate, up) = x.row(number).split_at(width);
                rows::activate_times(self.isa, activation, gate, up, out);
            }
            false => rows::activate(activation, x.row(number), out),
        });
    }

    fn add(&self, x: &mut Table, y: &Table) {
        team::chunks(&mut x.values, WORTH_THREADS, |number, values| {
            rows::add(values, &y.values[number * WORTH_THREADS..][..values.len()]);
        });
    }

    fn soft_cap(&self, x: &mut Table, cap: f32) {
        team::chunks(&mut x.values, WORTH_THREADS, |_, values| rows::soft_cap(values, cap));
    }
}
