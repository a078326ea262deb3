//! Taps and edits: what they see and change, and that doing nothing changes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use plumb_lm::{Edit, Edits, Input, Model, Operation, Positions, Site, Taps, TokenId, Want};

use crate::support::{self, LAYERS, SMOLLM};

type Rows = HashMap<(Site, usize, usize), Vec<f32>>;

fn all_sites(model: &Model) -> Vec<Site> {
    let layers = (0..model.config().layers).flat_map(|layer| {
        [
            Site::ResidPre(layer),
            Site::AttnOut(layer),
            Site::ResidMid(layer),
            Site::MlpOut(layer),
            Site::ResidPost(layer),
        ]
    });
    [Site::Embedding].into_iter().chain(layers).chain([Site::FinalNorm, Site::Logits]).collect()
}

/// Logits of all tokens of each sequence, and what was tapped.
fn pass(model: &Model, sequences: &[(&[TokenId], &Edits)], sites: &[Site]) -> (Vec<Vec<f32>>, Rows) {
    let mut caches: Vec<_> = sequences.iter().map(|_| model.cache()).collect();
    let inputs = caches.iter_mut().zip(sequences);
    let mut inputs: Vec<_> =
        inputs.map(|(cache, (tokens, edits))| Input { cache, tokens, want: Want::From(0), edits }).collect();
    let mut rows = Rows::new();
    let mut sink = |site: Site, input: usize, position: usize, row: &[f32]| {
        assert!(rows.insert((site, input, position), row.to_vec()).is_none(), "once");
    };
    let logits = model.forward(&mut inputs, &mut Taps::new(sites, &mut sink)).unwrap();
    ((0..sequences.len()).map(|input| logits.rows(input).flatten().copied().collect()).collect(), rows)
}

fn add(site: Site, positions: Positions, vector: Vec<f32>) -> Edit {
    Edit { site, positions, operation: Operation::Add(vector.into()) }
}

const TOKENS: [TokenId; 9] = [72, 101, 256, 108, 108, 111, 33, 0, 255];

fn check_idle(model: &Model) {
    let (plain, none) = pass(model, &[(&TOKENS, &Edits::NONE)], &[]);
    assert!(none.is_empty());
    let (tapped, rows) = pass(model, &[(&TOKENS, &Edits::NONE)], &all_sites(model));
    assert_eq!(tapped, plain, "taps change nothing");
    assert_eq!(rows.len(), all_sites(model).len() * TOKENS.len());
    let elsewhere =
        Edits::new(vec![add(Site::ResidPre(0), Positions::Range(50..60), vec![9.0; model.config().width])]);
    assert_eq!(pass(model, &[(&TOKENS, &elsewhere)], &[]).0, plain, "an edit of no token changes nothing");
    let beside = Edits::new(vec![add(Site::MlpOut(1), Positions::All, vec![1.0; model.config().width])]);
    let (both, _) = pass(model, &[(&TOKENS, &beside), (&TOKENS, &Edits::NONE)], &[]);
    assert_eq!(both[1], plain[0], "the edits of a neighbour change nothing");
    assert_ne!(both[0], plain[0]);
}

#[test]
fn no_edits_are_no_hook() {
    for architecture in ["llama", "qwen2"] {
        check_idle(&support::tiny(architecture));
    }
}

#[test]
fn no_edits_are_no_hook_in_a_real_model() {
    let Some(model) = support::cached(SMOLLM, "no_edits_are_no_hook_in_a_real_model") else { return };
    check_idle(&model);
}

#[test]
fn the_stream_is_the_sum_of_what_is_added_to_it() {
    let model = support::tiny("qwen2");
    let (logits, rows) = pass(&model, &[(&TOKENS, &Edits::NONE)], &all_sites(&model));
    for position in 0..TOKENS.len() {
        let row = |site| &rows[&(site, 0, position)];
        let sum = |a, b| -> Vec<f32> { row(a).iter().zip(row(b)).map(|(a, b)| a + b).collect() };
        assert_eq!(row(Site::Embedding), row(Site::ResidPre(0)));
        for layer in 0..LAYERS as usize {
            assert_eq!(row(Site::ResidMid(layer)), &sum(Site::ResidPre(layer), Site::AttnOut(layer)));
            assert_eq!(row(Site::ResidPost(layer)), &sum(Site::ResidMid(layer), Site::MlpOut(layer)));
            if layer + 1 < LAYERS as usize {
                assert_eq!(row(Site::ResidPost(layer)), row(Site::ResidPre(layer + 1)));
            }
        }
        let vocab = model.config().vocab;
        assert_eq!(row(Site::Logits), &logits[0][position * vocab..][..vocab]);
    }
}

#[test]
fn an_edit_changes_its_site_and_what_follows_from_its_position_on() {
    let model = support::tiny("llama");
    let sites = all_sites(&model);
    let (_, before) = pass(&model, &[(&TOKENS, &Edits::NONE)], &sites);
    let vector: Vec<f32> = (0..model.config().width).map(|i| i as f32 / 8.0).collect();
    let edits = Edits::new(vec![add(Site::AttnOut(1), Positions::Range(4..5), vector.clone())]);
    let (_, after) = pass(&model, &[(&TOKENS, &edits)], &sites);
    let place = |site: Site| sites.iter().position(|other| *other == site).unwrap();
    for (&(site, input, position), row) in &after {
        let old = &before[&(site, input, position)];
        if position < 4 || place(site) < place(Site::AttnOut(1)) {
            assert_eq!(row, old, "{site:?} {position}");
        } else if site == Site::AttnOut(1) && position == 4 {
            let expected: Vec<f32> = old.iter().zip(&vector).map(|(old, add)| old + add).collect();
            assert_eq!(row, &expected);
        }
    }
    let last = (Site::Logits, 0, TOKENS.len() - 1);
    assert_ne!(after[&last], before[&last], "later tokens attend to the edited one");
}

#[test]
fn edits_of_one_site_are_applied_in_order_and_to_logits_too() {
    let model = support::tiny("llama");
    let vocab = model.config().vocab;
    let (plain, _) = pass(&model, &[(&TOKENS, &Edits::NONE)], &[]);
    let edit = |value: f32, from| add(Site::Logits, Positions::From(from), vec![value; vocab]);
    let edits = Edits::new(vec![edit(1e8, 8), edit(-1e8, 8), edit(0.5, 0)]);
    let (edited, _) = pass(&model, &[(&TOKENS, &edits)], &[]);
    for (index, (new, old)) in edited[0].iter().zip(&plain[0]).enumerate() {
        let expected = if index / vocab < 8 { old + 0.5 } else { ((old + 1e8) - 1e8) + 0.5 };
        assert_eq!(*new, expected);
    }
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_computed() {
    let model = support::tiny("llama");
    let width = model.config().width;
    let mut cache = model.cache();
    for edit in [
        add(Site::ResidPre(0), Positions::All, vec![0.0; width + 1]),
        add(Site::Logits, Positions::All, vec![0.0; width]),
        add(Site::ResidPost(LAYERS as usize), Positions::All, vec![0.0; width]),
        add(Site::ResidPre(0), Positions::All, vec![f32::NAN; width]),
    ] {
        let edits = Edits::new(vec![edit]);
        let input = Input { cache: &mut cache, tokens: &TOKENS, want: Want::Nothing, edits: &edits };
        let error = model.forward(&mut [input], &mut Taps::none()).unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(cache.is_empty());
    }
    let mut ignored = |_: Site, _: usize, _: usize, _: &[f32]| {};
    let input = Input { cache: &mut cache, tokens: &TOKENS, want: Want::Nothing, edits: &Edits::NONE };
    let sites = [Site::MlpOut(99)];
    assert!(model.forward(&mut [input], &mut Taps::new(&sites, &mut ignored)).is_err());
    let mut foreign = support::cached(SMOLLM, "what_does_not_fit_is_refused").map(|other| other.cache());
    if let Some(cache) = &mut foreign {
        let input = Input { cache, tokens: &TOKENS, want: Want::Nothing, edits: &Edits::NONE };
        assert!(
            model.forward(&mut [input], &mut Taps::none()).unwrap_err().to_string().contains("another model")
        );
    }
}

#[test]
fn a_shared_vector_is_not_copied_for_each_sequence() {
    let vector: Arc<[f32]> = vec![1.0; 4].into();
    let edit =
        Edit { site: Site::Embedding, positions: Positions::All, operation: Operation::Add(vector.clone()) };
    let edits = Edits::new(vec![edit]);
    assert_eq!(edits.clone(), edits);
    assert_eq!(Arc::strong_count(&vector), 2, "one of ours, one of the edits'; the clone is gone");
}

#[test]
fn rows_that_are_long_are_left_alone() {
    let model = support::tiny("qwen2");
    let site = Site::ResidPost(0);
    let width = model.config().width;
    let (plain, rows) = pass(&model, &[(&TOKENS, &Edits::NONE)], &[site]);
    let norm = |position: usize| {
        rows[&(site, 0, position)].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32
    };
    let below = |norm: f32| {
        let operation = Arc::new(Operation::Add(vec![0.5; width].into()));
        Edits::new(vec![Edit {
            site,
            positions: Positions::All,
            operation: Operation::Below { norm, operation },
        }])
    };
    let always = Edits::new(vec![add(site, Positions::All, vec![0.5; width])]);
    assert_eq!(
        pass(&model, &[(&TOKENS, &below(f32::INFINITY))], &[]).0,
        pass(&model, &[(&TOKENS, &always)], &[]).0
    );
    assert_eq!(pass(&model, &[(&TOKENS, &below(0.0))], &[]).0, plain);
    let mut norms: Vec<f32> = (0..TOKENS.len()).map(norm).collect();
    norms.sort_by(f32::total_cmp);
    let bound = (norms[3] + norms[4]) / 2.0;
    let (_, changed) = pass(&model, &[(&TOKENS, &below(bound))], &[site]);
    for position in 0..TOKENS.len() {
        let same = changed[&(site, 0, position)] == rows[&(site, 0, position)];
        assert_eq!(same, norm(position) >= bound, "{position}");
    }
}
