//! Every family against `transformers` on tiny random checkpoints (`oracles/transformers/tiny.py`): all sites, with and
//! without cache, alone and in a batch of unequal lengths.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use plumb_lm::{
    Device, Direction, Edit, Edits, Input, Model, Operation, Positions, Rows, Site, Taps, TokenId, Want,
};
use safetensors::{Dtype, SafeTensors};

/// The largest difference that is allowed anywhere, in f32.
const CLOSE: f32 = 1e-4;

pub const FAMILIES: [&str; 13] = [
    "llama2",
    "llama3",
    "llama-linear",
    "llama-yarn",
    "mistral",
    "qwen2",
    "qwen3",
    "phi3",
    "gemma2",
    "gemma3",
    "gpt2",
    "gpt-neox",
    "gpt-neox-serial",
];

/// Every family on every device: what all of them do is one text, and what each computes is held against the same numbers.
pub fn everywhere() -> impl Iterator<Item = (&'static str, Device)> {
    FAMILIES.into_iter().flat_map(|name| [Device::Cpu, Device::Reference].map(|device| (name, device)))
}

pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lm/arch").join(name)
}

/// What `transformers` computed: by tensor name, rows in a row.
struct Reference(HashMap<String, Vec<f32>>);

impl Reference {
    fn read(name: &str) -> Self {
        let bytes = std::fs::read(folder(name).join("reference.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let values = tensors.iter().map(|(name, view)| {
            let numbers = view.data().as_chunks::<4>().0.iter();
            let values = match view.dtype() {
                Dtype::F32 => numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect(),
                Dtype::I32 => numbers.map(|bytes| i32::from_le_bytes(*bytes) as f32).collect(),
                other => panic!("{other:?}"),
            };
            (name.to_owned(), values)
        });
        Self(values.collect())
    }

    fn prompt(&self, index: usize) -> Vec<TokenId> {
        self.0[&format!("{index}.tokens")].iter().map(|id| *id as TokenId).collect()
    }

    fn rows(&self, index: usize, site: &str) -> &[f32] {
        &self.0[&format!("{index}.{site}")]
    }
}

/// Sites that the reference has, by its names.
fn sites(model: &Model) -> Vec<(Site, String)> {
    let named = |site: Site| (site, site.to_string());
    let wanted = |site: &Site| !matches!(site, Site::ResidPre(_) | Site::ResidMid(_) | Site::Neurons(_));
    Site::all(model.config()).into_iter().filter(wanted).map(named).collect()
}

type Seen = HashMap<(Site, usize, usize), Vec<f32>>;

/// Runs prompts together, each cut into pieces of `piece` tokens, and collects all sites.
fn collect(model: &Model, prompts: &[Vec<TokenId>], piece: usize) -> Seen {
    let sites: Vec<Site> = sites(model).into_iter().map(|(site, _)| site).collect();
    let mut caches: Vec<_> = prompts.iter().map(|prompt| model.cache_for(prompt.len())).collect();
    let mut rows = Seen::new();
    let none = Edits::NONE;
    let longest = prompts.iter().map(Vec::len).max().unwrap();
    for start in (0..longest).step_by(piece) {
        let mut numbers = Vec::new();
        let mut inputs = Vec::new();
        for (index, (prompt, cache)) in prompts.iter().zip(&mut caches).enumerate() {
            if start < prompt.len() {
                let tokens = &prompt[start..prompt.len().min(start + piece)];
                numbers.push(index);
                inputs.push(Input { cache, tokens, want: Want::From(0), edits: &none });
            }
        }
        let mut sink = |site: Site, input: usize, position: usize, row: &[f32]| {
            rows.insert((site, numbers[input], position), row.to_vec());
        };
        model.forward(&mut inputs, &mut Taps::new(&sites, &mut sink)).unwrap();
    }
    rows
}

fn worst(model: &Model, reference: &Reference, prompts: usize, rows: &Seen) -> (f32, String) {
    let mut worst = (0.0, String::new());
    for index in 0..prompts {
        for (site, name) in sites(model) {
            let expected = reference.rows(index, &name);
            let width = site.width(model.config());
            assert_eq!(expected.len(), width * reference.prompt(index).len(), "{name}");
            for (position, expected) in expected.chunks_exact(width).enumerate() {
                let found = &rows[&(site, index, position)];
                let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                if difference > worst.0 {
                    worst = (difference, format!("{name} of prompt {index} at {position}"));
                }
            }
        }
    }
    worst
}

#[test]
fn every_family_computes_what_transformers_computes() {
    let mut failures = Vec::new();
    for (name, device) in everywhere() {
        let model = Model::open_on(&folder(name), device).unwrap_or_else(|error| panic!("{name}: {error}"));
        let reference = Reference::read(name);
        let prompts = [reference.prompt(0), reference.prompt(1)];
        let whole = collect(&model, &prompts, usize::MAX);
        let (difference, place) = worst(&model, &reference, 2, &whole);
        println!("{name}, {device:?}: {difference:e} ({place})");
        if difference.is_nan() || difference > CLOSE {
            failures.push(format!("{name}, {device:?}: {difference} at {place}"));
        }
        for piece in [1, 5] {
            assert_eq!(collect(&model, &prompts, piece), whole, "{name} in pieces of {piece}");
        }
        let alone = collect(&model, &prompts[..1], usize::MAX);
        assert!(alone.iter().all(|(place, row)| &whole[place] == row), "{name} alone");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn attention_patterns_are_those_of_transformers() {
    for (name, device) in everywhere() {
        let model = Model::open_on(&folder(name), device).unwrap();
        let reference = Reference::read(name);
        let prompt = reference.prompt(1);
        let heads = model.config().heads;
        let mut sites = Vec::new();
        for layer in 0..model.config().layers {
            sites.extend((0..heads).map(|head| Site::Pattern { layer, head }));
        }
        let mut seen = 0;
        let mut sink = |site: Site, _: usize, position: usize, row: &[f32]| {
            let Site::Pattern { layer, head } = site else { panic!("{site}") };
            let expected = reference.rows(1, &format!("pattern.{layer}"));
            let expected = &expected[(head * prompt.len() + position) * prompt.len()..][..prompt.len()];
            assert_eq!(row.len(), position + 1);
            for (key, expected) in expected.iter().enumerate() {
                let found = row.get(key).copied().unwrap_or(0.0);
                assert!(
                    (found - expected).abs() < CLOSE,
                    "{name} {site} {position} {key}: {found} {expected}"
                );
            }
            seen += 1;
        };
        let mut cache = model.cache_for(prompt.len());
        let input = Input { cache: &mut cache, tokens: &prompt, want: Want::Nothing, edits: &Edits::NONE };
        model.forward(&mut [input], &mut Taps::new(&sites, &mut sink)).unwrap();
        assert_eq!(seen, sites.len() * prompt.len());
    }
}

/// Logits of all tokens of a prompt.
fn logits(model: &Model, tokens: &[TokenId], edits: &Edits) -> Vec<f32> {
    let mut cache = model.cache_for(tokens.len());
    let input = Input { cache: &mut cache, tokens, want: Want::From(0), edits };
    let logits = model.forward(&mut [input], &mut Taps::none()).unwrap();
    logits.rows(0).flatten().copied().collect()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn edit(site: Site, positions: Positions, operation: Operation) -> Edit {
    Edit { site, positions, operation }
}

#[test]
fn edits_do_what_hooks_in_transformers_do() {
    for (name, device) in everywhere() {
        let model = Model::open_on(&folder(name), device).unwrap();
        let reference = Reference::read(name);
        let prompt = reference.prompt(1);
        let vector: std::sync::Arc<[f32]> = reference.0["edited.vector"].as_slice().into();
        let edits = Edits::new(vec![
            edit(Site::ResidPost(1), Positions::From(4), Operation::Add(vector)),
            edit(Site::Head { layer: 0, head: 1 }, Positions::All, Operation::Zero),
            edit(Site::MlpOut(model.config().layers - 1), Positions::Range(2..3), Operation::Scale(0.5)),
        ]);
        let found = logits(&model, &prompt, &edits);
        let expected = &reference.0["edited.logits"];
        assert!(furthest(&found, expected) < CLOSE, "{name}: {}", furthest(&found, expected));
        assert!(furthest(reference.rows(1, "logits"), expected) > 0.1, "{name}: the edits change something");
    }
}

#[test]
fn identities_between_sites_hold_in_every_family() {
    for (name, device) in everywhere() {
        let model = Model::open_on(&folder(name), device).unwrap();
        let config = model.config();
        let prompt = Reference::read(name).prompt(0);
        let mut sites = Site::all(config);
        for layer in 0..config.layers {
            sites.extend((0..config.heads).map(|head| Site::Head { layer, head }));
        }
        let mut rows: HashMap<(Site, usize), Vec<f32>> = HashMap::new();
        let mut sink = |site: Site, _: usize, position: usize, row: &[f32]| {
            rows.insert((site, position), row.to_vec());
        };
        let mut cache = model.cache_for(prompt.len());
        let input = Input { cache: &mut cache, tokens: &prompt, want: Want::From(0), edits: &Edits::NONE };
        let tapped = model.forward(&mut [input], &mut Taps::new(&sites, &mut sink)).unwrap();
        assert_eq!(
            tapped.rows(0).flatten().copied().collect::<Vec<_>>(),
            logits(&model, &prompt, &Edits::NONE),
            "{name}: taps change nothing"
        );
        for (position, logits) in (0..prompt.len()).zip(tapped.rows(0)) {
            let row = |site| &rows[&(site, position)];
            let sum = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
            assert_eq!(row(Site::Embedding), row(Site::ResidPre(0)), "{name}");
            for layer in 0..config.layers {
                let mid = sum(row(Site::ResidPre(layer)), row(Site::AttnOut(layer)));
                assert_eq!(
                    row(Site::ResidPost(layer)),
                    &sum(&mid, row(Site::MlpOut(layer))),
                    "{name} {layer}"
                );
                if !config.parallel {
                    assert_eq!(row(Site::ResidMid(layer)), &mid, "{name} {layer}");
                }
                if layer + 1 < config.layers {
                    assert_eq!(row(Site::ResidPost(layer)), row(Site::ResidPre(layer + 1)), "{name} {layer}");
                }
                let heads = (0..config.heads).flat_map(|head| row(Site::Head { layer, head }).clone());
                assert_eq!(row(Site::Heads(layer)), &heads.collect::<Vec<_>>(), "{name} {layer}");
            }
            assert_eq!(row(Site::Logits), logits, "{name}");
            let last = row(Site::ResidPost(config.layers - 1));
            assert_eq!(
                model.unembed(last).unwrap(),
                logits,
                "{name}: the lens at the last layer is the model"
            );
        }
    }
}

#[test]
fn patching_a_whole_stream_gives_the_other_prompts_answer() {
    for (name, device) in everywhere() {
        let model = Model::open_on(&folder(name), device).unwrap();
        let reference = Reference::read(name);
        let (there, here) = (reference.prompt(1), reference.prompt(0)[..reference.prompt(1).len()].to_vec());
        let site = Site::ResidPost(0);
        let mut stored = Vec::new();
        let mut sink = |_: Site, _: usize, _: usize, row: &[f32]| stored.extend_from_slice(row);
        let mut cache = model.cache_for(there.len());
        let input = Input { cache: &mut cache, tokens: &there, want: Want::Nothing, edits: &Edits::NONE };
        model.forward(&mut [input], &mut Taps::new(&[site], &mut sink)).unwrap();
        let rows = Rows::new(0, model.config().width, stored).unwrap();
        let patch = Edits::new(vec![edit(site, Positions::All, Operation::Patch(rows.into()))]);
        let plain = logits(&model, &there, &Edits::NONE);
        assert_eq!(logits(&model, &here, &patch), plain, "{name}: bit for bit");
        assert_ne!(logits(&model, &here, &Edits::NONE), plain, "{name}");
    }
}

#[test]
fn operations_do_what_they_say() {
    let model = Model::open(&folder("qwen3")).unwrap();
    let prompt = Reference::read("qwen3").prompt(1);
    let site = Site::ResidPost(1);
    let width = model.config().width;
    let row = |edits: &Edits, at: usize| {
        let mut found = Vec::new();
        let mut sink = |_: Site, _: usize, position: usize, row: &[f32]| {
            if position == at {
                found = row.to_vec();
            }
        };
        let mut cache = model.cache();
        let input = Input { cache: &mut cache, tokens: &prompt, want: Want::Nothing, edits };
        model.forward(&mut [input], &mut Taps::new(&[site], &mut sink)).unwrap();
        found
    };
    let plain = row(&Edits::NONE, 3);
    let vector: Vec<f32> = (0..width).map(|i| (i as f32 - 7.0) / 5.0).collect();
    let direction = Direction::new(&vector).unwrap();
    let along = |row: &[f32]| row.iter().zip(direction.as_slice()).map(|(x, d)| x * d).sum::<f32>();
    let only = || Positions::Only(vec![3].into());
    let apply = |operation: Operation| {
        let edits = Edits::new(vec![edit(site, only(), operation)]);
        assert_eq!(row(&edits, 2), row(&Edits::NONE, 2), "no other position");
        row(&edits, 3)
    };
    assert_eq!(apply(Operation::Zero), vec![0.0; width]);
    assert_eq!(apply(Operation::Set(vector.as_slice().into())), vector);
    assert_eq!(apply(Operation::Scale(-2.0)), plain.iter().map(|x| x * -2.0).collect::<Vec<_>>());
    let projected = apply(Operation::ProjectOut(direction.clone()));
    assert!(along(&projected).abs() < 1e-4 && along(&plain).abs() > 0.1);
    let rest: Vec<f32> = plain.iter().zip(direction.as_slice()).map(|(x, d)| x - along(&plain) * d).collect();
    assert!(furthest(&projected, &rest) < 1e-4, "nothing else is taken away");
    let set = apply(Operation::SetAlong { direction: direction.clone(), value: 4.0 });
    assert!((along(&set) - 4.0).abs() < 1e-4);
    let stored = Rows::new(3, width, vector.clone()).unwrap();
    assert_eq!(apply(Operation::Patch(stored.into())), vector);
    assert_eq!(Direction::new(&[0.0, 0.0]), None);
    assert!(Rows::new(0, 5, vec![0.0; 7]).is_none());
}

#[test]
fn what_cannot_be_edited_or_does_not_exist_is_refused() {
    let model = Model::open(&folder("gpt-neox")).unwrap();
    let refuse = |edit: Edit| {
        let mut cache = model.cache();
        let edits = Edits::new(vec![edit]);
        let input = Input { cache: &mut cache, tokens: &[5, 6], want: Want::Nothing, edits: &edits };
        let error = model.forward(&mut [input], &mut Taps::none()).unwrap_err();
        assert!(error.is_invalid_request());
        error.to_string()
    };
    let said = refuse(edit(Site::Pattern { layer: 0, head: 0 }, Positions::All, Operation::Zero));
    assert!(said.contains("pattern.0.0 can be tapped but not edited"), "{said}");
    let said = refuse(edit(Site::ResidMid(0), Positions::All, Operation::Zero));
    assert!(said.contains("both read resid_pre"), "{said}");
    let said = refuse(edit(Site::Head { layer: 0, head: 4 }, Positions::All, Operation::Zero));
    assert!(said.contains("4 query heads"), "{said}");
    let said = refuse(edit(Site::Heads(0), Positions::All, Operation::Scale(f32::INFINITY)));
    assert!(said.contains("not finite"), "{said}");
}

#[test]
fn a_sequence_that_outgrows_the_short_factors_is_computed_anew() {
    use plumb_lm::{Job, Limits, Prompt, Request, Sampling};
    let model = std::sync::Arc::new(Model::open(&folder("phi3")).unwrap());
    let prompt: Vec<TokenId> = Reference::read("phi3").prompt(0)[..14].to_vec();
    assert_eq!(model.config().short_context(), Some(16));
    let sampling = Sampling { max_tokens: 8, ..Sampling::default() };
    let job = Job::Complete(Request::new(Prompt::Tokens(prompt.clone()), sampling, 0));
    let outcome = crate::support::run(&model, Limits::default(), vec![job]).remove(0);
    let written = crate::support::completion(outcome).tokens;
    assert_eq!(written.len(), 8, "no end token, or the test shows nothing");
    // Each token is the likeliest after all before it, computed at once.
    let mut tokens = prompt;
    for token in written {
        let all = logits(&model, &tokens, &Edits::NONE);
        assert_eq!(
            plumb_lm::greedy(&all[all.len() - model.config().vocab..]),
            token,
            "after {}",
            tokens.len()
        );
        tokens.push(token);
    }
    let mut cache = model.cache();
    let input = Input { cache: &mut cache, tokens: &tokens, want: Want::Last, edits: &Edits::NONE };
    let error = model.forward(&mut [input], &mut Taps::none()).unwrap_err();
    assert!(error.to_string().contains("cache_for"), "{error}");
}

#[test]
fn sites_are_read_by_the_names_of_other_tools() {
    let open = |name: &str| Model::open(&folder(name)).unwrap();
    for (family, name, expected) in [
        ("llama2", "resid_post.2", "resid_post.2"),
        ("llama2", "head.1.3", "head.1.3"),
        ("llama2", "pattern.0.2", "pattern.0.2"),
        ("llama2", "hook_embed", "embedding"),
        ("llama2", "blocks.1.hook_resid_pre", "resid_pre.1"),
        ("llama2", "blocks.1.hook_resid_mid", "resid_mid.1"),
        ("llama2", "blocks.1.hook_mlp_out", "mlp_out.1"),
        ("llama2", "blocks.1.attn.hook_z", "heads.1"),
        ("llama2", "blocks.1.mlp.hook_post", "neurons.1"),
        ("llama2", "model.layers.1", "resid_post.1"),
        ("llama2", "layers.1", "resid_post.1"),
        ("llama2", "model.layers.1.self_attn", "attn_out.1"),
        ("llama2", "model.layers.1.mlp", "mlp_out.1"),
        ("llama2", "model.norm", "final_norm"),
        ("llama2", "lm_head", "logits"),
        ("gpt2", "transformer.h.2.mlp", "mlp_out.2"),
        ("gpt2", "transformer.ln_f", "final_norm"),
        ("gpt-neox", "gpt_neox.layers.0.attention", "attn_out.0"),
        ("gemma2", "model.layers.3.post_attention_layernorm", "attn_out.3"),
    ] {
        let site = Site::parse(name, open(family).config()).unwrap();
        assert_eq!(site.to_string(), expected);
        assert_eq!(Site::parse(expected, open(family).config()).unwrap(), site);
    }
    for (family, name, said) in [
        ("llama2", "resid_post.3", "the model has 3 layers"),
        ("llama2", "resid_post", "names no site"),
        ("llama2", "blocks.x.hook_resid_post", "names no site"),
        ("llama2", "model.layers.1.post_attention_layernorm", "names no site"),
        ("llama2", "head.0.4", "4 query heads"),
        ("llama2", "blocks.1.hook_mlp_in", "resid_mid of the layer has its numbers"),
        ("llama2", "blocks.1.ln1.hook_normalized", "cannot be tapped"),
        ("llama2", "blocks.1.attn.hook_q", "inside attention"),
        ("llama2", "blocks.1.attn.hook_q.x", "names no site"),
        ("gpt2", "hook_embed", "positions are added"),
        ("gemma2", "model.layers.0.mlp", "normalised before it is added"),
        ("gemma2", "model.embed_tokens", "changed before the first layer"),
        ("gpt-neox", "resid_mid.0", "nothing between them"),
    ] {
        let error = Site::parse(name, open(family).config()).unwrap_err();
        assert!(error.is_invalid_request() && error.to_string().contains(said), "{family} {name}: {error}");
    }
}
