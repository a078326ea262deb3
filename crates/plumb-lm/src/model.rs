//! A loaded model: immutable, shared by as many threads as like.

use std::path::Path;

use crate::Error;
use crate::cache::Cache;
use crate::chat::{self, Date, Message, Template};
use crate::config::Config;
use crate::gguf::{Gguf, Mapped};
use crate::kernel::Isa;
use crate::tokenizer::{Special, TokenId, Tokenizer};
use crate::weights::Weights;

/// Weights, tokenizer and chat template of one model file.
///
/// Nothing in it changes after loading; what a sequence has seen is in its [`Cache`].
#[derive(Debug)]
pub struct Model {
    name: Option<String>,
    config: Config,
    weights: Weights,
    tokenizer: Tokenizer,
    template: Option<Template>,
    isa: Isa,
}

impl Model {
    /// Loads a GGUF file. Weights are decoded to f32 by the threads of the current rayon pool, so memory is about four
    /// bytes a parameter; the file is not needed afterwards.
    ///
    /// # Errors
    /// [`Error::is_io`], [`Error::is_corrupt`] or [`Error::is_unsupported`]; the message names the file, and the
    /// offset, key or tensor.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mapped = Mapped::open(path)?;
        Self::from_bytes(&mapped).map_err(|error| error.at(path))
    }

    /// Loads a GGUF file that is in memory.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let gguf = Gguf::parse(bytes)?;
        let config = Config::read(&gguf)?;
        let tokenizer = Tokenizer::read(&gguf)?;
        let template = match gguf.string("tokenizer.chat_template")? {
            Some(source) => Some(Template::new(source)?),
            None => None,
        };
        let weights = Weights::load(&gguf, &config)?;
        let name = gguf.string("general.name")?.map(str::to_owned);
        Ok(Self { name, config, weights, tokenizer, template, isa: Isa::detect() })
    }

    /// The name that the file gives itself.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
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

    /// An empty cache for a new sequence.
    pub fn cache(&self) -> Cache {
        Cache::new(&self.config)
    }

    /// A chat as the model's template writes it, its default system message included, up to where the model is to
    /// speak. For people to read: [`Model::encode_chat`] is what a model should be given.
    ///
    /// # Errors
    /// [`Error::is_unsupported`] without a template; [`Error::is_invalid_request`] if there are no messages or the
    /// template rejects them.
    pub fn render_chat(&self, messages: &[Message], date: Option<Date>) -> Result<String, Error> {
        chat::render(self.template()?, &self.tokenizer, messages, date)
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

    fn template(&self) -> Result<&Template, Error> {
        Ok(self.template.as_ref().ok_or(chat::Fault::NoTemplate)?)
    }

    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }
}
