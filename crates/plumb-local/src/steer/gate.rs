//! Steering on condition: a linear probe on the prompt decides whether a conversation is steered.
//!
//! The probe is a direction with a threshold: the row of the prompt's last token at one layer's output is projected on the
//! direction, and above the threshold the gate opens. `plumb models direction` writes the threshold beside the difference of means: half
//! way between the two kinds of prompts. The row is read in a pass of its own, unsteered, before anything is changed, so that
//! what the steering does cannot move the gate.

use super::along::{from_hex, to_hex};
use super::{ControlVector, direction};
use plumb_lm::{Direction, Model, TokenId};
use plumb_study::{Error, Result};
use serde::{Deserialize, Serialize};

/// A probe, as it stands in a plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Name of the file that it came from; for people.
    pub vector: String,
    /// The block at whose output it looks.
    pub layer: usize,
    /// The gate is open above this projection.
    pub threshold: f32,
    /// f32 in hexadecimal digits, little-endian.
    direction: String,
}

impl Gate {
    /// The probe that a control vector's file holds.
    ///
    /// # Errors
    /// A file without a threshold, or with directions for several layers.
    pub fn new(name: &str, vector: &ControlVector) -> Result<Gate> {
        let mut layers = vector.layers.iter();
        let (Some((layer, values)), None) = (layers.next(), layers.next()) else {
            return Err(Error::plan(format!(
                "{name}: a gate looks at one layer, this file has {}",
                vector.layers.len()
            )));
        };
        let threshold = vector.thresholds.get(layer).ok_or_else(|| {
            Error::plan(format!("{name}: holds no threshold, so it cannot be a gate"))
                .help("`plumb models direction` writes one")
        })?;
        Ok(Gate { vector: name.to_owned(), layer: *layer, threshold: *threshold, direction: to_hex(values) })
    }

    /// The probe in a model.
    ///
    /// # Errors
    /// A layer that the model does not have, another width, or no direction.
    pub fn fit(&self, model: &Model) -> Result<Probe> {
        let values = from_hex(&self.direction)?;
        let config = model.config();
        if self.layer >= config.layers || values.len() != config.width {
            return Err(Error::party(format!(
                "{}: a gate at layer {}, {} wide; the model has {} layers, {} wide",
                self.vector,
                self.layer,
                values.len(),
                config.layers,
                config.width
            )));
        }
        let unit = Direction::new(&values)
            .ok_or_else(|| Error::party(format!("{}: the direction is zero", self.vector)))?;
        Ok(Probe { layer: self.layer, threshold: f64::from(self.threshold), unit })
    }
}

/// A probe that fits a model.
#[derive(Clone, Debug)]
pub struct Probe {
    layer: usize,
    threshold: f64,
    unit: Direction,
}

impl Probe {
    /// How far above the threshold the prompt lies; the gate is open above 0.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn score(&self, model: &Model, prompt: &[TokenId]) -> Result<f64> {
        let row = direction::last_row(model, self.layer, prompt, &mut Vec::new())?;
        let along: f64 =
            row.iter().zip(self.unit.as_slice()).map(|(x, d)| f64::from(*x) * f64::from(*d)).sum();
        Ok(along - self.threshold)
    }
}
