//! A tokenizer from a folder's `tokenizer.json`, with what its `tokenizer_config.json` and `generation_config.json` add.

use serde_json::{Map, Value};
use tokenizers::{ModelWrapper, Tokenizer as Whole};

use super::{Added, AddedToken, END_TEXTS, Fault, Kind, TokenId, Tokenizer, bytes};

/// What the other files of the folder say of tokens.
#[derive(Debug, Default)]
pub(crate) struct Extras<'a> {
    pub tokenizer_config: Option<&'a Map<String, Value>>,
    /// `generation_config.json` and `config.json`, the first that names end tokens counts.
    pub ends: Vec<&'a Map<String, Value>>,
}

/// The parts of the file that are looked at here; the large ones are not.
#[derive(serde::Deserialize)]
struct Outside {
    #[serde(default)]
    decoder: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
}

impl Tokenizer {
    /// Reads the bytes of a `tokenizer.json`.
    pub(crate) fn from_json(json: &[u8], extras: &Extras<'_>) -> Result<Self, Fault> {
        let value: Outside = serde_json::from_slice(json).map_err(|error| Fault::Build(error.to_string()))?;
        let whole = Whole::from_bytes(json).map_err(|error| Fault::Build(error.to_string()))?;
        let decoded = whole.get_added_tokens_decoder();
        let mut added = Vec::new();
        for (&id, token) in &decoded {
            if token.single_word {
                return Err(Fault::Setting {
                    field: "single_word of an added token",
                    found: "true".to_owned(),
                    expected: "false",
                });
            }
            added.push(AddedToken {
                id,
                text: token.content.clone(),
                is_control: token.special,
                normalized: token.normalized,
                strips: (token.lstrip, token.rstrip),
            });
        }
        added.sort_by_key(|token| token.id);
        let (kinds, texts) = vocabulary(&whole, &value, &added);
        let named = |field: &'static str| named_token(&whole, extras.tokenizer_config, field);
        let (begin, end) = (named("bos_token")?, named("eos_token")?);
        let ends = ends(&added, end, extras)?;
        let first = first_token(&value.post_processor)?;
        let id = |text: String| {
            whole
                .token_to_id(&text)
                .ok_or(Fault::NoTokenText { field: "post_processor's first token", found: text })
        };
        let first = first.map(id).transpose()?;
        Ok(Self {
            model: whole.get_model().clone(),
            normalizer: whole.get_normalizer().cloned(),
            pre: whole.get_pre_tokenizer().cloned(),
            added: Added::new(&added)?,
            kinds,
            texts,
            adds_begin: first.is_some(),
            begin: first.or(begin),
            end,
            adds_space: adds_space(&value.decoder),
            ends,
        })
    }
}

/// What each token is and stands for.
fn vocabulary(whole: &Whole, outside: &Outside, added: &[AddedToken]) -> (Vec<Kind>, Vec<Box<[u8]>>) {
    let vocab = whole.get_vocab(true);
    let count = vocab.values().max().map_or(0, |largest| *largest as usize + 1);
    let mut kinds = vec![Kind::Unused; count];
    let mut texts = vec![Box::default(); count];
    let byte_level = mentions(&outside.decoder, "ByteLevel") || mentions(&outside.pre_tokenizer, "ByteLevel");
    let byte_fallback = matches!(whole.get_model(), ModelWrapper::BPE(bpe) if bpe.byte_fallback)
        || mentions(&outside.decoder, "ByteFallback");
    for (token, id) in vocab {
        let id = id as usize;
        (kinds[id], texts[id]) = match (byte_fallback, bytes::decode_byte(&token)) {
            (true, Some(byte)) => (Kind::Byte, [byte].into()),
            _ if byte_level => (Kind::Normal, bytes::decode(&token).into()),
            _ => (Kind::Normal, bytes::decode_sentence_piece(&token).into()),
        };
    }
    for token in added {
        let id = token.id as usize;
        kinds[id] = if token.is_control { Kind::Control } else { Kind::UserDefined };
        texts[id] = token.text.as_bytes().into();
    }
    (kinds, texts)
}

/// Whether an object, or one of those in its lists, is of that type.
fn mentions(value: &Value, kind: &str) -> bool {
    match value {
        Value::Object(map) => {
            map.get("type").and_then(Value::as_str) == Some(kind)
                || map.values().any(|value| mentions(value, kind))
        }
        Value::Array(all) => all.iter().any(|value| mentions(value, kind)),
        _ => false,
    }
}

/// Whether decoding takes a space off the beginning: what cutting up put there.
fn adds_space(decoder: &Value) -> bool {
    let strips =
        |decoder: &Value| decoder["type"] == "Strip" && decoder["start"].as_u64().is_some_and(|n| n > 0);
    let metaspace = decoder["type"] == "Metaspace" && decoder["prepend_scheme"] != "never";
    metaspace || decoder["decoders"].as_array().is_some_and(|all| all.iter().any(strips))
}

/// A token that `tokenizer_config.json` names, as text or as an object.
fn named_token(
    whole: &Whole,
    config: Option<&Map<String, Value>>,
    field: &'static str,
) -> Result<Option<TokenId>, Fault> {
    let Some(text) = config.and_then(|config| token_text(config, field)) else { return Ok(None) };
    match whole.token_to_id(text) {
        Some(id) => Ok(Some(id)),
        None => Err(Fault::NoTokenText { field, found: text.to_owned() }),
    }
}

pub(crate) fn token_text<'a>(config: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    let value = config.get(field)?;
    value.as_str().or_else(|| value.get("content")?.as_str())
}

/// Tokens that end an answer: those that are known for it, the tokenizer's own, and those that the model's files list.
fn ends(added: &[AddedToken], end: Option<TokenId>, extras: &Extras<'_>) -> Result<Vec<TokenId>, Fault> {
    let known = added.iter().filter(|token| token.is_control && END_TEXTS.contains(&token.text.as_str()));
    let mut ends: Vec<TokenId> = known.map(|token| token.id).chain(end).collect();
    let listed =
        extras.ends.iter().find_map(|config| config.get("eos_token_id").filter(|value| !value.is_null()));
    let listed: Vec<&Value> = match listed {
        Some(Value::Array(all)) => all.iter().collect(),
        one => one.into_iter().collect(),
    };
    for id in listed {
        let number = id.as_u64().and_then(|id| TokenId::try_from(id).ok());
        // One that is passed over would let answers run on past their end.
        ends.push(number.ok_or_else(|| Fault::End(id.to_string()))?);
    }
    ends.sort_unstable();
    ends.dedup();
    Ok(ends)
}

/// The token that the post-processor puts before a text. One after it is not supported: models are asked to go on.
fn first_token(processor: &Value) -> Result<Option<String>, Fault> {
    fn template(value: &Value) -> Option<&Vec<Value>> {
        match value["type"].as_str()? {
            "TemplateProcessing" => value["single"].as_array(),
            "Sequence" => value["processors"].as_array()?.iter().find_map(template),
            _ => None,
        }
    }
    let Some(single) = template(processor) else { return Ok(None) };
    let token = |piece: &Value| piece["SpecialToken"]["id"].as_str().map(str::to_owned);
    let before: Vec<String> = single.iter().map_while(token).collect();
    if before.len() > 1 || single.iter().skip(before.len() + 1).any(|piece| token(piece).is_some()) {
        return Err(Fault::Setting {
            field: "post_processor",
            found: format!("{single:?}"),
            expected: "at most one special token, before the text",
        });
    }
    Ok(before.into_iter().next())
}
