//! Directions from prompts: the difference of two means, and random ones to hold beside it.
//!
//! The difference-in-means direction (Arditi et al. 2024, "Refusal in Language Models Is Mediated by a Single Direction"):
//! the mean residual stream at the last token of prompts of one kind less that of another, at one layer's output.

use super::ControlVector;
use crate::splitmix::SplitMix;
use plumb_lm::sae::norm;
use plumb_lm::{Edits, Input, Message, Model, Role, Site, Taps, TokenId, Want};
use plumb_study::{Error, Result};
use std::collections::BTreeMap;

/// Tokens of a pass while prompts are read.
const PIECE: usize = 256;

/// A direction, and how well the prompts it was made of lie apart along it.
#[derive(Clone, PartialEq, Debug)]
pub struct Direction {
    /// It, with the median norm at its layer.
    pub vector: ControlVector,
    /// Length of the difference.
    pub length: f64,
    /// Mean projection of the prompts on the unit direction: towards, away.
    pub means: (f64, f64),
    /// The median norm of all rows but first tokens.
    pub median_norm: f64,
}

/// The difference of means at the output of block `layer` (from 0, at least 1), chats of one user turn under the model's
/// template. `done` is told each prompt.
///
/// # Errors
/// No prompts, a layer that the model does not have or that the file format cannot hold, no chat template, a prompt
/// longer than the context, or means that are equal.
pub fn difference_in_means(
    model: &Model,
    layer: usize,
    towards: &[String],
    away: &[String],
    done: &mut dyn FnMut(usize),
) -> Result<Direction> {
    let config = model.config();
    if layer == 0 || layer >= config.layers {
        return Err(Error::plan(format!("layer {layer}: expected 1 to {}", config.layers - 1)));
    }
    if towards.is_empty() || away.is_empty() {
        return Err(Error::plan("no prompts to take means of"));
    }
    let mut norms = Vec::new();
    let mut read = |prompts: &[String], before: usize| -> Result<Vec<Vec<f32>>> {
        let mut rows = Vec::with_capacity(prompts.len());
        for (at, prompt) in prompts.iter().enumerate() {
            rows.push(last_row(model, layer, &encoded(model, prompt)?, &mut norms)?);
            done(before + at + 1);
        }
        Ok(rows)
    };
    let (towards, away) = (read(towards, 0)?, read(away, towards.len())?);
    let difference: Vec<f64> = mean(&towards).iter().zip(mean(&away)).map(|(a, b)| a - b).collect();
    let length = difference.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length == 0.0 {
        return Err(Error::plan("the two kinds of prompts have the same mean: there is no direction"));
    }
    let along = |rows: &[Vec<f32>]| {
        let projections = rows
            .iter()
            .map(|row| row.iter().zip(&difference).map(|(x, d)| f64::from(*x) * d).sum::<f64>() / length);
        projections.sum::<f64>() / rows.len() as f64
    };
    norms.sort_unstable_by(f64::total_cmp);
    let median_norm = norms[norms.len() / 2];
    let values = difference.iter().map(|x| *x as f32).collect();
    let means = (along(&towards), along(&away));
    let vector = ControlVector {
        model: config.architecture.name().to_owned(),
        layers: BTreeMap::from([(layer, values)]),
        norms: BTreeMap::from([(layer, median_norm as f32)]),
        thresholds: BTreeMap::from([(layer, ((means.0 + means.1) / 2.0) as f32)]),
    };
    Ok(Direction { vector, length, means, median_norm })
}

/// The row of the prompt's last token; the norms of all rows but the first are added to `norms`.
pub(super) fn last_row(
    model: &Model,
    layer: usize,
    tokens: &[TokenId],
    norms: &mut Vec<f64>,
) -> Result<Vec<f32>> {
    let mut last = Vec::new();
    each_row(model, Site::ResidPost(layer), tokens, &mut |position, row| {
        if position > 0 {
            norms.push(norm(row));
        }
        last.clear();
        last.extend_from_slice(row);
    })?;
    Ok(last)
}

/// Gives the rows of a prompt at a site to `told`, with their positions, in a pass of their own in which nothing is changed.
pub(super) fn each_row(
    model: &Model,
    site: Site,
    tokens: &[TokenId],
    told: &mut dyn FnMut(usize, &[f32]),
) -> Result<()> {
    let mut sink = |_: Site, _: usize, position: usize, row: &[f32]| told(position, row);
    let mut cache = model.cache_for(tokens.len());
    for tokens in tokens.chunks(PIECE) {
        let input = Input { cache: &mut cache, tokens, want: Want::Nothing, edits: &Edits::NONE };
        model.forward(&mut [input], &mut Taps::new(&[site], &mut sink)).map_err(fault)?;
    }
    Ok(())
}

fn encoded(model: &Model, prompt: &str) -> Result<Vec<TokenId>> {
    model.encode_chat(&[Message::new(Role::User, prompt)], None).map_err(fault)
}

fn fault(error: plumb_lm::Error) -> Error {
    Error::plan(error.to_string())
}

fn mean(rows: &[Vec<f32>]) -> Vec<f64> {
    let mut sum = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sum.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
    sum
}

/// A random direction of the same length at the same layers: what any push of that size does. Components are sums of
/// twelve uniform numbers (near normal), so that all directions are about equally likely.
pub fn random_like(vector: &ControlVector, seed: u64) -> ControlVector {
    let mut stream = SplitMix::new(seed);
    as_long_as(vector, |_, width| {
        (0..width).map(|_| (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0).collect()
    })
}

/// Another direction, as long as this one at the same layers; none where `other` lacks one of them.
pub fn scaled_like(vector: &ControlVector, other: &ControlVector) -> Option<ControlVector> {
    let has = |(layer, values): (&usize, &Vec<f32>)| {
        other.layers.get(layer).is_some_and(|o| o.len() == values.len())
    };
    vector
        .layers
        .iter()
        .all(has)
        .then(|| as_long_as(vector, |layer, _| other.layers[&layer].iter().map(|x| f64::from(*x)).collect()))
}

/// What `row` makes for each layer and width, as long as the vector is there.
fn as_long_as(vector: &ControlVector, mut row: impl FnMut(usize, usize) -> Vec<f64>) -> ControlVector {
    let length = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
    let layers = vector.layers.iter().map(|(layer, values)| {
        let old: Vec<f64> = values.iter().map(|x| f64::from(*x)).collect();
        let new = row(*layer, old.len());
        let by = length(&old) / length(&new).max(f64::MIN_POSITIVE);
        (*layer, new.iter().map(|x| (x * by) as f32).collect())
    });
    ControlVector {
        model: vector.model.clone(),
        layers: layers.collect(),
        norms: vector.norms.clone(),
        thresholds: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plumb_lm::tiny;

    #[test]
    fn the_direction_is_that_of_the_means_at_the_last_token() {
        let model = Model::from_bytes(&tiny::file(tiny::Family::Qwen2).finish()).unwrap();
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (towards, away) = (texts(&["ab", "c"]), texts(&["xyz"]));
        let mut count = 0;
        let found = difference_in_means(&model, 2, &towards, &away, &mut |done| count = done).unwrap();
        let row = |text: &str| last_row(&model, 2, &encoded(&model, text).unwrap(), &mut Vec::new()).unwrap();
        let (a, b, c) = (row("ab"), row("c"), row("xyz"));
        for (at, value) in found.vector.layers[&2].iter().enumerate() {
            let expected = (f64::from(a[at]) + f64::from(b[at])) / 2.0 - f64::from(c[at]);
            assert!((f64::from(*value) - expected).abs() < 1e-6);
        }
        assert_eq!(count, 3);
        assert!(
            (found.means.0 - found.means.1 - found.length).abs() < 1e-6,
            "apart by the length of the difference"
        );
        assert!(found.median_norm > 0.0);
        for (layer, words) in [(0, "expected 1 to 2"), (3, "expected 1 to 2")] {
            let error = difference_in_means(&model, layer, &towards, &away, &mut |_| {}).unwrap_err();
            assert!(error.to_string().ends_with(words), "{error}");
        }
        assert!(difference_in_means(&model, 1, &towards, &towards, &mut |_| {}).is_err());
    }

    #[test]
    fn a_random_direction_is_as_long_and_another_for_each_seed() {
        let vector = ControlVector { layers: BTreeMap::from([(3, vec![2.0; 400])]), ..Default::default() };
        let all: Vec<Vec<f32>> = (0..20).map(|seed| random_like(&vector, seed).layers[&3].clone()).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
        for (at, one) in all.iter().enumerate() {
            assert!((dot(one, one).sqrt() - 40.0).abs() < 1e-3);
            // 400 wide: cosines of unrelated directions have standard deviation 0.05.
            assert!(all[..at].iter().all(|other| dot(one, other).abs() / 1600.0 < 0.25));
        }
    }

    #[test]
    fn a_direction_gets_anothers_length_and_keeps_its_way() {
        let one = |layer, values: &[f32]| ControlVector {
            layers: BTreeMap::from([(layer, values.to_vec())]),
            ..Default::default()
        };
        let long = one(3, &[0.0, 10.0]);
        assert_eq!(scaled_like(&long, &one(3, &[3.0, 4.0])).unwrap().layers[&3], [6.0, 8.0]);
        assert!(scaled_like(&long, &one(2, &[3.0, 4.0])).is_none(), "another layer");
        assert!(scaled_like(&long, &one(3, &[3.0])).is_none(), "another width");
    }
}
