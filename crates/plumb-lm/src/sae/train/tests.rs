//! Gradients against finite differences, planted directions found again, and a training that is stopped.

use super::*;

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| random.next_u32() as f32 / u32::MAX as f32 * 2.0 - 1.0).collect()
}

fn recipe(kind: Kind) -> Recipe {
    Recipe {
        kind,
        latents: 24,
        batch: 16,
        steps: 40,
        rate: 1e-2,
        warmup: 4,
        decay: 0.2,
        dead_after: 1_000_000,
        revive: 1.0 / 32.0,
        revive_k: 4,
        seed: 3,
    }
}

const WIDTH: usize = 10;
const JUMP: Kind = Kind::JumpRelu { k: 4, sparsity: 0.0, bandwidth: 1e-3 };

/// The loss as a function of one number, with all choices of latents as they fall out.
fn check_gradients(kind: Kind, dead: &[u32]) {
    let rows = noise(1, 16 * WIDTH);
    let mut trainer = Trainer::new(recipe(kind), WIDTH, &rows);
    trainer.encoder_bias.values = noise(5, 24).into_iter().map(|x| x * 0.3).collect();
    let scaled: Vec<f32> = rows.iter().map(|x| x * trainer.factor).collect();
    let pass = gradient::pass(&trainer, &scaled, dead);
    let gradients: Vec<_> = (0..24).map(|latent| pass.gradient(latent, WIDTH)).collect();
    let mut centre = pass.summed_errors(WIDTH);
    for (latent, gradient) in gradients.iter().enumerate() {
        super::super::axpy(&mut centre, -gradient.bias, trainer.encoder.row(latent));
    }
    let mut checked = 0;
    let mut check = |name: &str, at: usize, analytic: f32, value: fn(&mut Trainer, usize) -> &mut f32| {
        let step = 1e-3_f32;
        let mut loss = |by: f32| {
            let before = *value(&mut trainer, at);
            *value(&mut trainer, at) = before + by;
            let loss = gradient::pass(&trainer, &scaled, dead).loss;
            *value(&mut trainer, at) = before;
            loss
        };
        let (up, down) = (loss(step), loss(-step));
        let (up2, down2) = (loss(step / 2.0), loss(-step / 2.0));
        let numeric = (up - down) / (2.0 * f64::from(step));
        let finer = (up2 - down2) / f64::from(step);
        // Where a latent comes or goes in between, there is no derivative.
        if (numeric - finer).abs() > 2e-3 * numeric.abs().max(0.02) {
            return;
        }
        checked += 1;
        let gap = (numeric - f64::from(analytic)).abs();
        assert!(gap < 5e-3 * numeric.abs().max(0.02), "{name} {at}: {numeric} and {analytic}");
    };
    for (latent, gradient) in gradients.iter().enumerate() {
        for k in [0, 3, 7] {
            let at = latent * WIDTH + k;
            check("encoder", at, gradient.encoder[k], |t, at| &mut t.encoder.values[at]);
            check("decoder", at, gradient.decoder[k], |t, at| &mut t.decoder.values[at]);
        }
        check("encoder bias", latent, gradient.bias, |t, at| &mut t.encoder_bias.values[at]);
    }
    if dead.is_empty() {
        // With dead latents the error that they describe is taken as given, so this is no derivative of the loss.
        for (k, value) in centre.iter().enumerate() {
            check("decoder bias", k, *value, |t, at| &mut t.decoder_bias.values[at]);
        }
    }
    assert!(checked > 120, "{checked} derivatives could be checked");
}

#[test]
fn gradients_are_those_of_finite_differences() {
    check_gradients(Kind::TopK { k: 4 }, &[]);
    check_gradients(JUMP, &[]);
    check_gradients(Kind::Relu { sparsity: 0.5 }, &[]);
}

#[test]
fn gradients_of_the_dead_are_too() {
    // Of the dead alone: with k = 0 active latents nothing else moves, and the error is the input.
    let rows = noise(1, 16 * WIDTH);
    let mut trainer = Trainer::new(Recipe { kind: Kind::TopK { k: 0 }, ..recipe(JUMP) }, WIDTH, &rows);
    let scaled: Vec<f32> = rows.iter().map(|x| x * trainer.factor).collect();
    let dead: Vec<u32> = (0..24).collect();
    let pass = gradient::pass(&trainer, &scaled, &dead);
    let mut checked = 0;
    for latent in 0..24 {
        let gradient = pass.gradient(latent, WIDTH);
        for k in 0..WIDTH {
            let at = latent * WIDTH + k;
            let mut loss = |by: f32| {
                trainer.encoder.values[at] += by;
                let loss = gradient::pass(&trainer, &scaled, &dead).loss;
                trainer.encoder.values[at] -= by;
                loss
            };
            let numeric = (loss(1e-3) - loss(-1e-3)) / 2e-3;
            let finer = (loss(5e-4) - loss(-5e-4)) / 1e-3;
            if (numeric - finer).abs() < 1e-2 * numeric.abs() && numeric.abs() > 1e-5 {
                let gap = (numeric - f64::from(gradient.encoder[k])).abs();
                assert!(gap < 2e-2 * numeric.abs() + 1e-6, "{latent} {k}: {numeric} {}", gradient.encoder[k]);
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "{checked}");
}

/// Rows that are sums of three of `latents` directions.
fn planted(width: usize, latents: usize, count: usize) -> (Vec<f32>, Vec<f32>) {
    let mut directions = noise(9, latents * width);
    directions.chunks_exact_mut(width).for_each(adam::normalise);
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut rows = vec![0.0; count * width];
    for row in rows.chunks_exact_mut(width) {
        row.iter_mut().for_each(|value| *value = 0.5);
        for _ in 0..3 {
            let latent = (random.next_u64() % latents as u64) as usize;
            let strength = 2.0 + random.next_u32() as f32 / u32::MAX as f32;
            super::super::axpy(row, strength, &directions[latent * width..][..width]);
        }
    }
    (directions, rows)
}

fn train(kind: Kind, steps: usize) -> (Trainer, Vec<f32>, Vec<Report>) {
    let (directions, rows) = planted(24, 32, 4096);
    let recipe = Recipe { latents: 64, batch: 128, steps, dead_after: 4096, rate: 5e-3, ..recipe(kind) };
    let mut trainer = Trainer::new(recipe, 24, &rows[..1024 * 24]);
    let mut order = Order::default();
    let mut reports = Vec::new();
    while !trainer.is_done() {
        let batch: Vec<f32> = trainer
            .next_rows(4096, &mut order)
            .iter()
            .flat_map(|row| &rows[row * 24..][..24])
            .copied()
            .collect();
        reports.push(trainer.step(&batch));
    }
    (trainer, directions, reports)
}

#[test]
fn planted_directions_are_found() {
    for (kind, least, most_active) in [
        (Kind::TopK { k: 3 }, 28, 3.01),
        (Kind::JumpRelu { k: 3, sparsity: 1.0, bandwidth: 0.2 }, 28, 4.0),
        (Kind::Relu { sparsity: 0.3 }, 28, 12.0),
    ] {
        let (trainer, directions, reports) = train(kind, 600);
        let last = reports.last().unwrap();
        assert!(last.explained > 0.85, "{kind:?}: {last:?}");
        assert!(last.active < most_active, "{kind:?}: {last:?}");
        let found = directions
            .chunks_exact(24)
            .filter(|d| (0..64).any(|latent| adam::dot(d, trainer.decoder.row(latent)) > 0.9))
            .count();
        assert!(found >= least, "{kind:?}: {found} of 32");
        let sae = trainer.result(Provenance::default()).unwrap();
        let (_, rows) = planted(24, 32, 64);
        let (again, codes) = sae.reconstruct(&rows);
        let error: f32 = again.iter().zip(&rows).map(|(a, b)| (a - b).powi(2)).sum();
        let mean: f32 = rows.iter().sum::<f32>() / rows.len() as f32;
        let spread: f32 = rows.iter().map(|x| (x - mean).powi(2)).sum();
        assert!(error < 0.15 * spread, "{kind:?}: the scale is taken out again: {error} of {spread}");
        assert!((codes.active() as f64) < (most_active + 1.0) * 64.0);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_a_stopped_training_goes_on() {
    let (whole, ..) = train(Kind::TopK { k: 3 }, 60);
    let folder = tempfile::tempdir().unwrap();
    let (_, rows) = planted(24, 32, 4096);
    let recipe = whole.recipe.clone();
    let mut trainer = Trainer::new(recipe, 24, &rows[..1024 * 24]);
    for stop in [25, 60] {
        let mut order = Order::default();
        while trainer.steps_done() < stop {
            let numbers = trainer.next_rows(4096, &mut order);
            let batch: Vec<f32> = numbers.iter().flat_map(|row| &rows[row * 24..][..24]).copied().collect();
            trainer.step(&batch);
        }
        trainer.save(folder.path()).unwrap();
        trainer = Trainer::load(folder.path()).unwrap().unwrap();
    }
    let digest = |trainer: &Trainer| trainer.result(Provenance::default()).unwrap().digest().to_owned();
    assert_eq!(digest(&trainer), digest(&whole));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "old tables are gone");
}

#[test]
fn the_rate_rises_and_falls() {
    let recipe = Recipe { steps: 100, warmup: 10, decay: 0.2, rate: 1.0, ..recipe(JUMP) };
    assert!((recipe.rate_at(0) - 0.1).abs() < 1e-6);
    assert_eq!(recipe.rate_at(50), 1.0);
    assert!((recipe.rate_at(90) - 0.5).abs() < 1e-6);
}
