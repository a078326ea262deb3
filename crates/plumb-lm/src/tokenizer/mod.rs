//! Text to token ids and back, from a GGUF file's own vocabulary.
//!
//! Byte-level BPE by the `tokenizers` crate; how text is cut up before that is chosen by `tokenizer.ggml.pre` ([`pre`]).
//! Control tokens such as `<|im_start|>` are recognised only in text that says so ([`Special`]): what a user wrote never
//! becomes one. Start with [`Tokenizer::encode`]. Not here: chat templates (`chat`) and sampling.

mod bytes;
mod control;
mod decode;
mod pre;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::{Model as _, OffsetReferential, OffsetType, PreTokenizedString};

pub use decode::TextStream;

use crate::Error;
use crate::gguf::{Gguf, missing};

/// A token's number in the vocabulary.
pub type TokenId = u32;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("tokenizer model {0:?} is not supported (gpt2, that is byte-level BPE, is)")]
    Model(String),
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
        matches!(self, Self::Model(_) | Self::Pre { .. })
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
    /// Fills the vocabulary up; has no text.
    Unused,
}

/// A vocabulary and the rules to cut text into it.
#[derive(Debug)]
pub struct Tokenizer {
    bpe: BPE,
    pre: pre::Pre,
    kinds: Vec<Kind>,
    /// What each token stands for.
    texts: Vec<Box<[u8]>>,
    /// Tokens that are found in text before it is cut up: both kinds together, and each alone.
    all_added: control::Matcher,
    controls: control::Matcher,
    user_defined: control::Matcher,
    begin: Option<TokenId>,
    end: Option<TokenId>,
    adds_begin: bool,
    ends: Vec<TokenId>,
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
    pub(crate) fn read(gguf: &Gguf<'_>) -> Result<Self, Error> {
        let string = |key: &str| gguf.string(key)?.ok_or_else(|| Error::from(missing(key, "a string")));
        let model = string("tokenizer.ggml.model")?;
        if model != "gpt2" {
            return Err(Fault::Model(model.to_owned()).into());
        }
        let pre = pre::Pre::named(string("tokenizer.ggml.pre")?)?;
        let (_, tokens) = gguf
            .strings("tokenizer.ggml.tokens")?
            .ok_or_else(|| missing("tokenizer.ggml.tokens", "strings"))?;
        let tokens: Vec<&str> = tokens.collect();
        let kinds = kinds(gguf, tokens.len())?;
        let bpe = bpe(gguf, &tokens)?;
        let texts = tokens.iter().zip(&kinds).map(|(token, kind)| match kind {
            Kind::Normal => bytes::decode(token).into_boxed_slice(),
            Kind::Control | Kind::UserDefined => token.as_bytes().into(),
            Kind::Unused => Box::default(),
        });
        let texts: Vec<Box<[u8]>> = texts.collect();
        let added = |wanted: &dyn Fn(Kind) -> bool| {
            let chosen = kinds.iter().enumerate().filter(|(_, kind)| wanted(**kind));
            control::Matcher::new(chosen.map(|(id, _)| (id as TokenId, tokens[id])))
        };
        let id = |key: &str| token_id(gguf, key, tokens.len());
        let (begin, end) = (id("tokenizer.ggml.bos_token_id")?, id("tokenizer.ggml.eos_token_id")?);
        let mut ends: Vec<TokenId> = kinds
            .iter()
            .enumerate()
            .filter(|(id, kind)| **kind == Kind::Control && END_TEXTS.contains(&tokens[*id]))
            .map(|(id, _)| id as TokenId)
            .collect();
        ends.extend(end);
        ends.extend(id("tokenizer.ggml.eot_token_id")?);
        ends.extend(id("tokenizer.ggml.eom_token_id")?);
        ends.sort_unstable();
        ends.dedup();
        Ok(Self {
            bpe,
            pre,
            all_added: added(&|kind| matches!(kind, Kind::Control | Kind::UserDefined))?,
            controls: added(&|kind| kind == Kind::Control)?,
            user_defined: added(&|kind| kind == Kind::UserDefined)?,
            kinds,
            texts,
            begin,
            end,
            adds_begin: gguf.boolean("tokenizer.ggml.add_bos_token")?.unwrap_or(false),
            ends,
        })
    }

    /// Token ids of `text`. Nothing is added before or after it.
    ///
    /// # Errors
    /// If the text is beyond what the pattern matcher can do; no such text is known.
    pub fn encode(&self, text: &str, special: Special) -> Result<Vec<TokenId>, Error> {
        self.encode_with(text, special, |piece| piece.to_owned())
    }

    /// [`Tokenizer::encode`], with `plain` applied to each stretch between added tokens before it is cut up.
    pub(crate) fn encode_with(
        &self,
        text: &str,
        special: Special,
        plain: impl Fn(&str) -> String,
    ) -> Result<Vec<TokenId>, Error> {
        let matcher = match special {
            Special::Text => &self.user_defined,
            Special::Token => &self.all_added,
        };
        let mut ids = Vec::new();
        for piece in matcher.split(text) {
            match piece {
                control::Piece::Token(id) => ids.push(id),
                control::Piece::Text(text) => self.encode_plain(&plain(text), &mut ids)?,
            }
        }
        Ok(ids)
    }

    fn encode_plain(&self, text: &str, ids: &mut Vec<TokenId>) -> Result<(), Fault> {
        let fault = |error: tokenizers::Error| Fault::Encode(error.to_string());
        let mut pieces = PreTokenizedString::from(text);
        self.pre.cut(&mut pieces).map_err(fault)?;
        for (piece, _, _) in pieces.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            ids.extend(self.bpe.tokenize(piece).map_err(fault)?.into_iter().map(|token| token.id));
        }
        Ok(())
    }

    /// The text of `ids`; bytes that are not UTF-8 become U+FFFD. With [`Special::Text`] control tokens are left out.
    pub fn decode(&self, ids: &[TokenId], special: Special) -> String {
        let keep = |id: &&TokenId| special == Special::Token || !self.is_control(**id);
        let bytes: Vec<u8> = ids.iter().filter(keep).flat_map(|&id| self.bytes(id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
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

    /// Text of the metadata's begin and end tokens, for templates.
    pub(crate) fn begin_and_end(&self) -> (String, String) {
        let text = |id: Option<TokenId>| id.map_or_else(String::new, |id| self.decode(&[id], Special::Token));
        (text(self.begin), text(self.end))
    }

    /// Where in `text` the text of a control token stands, and whether one may have begun at its end.
    pub(crate) fn controls_in(&self, text: &str) -> control::Found {
        self.controls.find(text)
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

fn kinds(gguf: &Gguf<'_>, tokens: usize) -> Result<Vec<Kind>, Error> {
    const KEY: &str = "tokenizer.ggml.token_type";
    let Some((found, types)) = gguf.integers(KEY)? else {
        return Err(missing(KEY, "integers").into());
    };
    if found != tokens {
        return Err(Fault::Count { key: KEY, found, tokens }.into());
    }
    let kinds = types.map(|code| match code {
        2 | 3 => Kind::Control,
        4 => Kind::UserDefined,
        5 => Kind::Unused,
        _ => Kind::Normal,
    });
    Ok(kinds.collect())
}

fn bpe(gguf: &Gguf<'_>, tokens: &[&str]) -> Result<BPE, Error> {
    const KEY: &str = "tokenizer.ggml.merges";
    let Some((_, merges)) = gguf.strings(KEY)? else {
        return Err(missing(KEY, "strings").into());
    };
    let pairs = merges.enumerate().map(|(index, text)| match text.split_once(' ') {
        Some((left, right)) if !left.is_empty() && !right.is_empty() => {
            Ok((left.to_owned(), right.to_owned()))
        }
        _ => Err(Fault::Merge { index, text: text.to_owned() }),
    });
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    let vocab: Vocab =
        tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id as TokenId)).collect();
    let built = BPE::builder().vocab_and_merges(vocab, pairs).build();
    Ok(built.map_err(|error| Fault::Build(error.to_string()))?)
}

fn token_id(gguf: &Gguf<'_>, key: &str, tokens: usize) -> Result<Option<TokenId>, Error> {
    match gguf.unsigned(key)? {
        None => Ok(None),
        Some(id) if id < tokens as u64 => Ok(Some(id as TokenId)),
        Some(found) => Err(Fault::NoSuchToken { key: key.to_owned(), found, tokens }.into()),
    }
}
