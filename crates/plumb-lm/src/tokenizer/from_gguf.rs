//! A tokenizer from a GGUF file's metadata.
//!
//! Two kinds: `gpt2`, byte-level BPE, whose cutting is named by `tokenizer.ggml.pre`; and `llama`, the BPE of
//! SentencePiece, whose merges follow from the scores of what they make.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{Prepend, Replace, Sequence};
use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper};

use super::{Added, AddedToken, END_TEXTS, Fault, Kind, TokenId, Tokenizer, bytes, pre};
use crate::Error;
use crate::gguf::{Gguf, missing};

/// What differs between the two kinds.
struct Parts {
    model: BPE,
    normalizer: Option<NormalizerWrapper>,
    pre: Option<PreTokenizerWrapper>,
    decode: fn(&str) -> Vec<u8>,
    adds_space: bool,
    /// Whether prompts have a beginning token where the file does not say.
    begins: bool,
}

impl Tokenizer {
    pub(crate) fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, Error> {
        let (_, tokens) = gguf
            .strings("tokenizer.ggml.tokens")?
            .ok_or_else(|| missing("tokenizer.ggml.tokens", "strings"))?;
        let string = |key: &str| gguf.string(key)?.ok_or_else(|| Error::from(missing(key, "a string")));
        let sentence_piece = match string("tokenizer.ggml.model")? {
            "gpt2" => false,
            "llama" => true,
            other => return Err(Fault::Model(other.to_owned()).into()),
        };
        let tokens: Vec<&str> = tokens.collect();
        let kinds = kinds(gguf, tokens.len())?;
        let parts = match sentence_piece {
            true => sentence_piece_parts(gguf, &tokens)?,
            false => byte_level_parts(gguf, &tokens)?,
        };
        let texts = tokens.iter().zip(&kinds).map(|(token, kind)| match kind {
            Kind::Normal => (parts.decode)(token).into_boxed_slice(),
            Kind::Byte => bytes::decode_byte(token).into_iter().collect(),
            Kind::Control | Kind::UserDefined => token.as_bytes().into(),
            Kind::Unused => Box::default(),
        });
        let texts: Vec<Box<[u8]>> = texts.collect();
        let added =
            kinds.iter().enumerate().filter(|(_, kind)| matches!(kind, Kind::Control | Kind::UserDefined));
        let added: Vec<AddedToken> = added
            .map(|(id, kind)| AddedToken {
                id: id as TokenId,
                text: tokens[id].to_owned(),
                is_control: *kind == Kind::Control,
                normalized: false,
                strips: (false, false),
            })
            .collect();
        let id = |key: &str| token_id(gguf, key, tokens.len());
        let (begin, end) = (id("tokenizer.ggml.bos_token_id")?, id("tokenizer.ggml.eos_token_id")?);
        let ends = added.iter().filter(|token| token.is_control && END_TEXTS.contains(&token.text.as_str()));
        let mut ends: Vec<TokenId> = ends.map(|token| token.id).collect();
        ends.extend(end);
        ends.extend(id("tokenizer.ggml.eot_token_id")?);
        ends.extend(id("tokenizer.ggml.eom_token_id")?);
        ends.sort_unstable();
        ends.dedup();
        Ok(Self {
            model: ModelWrapper::BPE(parts.model),
            normalizer: parts.normalizer,
            pre: parts.pre,
            added: Added::new(&added)?,
            kinds,
            texts,
            begin,
            end,
            adds_begin: gguf.boolean("tokenizer.ggml.add_bos_token")?.unwrap_or(parts.begins),
            adds_space: parts.adds_space,
            ends,
        })
    }
}

fn byte_level_parts(gguf: &Gguf<'_>, tokens: &[&str]) -> Result<Parts, Error> {
    let name = gguf.string("tokenizer.ggml.pre")?.ok_or_else(|| missing("tokenizer.ggml.pre", "a string"))?;
    let pre::Pre { normalizer, cut, whole_words, begins } = pre::named(name)?;
    Ok(Parts {
        model: bpe(gguf, tokens, whole_words)?,
        normalizer,
        pre: Some(cut),
        decode: bytes::decode,
        adds_space: false,
        begins,
    })
}

fn sentence_piece_parts(gguf: &Gguf<'_>, tokens: &[&str]) -> Result<Parts, Error> {
    let adds_space = gguf.boolean("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
    let fault = |error: tokenizers::Error| Fault::Build(error.to_string());
    let mut steps = Vec::new();
    if adds_space {
        steps.push(NormalizerWrapper::Prepend(Prepend::new("\u{2581}".to_owned())));
    }
    steps.push(NormalizerWrapper::Replace(Replace::new(" ", "\u{2581}").map_err(fault)?));
    Ok(Parts {
        model: scored(gguf, tokens)?,
        normalizer: Some(NormalizerWrapper::Sequence(Sequence::new(steps))),
        pre: None,
        decode: bytes::decode_sentence_piece,
        adds_space,
        begins: true,
    })
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
        6 => Kind::Byte,
        _ => Kind::Normal,
    });
    Ok(kinds.collect())
}

fn vocabulary(tokens: &[&str]) -> Vocab {
    tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id as TokenId)).collect()
}

fn bpe(gguf: &Gguf<'_>, tokens: &[&str], whole_words: bool) -> Result<BPE, Error> {
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
    let built = BPE::builder().vocab_and_merges(vocabulary(tokens), pairs).ignore_merges(whole_words).build();
    Ok(built.map_err(|error| Fault::Build(error.to_string()))?)
}

/// BPE whose merges are all pairs of tokens that make a token, best score of what they make first.
fn scored(gguf: &Gguf<'_>, tokens: &[&str]) -> Result<BPE, Error> {
    const KEY: &str = "tokenizer.ggml.scores";
    let Some((found, scores)) = gguf.floats(KEY)? else {
        return Err(missing(KEY, "floating-point numbers").into());
    };
    if found != tokens.len() {
        return Err(Fault::Count { key: KEY, found, tokens: tokens.len() }.into());
    }
    let scores: Vec<f64> = scores.collect();
    let vocab = vocabulary(tokens);
    let mut merges = Vec::new();
    for (token, score) in tokens.iter().zip(&scores) {
        for (cut, _) in token.char_indices().skip(1) {
            let (left, right) = token.split_at(cut);
            if let (Some(&a), Some(&b)) = (vocab.get(left), vocab.get(right)) {
                merges.push((*score, a, b));
            }
        }
    }
    merges.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let text = |id: TokenId| tokens[id as usize].to_owned();
    let pairs = merges.into_iter().map(|(_, a, b)| (text(a), text(b))).collect();
    let unknown = gguf.unsigned("tokenizer.ggml.unknown_token_id")?.and_then(|id| tokens.get(id as usize));
    let mut builder = BPE::builder().vocab_and_merges(vocab, pairs).byte_fallback(true).fuse_unk(true);
    if let Some(unknown) = unknown {
        builder = builder.unk_token((*unknown).to_owned());
    }
    Ok(builder.build().map_err(|error| Fault::Build(error.to_string()))?)
}

fn token_id(gguf: &Gguf<'_>, key: &str, tokens: usize) -> Result<Option<TokenId>, Error> {
    match gguf.unsigned(key)? {
        None => Ok(None),
        Some(id) if id < tokens as u64 => Ok(Some(id as TokenId)),
        Some(found) => Err(Fault::NoSuchToken { key: key.to_owned(), found, tokens }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::Builder;
    use crate::tokenizer::Special;

    /// `llama-bpe` is Llama 3's, whose own tokenizer.json has `ignore_merges`, and whose texts begin with a token; llama.cpp holds
    /// both for files that do not say.
    #[test]
    fn llama_3_takes_words_whole_and_begins_with_a_token() {
        let tokenizer = |pre: &str, says: Option<bool>| {
            let tokens = ["h", "e", "l", "o", "he", "ll", "hello", "<|begin_of_text|>"];
            let file = Builder::new()
                .string("tokenizer.ggml.model", "gpt2")
                .string("tokenizer.ggml.pre", pre)
                .strings("tokenizer.ggml.tokens", &tokens)
                .i32s("tokenizer.ggml.token_type", &[1, 1, 1, 1, 1, 1, 1, 3])
                .strings("tokenizer.ggml.merges", &["h e", "l l"])
                .u32("tokenizer.ggml.bos_token_id", 7);
            let file = match says {
                Some(says) => file.boolean("tokenizer.ggml.add_bos_token", says),
                None => file,
            };
            Tokenizer::from_gguf(&Gguf::parse(&file.finish()).unwrap()).unwrap()
        };
        let cut = |pre: &str| tokenizer(pre, None).encode("hello", Special::Text).unwrap();
        assert_eq!((cut("llama-bpe"), cut("smollm")), (vec![6], vec![4, 5, 3]));
        let begin = |pre: &str, says| tokenizer(pre, says).begin_if_added();
        assert_eq!(begin("llama-bpe", None), Some(7));
        assert_eq!((begin("llama-bpe", Some(false)), begin("smollm", None)), (None, None));
    }
}
