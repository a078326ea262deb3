//! The plain device against the fast one on a real file with quantised weights; `families` holds both against `transformers`.

use plumb_lm::{Device, Edits, Input, Model, Taps, Want};

use crate::support::{self, SMOLLM};

/// Two sums of some hundred terms in f32 and f64, thirty layers deep.
const CLOSE: f32 = 2e-3;

#[test]
fn devices_agree_on_quantised_weights() {
    let Some(fast) = support::cached(SMOLLM, "devices_agree_on_quantised_weights") else { return };
    let plain = Model::open_on(&support::cached_path(SMOLLM).unwrap(), Device::Reference).unwrap();
    assert!(plain.weight_bytes() > 3 * fast.weight_bytes(), "the plain one keeps f32");
    let tokens = fast.encode_text("A plumb line tells whether a wall is").unwrap();
    let logits = |model: &Model| -> Vec<f32> {
        let mut cache = model.cache();
        let input = Input { cache: &mut cache, tokens: &tokens, want: Want::From(0), edits: &Edits::NONE };
        model.forward(&mut [input], &mut Taps::none()).unwrap().rows(0).flatten().copied().collect()
    };
    let (fast, plain) = (logits(&fast), logits(&plain));
    assert_eq!(fast.len(), plain.len());
    let apart = fast.iter().zip(&plain).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart > 0.0 && apart < CLOSE, "{apart}");
}
