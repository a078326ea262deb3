//! How text is cut into words before BPE, by the name that a GGUF file gives in `tokenizer.ggml.pre`.
//!
//! Each entry follows the `tokenizer.json` of the model family that the name stands for.

use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{Normalizer, PreTokenizedString, PreTokenizer, SplitDelimiterBehavior};

use super::Fault;

/// A family's normalisation and cutting steps; the last maps bytes to their characters in the vocabulary.
#[derive(Debug)]
pub(super) struct Pre {
    composes: bool,
    first: First,
    bytes: ByteLevel,
}

#[derive(Debug)]
enum First {
    /// Each digit alone.
    Digits(Digits),
    /// Each match of a pattern.
    Pattern(Box<Split>),
}

/// Contractions in any case, a word with at most one mark before it, one digit, marks with the line ends after them,
/// line ends with the space before them, and spaces without the last before a word.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const KNOWN: [&str; 2] = ["smollm", "qwen2"];

impl Pre {
    pub(super) fn named(name: &str) -> Result<Self, Fault> {
        match name {
            // SmolLM: digits alone, then GPT-2's own pattern.
            "smollm" => Ok(Self {
                composes: false,
                first: First::Digits(Digits::new(true)),
                bytes: ByteLevel::new(false, true, true),
            }),
            // Qwen2 and Qwen2.5: composed characters (NFC), then the pattern above. llama.cpp leaves NFC out.
            "qwen2" => {
                let pattern = SplitPattern::Regex(QWEN2.to_owned());
                let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                    .map_err(|error| Fault::Build(error.to_string()))?;
                let bytes = ByteLevel::new(false, false, false);
                Ok(Self { composes: true, first: First::Pattern(Box::new(split)), bytes })
            }
            _ => Err(Fault::Pre { found: name.to_owned(), known: KNOWN.join(" and ") }),
        }
    }

    pub(super) fn cut(&self, text: &mut PreTokenizedString) -> tokenizers::Result<()> {
        if self.composes {
            text.normalize(|text| NFC.normalize(text))?;
        }
        match &self.first {
            First::Digits(digits) => digits.pre_tokenize(text)?,
            First::Pattern(split) => split.pre_tokenize(text)?,
        }
        self.bytes.pre_tokenize(text)
    }
}
