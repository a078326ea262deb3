//! What edits cost while a model writes.
//!
//! The same tokens are fed to two sets of caches, one with the edit and one without, a token at a time and in turns, so that
//! whatever else the machine does meets both sides of each pair.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use plumb_lm::sae::{Activation, Change, LatentEdit, LatentOptions, Parts, Provenance, Rescale, Sae};
use plumb_lm::{Cache, Edit, Edits, Input, Model, Operation, Positions, Site, Taps, TokenId, Want, greedy};
use serde_json::{Value, json};

use super::{PROMPT, ids, layer, steer};

/// Sequences written at once, and pairs of tokens.
const SIZES: [(usize, usize); 2] = [(1, 400), (16, 160)];
const LATENTS: usize = 4096;
const K: usize = 32;

/// Times in seconds of each pass without and with each edit; of one number of sequences alone, if one is wanted.
pub fn all(model: &Model, only: Option<usize>) -> Result<Value, Box<dyn Error>> {
    let mut all = Vec::new();
    for (sequences, pairs) in SIZES.into_iter().filter(|(size, _)| only.is_none_or(|only| only == *size)) {
        let vector = steer(model, 0.1);
        let mut put = |name: &str, edits: &Edits, same: bool| -> Result<(), Box<dyn Error>> {
            let pairs = paired(model, (sequences, pairs), edits, same)?;
            all.push(json!({ "edit": name, "sequences": sequences, "pairs": pairs }));
            Ok(())
        };
        put("a vector added", &vector, false)?;
        for often in [Often::Seldom, Often::Always] {
            let (edits, share) = clamp(model, often)?;
            // A scale of one changes nothing, so that both sides compute the same.
            let share = 100.0 * share;
            put(&format!("a latent of {LATENTS} clamped, active in {share:.0} % of rows"), &edits, true)?;
        }
    }
    Ok(all.into())
}

/// Seconds of each pass without and with the edits, which alternately come first. `same`: the edits leave the logits as they are.
fn paired(
    model: &Model,
    (sequences, pairs): (usize, usize),
    edits: &Edits,
    same: bool,
) -> Result<Vec<[f64; 2]>, Box<dyn Error>> {
    let none = Edits::NONE;
    let mut sides =
        [&none, edits].map(|edits| (edits, (0..sequences).map(|_| model.cache()).collect::<Vec<Cache>>()));
    let mut tokens: Vec<Vec<TokenId>> = (0..sequences).map(|shift| ids(PROMPT, shift)).collect();
    let mut times = Vec::with_capacity(pairs);
    // The first pass reads the prompts, the second warms up.
    for turn in 0..pairs + 2 {
        let mut seconds = [0.0; 2];
        let mut written = [Vec::new(), Vec::new()];
        for which in if turn % 2 == 0 { [0, 1] } else { [1, 0] } {
            let (edits, caches) = &mut sides[which];
            let input = |(cache, tokens)| Input { cache, tokens, want: Want::Last, edits };
            let mut inputs: Vec<Input<'_>> =
                caches.iter_mut().zip(tokens.iter().map(Vec::as_slice)).map(input).collect();
            let start = Instant::now();
            let logits = rayon::scope(|_| model.forward(&mut inputs, &mut Taps::none()))?;
            seconds[which] = start.elapsed().as_secs_f64();
            written[which] =
                (0..sequences).filter_map(|input| logits.last(input).map(<[f32]>::to_vec)).collect();
        }
        if same && written[0] != written[1] {
            return Err("a latent that keeps its value changes what is written".into());
        }
        tokens = written[0].iter().map(|logits| vec![greedy(logits)]).collect();
        if turn > 1 {
            times.push(seconds);
        }
    }
    Ok(times)
}

/// How often the clamped latent is among the largest of a row, on which its activation depends.
#[derive(Clone, Copy)]
enum Often {
    /// As most latents are.
    Seldom,
    /// In nearly all rows, but not far above the others, so that much has to be known of them.
    Always,
}

/// An autoencoder of random numbers, the seventh latent clamped, and in which share of a prompt's rows it is active.
fn clamp(model: &Model, often: Often) -> Result<(Edits, f64), Box<dyn Error>> {
    let width = model.config().width;
    let rows = rows(model)?;
    let number = |at: usize| ((at * 2_654_435_761) % 1009) as f32 / 1009.0 - 0.5;
    let mut encoder_bias = vec![0.0; LATENTS];
    if let Often::Always = often {
        let mut lengths: Vec<f64> = rows.chunks_exact(width).map(plumb_lm::sae::norm).collect();
        lengths.sort_by(f64::total_cmp);
        // Others have a standard deviation of 1/√12 for a row of length one; four of them are beyond all but a few.
        encoder_bias[7] = (4.0 / 12.0_f64.sqrt() * lengths[lengths.len() / 2]) as f32;
    }
    let parts = Parts {
        width,
        encoder: (0..width * LATENTS).map(number).collect(),
        encoder_bias,
        decoder: (0..width * LATENTS).map(|at| 0.01 * number(at + 7)).collect(),
        decoder_bias: vec![0.0; width],
        centred: true,
        activation: Activation::TopK { k: K },
        rescale: Rescale::None,
    };
    let sae = Arc::new(Sae::new(parts, Provenance::default())?);
    let codes = sae.encode(&rows);
    let active = (0..codes.len()).filter(|row| codes.get(*row, 7) > 0.0).count();
    let edit = LatentEdit::new(sae, vec![(7, Change::Scale(1.0))], LatentOptions::default())?;
    let edits = Edits::new(vec![Edit {
        site: Site::ResidPost(layer(model)),
        positions: Positions::All,
        operation: Operation::Latents(Arc::new(edit)),
    }]);
    Ok((edits, active as f64 / codes.len() as f64))
}

/// Rows of a prompt where the latent is clamped, the first token's left out.
fn rows(model: &Model) -> Result<Vec<f32>, plumb_lm::Error> {
    let tokens = ids(PROMPT, 0);
    let mut cache = model.cache();
    let input = Input { cache: &mut cache, tokens: &tokens, want: Want::Nothing, edits: &Edits::NONE };
    let mut rows = Vec::new();
    let mut keep = |_: Site, _: usize, position: usize, row: &[f32]| {
        if position > 0 {
            rows.extend_from_slice(row);
        }
    };
    model.forward(&mut [input], &mut Taps::new(&[Site::ResidPost(layer(model))], &mut keep))?;
    Ok(rows)
}
