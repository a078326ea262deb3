//! Looking into a forward pass and changing it: sites, edits and taps.
//!
//! Both are arguments of a pass, never a state of the model. [`Edits`] belong to one sequence of a batch, so that
//! differently edited sequences share a pass; [`Taps`] belong to the whole pass. Without any, nothing is done at a site,
//! and the result is the same to the bit. Start with [`Site`]. The set of operations is closed and will grow here.

use std::ops::Range;
use std::sync::Arc;

use crate::config::Config;
use crate::forward::Fault;

/// A place in the forward pass. Each has one row of numbers for each token, of the residual stream's width unless noted.
///
/// For layer `l`: `ResidMid = ResidPre + AttnOut`, `ResidPost = ResidMid + MlpOut`, `ResidPost(l) = ResidPre(l + 1)`,
/// `Embedding = ResidPre(0)`. An edit of the earlier of two equal sites is seen by the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Site {
    /// The token's embedding.
    Embedding,
    /// The residual stream before a layer.
    ResidPre(usize),
    /// What a layer's attention adds to the stream.
    AttnOut(usize),
    /// The stream between a layer's attention and its feed-forward part.
    ResidMid(usize),
    /// What a layer's feed-forward part adds to the stream.
    MlpOut(usize),
    /// The stream after a layer.
    ResidPost(usize),
    /// The normalised stream that the output head reads; only for tokens whose logits are wanted.
    FinalNorm,
    /// Logits, as wide as the vocabulary; only for tokens whose logits are wanted.
    Logits,
}

impl Site {
    /// Length of a row at this site.
    pub fn width(self, config: &Config) -> usize {
        match self {
            Self::Logits => config.vocab,
            _ => config.width,
        }
    }

    fn layer(self) -> Option<usize> {
        match self {
            Self::ResidPre(layer)
            | Self::AttnOut(layer)
            | Self::ResidMid(layer)
            | Self::MlpOut(layer)
            | Self::ResidPost(layer) => Some(layer),
            Self::Embedding | Self::FinalNorm | Self::Logits => None,
        }
    }

    pub(crate) fn check(self, config: &Config) -> Result<(), Fault> {
        match self.layer() {
            Some(layer) if layer >= config.layers => {
                Err(Fault::NoSuchLayer { site: self, layers: config.layers })
            }
            _ => Ok(()),
        }
    }
}

/// What an edit does to a row.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// Adds a vector as long as the row.
    Add(Arc<[f32]>),
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
}

impl Positions {
    fn contains(&self, position: usize) -> bool {
        match self {
            Self::All => true,
            Self::From(start) => position >= *start,
            Self::Range(range) => range.contains(&position),
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

    pub(crate) fn check(&self, config: &Config) -> Result<(), Fault> {
        for edit in &self.0 {
            edit.site.check(config)?;
            let Operation::Add(vector) = &edit.operation;
            let expected = edit.site.width(config);
            if vector.len() != expected {
                return Err(Fault::EditWidth { site: edit.site, found: vector.len(), expected });
            }
            // Attention multiplies what a token must not see by zero: that hides every number but these.
            if !vector.iter().all(|value| value.is_finite()) {
                return Err(Fault::EditNotFinite { site: edit.site });
            }
        }
        Ok(())
    }

    fn apply(&self, site: Site, position: usize, row: &mut [f32]) {
        for edit in self.0.iter().filter(|edit| edit.site == site && edit.positions.contains(position)) {
            match &edit.operation {
                Operation::Add(vector) => crate::kernel::rows::add(row, vector),
            }
        }
    }
}

/// Receives what was tapped, as soon as it is computed; the row is after all edits.
pub trait Sink {
    /// `input` is the sequence's place in the batch, `position` the token's place in the sequence.
    fn row(&mut self, site: Site, input: usize, position: usize, row: &[f32]);
}

impl<F: FnMut(Site, usize, usize, &[f32])> Sink for F {
    fn row(&mut self, site: Site, input: usize, position: usize, row: &[f32]) {
        self(site, input, position, row);
    }
}

/// What to look at during a pass.
#[derive(Default)]
pub struct Taps<'a> {
    sites: &'a [Site],
    sink: Option<&'a mut dyn Sink>,
}

impl<'a> Taps<'a> {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// These sites, given to `sink` row by row.
    pub fn new(sites: &'a [Site], sink: &'a mut dyn Sink) -> Self {
        Self { sites, sink: Some(sink) }
    }

    pub(crate) fn check(&self, config: &Config) -> Result<(), Fault> {
        self.sites.iter().try_for_each(|site| site.check(config))
    }
}

/// A row of the batch: whose it is and where it stands in its sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub input: usize,
    pub position: usize,
}

/// Edits and taps of one pass, and whether there are any.
pub(crate) struct Hooks<'a, 'b> {
    edits: Vec<&'a Edits>,
    taps: &'a mut Taps<'b>,
    idle: bool,
}

impl<'a, 'b> Hooks<'a, 'b> {
    /// `edits` has an entry for each input.
    pub(crate) fn new(edits: Vec<&'a Edits>, taps: &'a mut Taps<'b>) -> Self {
        let idle =
            edits.iter().all(|edits| edits.is_empty()) && (taps.sites.is_empty() || taps.sink.is_none());
        Self { edits, taps, idle }
    }

    /// Visits `site` with the rows of `places`, each `rows.len() / places.len()` long.
    pub(crate) fn visit(&mut self, site: Site, places: &[Place], rows: &mut [f32]) {
        if self.idle || places.is_empty() {
            return;
        }
        let tapped = self.taps.sites.contains(&site);
        let width = rows.len() / places.len();
        for (place, row) in places.iter().zip(rows.chunks_exact_mut(width)) {
            self.edits[place.input].apply(site, place.position, row);
            if let (true, Some(sink)) = (tapped, &mut self.taps.sink) {
                sink.row(site, place.input, place.position, row);
            }
        }
    }
}
