//! Every family against `transformers` on tiny random checkpoints (`oracles/transformers/tiny.py`): all sites, with and
//! without cache, alone and in a batch of unequal lengths, from a folder and from a GGUF file of the same weights.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use plumb_lm::{Edits, Input, Model, Site, Taps, TokenId, Want};
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

type Rows = HashMap<(Site, usize, usize), Vec<f32>>;

/// Runs prompts together, each cut into pieces of `piece` tokens, and collects all sites.
fn collect(model: &Model, prompts: &[Vec<TokenId>], piece: usize) -> Rows {
    let sites: Vec<Site> = sites(model).into_iter().map(|(site, _)| site).collect();
    let mut caches: Vec<_> = prompts.iter().map(|prompt| model.cache_for(prompt.len())).collect();
    let mut rows = Rows::new();
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

fn worst(model: &Model, reference: &Reference, prompts: usize, rows: &Rows) -> (f32, String) {
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
    for name in FAMILIES {
        let model = Model::open(&folder(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let reference = Reference::read(name);
        let prompts = [reference.prompt(0), reference.prompt(1)];
        let whole = collect(&model, &prompts, usize::MAX);
        let (difference, place) = worst(&model, &reference, 2, &whole);
        println!("{name}: {difference:e} ({place})");
        if difference.is_nan() || difference > CLOSE {
            failures.push(format!("{name}: {difference} at {place}"));
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
    for name in FAMILIES {
        let model = Model::open(&folder(name)).unwrap();
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
