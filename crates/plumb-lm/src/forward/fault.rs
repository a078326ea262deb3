//! What can be wrong with the inputs of a pass.

use crate::hook::Site;
use crate::tokenizer::TokenId;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("input {input} has no tokens (expected at least one)")]
    NoTokens { input: usize },
    #[error("input {input} has a cache that was made for another model")]
    ForeignCache { input: usize },
    #[error("{length} tokens do not fit into the model's context of {context}")]
    TooLong { length: usize, context: usize },
    #[error("token {token} is not in the vocabulary of {vocab}")]
    NoSuchToken { token: TokenId, vocab: usize },
    #[error("{site:?} does not exist: the model has {layers} layers")]
    NoSuchLayer { site: Site, layers: usize },
    #[error("an edit at {site:?} has a vector of {found} values, expected {expected}")]
    EditWidth { site: Site, found: usize, expected: usize },
    #[error("an edit at {site:?} has a value that is not finite")]
    EditNotFinite { site: Site },
}

impl Fault {
    pub(crate) fn is_too_long(&self) -> bool {
        matches!(self, Self::TooLong { .. })
    }
}
