//! Looking: what is tapped, where it goes, and the visits of a pass.

use super::{Edits, Operation, Site};
use crate::arch::Config;
use crate::forward::Fault;
use crate::sae;

/// Receives what was tapped, as soon as it is computed; the row is after all edits. Nothing is kept here, so memory is
/// the sink's own affair.
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

    /// Whether nobody looks.
    pub(crate) fn is_none(&self) -> bool {
        self.sites.is_empty() || self.sink.is_none()
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
        let idle = edits.iter().all(|edits| edits.is_empty()) && taps.is_none();
        Self { edits, taps, idle }
    }

    fn concerns(&self, site: impl Fn(Site) -> bool + Copy) -> bool {
        !self.idle
            && (self.taps.sites.iter().any(|tapped| site(*tapped))
                || self.edits.iter().any(|edits| edits.touch(site)))
    }

    /// Whether a site has to be visited.
    pub(crate) fn concern(&self, site: Site) -> bool {
        self.concerns(|other| other == site)
    }

    /// Whether the heads of a layer have to be visited, together or one of them.
    pub(crate) fn concern_heads(&self, layer: usize) -> bool {
        self.concern(Site::Heads(layer)) || self.concern_single_heads(layer)
    }

    fn concern_single_heads(&self, layer: usize) -> bool {
        self.concerns(|site| matches!(site, Site::Head { layer: other, .. } if other == layer))
    }

    /// Visits `site` with the rows of `places`, each `rows.len() / places.len()` long.
    pub(crate) fn visit(&mut self, site: Site, places: &[Place], rows: &mut [f32]) {
        if places.is_empty() {
            return;
        }
        let width = rows.len() / places.len();
        self.change(site, places, width, rows);
        for (place, row) in places.iter().zip(rows.chunks_exact_mut(width)) {
            self.tell(site, place, row);
        }
    }

    /// Applies the first operation of every row, then the second, and so on: changes of latents are made for many rows
    /// at once, since an encoder is a large product.
    fn change(&self, site: Site, places: &[Place], width: usize, rows: &mut [f32]) {
        for turn in 0.. {
            let mut latents = Vec::new();
            let mut done = true;
            for (index, place) in places.iter().enumerate() {
                let Some(operation) = self.edits[place.input].at(site, place.position).nth(turn) else {
                    continue;
                };
                done = false;
                let row = &mut rows[index * width..][..width];
                match operation.on(row) {
                    Some(Operation::Latents(edit)) => latents.push((&**edit, index)),
                    Some(other) => other.apply(place.position, row),
                    None => {}
                }
            }
            sae::apply_all(&latents, width, rows);
            if done {
                return;
            }
        }
    }

    fn visit_row(&mut self, site: Site, place: &Place, row: &mut [f32]) {
        for operation in self.edits[place.input].at(site, place.position) {
            operation.apply(place.position, row);
        }
        self.tell(site, place, row);
    }

    /// Gives a row to the sink if its site is tapped.
    pub(crate) fn tell(&mut self, site: Site, place: &Place, row: &[f32]) {
        if let (true, Some(sink)) = (self.taps.sites.contains(&site), &mut self.taps.sink) {
            sink.row(site, place.input, place.position, row);
        }
    }

    /// Visits what the heads of a layer gathered, each row `heads · dim` long: together, then each head alone.
    pub(crate) fn visit_heads(&mut self, layer: usize, dim: usize, places: &[Place], rows: &mut [f32]) {
        self.visit(Site::Heads(layer), places, rows);
        if !self.concern_single_heads(layer) {
            return;
        }
        let width = rows.len() / places.len();
        for (place, row) in places.iter().zip(rows.chunks_exact_mut(width)) {
            for (head, part) in row.chunks_exact_mut(dim).enumerate() {
                self.visit_row(Site::Head { layer, head }, place, part);
            }
        }
    }

    /// Whether somebody looks at a layer.
    pub(crate) fn taps_layer(&self, layer: usize) -> bool {
        !self.taps.is_none() && self.taps.sites.iter().any(|site| site.layer() == Some(layer))
    }

    /// Whether attention weights of a layer are wanted.
    pub(crate) fn wants_patterns(&self, layer: usize) -> bool {
        self.concerns(|site| matches!(site, Site::Pattern { layer: other, .. } if other == layer))
    }
}
