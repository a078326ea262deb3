//! Which inputs of a pass are computed as one, and up to where.
//!
//! Inputs with the same new tokens, the same caches and edits that agree so far have the same rows. Such rows are computed once,
//! and parted at the layer at which an edit or a cache first tells their inputs apart: twenty steered variants of one prompt cost the
//! layers below the steered one once. Since a row's bits do not depend on the batch, they are the bits of computing each
//! alone. Nothing is promised by the caller: what is shared is found here, by comparing tokens, edits and pages.
//!
//! Not here: keeping variants in step (`generate`).

use super::Input;
use crate::cache::{Cache, Page};
use std::ops::Range;
use std::sync::Arc;

/// Rows of some inputs that do not differ yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// At least one; the first lends its cache.
    pub inputs: Vec<usize>,
    /// Which of the new tokens have a row: all, or in the end those from one on.
    pub rows: Range<usize>,
}

impl Span {
    pub(super) fn leader(&self) -> usize {
        self.inputs[0]
    }
}

/// The row that each span begins at.
pub(super) fn firsts(spans: &[Span]) -> Vec<usize> {
    let begin = |first: &mut usize, span: &Span| Some(std::mem::replace(first, *first + span.rows.len()));
    spans.iter().scan(0, begin).collect()
}

/// The spans before anything is computed; `alone` keeps all inputs apart.
pub(super) fn begin(inputs: &[Input<'_>], alone: bool) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        let same = |span: &&mut Span| {
            let other = &inputs[span.leader()];
            other.tokens == input.tokens
                && other.cache.len() == input.cache.len()
                && other.cache.is_long() == input.cache.is_long()
        };
        match spans.iter_mut().find(same) {
            Some(span) if !alone => span.inputs.push(index),
            _ => spans.push(Span { inputs: vec![index], rows: 0..input.tokens.len() }),
        }
    }
    spans
}

/// The spans from `stage` on, each with the number of the one it comes from; `None` if all stay as they are. Stage `l` is
/// what is changed or read between the end of layer `l - 1` and the end of layer `l`, the former's `resid_post` included.
pub(super) fn part(spans: &[Span], inputs: &[Input<'_>], stage: usize) -> Option<Vec<(usize, Span)>> {
    if spans.iter().all(|span| span.inputs.len() == 1) {
        return None;
    }
    let mut parts: Vec<(usize, Span)> = Vec::with_capacity(inputs.len());
    for (source, span) in spans.iter().enumerate() {
        let first = parts.len();
        for &index in &span.inputs {
            let same = |part: &&mut (usize, Span)| agree(&inputs[part.1.leader()], &inputs[index], stage);
            match parts[first..].iter_mut().find(same) {
                Some((_, part)) => part.inputs.push(index),
                None => parts.push((source, Span { inputs: vec![index], rows: span.rows.clone() })),
            }
        }
    }
    (parts.len() > spans.len()).then_some(parts)
}

/// The spans with the rows alone from which logits are wanted, each with the number of the one it comes from; `None` if those are all.
/// What is wanted are the last of an input's new tokens, so the rows that are left have no gaps.
pub(super) fn narrow(spans: &[Span], inputs: &[Input<'_>]) -> Option<Vec<(usize, Span)>> {
    let first = |span: &Span| span.inputs.iter().map(|&input| inputs[input].wanted().start).min();
    let starts: Vec<usize> = spans.iter().map(|span| first(span).unwrap_or(span.rows.end)).collect();
    if spans.iter().zip(&starts).all(|(span, start)| span.rows.start == *start) {
        return None;
    }
    let narrowed =
        |(span, start): (&Span, usize)| Span { inputs: span.inputs.clone(), rows: start..span.rows.end };
    let narrowed = spans.iter().zip(starts).map(narrowed);
    Some(narrowed.enumerate().filter(|(_, span)| !span.rows.is_empty()).collect())
}

fn agree(a: &Input<'_>, b: &Input<'_>, stage: usize) -> bool {
    let layers = a.cache.layers();
    let positions = a.cache.len()..a.cache.len() + a.tokens.len();
    let concerned = |edit: &crate::Edit| edit.site.stage(layers) == stage && edit.positions.meet(&positions);
    (stage == layers || a.cache.shares(b.cache, stage)) && a.edits.agree(b.edits, concerned)
}

/// Lets the followers of each span hold the leader's new pages of a layer. `write` fills the leader's.
pub(super) fn lead(span: &Span, inputs: &mut [Input<'_>], layer: usize, write: impl FnOnce(&mut Cache)) {
    let [leader, followers @ ..] = &span.inputs[..] else { return };
    // Pages that only followers hold beside the leader need not be copied before they are written.
    followers.iter().for_each(|&index| inputs[index].cache.release(layer));
    write(inputs[*leader].cache);
    if !followers.is_empty() {
        let pages: Vec<Arc<Page>> = inputs[*leader].cache.pages(layer).to_vec();
        followers.iter().for_each(|&index| inputs[index].cache.follow(&pages, layer));
    }
}
