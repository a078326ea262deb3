//! Text to token ids and back, from a GGUF file's own vocabulary or from a `tokenizer.json`.
//!
//! The pieces come from the `tokenizers` crate: a normaliser, a rule to cut text up, and a model such as byte-level BPE.
//! How they are put together is read from a `tokenizer.json` ([`from_json`]) or follows from a GGUF file's metadata
//! ([`from_gguf`]). Added tokens are found here and not by that crate, because control tokens such as `<|im_start|>` are
//! recognised only in text that says so ([`Special`]): what a user wrote never becomes one. Start with
//! [`Tokenizer::encode`]. Not here: chat templates (`chat`) and sampling.

mod bytes;
mod control;
mod decode;
mod from_gguf;
mod from_json;
mod pre;

use tokenizers::Model as _;
use tokenizers::tokenizer::normalizer::Range;
use tokenizers::{
    ModelWrapper, NormalizedString, Normalizer as _, NormalizerWrapper, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper, Token,
};

pub use decode::TextStream;
pub(crate) use from_json::{Extras, token_text};

use crate::Error;

/// A token's number in the vocabulary.
pub type TokenId = u32;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(
        "tokenizer model {0:?} is not supported (gpt2, that is byte-level BPE, and llama, that is SentencePiece BPE, are)"
    )]
    Model(String),
    #[error("tokenizer.json: {field} is {found}, which is not supported (expected {expected})")]
    Setting { field: &'static str, found: String, expected: &'static str },
    #[error(
        "eos_token_id of generation_config.json, or else of config.json, has {0}, expected a token's number or a list of them"
    )]
    End(String),
    #[error("{field} is {found:?}, which is no token")]
    NoTokenText { field: &'static str, found: String },
    #[error("pre-tokenizer {found:?} is not supported ({known} are)")]
    Pre { found: String, known: String },
    #[error("{key} has {found} entries, expected one for each of the {tokens} tokens")]
    Count { key: &'static str, found: usize, tokens: usize },
    #[error("merge {index} is {text:?}, expected two parts with a space between")]
    Merge { index: usize, text: String },
    #[error("{key} is {found}, but there are {tokens} tokens")]
    NoSuchToken { key: String, found: u64, tokens: usize },
    #[error("the tokenizer cannot be built: {0}")]
    Build(String),
    #[error("the text cannot be tokenized: {0}")]
    Encode(String),
}

impl Fault {
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self, Self::Model(_) | Self::Pre { .. } | Self::Setting { .. })
    }
}

/// Whether the text of control tokens means these tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// No: it is text like any other. For what people and models write.
    Text,
    /// Yes. For templates.
    Token,
}

/// What a token is; the numbers are llama.cpp's `llama_token_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    /// Begins, ends or structures a text; never part of what somebody says.
    Control,
    /// Added text that is always one token.
    UserDefined,
    /// One byte, for what the vocabulary has no text for.
    Byte,
    /// Fills the vocabulary up; has no text.
    Unused,
}

/// A vocabulary and the rules to cut text into it.
#[derive(Debug)]
pub struct Tokenizer {
    model: ModelWrapper,
    normalizer: Option<NormalizerWrapper>,
    pre: Option<PreTokenizerWrapper>,
    kinds: Vec<Kind>,
    /// What each token stands for.
    texts: Vec<Box<[u8]>>,
    added: Added,
    begin: Option<TokenId>,
    end: Option<TokenId>,
    adds_begin: bool,
    /// Whether a space is put before a text when it is cut up, to be taken off again when tokens become text.
    adds_space: bool,
    ends: Vec<TokenId>,
}

/// Tokens that are found in text before it is cut up.
#[derive(Debug)]
struct Added {
    /// In text as it was written: all, or those that are ordinary text.
    all: control::Matcher,
    ordinary: control::Matcher,
    /// In normalised text, the same.
    all_normalized: control::Matcher,
    ordinary_normalized: control::Matcher,
    /// Control tokens, for what must not become one.
    controls: control::Matcher,
}

/// An added token and how it is found.
#[derive(Debug, Clone)]
struct AddedToken {
    id: TokenId,
    text: String,
    is_control: bool,
    normalized: bool,
    /// Whether it takes white space before and after it.
    strips: (bool, bool),
}

impl Added {
    fn new(tokens: &[AddedToken]) -> Result<Self, Fault> {
        let matcher = |wanted: &dyn Fn(&AddedToken) -> bool| {
            control::Matcher::new(tokens.iter().filter(|token| wanted(token)))
        };
        Ok(Self {
            all: matcher(&|token| !token.normalized)?,
            ordinary: matcher(&|token| !token.normalized && !token.is_control)?,
            all_normalized: matcher(&|token| token.normalized)?,
            ordinary_normalized: matcher(&|token| token.normalized && !token.is_control)?,
            controls: matcher(&|token| token.is_control)?,
        })
    }
}

/// Texts of control tokens that end a turn in some model family, recognised even if the metadata do not name them.
const END_TEXTS: [&str; 9] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<end_of_turn>",
    "<|eom_id|>",
    "</s>",
    "<|return|>",
];

impl Tokenizer {
    /// Token ids of `text`. Nothing is added before or after it.
    ///
    /// # Errors
    /// If the text is beyond what the pattern matcher can do; no such text is known.
    pub fn encode(&self, text: &str, special: Special) -> Result<Vec<TokenId>, Error> {
        self.encode_guarded(text, special, None)
    }

    /// [`Tokenizer::encode`], with `guard` taken out of the text once control tokens are found.
    pub(crate) fn encode_guarded(
        &self,
        text: &str,
        special: Special,
        guard: Option<char>,
    ) -> Result<Vec<TokenId>, Error> {
        let fault = |error: tokenizers::Error| Fault::Encode(error.to_string());
        let (written, normalized) = match special {
            Special::Text => (&self.added.ordinary, &self.added.ordinary_normalized),
            Special::Token => (&self.added.all, &self.added.all_normalized),
        };
        let mut pieces = PreTokenizedString::from(text);
        pieces.split(|_, piece| Ok(set_apart(written, piece))).map_err(fault)?;
        let normalize = |piece: &mut NormalizedString| {
            if let Some(guard) = guard {
                piece.filter(|character| character != guard);
            }
            self.normalizer.as_ref().map_or(Ok(()), |normalizer| normalizer.normalize(piece))
        };
        pieces.normalize(normalize).map_err(fault)?;
        pieces.split(|_, piece| Ok(set_apart(normalized, piece))).map_err(fault)?;
        if let Some(pre) = &self.pre {
            pre.pre_tokenize(&mut pieces).map_err(fault)?;
        }
        let mut ids = Vec::new();
        for (piece, _, tokens) in pieces.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            match tokens {
                Some(tokens) => ids.extend(tokens.iter().map(|token| token.id)),
                None => {
                    ids.extend(self.model.tokenize(piece).map_err(fault)?.into_iter().map(|token| token.id))
                }
            }
        }
        Ok(ids)
    }

    /// The text of `ids`; bytes that are not UTF-8 become U+FFFD. With [`Special::Text`] control tokens are left out.
    pub fn decode(&self, ids: &[TokenId], special: Special) -> String {
        let keep = |id: &&TokenId| special == Special::Token || !self.is_control(**id);
        let bytes: Vec<u8> = ids.iter().filter(keep).flat_map(|&id| self.bytes(id)).copied().collect();
        let bytes = match self.adds_space {
            true => bytes.strip_prefix(b" ").unwrap_or(&bytes),
            false => &bytes,
        };
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// What a token stands for: bytes, because a token may be a part of a character. Empty outside the vocabulary.
    pub fn bytes(&self, id: TokenId) -> &[u8] {
        self.texts.get(id as usize).map_or(&[], |text| text)
    }

    /// Whether the token structures the text rather than being part of it.
    pub fn is_control(&self, id: TokenId) -> bool {
        matches!(self.kinds.get(id as usize), Some(Kind::Control))
    }

    /// Whether generation stops at this token.
    pub fn is_end(&self, id: TokenId) -> bool {
        self.ends.binary_search(&id).is_ok()
    }

    /// The token that a text begins with, if prompts are to begin with one.
    pub fn begin_if_added(&self) -> Option<TokenId> {
        self.begin.filter(|_| self.adds_begin)
    }

    /// Text of the begin and end tokens, by the names that templates use.
    pub(crate) fn special_texts(&self) -> Vec<(String, String)> {
        let text = |id: TokenId| String::from_utf8_lossy(self.bytes(id)).into_owned();
        let named = [("bos_token", self.begin), ("eos_token", self.end)];
        named.into_iter().filter_map(|(name, id)| Some((name.to_owned(), text(id?)))).collect()
    }

    /// Where in `text` the text of a control token stands, and whether one may have begun at its end.
    pub(crate) fn controls_in(&self, text: &str) -> control::Found {
        self.added.controls.find(text)
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether the vocabulary is empty.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// Cuts a piece at added tokens, which then have their ids.
fn set_apart(
    matcher: &control::Matcher,
    piece: NormalizedString,
) -> Vec<(NormalizedString, Option<Vec<Token>>)> {
    let found = matcher.split(piece.get());
    if matches!(found[..], [] | [(_, None)]) {
        return vec![(piece, None)];
    }
    let part = |(range, id): (std::ops::Range<usize>, Option<TokenId>)| {
        let text = piece.get()[range.clone()].to_owned();
        let slice = piece.slice(Range::Normalized(range))?;
        let length = text.len();
        Some((slice, id.map(|id| vec![Token::new(id, text, (0, length))])))
    };
    found.into_iter().filter_map(part).collect()
}
