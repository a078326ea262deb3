//! What a model is, without loading its weights: for people who choose one, and for plans.

use std::path::Path;

use crate::Error;
use crate::arch::{Architecture, Config};
use crate::cache::Cache;
use crate::folder::Folder;
use crate::gguf::{Gguf, Mapped, Tensor, TensorType};
use crate::quant;
use crate::weights::Layout;

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
    weight_bytes: u64,
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
        let weight_bytes = weight_bytes(tensors, &config);
        Self { name, licence, config, parameters, stored, can_chat, weight_bytes }
    }

    /// About how much memory the weights take once they are loaded: as small as the file has them, and the embedding as it is
    /// stored beside the output head. A matrix whose parts come in different forms takes more.
    pub fn weight_bytes(&self) -> u64 {
        self.weight_bytes
    }

    /// Memory that each token of a sequence takes while it is computed.
    pub fn cache_bytes_per_token(&self) -> u64 {
        Cache::new(&self.config, false, &Default::default()).bytes_per_token() as u64
    }
}

/// Of the processor's backend.
fn weight_bytes(tensors: &[Tensor<'_>], config: &Config) -> u64 {
    let kept = |tensor: &Tensor<'_>| {
        let count = tensor.shape.iter().product::<u64>();
        match tensor.kind {
            // Turned, and so decoded.
            _ if config.architecture == Architecture::Gpt2 => 4 * count,
            TensorType::F32 => 4 * count,
            TensorType::F16 | TensorType::BF16 => 2 * count,
            kind => {
                let scales = count / quant::run(kind).unwrap_or(1) as u64;
                count + 4 * scales * (1 + u64::from(quant::has_minima(kind)))
            }
        }
    };
    let looked_up =
        |tensor: &Tensor<'_>| Layout::LOOKED_UP.contains(&tensor.name.rsplit('.').nth(1).unwrap_or_default());
    let bytes = |tensor: &Tensor<'_>| match looked_up(tensor) {
        false => kept(tensor),
        true => {
            let head = config.tied && tensor.shape.get(1) == Some(&(config.vocab as u64));
            tensor.data.len() as u64 + if head { kept(tensor) } else { 0 }
        }
    };
    tensors.iter().map(bytes).sum()
}
