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
    #[error(
        "{length} tokens need the model's long rotary factors, which this cache was not made for (it is for at most \
         {short}; make it with Model::cache_for)"
    )]
    NeedsLong { length: usize, short: usize },
    #[error("{site} does not exist: the model has {heads} query heads")]
    NoSuchHead { site: Site, heads: usize },
    #[error(
        "{site} does not exist: attention and feed-forward part of this model both read resid_pre, so there is nothing \
         between them"
    )]
    NoResidMid { site: Site },
    #[error("{found} numbers are not rows of {width} (expected at least one, and whole ones)")]
    Ragged { found: usize, width: usize },
    #[error("{site} can be tapped but not edited")]
    ReadOnly { site: Site },
    #[error("{site} does not exist: the model has {layers} layers")]
    NoSuchLayer { site: Site, layers: usize },
    #[error("an edit at {site} has a vector of {found} values, expected {expected}")]
    EditWidth { site: Site, found: usize, expected: usize },
    #[error("an edit at {site} has a value that is not finite")]
    EditNotFinite { site: Site },
}

impl Fault {
    pub(crate) fn is_too_long(&self) -> bool {
        matches!(self, Self::TooLong { .. })
    }
}
