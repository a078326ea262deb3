//! Filling a store.

use std::path::Path;

use half::bf16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::super::file::write_whole;
use super::super::norm;
use super::sequence::{Held, Seen};
use super::{FORMAT, Fault, Manifest, Precision, Use, shard_name, sink_norm};
use crate::Error;
use crate::cache::Cache;
use crate::capture::Labelled;
use crate::forward::{Input, Want};
use crate::hook::{Edits, Site, Taps};
use crate::model::Model;

/// New tokens that are computed together, if documents are short.
const TOGETHER: usize = 256;

/// A document: what is captured, and whether it is set aside for measuring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Tokens and their classes.
    pub labelled: Labelled,
    /// Whether nothing may be trained on it.
    pub unseen: bool,
}

/// What a store is to hold.
#[derive(Debug)]
pub struct Fill<'a> {
    /// The model; see [`Model::shortened`].
    pub model: &'a Model,
    /// Its name.
    pub name: &'a str,
    /// Digest of its file.
    pub digest: &'a str,
    /// Which activations.
    pub sites: &'a [Site],
    /// How they are stored.
    pub precision: Precision,
    /// Rows of a shard: what is lost if the process ends.
    pub shard: usize,
    /// Stop after so many rows; documents after that are not looked at.
    pub rows: usize,
    /// Digest of the documents and whatever else decided which they are.
    pub recipe: &'a str,
}

/// Fills the store in `folder` with `documents`, or goes on where it was stopped. `told` hears the rows there are; where it
/// returns false, the filling ends after the last whole shard.
///
/// # Errors
/// [`Error::is_io`]; [`Error::is_corrupt`] if the folder holds a store of something else; as [`Model::forward`].
pub fn fill(
    what: &Fill<'_>,
    documents: impl Iterator<Item = Result<Document, Error>>,
    folder: &Path,
    told: &mut dyn FnMut(usize) -> bool,
) -> Result<Manifest, Error> {
    std::fs::create_dir_all(folder).map_err(|source| Fault::Io { path: folder.to_owned(), source })?;
    let manifest = begun(what, folder)?;
    if manifest.complete {
        return Ok(manifest);
    }
    let done = manifest.documents;
    let mut filling = Filling {
        what,
        folder,
        manifest,
        seen: Seen::default(),
        held: Held::default(),
        waiting: Vec::new(),
        shard: Shard::default(),
        taken: 0,
    };
    for document in documents {
        let document = document?;
        if filling.manifest.rows() + filling.shard.len() + filling.pending() >= what.rows {
            break;
        }
        filling.taken += 1;
        let first = filling.seen.first_new(&document.labelled.tokens);
        if filling.taken <= done || first == document.labelled.tokens.len() {
            continue;
        }
        filling.waiting.push((document, first, filling.taken));
        if filling.pending() >= TOGETHER {
            filling.compute()?;
            if filling.shard.len() >= what.shard {
                filling.flush()?;
                if !told(filling.manifest.rows()) {
                    return Ok(filling.manifest);
                }
            }
        }
    }
    filling.compute()?;
    filling.flush()?;
    filling.manifest.complete = true;
    filling.save()?;
    told(filling.manifest.rows());
    Ok(filling.manifest)
}

/// The store that is there, if it is of the same, or a new one.
fn begun(what: &Fill<'_>, folder: &Path) -> Result<Manifest, Error> {
    let fresh = Manifest {
        format: FORMAT.to_owned(),
        model: what.name.to_owned(),
        model_digest: what.digest.to_owned(),
        sites: what.sites.iter().map(ToString::to_string).collect(),
        widths: what.sites.iter().map(|site| site.width(what.model.config())).collect(),
        precision: what.precision,
        recipe: what.recipe.to_owned(),
        documents: 0,
        shards: Vec::new(),
        complete: false,
    };
    let path = folder.join("store.json");
    let Ok(text) = std::fs::read(&path) else { return Ok(fresh) };
    let found: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Fault::Unsound { path: path.clone(), reason: error.to_string() })?;
    let bare = Manifest { documents: 0, shards: Vec::new(), complete: false, ..found.clone() };
    match bare == fresh {
        true => Ok(found),
        false => {
            let reason = "the activations there are of something else (model, sites, documents or settings); remove the \
                          folder, or name another";
            Err(Fault::Unsound { path, reason: reason.to_owned() }.into())
        }
    }
}

#[derive(Default)]
struct Shard {
    /// A table for each site.
    rows: Vec<Vec<f32>>,
    tokens: Vec<i32>,
    documents: Vec<i32>,
    positions: Vec<i32>,
    classes: Vec<u8>,
    uses: Vec<u8>,
    unseen: Vec<u8>,
    /// All tokens of each document, those with a known prefix included, one document after another; where each ends; its
    /// number.
    whole: Vec<i32>,
    whole_ends: Vec<i32>,
    whole_documents: Vec<i32>,
}

impl Shard {
    fn len(&self) -> usize {
        self.tokens.len()
    }
}

struct Filling<'a> {
    what: &'a Fill<'a>,
    folder: &'a Path,
    manifest: Manifest,
    seen: Seen,
    held: Held,
    /// Documents not yet computed, the first position of each that is new, and their numbers from 1.
    waiting: Vec<(Document, usize, usize)>,
    shard: Shard,
    taken: usize,
}

impl Filling<'_> {
    fn pending(&self) -> usize {
        self.waiting.iter().map(|(document, first, _)| document.labelled.tokens.len() - first).sum()
    }

    /// Computes what waits, and puts its new rows into the shard.
    fn compute(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let (model, sites) = (self.what.model, self.what.sites);
        let mut caches: Vec<Cache> = Vec::with_capacity(waiting.len());
        for (document, _, _) in &waiting {
            let tokens = &document.labelled.tokens;
            caches.push(self.held.resume(tokens).unwrap_or_else(|| model.cache_for(tokens.len())));
        }
        let starts: Vec<usize> = caches.iter().map(Cache::len).collect();
        let mut tables: Vec<Vec<Vec<f32>>> = vec![vec![Vec::new(); sites.len()]; waiting.len()];
        let mut sink = |site: Site, input: usize, position: usize, row: &[f32]| {
            if let (true, Some(at)) =
                (position >= waiting[input].1, sites.iter().position(|other| *other == site))
            {
                tables[input][at].extend_from_slice(row);
            }
        };
        let ends = sites.iter().any(|site| matches!(site, Site::FinalNorm | Site::Logits));
        let want = if ends { Want::From(0) } else { Want::Nothing };
        let edits = Edits::NONE;
        let mut inputs: Vec<Input<'_>> = caches
            .iter_mut()
            .zip(&waiting)
            .zip(&starts)
            .map(|((cache, (document, _, _)), start)| Input {
                cache,
                tokens: &document.labelled.tokens[*start..],
                want,
                edits: &edits,
            })
            .collect();
        model.forward(&mut inputs, &mut Taps::new(sites, &mut sink))?;
        drop(inputs);
        for (((document, first, number), cache), tables) in waiting.into_iter().zip(caches).zip(tables) {
            self.add(&document, first, number, tables);
            self.held.keep(document.labelled.tokens, cache);
        }
        Ok(())
    }

    fn add(&mut self, document: &Document, first: usize, number: usize, tables: Vec<Vec<f32>>) {
        let shard = &mut self.shard;
        shard.rows.resize(tables.len(), Vec::new());
        for (all, new) in shard.rows.iter_mut().zip(tables) {
            all.extend(new);
        }
        shard.whole.extend(document.labelled.tokens.iter().map(|token| *token as i32));
        shard.whole_ends.push(shard.whole.len() as i32);
        shard.whole_documents.push(number as i32 - 1);
        let begin = self.what.model.tokenizer().begin_if_added();
        for position in first..document.labelled.tokens.len() {
            let token = document.labelled.tokens[position];
            shard.tokens.push(token as i32);
            shard.documents.push(number as i32 - 1);
            shard.positions.push(position as i32);
            shard.classes.push(document.labelled.classes[position] as u8);
            shard.unseen.push(u8::from(document.unseen));
            let used = match position {
                0 => Use::First,
                _ if begin == Some(token) => Use::Begin,
                _ => Use::Kept,
            };
            shard.uses.push(used as u8);
        }
    }

    /// Writes the shard and the manifest that counts it, in this order.
    fn flush(&mut self) -> Result<(), Error> {
        let mut shard = std::mem::take(&mut self.shard);
        self.manifest.documents = self.taken;
        if shard.len() == 0 {
            return self.save();
        }
        mark_sinks(&mut shard, &self.manifest.widths);
        let path = self.folder.join(shard_name(self.manifest.shards.len()));
        let bytes = self
            .bytes(&shard)
            .map_err(|error| Fault::Unsound { path: path.clone(), reason: error.to_string() })?;
        write_whole(path, &bytes)?;
        self.manifest.shards.push(shard.len());
        self.save()
    }

    fn bytes(&self, shard: &Shard) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let rows = shard.len();
        let (kind, encode): (Dtype, fn(&f32) -> Vec<u8>) = match self.manifest.precision {
            Precision::Bf16 => (Dtype::BF16, |x| bf16::from_f32(*x).to_le_bytes().to_vec()),
            Precision::F32 => (Dtype::F32, |x| x.to_le_bytes().to_vec()),
        };
        let tables: Vec<Vec<u8>> =
            shard.rows.iter().map(|rows| rows.iter().flat_map(encode).collect()).collect();
        let integers = [
            ("tokens", &shard.tokens),
            ("document", &shard.documents),
            ("position", &shard.positions),
            ("whole", &shard.whole),
            ("whole_end", &shard.whole_ends),
            ("whole_document", &shard.whole_documents),
        ];
        let numbers = integers.map(|(name, values)| {
            (name, values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        });
        let mut views = Vec::new();
        for ((name, width), bytes) in self.manifest.sites.iter().zip(&self.manifest.widths).zip(&tables) {
            views.push((name.as_str(), TensorView::new(kind, vec![rows, *width], bytes)?));
        }
        for (name, count, bytes) in &numbers {
            views.push((*name, TensorView::new(Dtype::I32, vec![*count], bytes)?));
        }
        for (name, bytes) in [("class", &shard.classes), ("use", &shard.uses), ("unseen", &shard.unseen)] {
            views.push((name, TensorView::new(Dtype::U8, vec![rows], bytes)?));
        }
        safetensors::serialize(views, None)
    }

    fn save(&self) -> Result<(), Error> {
        let path = self.folder.join("store.json");
        let text = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| Fault::Unsound { path: path.clone(), reason: error.to_string() })?;
        write_whole(path, &text)
    }
}

/// Marks rows that are much longer than the others at any of the sites: how a token may be used is said once for all.
fn mark_sinks(shard: &mut Shard, widths: &[usize]) {
    for (rows, width) in shard.rows.iter().zip(widths) {
        let least = sink_norm(rows, *width);
        for (used, row) in shard.uses.iter_mut().zip(rows.chunks_exact(*width)) {
            if *used == Use::Kept as u8 && norm(row) >= least {
                *used = Use::Sink as u8;
            }
        }
    }
}
