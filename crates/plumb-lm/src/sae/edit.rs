//! Changing latents during a forward pass.
//!
//! The remainder `x - x̂`, which the autoencoder does not describe, is kept unless it is asked to be dropped. Kept, the
//! change of latent `j` from `f` to `f'` is `x + (f' - f) d_j`, `d_j` its row of the decoder: nothing has to be decoded,
//! and a latent that keeps its value leaves the row as it was, to the bit. The reconstruction that is taken off is the
//! unchanged one; taken from changed latents it would undo the change.
//!
//! TopK: a latent counts as what it was among the `k` largest; the others stay when one outside the `k` is raised, so
//! that `k + 1` are active then.

use std::sync::Arc;

use super::select::{Standing, settle};
use super::{Fault, Rescale, Sae, Selected, axpy, norm};
use crate::Error;

/// What happens to a latent's activation `f`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// `f' = c`, whatever it was. `c` may be negative.
    Clamp(f32),
    /// `f' = s f`.
    Scale(f32),
    /// `f' = f + a`, also where it was 0.
    Add(f32),
    /// `f' = 0`.
    Ablate,
}

impl Change {
    fn of(self, f: f32) -> f32 {
        match self {
            Self::Clamp(value) => value,
            Self::Scale(scale) => scale * f,
            Self::Add(value) => f + value,
            Self::Ablate => 0.0,
        }
    }

    fn number(self) -> f32 {
        match self {
            Self::Clamp(number) | Self::Scale(number) | Self::Add(number) => number,
            Self::Ablate => 0.0,
        }
    }
}

/// What becomes of `x - x̂`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Remainder {
    /// It stays: `x' = x + Σ (f' - f) d`.
    #[default]
    Kept,
    /// It goes: `x' = f' W_dec + b_dec`. Without any change this splices the reconstruction in.
    Dropped,
}

/// How latents are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LatentOptions {
    /// What becomes of what the autoencoder does not describe.
    pub remainder: Remainder,
    /// Whether a row that was changed is scaled to the length that it had.
    pub keep_norm: bool,
}

/// Changes of latents of one autoencoder, for [`Operation::Latents`](crate::Operation::Latents).
#[derive(Debug)]
pub struct LatentEdit {
    sae: Arc<Sae>,
    changes: Vec<(usize, Change)>,
    numbers: Vec<f32>,
    options: LatentOptions,
    selected: Option<Selected>,
}

impl PartialEq for LatentEdit {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.sae, &other.sae) || self.sae.digest() == other.sae.digest())
            && self.changes == other.changes
            && self.options == other.options
    }
}

impl LatentEdit {
    /// These changes, of each latent at most one.
    ///
    /// # Errors
    /// [`Error::is_invalid_request`] if there is no such latent (both sizes are told), one is named twice, a value is not
    /// finite, or nothing would be changed.
    pub fn new(sae: Arc<Sae>, changes: Vec<(usize, Change)>, options: LatentOptions) -> Result<Self, Error> {
        if changes.is_empty() && options.remainder == Remainder::Kept {
            return Err(Fault::Nothing.into());
        }
        for (index, &(latent, change)) in changes.iter().enumerate() {
            if latent >= sae.latents() {
                return Err(Fault::NoSuchLatent { latent, latents: sae.latents(), width: sae.width() }.into());
            }
            if changes[..index].iter().any(|(other, _)| *other == latent) {
                return Err(Fault::Twice { latent }.into());
            }
            if !change.number().is_finite() {
                return Err(Fault::Value { latent, value: change.number() }.into());
            }
        }
        let latents: Vec<usize> = changes.iter().map(|(latent, _)| *latent).collect();
        let selected = (!latents.is_empty()).then(|| Selected::new(&sae, latents));
        let numbers = changes.iter().map(|(_, change)| change.number()).collect();
        Ok(Self { sae, changes, numbers, options, selected })
    }

    /// The autoencoder.
    pub fn sae(&self) -> &Arc<Sae> {
        &self.sae
    }

    /// The changes.
    pub fn changes(&self) -> &[(usize, Change)] {
        &self.changes
    }

    /// How they are made.
    pub fn options(&self) -> LatentOptions {
        self.options
    }

    pub(crate) fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The changed latents in a row, where no others are needed but to tell which are the largest.
    fn stand(&self, row: &[f32]) -> Option<Standing<'_>> {
        match (&self.selected, self.options.remainder) {
            (Some(selected), Remainder::Kept) => Some(selected.stand(&self.sae, row)),
            _ => None,
        }
    }

    /// Changes a row, given the activations of the changed latents.
    fn shift(&self, row: &mut [f32], before: &[f32]) {
        let change = |(&(latent, change), f): (&(usize, Change), &f32)| (latent, change.of(*f) - f);
        let steps: Vec<(usize, f32)> =
            self.changes.iter().zip(before).map(change).filter(|(_, step)| *step != 0.0).collect();
        if steps.is_empty() {
            return;
        }
        let length = self.options.keep_norm.then(|| norm(row));
        let back = if self.sae.rescale == Rescale::None { 1.0 } else { self.sae.rescale.of(row).2 };
        for (latent, step) in steps {
            axpy(row, step * back, self.sae.direction(latent));
        }
        if let Some(length) = length {
            restore(row, length);
        }
    }

    /// Puts the reconstruction of changed latents in the row's place.
    fn replace(&self, row: &mut [f32], active: impl Iterator<Item = (usize, f32)>) {
        let mut latents: Vec<(usize, f32)> = active.collect();
        for &(latent, change) in &self.changes {
            match latents.binary_search_by_key(&latent, |(other, _)| *other) {
                Ok(at) => latents[at].1 = change.of(latents[at].1),
                Err(at) => latents.insert(at, (latent, change.of(0.0))),
            }
        }
        let length = self.options.keep_norm.then(|| norm(row));
        let (shift, _, back) = self.sae.rescale.of(row);
        self.sae.decode_row(latents.into_iter(), row);
        if self.sae.rescale != Rescale::None {
            row.iter_mut().for_each(|value| *value = *value * back + shift);
        }
        if let Some(length) = length {
            restore(row, length);
        }
    }
}

/// Scales a row to a length.
pub(crate) fn restore(row: &mut [f32], length: f64) {
    let now = norm(row);
    if now > 0.0 {
        let factor = (length / now) as f32;
        row.iter_mut().for_each(|value| *value *= factor);
    }
}

/// Applies edits to rows of a batch, each edit to the row of that number; rows that need other latents than the changed ones share
/// what is read of the encoder. What a row becomes depends on that row alone, to the bit.
pub(crate) fn apply_all(edits: &[(&LatentEdit, usize)], width: usize, rows: &mut [f32]) {
    let mut whole = Vec::new();
    let mut open = Vec::new();
    for &(edit, row) in edits {
        let values = &mut rows[row * width..][..width];
        match edit.stand(values) {
            None => whole.push((edit, row)),
            Some(standing) if standing.is_open(&edit.sae) => open.push((edit, row, standing)),
            Some(standing) => edit.shift(values, &standing.activations(&edit.sae)),
        }
    }
    for mut group in by_sae(open, |(edit, ..)| &edit.sae) {
        settle(&group[0].0.sae, group.iter_mut().map(|(.., standing)| standing).collect());
        for (edit, row, standing) in group {
            edit.shift(&mut rows[row * width..][..width], &standing.activations(&edit.sae));
        }
    }
    for group in by_sae(whole, |(edit, _)| &edit.sae) {
        let gathered: Vec<f32> =
            group.iter().flat_map(|(_, row)| &rows[row * width..][..width]).copied().collect();
        let codes = group[0].0.sae.encode(&gathered);
        for (index, (edit, row)) in group.into_iter().enumerate() {
            edit.replace(&mut rows[row * width..][..width], codes.row(index));
        }
    }
}

/// Parted by autoencoder, none of the parts empty.
fn by_sae<T>(mut left: Vec<T>, sae: impl Fn(&T) -> &Arc<Sae>) -> Vec<Vec<T>> {
    let mut groups = Vec::new();
    while let Some(first) = left.first() {
        let first = sae(first).clone();
        let (group, rest): (Vec<T>, Vec<T>) = left.into_iter().partition(|one| Arc::ptr_eq(sae(one), &first));
        groups.push(group);
        left = rest;
    }
    groups
}
