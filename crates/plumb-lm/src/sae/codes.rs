//! Codes of rows, of which only what is active is kept.

/// For each row the active latents, ascending, and their activations.
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    latents: usize,
    ends: Vec<usize>,
    index: Vec<u32>,
    value: Vec<f32>,
}

impl Codes {
    /// No rows yet, of so many latents.
    pub(crate) fn new(latents: usize) -> Self {
        Self { latents, ends: Vec::new(), index: Vec::new(), value: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: impl Iterator<Item = (usize, f32)>) {
        for (latent, value) in row {
            self.index.push(latent as u32);
            self.value.push(value);
        }
        self.ends.push(self.index.len());
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Number of latents, active or not.
    pub fn latents(&self) -> usize {
        self.latents
    }

    /// The active latents of a row, ascending.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (usize, f32)> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        let span = start..self.ends[row];
        self.index[span.clone()]
            .iter()
            .zip(&self.value[span])
            .map(|(latent, value)| (*latent as usize, *value))
    }

    /// A latent's activation in a row.
    pub fn get(&self, row: usize, latent: usize) -> f32 {
        self.row(row).find(|(other, _)| *other == latent).map_or(0.0, |(_, value)| value)
    }

    /// Number of active latents in all rows.
    pub fn active(&self) -> usize {
        self.index.len()
    }
}
