//! Steering: a model whose residual stream is changed while it runs, along a direction or by latents of a sparse autoencoder.
//!
//! A [`ControlVector`] holds a direction for some layers, in llama.cpp's file format; [`Along`] says what is done with it. [`Latents`]
//! says what becomes of latents. Either is a [`Steer`], which a plan holds; [`Steer::fit`] makes it a [`Steering`] of a model,
//! and that the edits of one forward pass. [`difference_in_means`] finds a direction from two lists of prompts. Start with
//! [`Steer`].
//!
//! Not here: what an edit computes (`plumb-lm`), which latents (`search`), sweeps (`sweep`), what they cost (`frontier`).

mod along;
mod direction;
mod gate;
mod latents;
mod mask;
mod offered;
mod push;
mod span;
mod used;
mod vector;
mod word;

pub use along::{Along, Mode, Unit};
pub use direction::{Direction, difference_in_means, random_like, scaled_like};
pub use gate::{Gate, Probe, opening};
pub use latents::{How, Latent, LatentUnit, Latents, Rest};
pub use offered::Offered;
pub use push::{Push, Stream};
pub use span::{Span, Tokens};
pub use used::{Used, digests, of_party, percentiles, steered, used};
pub use vector::ControlVector;

use plumb_lm::sae::Sae;
use plumb_lm::sae::units::Units;
use plumb_lm::{Class, Edit, Edits, Input, Labelled, Model, Operation, Site, Taps, Want};
use plumb_study::{Error, Fields, Inputs, Result};
use serde::{Deserialize, Deserializer, Serialize};
use std::sync::Arc;

/// An autoencoder that was found by its name.
#[derive(Clone, Debug)]
pub struct Found {
    /// It.
    pub sae: Arc<Sae>,
    /// How strong its latents usually are, where that was measured.
    pub units: Option<Arc<Units>>,
}

/// Finds autoencoders by the names that plans give them. Implemented by the binary, which knows where they lie.
pub trait Saes: Send + Sync {
    /// The autoencoder of that name or path; what is asked for often is best kept.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    fn find(&self, name: &str) -> Result<Found>;
}

/// Where there are none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSaes;

impl Saes for NoSaes {
    fn find(&self, name: &str) -> Result<Found> {
        Err(Error::plan(format!("there is no autoencoder {name}: none are known here")))
    }
}

/// How a model is steered, as it stands in a plan: a table of either kind, told apart by its key `sae`.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Steer {
    /// Along a direction.
    Along(Along),
    /// By latents.
    Latents(Latents),
}

// Not derived: what serde makes of untagged kinds cannot read numbers as keys.
impl<'de> Deserialize<'de> for Steer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let table = serde_json::Value::deserialize(from)?;
        let steer = match table.get("sae") {
            Some(_) => Latents::deserialize(table).map(Steer::Latents),
            None => Along::deserialize(table).map(Steer::Along),
        };
        steer.map_err(serde::de::Error::custom)
    }
}

impl Steer {
    /// Takes the table `steer` of a subject, if there is one.
    ///
    /// # Errors
    /// Keys that are wrong, files or autoencoders that are not there or do not fit.
    pub fn take(
        fields: &mut Fields,
        inputs: &dyn Inputs,
        saes: &dyn Saes,
    ) -> Result<Option<(Steer, Option<Gate>)>> {
        let Some(mut inner) = fields.inner("steer")? else { return Ok(None) };
        let place = inner.place().to_owned();
        let gate = inner.value("gate");
        // Keys that are wrong are told before any file is read.
        let steer = Steer::read(inner, inputs, saes)?;
        let gate = gate.map(|value| Gate::take(value, &place, inputs, saes)).transpose()?;
        Ok(Some((steer, gate)))
    }

    /// Reads that table.
    ///
    /// # Errors
    /// As [`Steer::take`].
    pub(super) fn read(mut inner: Fields, inputs: &dyn Inputs, saes: &dyn Saes) -> Result<Steer> {
        let tokens = Tokens::take(&mut inner)?;
        match (inner.holds("sae"), inner.holds("vector")) {
            (true, false) => Latents::take(inner, saes, tokens).map(Steer::Latents),
            (false, true) => Along::take(inner, inputs, tokens).map(Steer::Along),
            (true, true) => Err(inner.error("it names a `vector` and a `sae`: a subject is steered by one")),
            (false, false) => {
                Err(inner.error("`vector` is missing, the file of a direction (or `sae`, an autoencoder)"))
            }
        }
    }

    /// What it comes to in a model.
    ///
    /// # Errors
    /// A direction or an autoencoder that does not fit the model, or is not the one of the plan.
    pub fn fit(&self, model: &Model, saes: &dyn Saes) -> Result<Steering> {
        match self {
            Steer::Along(along) => along.fit(model.config()),
            Steer::Latents(latents) => latents.fit(model, saes),
        }
    }

    /// In a few words, such as `refusal.gguf 1.5 raw (all)`.
    pub fn words(&self) -> String {
        match self {
            Steer::Along(along) => along.words(),
            Steer::Latents(latents) => latents.words(),
        }
    }
}

/// The last part of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What is done at a site.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    site: Site,
    operation: Operation,
    /// Rows at least so long are left alone.
    sinks: Option<f32>,
}

impl Done {
    fn new(site: Site, operation: Operation, sinks: Option<f32>) -> Done {
        let operation = match sinks {
            Some(norm) => Operation::Below { norm, operation: Arc::new(operation) },
            None => operation,
        };
        Done { site, operation, sinks }
    }
}

/// Steering that fits a model.
#[derive(Clone, Debug)]
pub struct Steering {
    /// Where, and what; none if nothing would change.
    changes: Vec<Done>,
    tokens: Tokens,
}

impl Steering {
    /// The edits of a sequence that begins with a prompt, whose tokens are of these classes.
    pub fn edits(&self, prompt: &[Class]) -> Edits {
        let parts = self.tokens.positions(prompt);
        let mut edits = Vec::with_capacity(parts.len() * self.changes.len());
        for done in &self.changes {
            edits.extend(parts.iter().map(|positions| Edit {
                site: done.site,
                positions: positions.clone(),
                operation: done.operation.clone(),
            }));
        }
        Edits::new(edits)
    }

    /// The edits, if they are the same for prompts of all lengths.
    pub(crate) fn shared(&self) -> Option<Arc<Edits>> {
        (self.tokens.span == Span::All).then(|| Arc::new(self.edits(&[])))
    }

    /// For a mask that people can read: of each token of a prompt, whether it is changed. Where that depends on the
    /// activations, they are computed.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn mask(&self, model: &Model, prompt: &Labelled) -> Result<Vec<Touched>> {
        let Labelled { tokens: prompt, classes } = prompt;
        let mut mask = vec![Touched::No; prompt.len()];
        for done in &self.changes {
            let mut long = vec![false; prompt.len()];
            if let Some(bound) = done.sinks {
                let mut sink = |_: Site, _: usize, position: usize, row: &[f32]| {
                    let squared: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
                    long[position] = squared >= f64::from(bound).powi(2);
                };
                let mut cache = model.cache_for(prompt.len());
                let input =
                    Input { cache: &mut cache, tokens: prompt, want: Want::Nothing, edits: &Edits::NONE };
                model
                    .forward(&mut [input], &mut Taps::new(&[done.site], &mut sink))
                    .map_err(|error| Error::plan(error.to_string()))?;
            }
            for (position, touched) in mask.iter_mut().enumerate() {
                *touched = match (self.tokens.touch(position, classes), long[position], *touched) {
                    (true, false, _) => Touched::Yes,
                    (true, true, Touched::No) => Touched::Sink,
                    (_, _, before) => before,
                };
            }
        }
        Ok(mask)
    }
}

/// Whether a token is changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Touched {
    /// It is.
    Yes,
    /// It is not among the positions, or is the first.
    No,
    /// It would be, but is an attention sink.
    Sink,
}
