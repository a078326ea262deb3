//! Adam (Kingma and Ba 2015), and rows that keep length one.

use super::super::axpy;

const BETA: (f32, f32) = (0.9, 0.999);
const EPS: f32 = 1e-8;

/// A step's rate with the corrections of both means folded in.
#[derive(Clone, Copy)]
pub(super) struct Rate {
    rate: f32,
    second: f32,
}

impl Rate {
    /// For the `step`-th step, counted from 1.
    pub(super) fn new(rate: f32, step: usize) -> Self {
        let correct = |beta: f32| 1.0 - f64::from(beta).powi(step as i32);
        Self { rate: rate / correct(BETA.0) as f32, second: (1.0 / correct(BETA.1)) as f32 }
    }

    pub(super) fn times(self, factor: f32) -> Self {
        Self { rate: self.rate * factor, ..self }
    }

    fn apply(self, values: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: &[f32]) {
        for (((value, m), v), g) in values.iter_mut().zip(first).zip(second).zip(gradient) {
            *m = BETA.0 * *m + (1.0 - BETA.0) * g;
            *v = BETA.1 * *v + (1.0 - BETA.1) * g * g;
            *value -= self.rate * *m / ((*v * self.second).sqrt() + EPS);
        }
    }
}

/// Numbers with Adam's two means.
pub(super) struct Vector {
    pub(super) values: Vec<f32>,
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

impl Vector {
    pub(super) fn new(values: Vec<f32>) -> Self {
        Self { first: vec![0.0; values.len()], second: vec![0.0; values.len()], values }
    }

    pub(super) fn update(&mut self, rate: Rate, gradient: &[f32]) {
        rate.apply(&mut self.values, &mut self.first, &mut self.second, gradient);
    }
}

/// A table with Adam's two means, given out by rows.
pub(super) struct Table {
    pub(super) values: Vec<f32>,
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
    width: usize,
}

/// A row of a table.
pub(super) struct Row<'a> {
    values: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Table {
    pub(super) fn new(values: Vec<f32>, width: usize) -> Self {
        Self { first: vec![0.0; values.len()], second: vec![0.0; values.len()], values, width }
    }

    pub(super) fn resumed(values: Vec<f32>, first: Vec<f32>, second: Vec<f32>, width: usize) -> Self {
        Self { values, first, second, width }
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..][..self.width]
    }

    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = Row<'_>> {
        self.values
            .chunks_exact_mut(self.width)
            .zip(self.first.chunks_exact_mut(self.width))
            .zip(self.second.chunks_exact_mut(self.width))
            .map(|((values, first), second)| Row { values, first, second })
    }
}

impl Row<'_> {
    pub(super) fn values(&self) -> &[f32] {
        self.values
    }

    pub(super) fn update(&mut self, rate: Rate, gradient: &[f32]) {
        rate.apply(self.values, self.first, self.second, gradient);
    }

    /// A step that leaves the length at one: the part of the gradient along the row is taken off before.
    pub(super) fn update_direction(&mut self, rate: Rate, gradient: &mut [f32]) {
        let along = dot(gradient, self.values);
        axpy(gradient, -along, self.values);
        self.update(rate, gradient);
        normalise(self.values);
    }
}

/// In sixteen lanes, in an order that depends on the length alone.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (wide_a, rest_a) = a.as_chunks::<16>();
    let (wide_b, rest_b) = b.as_chunks::<16>();
    for (a, b) in wide_a.iter().zip(wide_b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f32>()
}

/// Scales to length one; what has none stays.
pub(super) fn normalise(row: &mut [f32]) {
    let norm = dot(row, row).sqrt();
    if norm > 0.0 {
        row.iter_mut().for_each(|value| *value /= norm);
    }
}
