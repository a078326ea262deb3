//! How strong a latent usually is: the units in which clamps can be given.
//!
//! A clamp of 12 says little without knowing how far the latent goes by itself. [`Units`] holds, for each latent, the 99th
//! percentile over the rows in which it is active, with their number, and the median norm of the rows. They are measured
//! on rows that were trained on, and lie beside the autoencoder's files. Not here: what is done with them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file::write_whole;
use super::{Fault, Sae, norm};
use crate::Error;

/// Name of the file beside an autoencoder's own.
const FILE: &str = "latents.json";

/// Usual activations of all latents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// Digest of the autoencoder that they are of.
    pub sae: String,
    /// Rows that were looked at.
    pub rows: usize,
    /// Median norm of those rows.
    pub median_norm: f32,
    /// By latent: 99th percentile (nearest rank) of its activations above 0; 0 for one that is active in none.
    pub p99: Vec<f32>,
    /// By latent: in how many of the rows it is active.
    pub active: Vec<u32>,
    /// By latent: sum of its activations over those rows, for a mean.
    pub sum: Vec<f64>,
}

/// Activations of all latents, collected row by row.
#[derive(Debug)]
pub struct Collecting {
    norms: Vec<f32>,
    values: Vec<Vec<f32>>,
}

impl Collecting {
    /// Nothing yet.
    pub fn new(sae: &Sae) -> Self {
        Self { norms: Vec::new(), values: vec![Vec::new(); sae.latents()] }
    }

    /// Adds rows.
    ///
    /// # Panics
    /// If `rows` are not whole rows.
    pub fn add(&mut self, sae: &Sae, rows: &[f32]) {
        self.norms.extend(rows.chunks_exact(sae.width()).map(|row| norm(row) as f32));
        let codes = sae.encode(rows);
        for row in 0..codes.len() {
            codes.row(row).for_each(|(latent, value)| self.values[latent].push(value));
        }
    }

    /// The units; `None` without rows.
    pub fn finish(mut self, sae: &Sae) -> Option<Units> {
        let rows = self.norms.len();
        self.norms.sort_unstable_by(f32::total_cmp);
        let median_norm = *self.norms.get(rows / 2)?;
        let p99 = |values: &mut Vec<f32>| {
            values.sort_unstable_by(f32::total_cmp);
            let rank = (values.len() as f64 * 0.99).ceil() as usize;
            rank.checked_sub(1).and_then(|at| values.get(at)).copied().unwrap_or(0.0)
        };
        Some(Units {
            sae: sae.digest().to_owned(),
            rows,
            median_norm,
            p99: self.values.iter_mut().map(p99).collect(),
            active: self.values.iter().map(|values| values.len() as u32).collect(),
            sum: self.values.iter().map(|values| values.iter().map(|x| f64::from(*x)).sum()).collect(),
        })
    }
}

impl Units {
    /// Writes them into the autoencoder's folder.
    ///
    /// # Errors
    /// [`Error::is_io`].
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        let text = serde_json::to_vec(self)
            .map_err(|error| Fault::Unsound { path: path.clone(), reason: error.to_string() })?;
        write_whole(path, &text)
    }

    /// Those that lie in the folder of `sae`; `None` if there are none, or they are of another autoencoder.
    ///
    /// # Errors
    /// [`Error::is_corrupt`] if the file is damaged.
    pub fn read(folder: &Path, sae: &Sae) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let Ok(text) = std::fs::read(&path) else { return Ok(None) };
        let units: Self = serde_json::from_slice(&text)
            .map_err(|error| Fault::Unsound { path: path.clone(), reason: error.to_string() })?;
        let fits = units.sae == sae.digest() && units.p99.len() == sae.latents();
        Ok((fits && units.active.len() == sae.latents()).then_some(units))
    }
}
