//! Changes of a forward pass, as values.

use std::ops::Range;
use std::sync::Arc;

use super::Site;
use crate::arch::Config;
use crate::forward::Fault;
use crate::kernel::rows;
use crate::sae::LatentEdit;

/// A direction in a site's space: a vector of length one.
#[derive(Debug, Clone, PartialEq)]
pub struct Direction(Arc<[f32]>);

impl Direction {
    /// The direction of `vector`; `None` if it has none, being zero or not finite.
    pub fn new(vector: &[f32]) -> Option<Self> {
        let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let unit: Arc<[f32]> = vector.iter().map(|value| (f64::from(*value) / length) as f32).collect();
        (length > 0.0 && unit.iter().all(|value| value.is_finite())).then_some(Self(unit))
    }

    /// Its elements.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }
}

/// Stored activations: the rows of consecutive positions, for patching them into another pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    first: usize,
    width: usize,
    values: Vec<f32>,
}

impl Rows {
    /// Rows of `width` numbers for the positions from `first` on; `None` if `values` are not whole rows.
    pub fn new(first: usize, width: usize, values: Vec<f32>) -> Option<Self> {
        (width > 0 && values.len().is_multiple_of(width)).then_some(Self { first, width, values })
    }

    /// The row of a position, if it is stored.
    pub fn row(&self, position: usize) -> Option<&[f32]> {
        let index = position.checked_sub(self.first)?;
        self.values.get(index * self.width..(index + 1) * self.width)
    }
}

/// What an edit does to a row `x`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// `x + v`.
    Add(Arc<[f32]>),
    /// `s x`.
    Scale(f32),
    /// `0`: zero ablation.
    Zero,
    /// `v`, the same for all positions: mean ablation, with the mean that the caller took.
    Set(Arc<[f32]>),
    /// The stored row of the position: patching. Positions that are not stored stay as they are.
    Patch(Arc<Rows>),
    /// `x - (x · d) d`: ablation of a direction.
    ProjectOut(Direction),
    /// `x + (c - x · d) d`: the part along a direction becomes `c`.
    SetAlong {
        /// The direction.
        direction: Direction,
        /// What the projection becomes.
        value: f32,
    },
    /// Changes of latents of a sparse autoencoder.
    Latents(Arc<LatentEdit>),
    /// An operation on rows shorter than `norm` only: attention sinks, which hold no meaning and are many times as long as
    /// other rows, stay as they are wherever they stand.
    Below {
        /// Rows at least so long are left alone.
        norm: f32,
        /// What is done to the others.
        operation: Arc<Operation>,
    },
    /// An operation, after which the row is scaled back to the length that it had; a row of length 0 is left as it is.
    KeepNorm(Arc<Operation>),
}

impl Operation {
    /// The numbers it holds, for checks, and how long its rows are.
    fn numbers(&self) -> (&[f32], Option<usize>) {
        match self {
            Self::Add(vector) | Self::Set(vector) => (vector, Some(vector.len())),
            Self::Scale(scale) => (std::slice::from_ref(scale), None),
            Self::Zero => (&[], None),
            Self::Patch(rows) => (&rows.values, Some(rows.width)),
            Self::ProjectOut(direction) => (&direction.0, Some(direction.0.len())),
            Self::SetAlong { direction, value } => (std::slice::from_ref(value), Some(direction.0.len())),
            Self::Latents(edit) => (edit.numbers(), Some(edit.sae().width())),
            Self::Below { operation, .. } | Self::KeepNorm(operation) => operation.numbers(),
        }
    }

    /// What is done to this row; `None` if it is left alone.
    pub(super) fn on(&self, row: &[f32]) -> Option<&Self> {
        match self {
            Self::Below { norm, operation } => {
                let squared: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
                (squared < f64::from(*norm).powi(2)).then(|| operation.on(row)).flatten()
            }
            other => Some(other),
        }
    }

    /// Does it to the row of a position, as a pass does.
    pub fn apply(&self, position: usize, row: &mut [f32]) {
        match self {
            Self::Add(vector) => rows::add(row, vector),
            Self::Scale(scale) => row.iter_mut().for_each(|value| *value *= scale),
            Self::Zero => row.fill(0.0),
            Self::Set(vector) => row.copy_from_slice(vector),
            Self::Patch(stored) => {
                if let Some(stored) = stored.row(position) {
                    row.copy_from_slice(stored);
                }
            }
            Self::ProjectOut(direction) => set_along(row, &direction.0, 0.0),
            Self::SetAlong { direction, value } => set_along(row, &direction.0, *value),
            Self::Latents(edit) => {
                let width = row.len();
                crate::sae::apply_all(&[(edit, 0)], width, row);
            }
            Self::Below { .. } => {
                if let Some(operation) = self.on(row) {
                    operation.apply(position, row);
                }
            }
            Self::KeepNorm(operation) => {
                let before = crate::sae::norm(row);
                operation.apply(position, row);
                crate::sae::restore(row, before);
            }
        }
    }
}

/// The projection is summed in f64, in order, so that it does not depend on the machine.
fn set_along(row: &mut [f32], unit: &[f32], value: f32) {
    let along: f64 = row.iter().zip(unit).map(|(x, d)| f64::from(*x) * f64::from(*d)).sum();
    let change = (f64::from(value) - along) as f32;
    row.iter_mut().zip(unit).for_each(|(x, d)| *x += change * d);
}

/// Which tokens of a sequence an edit changes, by their position from the sequence's start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Positions {
    /// All.
    All,
    /// From this position on, for instance generated tokens only.
    From(usize),
    /// These.
    Range(Range<usize>),
    /// Exactly these.
    Only(Arc<[usize]>),
    /// All but these: for instance all but the first, which holds no meaning in many models.
    Except(Arc<[usize]>),
}

impl Positions {
    fn contains(&self, position: usize) -> bool {
        match self {
            Self::All => true,
            Self::From(start) => position >= *start,
            Self::Range(range) => range.contains(&position),
            Self::Only(all) => all.contains(&position),
            Self::Except(these) => !these.contains(&position),
        }
    }
}

impl Positions {
    /// Whether some position of the range is among them.
    pub(crate) fn meet(&self, range: &Range<usize>) -> bool {
        match self {
            Self::All => !range.is_empty(),
            Self::From(start) => *start < range.end && !range.is_empty(),
            Self::Range(own) => own.start.max(range.start) < own.end.min(range.end),
            Self::Only(all) => all.iter().any(|position| range.contains(position)),
            Self::Except(these) => range.clone().any(|position| !these.contains(&position)),
        }
    }
}

/// One change: at a site, for some positions, an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Where.
    pub site: Site,
    /// For which tokens.
    pub positions: Positions,
    /// What.
    pub operation: Operation,
}

/// The changes of one sequence, applied in order. A cache that was filled under edits holds their effect: continue it
/// with the same ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edits(Vec<Edit>);

impl Edits {
    /// No change.
    pub const NONE: Self = Self(Vec::new());

    /// These changes, in this order.
    pub fn new(edits: Vec<Edit>) -> Self {
        Self(edits)
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes, in order.
    pub fn as_slice(&self) -> &[Edit] {
        &self.0
    }

    pub(crate) fn check(&self, config: &Config) -> Result<(), Fault> {
        for edit in &self.0 {
            edit.site.check(config)?;
            if matches!(edit.site, Site::Pattern { .. }) {
                return Err(Fault::ReadOnly { site: edit.site });
            }
            let (numbers, found) = edit.operation.numbers();
            let expected = edit.site.width(config);
            if let Some(found) = found.filter(|found| *found != expected) {
                return Err(Fault::EditWidth { site: edit.site, found, expected });
            }
            // Attention multiplies what a token must not see by zero: that hides every number but these.
            if !numbers.iter().all(|value| value.is_finite()) {
                return Err(Fault::EditNotFinite { site: edit.site });
            }
        }
        Ok(())
    }

    /// Whether both make the same changes, in the same order, as far as `concerned` says that they count.
    pub(crate) fn agree(&self, other: &Self, concerned: impl Fn(&Edit) -> bool) -> bool {
        std::ptr::eq(self, other)
            || self.0.iter().filter(|edit| concerned(edit)).eq(other.0.iter().filter(|edit| concerned(edit)))
    }

    /// Whether something is changed at that site.
    pub(super) fn touch(&self, site: impl Fn(Site) -> bool) -> bool {
        self.0.iter().any(|edit| site(edit.site))
    }

    /// What is done to a token at a site, in order.
    pub(super) fn at(&self, site: Site, position: usize) -> impl Iterator<Item = &Operation> {
        let concerns = move |edit: &&Edit| edit.site == site && edit.positions.contains(position);
        self.0.iter().filter(concerns).map(|edit| &edit.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gets_its_length_back_and_what_did_not_change_stays_to_the_bit() {
        let keep = |operation| Operation::KeepNorm(Arc::new(operation));
        let mut row = [3.0, 4.0, 0.1];
        let (before, length) = (row, crate::sae::norm(&row));
        keep(Operation::Add(Arc::new([0.0; 3]))).apply(0, &mut row);
        assert_eq!(row, before);
        keep(Operation::Add(Arc::new([0.0, 0.0, 9.0]))).apply(0, &mut row);
        assert!((crate::sae::norm(&row) - length).abs() < 1e-5 && row[2] > 4.0, "{row:?}");
        keep(Operation::Zero).apply(0, &mut row);
        assert_eq!(row, [0.0; 3]);
    }
}
