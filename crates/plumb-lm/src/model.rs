//! A loaded model: immutable, shared by as many threads as like.

use std::path::Path;

use crate::Error;
use crate::arch::Config;
use crate::backend::{Device, Placed};
use crate::cache::{Cache, Memory};
use crate::capture::{Class, Labelled};
use crate::chat::{self, Date, Message, Template};
use crate::folder::Folder;
use crate::gguf::{Gguf, Mapped};
use crate::tokenizer::{Extras, Special, TokenId, Tokenizer};
use crate::weights::Layout;

/// Weights, tokenizer and chat template of one model.
///
/// Nothing in it changes after loading; what a sequence has seen is in its [`Cache`].
#[derive(Debug)]
pub struct Model {
    name: Option<String>,
    licence: Option<String>,
    config: Config,
    weights: Placed,
    tokenizer: Tokenizer,
    template: Option<Template>,
}

impl Model {
    /// Loads a GGUF file, or a Hugging Face folder: `config.json`, safetensors in one or several files,
    /// `tokenizer.json`, and what of `tokenizer_config.json`, `generation_config.json` and `chat_template.jinja` is
    /// there. Weights are laid out by the threads of the current rayon pool, as small as the file has
    /// them; of the file no more than a layer or the embedding is in memory at a time, and it is not needed afterwards.
    ///
    /// # Errors
    /// [`Error::is_io`], [`Error::is_corrupt`] or [`Error::is_unsupported`]; the message names the file, and the
    /// offset, key or tensor.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_on(path, Device::default())
    }

    /// [`Model::open`] with another device computing its passes.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn open_on(path: &Path, device: Device) -> Result<Self, Error> {
        if path.is_dir() {
            return Self::from_folder(path, device);
        }
        let mapped = Mapped::open(path)?;
        Self::from_gguf(&mapped, device, &|| mapped.release()).map_err(|error| error.at(path))
    }

    /// Loads a GGUF file that is in memory.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_gguf(bytes, Device::default(), &|| ())
    }

    fn from_gguf(bytes: &[u8], device: Device, release: &(dyn Fn() + Sync)) -> Result<Self, Error> {
        let gguf = Gguf::parse(bytes)?;
        let config = Config::from_gguf(&gguf)?;
        let load = || Placed::load(device, gguf.tensors().iter(), Layout::Gguf, &config, release);
        let (tokenizer, weights) = rayon::join(|| Tokenizer::from_gguf(&gguf), load);
        let (tokenizer, weights) = (tokenizer?, weights?);
        let template = match gguf.string("tokenizer.chat_template")? {
            Some(source) => Some(Template::new(source, tokenizer.special_texts())?),
            None => None,
        };
        let text = |key| gguf.string(key).map(|text| text.map(str::to_owned));
        let (name, licence) = (text("general.name")?, text("general.license")?);
        Ok(Self { name, licence, config, weights, tokenizer, template })
    }

    fn from_folder(path: &Path, device: Device) -> Result<Self, Error> {
        let folder = Folder::open(path)?;
        let config = Config::from_json(&folder.config).map_err(|fault| Error::from(fault).at(path))?;
        let tensors = folder.tensors();
        let extras = Extras {
            tokenizer_config: folder.tokenizer_config.as_ref(),
            ends: folder.generation.iter().chain([&folder.config]).collect(),
        };
        let read = || Tokenizer::from_json(&folder.tokenizer, &extras);
        let load =
            || Placed::load(device, tensors.iter(), Layout::HuggingFace, &config, &|| folder.release());
        let (tokenizer, weights) = rayon::join(read, load);
        let at = |error: Error| error.at(path);
        let (tokenizer, weights) = (tokenizer.map_err(|fault| at(fault.into()))?, weights.map_err(at)?);
        if tokenizer.len() > config.vocab {
            let fault = crate::arch::Fault::too_many_tokens(config.vocab, tokenizer.len());
            return Err(at(fault.into()));
        }
        let template = match folder.template() {
            Some(source) => {
                let mut texts = tokenizer.special_texts();
                texts.extend(folder.special_texts());
                Some(Template::new(source, texts).map_err(|fault| at(fault.into()))?)
            }
            None => None,
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Self { name, licence: None, config, weights, tokenizer, template })
    }

    /// Its first `layers` layers alone, or all if it has no more. Activations within them are the whole model's; logits
    /// mean nothing. To capture a middle layer this saves the time of all that follow.
    #[must_use]
    pub fn shortened(mut self, layers: usize) -> Self {
        let layers = layers.clamp(1, self.config.layers);
        self.config.layers = layers;
        self.config.kinds.truncate(layers);
        self.weights.shorten(layers);
        self
    }

    /// The name that the file gives itself.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The licence that the file names, as it names it.
    pub fn licence(&self) -> Option<&str> {
        self.licence.as_deref()
    }

    /// Its shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its vocabulary.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Whether it can be asked in chats.
    pub fn can_chat(&self) -> bool {
        self.template.is_some()
    }

    /// Memory of the weights in bytes.
    pub fn weight_bytes(&self) -> usize {
        self.weights.bytes()
    }

    /// An empty cache for a new sequence. Of a model with long rotary factors, one for a sequence that stays short enough
    /// not to use them: see [`Model::cache_for`].
    pub fn cache(&self) -> Cache {
        self.cache_in(&Memory::default(), 0)
    }

    /// An empty cache for a sequence of so many tokens. Models such as Phi-3 turn all keys of a sequence by other
    /// factors once it is longer than [`Config::short_context`], so this must be known before the first.
    pub fn cache_for(&self, tokens: usize) -> Cache {
        self.cache_in(&Memory::default(), tokens)
    }

    /// [`Model::cache_for`] in a memory, which says how keys and values are stored and counts their bytes.
    pub fn cache_in(&self, memory: &Memory, tokens: usize) -> Cache {
        let long = self.config.short_context().is_some_and(|short| tokens > short);
        Cache::new(&self.config, long, memory)
    }

    /// A chat as the model's template writes it, its default system message included, up to where the model is to
    /// speak. For people to read: [`Model::encode_chat`] is what a model should be given.
    ///
    /// # Errors
    /// [`Error::is_unsupported`] without a template; [`Error::is_invalid_request`] if there are no messages or the
    /// template rejects them.
    pub fn render_chat(&self, messages: &[Message], date: Option<Date>) -> Result<String, Error> {
        chat::render(self.template()?, messages, date)
    }

    /// Token ids of a chat up to where the model is to speak. Control tokens come from the template alone; their text
    /// in a message stays text. `date` is for templates that name today's.
    ///
    /// # Errors
    /// As [`Model::render_chat`].
    pub fn encode_chat(&self, messages: &[Message], date: Option<Date>) -> Result<Vec<TokenId>, Error> {
        self.encode_chat_with(messages, "", date)
    }

    /// [`Model::encode_chat`] and the beginning of what the model says.
    pub(crate) fn encode_chat_with(
        &self,
        messages: &[Message],
        continuation: &str,
        date: Option<Date>,
    ) -> Result<Vec<TokenId>, Error> {
        chat::encode(self.template()?, &self.tokenizer, messages, continuation, date)
    }

    /// Token ids of a text to be continued, with the beginning token if the file says that prompts have one.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_text(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        let mut ids: Vec<TokenId> = self.tokenizer.begin_if_added().into_iter().collect();
        ids.extend(self.tokenizer.encode(text, Special::Text)?);
        Ok(ids)
    }

    /// A chat as [`Model::encode_chat`] writes it, with what each token is a part of.
    ///
    /// # Errors
    /// As [`Model::encode_chat`].
    pub fn label_chat(&self, messages: &[Message], date: Option<Date>) -> Result<Labelled, Error> {
        chat::label(self.template()?, &self.tokenizer, messages, date)
    }

    /// A text as [`Model::encode_text`] writes it, with what each token is a part of.
    ///
    /// # Errors
    /// As [`Model::encode_text`].
    pub fn label_text(&self, text: &str) -> Result<Labelled, Error> {
        Ok(self.label_tokens(self.encode_text(text)?))
    }

    /// Tokens of a text, wherever they come from, with their classes.
    pub fn label_tokens(&self, tokens: Vec<TokenId>) -> Labelled {
        let class = |(index, token): (usize, &TokenId)| match index {
            0 => Class::First,
            _ if self.tokenizer.is_control(*token) => Class::Control,
            _ => Class::Text,
        };
        let classes = tokens.iter().enumerate().map(class).collect();
        Labelled { tokens, classes }
    }

    fn template(&self) -> Result<&Template, Error> {
        Ok(self.template.as_ref().ok_or(chat::Fault::NoTemplate)?)
    }

    pub(crate) fn weights(&self) -> &Placed {
        &self.weights
    }
}
