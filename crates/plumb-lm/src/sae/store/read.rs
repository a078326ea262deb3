//! Reading a store, by rows in any order. Shards are mapped, so memory is the system's own affair.

use std::path::{Path, PathBuf};

use half::bf16;
use safetensors::SafeTensors;

use super::{Fault, Manifest, Precision, Use, shard_name};
use crate::Error;
use crate::capture::Class;
use crate::gguf::Mapped;
use crate::hook::Site;
use crate::tokenizer::TokenId;

/// Which rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Those of documents to train on, if they may be used.
    Seen,
    /// Those of documents set aside, if they may be used.
    Unseen,
    /// All, of every use.
    All,
}

/// Where a row stands in its corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Token id.
    pub token: TokenId,
    /// The document's number.
    pub document: usize,
    /// The token's place in it.
    pub position: usize,
    /// What the token is a part of.
    pub class: Class,
}

struct Shard {
    /// Number and all tokens of each document.
    documents: Vec<(usize, Vec<TokenId>)>,
    map: Mapped,
    /// Where the site's rows begin.
    rows: usize,
    places: Vec<(Place, u8, bool)>,
}

/// Rows of one site of a store.
pub struct Rows {
    manifest: Manifest,
    width: usize,
    shards: Vec<Shard>,
    /// Shard and row of each wanted row.
    wanted: Vec<(u32, u32)>,
}

impl Rows {
    /// Opens the rows of `site` in the store at `folder`, as far as it is filled.
    ///
    /// # Errors
    /// [`Error::is_io`] if there is no store; [`Error::is_corrupt`] if it is damaged or has no such site.
    pub fn open(folder: &Path, site: Site, wanted: Wanted) -> Result<Self, Error> {
        let path = folder.join("store.json");
        let text = std::fs::read(&path).map_err(|source| Fault::Io { path: path.clone(), source })?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| unsound(&path, error.to_string()))?;
        let name = site.to_string();
        let Some(at) = manifest.sites.iter().position(|known| *known == name) else {
            return Err(unsound(&path, format!("it holds {}, not {name}", manifest.sites.join(", "))).into());
        };
        let width = manifest.widths[at];
        let mut rows = Self { width, shards: Vec::new(), wanted: Vec::new(), manifest };
        for index in 0..rows.manifest.shards.len() {
            let shard = shard(&rows.manifest, folder.join(shard_name(index)), &name, width)?;
            for (row, (_, used, unseen)) in shard.places.iter().enumerate() {
                let take = match wanted {
                    Wanted::All => true,
                    Wanted::Seen => *used == Use::Kept as u8 && !unseen,
                    Wanted::Unseen => *used == Use::Kept as u8 && *unseen,
                };
                if take {
                    rows.wanted.push((index as u32, row as u32));
                }
            }
            rows.shards.push(shard);
        }
        Ok(rows)
    }

    /// What the store says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Number of wanted rows.
    pub fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Length of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Where a wanted row stands.
    pub fn place(&self, index: usize) -> Place {
        let (shard, row) = self.wanted[index];
        self.shards[shard as usize].places[row as usize].0
    }

    /// Whether its token took part in nothing: what it is there for.
    pub fn is_kept(&self, index: usize) -> bool {
        let (shard, row) = self.wanted[index];
        self.shards[shard as usize].places[row as usize].1 == Use::Kept as u8
    }

    /// Numbers and all tokens of the documents that have a wanted row, in order; tokens whose rows are those of an earlier
    /// document are in them.
    pub fn documents(&self) -> Vec<(usize, &[TokenId])> {
        let wanted: std::collections::HashSet<usize> =
            (0..self.len()).map(|index| self.place(index).document).collect();
        let all = self.shards.iter().flat_map(|shard| &shard.documents);
        all.filter(|(number, _)| wanted.contains(number))
            .map(|(number, tokens)| (*number, tokens.as_slice()))
            .collect()
    }

    /// Writes a wanted row to `out`, which is `width` long.
    pub fn read(&self, index: usize, out: &mut [f32]) {
        let (shard, row) = self.wanted[index];
        let shard = &self.shards[shard as usize];
        match self.manifest.precision {
            Precision::F32 => {
                let bytes = &shard.map[shard.rows + row as usize * self.width * 4..][..self.width * 4];
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *out = f32::from_le_bytes(*bytes);
                }
            }
            Precision::Bf16 => {
                let bytes = &shard.map[shard.rows + row as usize * self.width * 2..][..self.width * 2];
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *out = bf16::from_le_bytes(*bytes).to_f32();
                }
            }
        }
    }

    /// The rows of these numbers, one after another.
    pub fn gather(&self, indices: &[usize]) -> Vec<f32> {
        let mut rows = vec![0.0; indices.len() * self.width];
        for (index, out) in indices.iter().zip(rows.chunks_exact_mut(self.width)) {
            self.read(*index, out);
        }
        rows
    }
}

fn unsound(path: &Path, reason: impl Into<String>) -> Fault {
    Fault::Unsound { path: path.to_owned(), reason: reason.into() }
}

fn shard(manifest: &Manifest, path: PathBuf, name: &str, width: usize) -> Result<Shard, Error> {
    let map = Mapped::open(&path).map_err(|error| error.at(&path))?;
    let (rows, places, documents) = {
        let bad = |error: safetensors::SafeTensorError| unsound(&path, error.to_string());
        let file = SafeTensors::deserialize(&map).map_err(bad)?;
        let get = |name: &str| file.tensor(name).map_err(bad);
        let table = get(name)?;
        let count = table.shape().first().copied().unwrap_or(0);
        if table.shape() != [count, width] {
            return Err(unsound(
                &path,
                format!("{name} has shape {:?}, expected {width} columns", table.shape()),
            )
            .into());
        }
        let numbers = |name: &str| -> Result<Vec<i32>, Fault> {
            Ok(get(name)?.data().as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
        };
        let (tokens, documents, positions) = (numbers("tokens")?, numbers("document")?, numbers("position")?);
        let (classes, uses, unseen) = (get("class")?, get("use")?, get("unseen")?);
        let bytes = if manifest.precision == Precision::F32 { 4 } else { 2 };
        if table.data().len() != count * width * bytes
            || [&classes, &uses, &unseen].iter().any(|t| t.data().len() != count)
            || tokens.len() != count
            || documents.len() != count
            || positions.len() != count
        {
            return Err(unsound(&path, "its tables are of unequal length").into());
        }
        let places = (0..count)
            .map(|row| {
                let class = Class::ALL.get(usize::from(classes.data()[row])).copied().unwrap_or(Class::Text);
                let place = Place {
                    token: tokens[row] as TokenId,
                    document: documents[row] as usize,
                    position: positions[row] as usize,
                    class,
                };
                (place, uses.data()[row], unseen.data()[row] == 1)
            })
            .collect();
        let (whole, ends) = (numbers("whole")?, numbers("whole_end")?);
        let mut start = 0;
        let mut documents = Vec::new();
        for (number, end) in numbers("whole_document")?.into_iter().zip(ends) {
            let tokens = whole.get(start..end as usize).ok_or_else(|| unsound(&path, "a document is cut"))?;
            documents.push((number as usize, tokens.iter().map(|token| *token as TokenId).collect()));
            start = end as usize;
        }
        (table.data().as_ptr() as usize - map.as_ptr() as usize, places, documents)
    };
    Ok(Shard { documents, map, rows, places })
}
