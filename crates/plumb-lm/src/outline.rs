//! What a model is, without loading its weights: for people who choose one, and for plans.

use std::path::Path;

use crate::Error;
use crate::arch::Config;
use crate::cache::Cache;
use crate::folder::Folder;
use crate::gguf::{Gguf, Mapped, Tensor};

/// Shape, size and abilities of a model, read from the headers of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// The name that the files give it.
    pub name: Option<String>,
    /// The licence that the files name, as they name it.
    pub licence: Option<String>,
    /// Its shape.
    pub config: Config,
    /// Numbers that were learned; a tied output head counts once.
    pub parameters: u64,
    /// How the numbers are stored, with the number of tensors of each kind, most first.
    pub stored: Vec<(String, usize)>,
    /// Whether it has a chat template.
    pub can_chat: bool,
    embedding_bytes: u64,
}

impl Outline {
    /// Reads the headers of a GGUF file or of a Hugging Face folder.
    ///
    /// # Errors
    /// As [`Model::open`](crate::Model::open), as far as headers show it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            let folder = Folder::open(path)?;
            let config = Config::from_json(&folder.config).map_err(|fault| Error::from(fault).at(path))?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            return Ok(Self::new(name, None, config, &folder.tensors(), folder.template().is_some()));
        }
        let mapped = Mapped::open(path)?;
        Self::of_gguf(&mapped).map_err(|error| error.at(path))
    }

    fn of_gguf(bytes: &[u8]) -> Result<Self, Error> {
        let gguf = Gguf::parse(bytes)?;
        let text = |key| gguf.string(key).map(|text| text.map(str::to_owned));
        let config = Config::from_gguf(&gguf)?;
        let chat = gguf.string("tokenizer.chat_template")?.is_some();
        Ok(Self::new(text("general.name")?, text("general.license")?, config, gguf.tensors(), chat))
    }

    fn new(
        name: Option<String>,
        licence: Option<String>,
        config: Config,
        tensors: &[Tensor<'_>],
        can_chat: bool,
    ) -> Self {
        let mut stored: Vec<(String, usize)> = Vec::new();
        for tensor in tensors {
            let kind = format!("{:?}", tensor.kind);
            match stored.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => stored.push((kind, 1)),
            }
        }
        stored.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let parameters = tensors.iter().map(|tensor| tensor.shape.iter().product::<u64>()).sum();
        let embedding = tensors.iter().filter(|tensor| tensor.shape.get(1) == Some(&(config.vocab as u64)));
        let embedding_bytes = embedding.map(|tensor| tensor.data.len() as u64).next().unwrap_or(0);
        Self { name, licence, config, parameters, stored, can_chat, embedding_bytes }
    }

    /// About how much memory the weights take once they are loaded: four bytes a number, and the embedding as it is
    /// stored beside the output head.
    pub fn weight_bytes(&self) -> u64 {
        let looked_up = (self.config.vocab * self.config.width) as u64;
        let decoded =
            if self.config.tied { self.parameters } else { self.parameters.saturating_sub(looked_up) };
        4 * decoded + self.embedding_bytes
    }

    /// Memory that each token of a sequence takes while it is computed.
    pub fn cache_bytes_per_token(&self) -> u64 {
        Cache::new(&self.config, false, &Default::default()).bytes_per_token() as u64
    }
}
