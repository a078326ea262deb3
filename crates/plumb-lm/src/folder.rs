//! A model as a Hugging Face folder: `config.json`, weights in one or several safetensors files, `tokenizer.json`, and
//! perhaps `tokenizer_config.json`, `generation_config.json` and `chat_template.jinja`.
//!
//! Files are mapped, and everything is checked as in a GGUF file. Start with [`Folder::open`]. Not here: what settings
//! mean (`arch`, `tokenizer`).

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value};

use crate::Error;
use crate::gguf::{Mapped, Tensor, TensorType};
use crate::tokenizer::token_text;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{} is missing", .0.display())]
    Missing(PathBuf),
    #[error("{}: {reason}", path.display())]
    Json { path: PathBuf, reason: String },
    #[error("{}: not a sound safetensors file: {reason}", path.display())]
    Safetensors { path: PathBuf, reason: String },
    #[error("{}: tensor {name:?} has type {found}, which is not supported (F32, F16 and BF16 are)", path.display())]
    Type { path: PathBuf, name: String, found: String },
    #[error("{}: tensor {name:?} has {found} dimensions (expected 1 or 2) or is empty", path.display())]
    Shape { path: PathBuf, name: String, found: usize },
    #[error("{}: tensor {name:?} is also in another file of the model", path.display())]
    Twice { path: PathBuf, name: String },
}

impl Fault {
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self, Self::Type { .. })
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

type Object = Map<String, Value>;

/// The opened files of a folder.
pub(crate) struct Folder {
    pub config: Object,
    pub generation: Option<Object>,
    pub tokenizer_config: Option<Object>,
    /// The text of `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    template: Option<String>,
    shards: Vec<Mapped>,
    entries: Vec<Entry>,
}

/// Where a tensor lies.
struct Entry {
    name: String,
    shape: Vec<u64>,
    kind: TensorType,
    shard: usize,
    bytes: Range<usize>,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let config = object(&path.join("config.json"))?.ok_or(Fault::Missing(path.join("config.json")))?;
        let tokenizer = path.join("tokenizer.json");
        let text = std::fs::read(&tokenizer).map_err(|_| Fault::Missing(tokenizer))?;
        let mut folder = Self {
            config,
            generation: object(&path.join("generation_config.json"))?,
            tokenizer_config: object(&path.join("tokenizer_config.json"))?,
            tokenizer: text,
            template: std::fs::read_to_string(path.join("chat_template.jinja")).ok(),
            shards: Vec::new(),
            entries: Vec::new(),
        };
        for file in weight_files(path)? {
            folder.add_shard(&file)?;
        }
        Ok(folder)
    }

    /// As [`Mapped::release`].
    pub(crate) fn release(&self) {
        self.shards.iter().for_each(Mapped::release);
    }

    fn add_shard(&mut self, path: &Path) -> Result<(), Error> {
        let mapped = Mapped::open(path)?;
        let unsound = |reason: String| Fault::Safetensors { path: path.to_owned(), reason };
        let tensors = SafeTensors::deserialize(&mapped).map_err(|error| unsound(error.to_string()))?;
        let start = mapped.as_ptr() as usize;
        for (name, view) in tensors.iter() {
            let kind = match view.dtype() {
                Dtype::F32 => TensorType::F32,
                Dtype::F16 => TensorType::F16,
                Dtype::BF16 => TensorType::BF16,
                // Masks and counters of old checkpoints; the weights know which names those are.
                Dtype::BOOL | Dtype::U8 | Dtype::I64 if is_buffer(name) => continue,
                other => {
                    let found = format!("{other:?}");
                    return Err(Fault::Type { path: path.to_owned(), name: name.to_owned(), found }.into());
                }
            };
            if is_buffer(name) {
                continue;
            }
            let shape: Vec<u64> = view.shape().iter().rev().map(|&size| size as u64).collect();
            if !(1..=2).contains(&shape.len()) || shape.contains(&0) {
                return Err(Fault::Shape {
                    path: path.to_owned(),
                    name: name.to_owned(),
                    found: shape.len(),
                }
                .into());
            }
            if self.entries.iter().any(|entry| entry.name == name) {
                return Err(Fault::Twice { path: path.to_owned(), name: name.to_owned() }.into());
            }
            let first = view.data().as_ptr() as usize - start;
            let bytes = first..first + view.data().len();
            self.entries.push(Entry { name: name.to_owned(), shape, kind, shard: self.shards.len(), bytes });
        }
        self.shards.push(mapped);
        Ok(())
    }

    /// All tensors, fastest dimension first.
    pub(crate) fn tensors(&self) -> Vec<Tensor<'_>> {
        let mut tensors = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            tensors.push(Tensor {
                name: &entry.name,
                shape: entry.shape.clone(),
                kind: entry.kind,
                data: &self.shards[entry.shard][entry.bytes.clone()],
                offset: entry.bytes.start,
            });
        }
        tensors
    }

    /// Texts of the special tokens that `tokenizer_config.json` names, for the template.
    pub(crate) fn special_texts(&self) -> Vec<(String, String)> {
        let names =
            ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"];
        let text = |name: &str| {
            Some((name.to_owned(), token_text(self.tokenizer_config.as_ref()?, name)?.to_owned()))
        };
        names.into_iter().filter_map(text).collect()
    }

    /// The chat template: a file of its own, or the default one of `tokenizer_config.json`.
    pub(crate) fn template(&self) -> Option<&str> {
        if let Some(text) = &self.template {
            return Some(text);
        }
        match self.tokenizer_config.as_ref()?.get("chat_template")? {
            Value::String(text) => Some(text),
            Value::Array(named) => {
                named.iter().find(|one| one["name"] == "default").and_then(|one| one["template"].as_str())
            }
            _ => None,
        }
    }
}

/// Masks that old checkpoints of GPT-2 and GPT-NeoX hold; nothing in them is learned.
fn is_buffer(name: &str) -> bool {
    [".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn object(path: &Path) -> Result<Option<Object>, Fault> {
    let Ok(bytes) = std::fs::read(path) else { return Ok(None) };
    let bad = |reason: String| Fault::Json { path: path.to_owned(), reason };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| bad(error.to_string()))
}

/// The one file, or those that the index names.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let index = folder.join("model.safetensors.index.json");
    let Some(map) = object(&index)? else {
        let one = folder.join("model.safetensors");
        return if one.is_file() { Ok(vec![one]) } else { Err(Fault::Missing(one)) };
    };
    let bad = |reason: &str| Fault::Json { path: index.clone(), reason: reason.to_owned() };
    let map = map.get("weight_map").and_then(Value::as_object).ok_or_else(|| bad("weight_map is missing"))?;
    let mut files = BTreeSet::new();
    for file in map.values() {
        let name = file.as_str().ok_or_else(|| bad("weight_map names a file that is no text"))?;
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(bad("weight_map names a file outside the folder"));
        }
        files.insert(folder.join(name));
    }
    match files.iter().find(|file| !file.is_file()) {
        Some(missing) => Err(Fault::Missing(missing.clone())),
        None => Ok(files.into_iter().collect()),
    }
}
