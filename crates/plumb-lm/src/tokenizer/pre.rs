//! How text is cut into words before BPE, by the name that a GGUF file gives in `tokenizer.ggml.pre`.
//!
//! Each entry follows the `tokenizer.json` of the model family that the name stands for.

use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior};

use super::Fault;

/// What a name stands for.
pub(super) struct Pre {
    pub normalizer: Option<NormalizerWrapper>,
    /// How text is cut up; the last step maps bytes to their characters in the vocabulary.
    pub cut: PreTokenizerWrapper,
    /// Whether a word that is a token is that token, even if no merges lead to it.
    pub whole_words: bool,
    /// Whether prompts begin with a token of their own where the file does not say.
    pub begins: bool,
}

impl Pre {
    fn plain(normalizer: Option<NormalizerWrapper>, cut: PreTokenizerWrapper) -> Self {
        Self { normalizer, cut, whole_words: false, begins: false }
    }
}

/// Contractions in any case, a word with at most one mark before it, one digit, marks with the line ends after them,
/// line ends with the space before them, and spaces without the last before a word.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// As Qwen's, with up to three digits together.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const KNOWN: [&str; 5] = ["smollm", "qwen2", "llama-bpe", "gpt-2", "olmo"];

pub(super) fn named(name: &str) -> Result<Pre, Fault> {
    match name {
        // SmolLM: digits alone, then GPT-2's own pattern.
        "smollm" => {
            let steps = vec![
                PreTokenizerWrapper::Digits(Digits::new(true)),
                PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true)),
            ];
            Ok(Pre::plain(None, PreTokenizerWrapper::Sequence(Sequence::new(steps))))
        }
        // Qwen2 and Qwen2.5: composed characters (NFC), then the pattern above. llama.cpp leaves NFC out.
        "qwen2" => Ok(Pre::plain(Some(NormalizerWrapper::NFC(NFC)), pattern(QWEN2)?)),
        // Llama 3: `ignore_merges` in its own file, and a beginning token that converters do not write down.
        "llama-bpe" => Ok(Pre { whole_words: true, begins: true, ..Pre::plain(None, pattern(LLAMA3)?) }),
        "gpt-2" => Ok(Pre::plain(None, PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true)))),
        // What converters call the tokenizer of Pythia.
        "olmo" => {
            let bytes = PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true));
            Ok(Pre::plain(Some(NormalizerWrapper::NFC(NFC)), bytes))
        }
        _ => Err(Fault::Pre { found: name.to_owned(), known: KNOWN.join(", ") }),
    }
}

/// Each match of a pattern, then bytes.
fn pattern(pattern: &str) -> Result<PreTokenizerWrapper, Fault> {
    let split = Split::new(SplitPattern::Regex(pattern.to_owned()), SplitDelimiterBehavior::Isolated, false)
        .map_err(|error| Fault::Build(error.to_string()))?;
    let bytes = PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, false));
    Ok(PreTokenizerWrapper::Sequence(Sequence::new(vec![PreTokenizerWrapper::Split(split), bytes])))
}
