//! Tokens a second of training a TopK autoencoder, on rows of a file of raw f32.
//!
//! `sae_speed data ROWS.f32 WIDTH COUNT` writes rows that are sums of some of many directions, and noise;
//! `sae_speed time ROWS.f32 WIDTH LATENTS K BATCH STEPS` trains on them and prints tokens per second and explained variance;
//! `sae_speed clamp MODEL.gguf LATENTS TOKENS` decodes with and without a clamped latent of a TopK autoencoder and prints
//! processor time and wall time a token of both, and the overheads. Processor time is what a busy machine leaves comparable.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use plumb_lm::sae::measure::Measure;
use plumb_lm::sae::train::{Kind, Recipe, Trainer};
use plumb_lm::sae::{Activation, Change, LatentEdit, LatentOptions, Parts, Provenance, Rescale, Sae};
use plumb_lm::{Edit, Edits, Input, Model, Operation, Positions, Site, Taps, Want};

fn noise(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
}

/// Rows with twenty of 2,048 directions each.
fn data(path: &str, width: usize, count: usize) -> Result<(), Box<dyn Error>> {
    const DIRECTIONS: usize = 2048;
    let state = &mut 88_172_645_463_325_252;
    let directions: Vec<f32> = (0..DIRECTIONS * width).map(|_| noise(state)).collect();
    let mut bytes = Vec::with_capacity(count * width * 4);
    for _ in 0..count {
        let mut row: Vec<f32> = (0..width).map(|_| 0.2 * noise(state)).collect();
        for _ in 0..20 {
            let which = ((noise(state) + 1.0) / 2.0 * DIRECTIONS as f32) as usize % DIRECTIONS;
            let strength = noise(state).abs();
            row.iter_mut().zip(&directions[which * width..]).for_each(|(x, d)| *x += strength * d);
        }
        bytes.extend(row.into_iter().flat_map(f32::to_le_bytes));
    }
    Ok(std::fs::write(path, bytes)?)
}

fn time(path: &str, [width, latents, k, batch, steps]: [usize; 5]) -> Result<(), Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let rows: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let recipe = Recipe {
        kind: Kind::TopK { k },
        latents,
        batch,
        steps: steps + 2,
        rate: 1e-3,
        warmup: 0,
        decay: 0.0,
        dead_after: usize::MAX,
        revive: 0.0,
        revive_k: 0,
        seed: 0,
    };
    let count = rows.len() / width;
    let mut trainer = Trainer::new(recipe, width, &rows[..4096.min(count) * width]);
    let batch_at = |step: usize| {
        let at = step * batch % (count - batch);
        &rows[at * width..][..batch * width]
    };
    for step in 0..2 {
        trainer.step(batch_at(step));
    }
    let start = Instant::now();
    for step in 0..steps {
        trainer.step(batch_at(step));
    }
    let rate = (steps * batch) as f64 / start.elapsed().as_secs_f64();
    let sae = trainer.result(Provenance::default())?;
    let mut measure = Measure::new(&sae);
    measure.add(&sae, &rows[(count - batch) * width..]);
    let explained = measure.result().map_or(f64::NAN, |measured| measured.explained);
    println!("{rate} {explained}");
    Ok(())
}

/// Processor time of this process in seconds, in hundredths.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 =
        after.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn clamp(path: &str, [latents, tokens]: [usize; 2]) -> Result<(), Box<dyn Error>> {
    let model = Model::open(path.as_ref())?;
    let width = model.config().width;
    let state = &mut 88_172_645_463_325_252;
    let mut numbers =
        |count: usize| -> Vec<f32> { (0..count).map(|_| noise(state) / (width as f32).sqrt()).collect() };
    let parts = Parts {
        width,
        encoder: numbers(latents * width),
        encoder_bias: vec![0.0; latents],
        decoder: numbers(latents * width),
        decoder_bias: numbers(width),
        centred: true,
        activation: Activation::TopK { k: 32 },
        rescale: Rescale::None,
    };
    let sae = Arc::new(Sae::new(parts, Provenance::default())?);
    let edit = LatentEdit::new(sae, vec![(7, Change::Clamp(1.0))], LatentOptions::default())?;
    let clamped = Edits::new(vec![Edit {
        site: Site::ResidPost(model.config().layers / 2),
        positions: Positions::Except([0].into()),
        operation: Operation::Latents(Arc::new(edit)),
    }]);
    let prompt: Vec<u32> = (0..64).map(|at| 100 + at * 37).collect();
    let decode = |edits: &Edits| -> Result<(f64, f64), Box<dyn Error>> {
        let mut cache = model.cache();
        let input = Input { cache: &mut cache, tokens: &prompt, want: Want::Nothing, edits };
        model.forward(&mut [input], &mut Taps::none())?;
        let (start, before) = (Instant::now(), processor());
        for at in 0..tokens {
            let token = [200 + at as u32];
            let input = Input { cache: &mut cache, tokens: &token, want: Want::Last, edits };
            model.forward(&mut [input], &mut Taps::none())?;
        }
        Ok((start.elapsed().as_secs_f64() / tokens as f64, (processor() - before) / tokens as f64))
    };
    let mut best = [(f64::INFINITY, f64::INFINITY); 2];
    for _ in 0..5 {
        for (index, edits) in [&Edits::NONE, &clamped].into_iter().enumerate() {
            let (wall, cpu) = decode(edits)?;
            best[index] = (best[index].0.min(wall), best[index].1.min(cpu));
        }
    }
    let [(wall, cpu), (wall_clamped, cpu_clamped)] = best;
    println!(
        "plain {:.2} ms wall, {:.2} ms processor; clamped {:.2} ms, {:.2} ms; overhead {:+.2} % wall, {:+.2} % processor",
        1e3 * wall,
        1e3 * cpu,
        1e3 * wall_clamped,
        1e3 * cpu_clamped,
        100.0 * (wall_clamped / wall - 1.0),
        100.0 * (cpu_clamped / cpu - 1.0)
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: sae_speed data ROWS.f32 WIDTH COUNT | time ROWS.f32 WIDTH LATENTS K BATCH STEPS | clamp MODEL.gguf LATENTS TOKENS";
    let (what, rest) = args.split_first().ok_or(usage)?;
    let (path, numbers) = rest.split_first().ok_or(usage)?;
    let numbers = numbers.iter().map(|text| text.parse()).collect::<Result<Vec<usize>, _>>()?;
    match (what.as_str(), &numbers[..]) {
        ("data", &[width, count]) => data(path, width, count),
        ("clamp", &[latents, tokens]) => clamp(path, [latents, tokens]),
        ("time", &[width, latents, k, batch, steps]) => time(path, [width, latents, k, batch, steps]),
        _ => Err(usage.into()),
    }
}
