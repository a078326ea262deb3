//! Changing latents during a pass: the laws, for every kind of autoencoder, on tiny models and on a real one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use plumb_lm::sae::{
    Activation, Change, LatentEdit, LatentOptions, Parts, Provenance, Remainder, Rescale, Sae,
};
use plumb_lm::{
    Control, Edit, Edits, Generator, Input, Job, Limits, Model, Operation, Positions, Prompt, Request,
    Sampling, Site, Taps, TokenId, Want,
};

use crate::support::{self, QWEN, SMOLLM};

/// Rows by input and position.
type Rows = HashMap<(usize, usize), Vec<f32>>;

const TOKENS: [TokenId; 9] = [72, 101, 256, 108, 108, 111, 33, 0, 255];
const LATENTS: usize = 70;

fn kinds() -> Vec<(Activation, bool, Rescale)> {
    let threshold: Arc<[f32]> = (0..LATENTS).map(|latent| 0.1 + latent as f32 / 300.0).collect();
    let jump = Activation::JumpRelu { threshold };
    vec![
        (Activation::Relu, true, Rescale::None),
        (Activation::Relu, false, Rescale::LayerNorm),
        (Activation::TopK { k: 5 }, true, Rescale::None),
        (Activation::TopK { k: 5 }, true, Rescale::ConstantNorm),
        (jump, false, Rescale::None),
    ]
}

fn sae(width: usize, (activation, centred, rescale): (Activation, bool, Rescale)) -> Arc<Sae> {
    let mut next = support::noise(11);
    let mut numbers = |count: usize, scale: f32| -> Vec<f32> { (0..count).map(|_| scale * next()).collect() };
    let scale = 2.0 / (width as f32).sqrt();
    let parts = Parts {
        width,
        encoder: numbers(LATENTS * width, scale),
        encoder_bias: numbers(LATENTS, 0.1),
        decoder: numbers(LATENTS * width, scale),
        decoder_bias: numbers(width, 0.1),
        centred,
        activation,
        rescale,
    };
    Arc::new(Sae::new(parts, Provenance::default()).unwrap())
}

fn clamped(sae: &Arc<Sae>, changes: Vec<(usize, Change)>, options: LatentOptions) -> Operation {
    Operation::Latents(Arc::new(LatentEdit::new(sae.clone(), changes, options).unwrap()))
}

fn edits(site: Site, positions: Positions, operation: Operation) -> Edits {
    Edits::new(vec![Edit { site, positions, operation }])
}

/// Logits of all tokens of each sequence, computed in pieces of `piece` tokens, and the rows at `site`.
fn pass(
    model: &Model,
    sequences: &[(&[TokenId], &Edits)],
    site: Site,
    piece: usize,
) -> (Vec<Vec<f32>>, Rows) {
    let mut caches: Vec<_> = sequences.iter().map(|_| model.cache()).collect();
    let mut logits = vec![Vec::new(); sequences.len()];
    let mut rows = HashMap::new();
    let longest = sequences.iter().map(|(tokens, _)| tokens.len()).max().unwrap();
    for start in (0..longest).step_by(piece) {
        let mut sink = |_: Site, input: usize, position: usize, row: &[f32]| {
            rows.insert((input, position), row.to_vec());
        };
        let inputs =
            caches.iter_mut().zip(sequences).enumerate().filter_map(|(index, (cache, (tokens, edits)))| {
                let tokens =
                    tokens.get(start..(start + piece).min(tokens.len())).filter(|t| !t.is_empty())?;
                Some((index, Input { cache, tokens, want: Want::From(0), edits }))
            });
        let (order, mut inputs): (Vec<usize>, Vec<Input<'_>>) = inputs.unzip();
        let sites = [site];
        let out = model.forward(&mut inputs, &mut Taps::new(&sites, &mut sink)).unwrap();
        for (place, index) in order.into_iter().enumerate() {
            logits[index].extend(out.rows(place).flatten());
        }
    }
    (logits, rows)
}

fn check_laws(model: &Model, tokens: &[TokenId], site: Site) {
    let width = model.config().width;
    let (plain, rows) = pass(model, &[(tokens, &Edits::NONE)], site, tokens.len());
    for kind in kinds() {
        let name = format!("{kind:?}");
        let sae = sae(width, kind);
        let last = tokens.len() - 1;
        let f = |position: usize, latent| sae.encode(&rows[&(0, position)]).get(0, latent);
        let active = (0..LATENTS).find(|latent| f(last, *latent) > 0.0).unwrap();
        let idle = (0..LATENTS).find(|latent| f(last, *latent) == 0.0).unwrap();
        let keep = LatentOptions::default();
        for (changes, positions) in [
            (vec![(active, Change::Scale(1.0)), (idle, Change::Add(0.0))], Positions::All),
            (vec![(active, Change::Clamp(f(last, active)))], Positions::Only([last].into())),
            (vec![(idle, Change::Ablate)], Positions::Only([last].into())),
        ] {
            for keep_norm in [false, true] {
                let same = clamped(&sae, changes.clone(), LatentOptions { keep_norm, ..keep });
                let same = edits(site, positions.clone(), same);
                assert_eq!(
                    pass(model, &[(tokens, &same)], site, tokens.len()).0,
                    plain,
                    "{name}: unchanged value"
                );
            }
        }
        let changes = vec![(active, Change::Clamp(3.0)), (idle, Change::Add(2.0))];
        let not_first = Positions::Except([0].into());
        for options in [keep, LatentOptions { remainder: Remainder::Dropped, keep_norm: true }] {
            let strong = edits(site, not_first.clone(), clamped(&sae, changes.clone(), options));
            let (whole, edited) = pass(model, &[(tokens, &strong)], site, tokens.len());
            assert_ne!(whole, plain, "{name}: a change changes something");
            assert_eq!(edited[&(0, 0)], rows[&(0, 0)], "{name}: the first token is left alone");
            assert_ne!(edited[&(0, last)], rows[&(0, last)], "{name}: the last token is not");
            assert_eq!(pass(model, &[(tokens, &strong)], site, 1).0, whole, "{name}: token by token");
            let weak = edits(site, Positions::All, clamped(&sae, vec![(idle, Change::Clamp(0.5))], keep));
            let alone = pass(model, &[(&tokens[1..], &weak)], site, tokens.len()).0;
            let batch = [(tokens, &strong), (&tokens[1..], &weak), (tokens, &Edits::NONE)];
            let (batch, _) = pass(model, &batch, site, 4);
            assert_eq!(batch, [whole[0].clone(), alone[0].clone(), plain[0].clone()], "{name}: in a batch");
        }
    }
}

#[test]
fn the_laws_hold_in_tiny_models() {
    for architecture in ["llama", "qwen2"] {
        check_laws(&support::tiny(architecture), &TOKENS, Site::ResidPost(0));
    }
}

#[test]
fn the_laws_hold_in_real_models() {
    for (model, layer) in [(SMOLLM, 14), (QWEN, 12)] {
        let Some(model) = support::cached(model, "the_laws_hold_in_real_models") else { continue };
        check_laws(&model, &TOKENS[..5], Site::ResidPost(layer));
    }
}

/// Clamps of 12, then changes that change nothing, then no edit, by one generator that keeps what it computed.
fn check_nothing_is_left(model: &Arc<Model>, layer: usize, new: usize) {
    let site = Site::ResidPost(layer);
    let sae = sae(model.config().width, (Activation::TopK { k: 5 }, true, Rescale::None));
    let generator = Generator::new(model.clone(), Limits::default());
    let never = AtomicBool::new(false);
    let write = |edits: Edits| {
        let sampling = Sampling { max_tokens: new, ..Sampling::default() };
        let request = Request::new(Prompt::Tokens(TOKENS[..5].to_vec()), sampling, 3);
        let job = Job::Complete(Request { edits: Arc::new(edits), ..request });
        let control = Control { cancel: &never, now: &Instant::now };
        support::completion(generator.run(vec![job], control).remove(0)).tokens
    };
    let clamp = |changes| edits(site, Positions::All, clamped(&sae, changes, LatentOptions::default()));
    let plain = write(Edits::NONE);
    let strong: Vec<(usize, Change)> = (0..LATENTS).map(|latent| (latent, Change::Clamp(12.0))).collect();
    assert_ne!(write(clamp(strong)), plain, "so strong a clamp shows");
    let same: Vec<(usize, Change)> = (0..LATENTS).map(|latent| (latent, Change::Scale(1.0))).collect();
    assert_eq!(write(clamp(same)), plain);
    assert_eq!(write(Edits::NONE), plain);
}

#[test]
fn a_clamp_leaves_nothing_behind() {
    check_nothing_is_left(&support::tiny("qwen2"), 0, 12);
    for (model, layer) in [(SMOLLM, 14), (QWEN, 12)] {
        let Some(model) = support::cached(model, "a_clamp_leaves_nothing_behind") else { continue };
        check_nothing_is_left(&model, layer, 4);
    }
}

#[test]
fn a_kept_remainder_moves_along_the_decoders_row_alone() {
    for kind in kinds() {
        let sae = sae(24, kind);
        let mut next = support::noise(3);
        let row: Vec<f32> = (0..24).map(|_| next() * 2.0).collect();
        let codes = sae.encode(&row);
        let idle = (0..LATENTS).find(|latent| codes.get(0, *latent) == 0.0).unwrap();
        let (model, site) = (support::tiny("llama"), Site::ResidPost(0));
        assert!(sae.fits(&model, site).is_err() || model.config().width == 24);
        let (spliced, again) = sae.reconstruct(&row);
        assert_eq!(again, codes);
        let mut by_hand = sae.parts().decoder_bias;
        for (latent, f) in codes.row(0) {
            by_hand.iter_mut().zip(sae.direction(latent)).for_each(|(x, d)| *x += f * d);
        }
        if sae.parts().rescale == Rescale::None {
            let gap = spliced.iter().zip(&by_hand).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(gap < 1e-6, "{gap}");
        }
        assert!(codes.row(0).all(|(latent, f)| f > 0.0 && latent != idle));
    }
}

#[test]
fn a_latent_raised_outside_the_k_makes_one_more() {
    let model = support::tiny("llama");
    let site = Site::ResidPost(0);
    let width = model.config().width;
    let sae = sae(width, (Activation::TopK { k: 5 }, true, Rescale::None));
    let (_, rows) = pass(&model, &[(&TOKENS, &Edits::NONE)], site, TOKENS.len());
    let row = &rows[&(0, 4)];
    let codes = sae.encode(row);
    assert!(codes.active() <= 5);
    let idle = (0..LATENTS).find(|latent| codes.get(0, *latent) == 0.0).unwrap();
    let edit = edits(
        site,
        Positions::Only([4].into()),
        clamped(&sae, vec![(idle, Change::Clamp(4.0))], LatentOptions::default()),
    );
    let (_, edited) = pass(&model, &[(&TOKENS, &edit)], site, TOKENS.len());
    let expected: Vec<f32> = row.iter().zip(sae.direction(idle)).map(|(x, d)| x + 4.0 * d).collect();
    assert_eq!(edited[&(0, 4)], expected, "the others stay as they are");
}

#[test]
fn what_does_not_fit_is_refused_with_both_numbers() {
    let model = support::tiny("llama");
    let width = model.config().width;
    let wide = sae(width + 8, kinds().remove(0));
    let error = wide.fits(&model, Site::ResidPost(0)).unwrap_err();
    assert!(error.is_invalid_request());
    for number in [width, width + 8] {
        assert!(error.to_string().contains(&number.to_string()), "{error}");
    }
    let error = wide.fits(&model, Site::ResidPost(77)).unwrap_err().to_string();
    assert!(error.contains("77") && error.contains(&model.config().layers.to_string()), "{error}");
    let edit = clamped(&wide, vec![(1, Change::Clamp(1.0))], LatentOptions::default());
    let wrong = edits(Site::ResidPost(0), Positions::All, edit);
    let mut cache = model.cache();
    let input = Input { cache: &mut cache, tokens: &TOKENS, want: Want::Nothing, edits: &wrong };
    assert!(model.forward(&mut [input], &mut Taps::none()).unwrap_err().is_invalid_request());
    let refused = |changes| LatentEdit::new(wide.clone(), changes, LatentOptions::default()).unwrap_err();
    let error = refused(vec![(LATENTS, Change::Ablate)]).to_string();
    assert!(error.contains("70") && error.contains(&(width + 8).to_string()), "{error}");
    assert!(refused(vec![(1, Change::Ablate), (1, Change::Add(1.0))]).to_string().contains("twice"));
    assert!(refused(vec![(1, Change::Clamp(f32::NAN))]).is_invalid_request());
    assert!(refused(Vec::new()).is_invalid_request());
}
