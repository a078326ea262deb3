//! Tokenizers read from a `tokenizer.json` against the `tokenizers` library itself: ids and round trips of 2,000 strings by
//! tokenizers of the kinds that families have (`oracles/transformers/cutters.py`).

use std::path::{Path, PathBuf};

use plumb_lm::{Model, Special, TokenId};
use tokenizers::Tokenizer as Library;

use crate::families;

/// Pieces that strings are put together from: code, emoji, several scripts, white space, contractions, control tokens.
const PIECES: [&str; 44] = [
    "a",
    "plumb",
    " line",
    "The ",
    "it's",
    "WE'LL",
    "don’t",
    "0",
    "7",
    "2024",
    "1,234.5",
    " ",
    "  ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    "\n\n",
    "    ",
    "\u{a0}",
    "\u{2003}",
    "é",
    "e\u{301}",
    "ß",
    "Ünï",
    "测量",
    "模型。",
    "текст",
    "العربية",
    "日本語",
    "한국",
    "🌊",
    "👩‍👩‍👧",
    "🇩🇪",
    "x = f(y) // 2;",
    "{\"k\": [1]}",
    "<html>",
    "<|endoftext|>",
    "<|im_end|>",
    "<|end|>",
    "<mask>",
    "<tool>",
    "<s>",
    "\u{0}\u{7f}",
];

fn strings(count: usize) -> Vec<String> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    (0..count).map(|_| (0..1 + next(9)).map(|_| PIECES[next(PIECES.len())]).collect()).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lm/tokenizers").join(format!("{name}.json"))
}

/// A model whose only purpose is to carry that tokenizer.
fn with_tokenizer(name: &str) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let from = families::folder("gpt-neox");
    std::fs::copy(fixture(name), folder.path().join("tokenizer.json")).unwrap();
    let json = std::fs::read_to_string(from.join("config.json")).unwrap();
    std::fs::copy(from.join("model.safetensors"), folder.path().join("model.safetensors")).unwrap();
    std::fs::write(
        folder.path().join("config.json"),
        json.replace("\"vocab_size\": 96", "\"vocab_size\": 1000"),
    )
    .unwrap();
    widen(&folder.path().join("model.safetensors"), 1000);
    Model::open(folder.path()).unwrap()
}

/// Gives the embedding and the head of a checkpoint `rows` rows of zeros.
fn widen(path: &Path, rows: usize) {
    use safetensors::tensor::TensorView;
    let bytes = std::fs::read(path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let zeros = vec![0_u8; rows * 32 * 4];
    let view =
        |name: &str, view: TensorView<'_>| match name.starts_with("embed_out") || name.contains("embed_in") {
            true => (vec![rows, 32], zeros.clone()),
            false => (view.shape().to_vec(), view.data().to_vec()),
        };
    let owned: Vec<_> = tensors.iter().map(|(name, tensor)| (name.to_owned(), view(name, tensor))).collect();
    let views = owned.iter().map(|(name, (shape, data))| {
        (name.clone(), TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap())
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn ids_are_those_of_the_tokenizers_library() {
    let strings = strings(2000);
    for name in ["gpt2", "llama3", "llama2", "gemma"] {
        let model = with_tokenizer(name);
        let ours = model.tokenizer();
        let mut library = Library::from_file(fixture(name)).unwrap();
        for (special, as_text) in [(Special::Token, false), (Special::Text, true)] {
            library.set_encode_special_tokens(as_text);
            for text in &strings {
                let expected: Vec<TokenId> = library.encode(text.as_str(), false).unwrap().get_ids().to_vec();
                assert_eq!(ours.encode(text, special).unwrap(), expected, "{name} {special:?} {text:?}");
                if as_text {
                    let special =
                        |id: &TokenId| ours.is_control(*id) && ours.decode(&[*id], Special::Token) != "<unk>";
                    assert!(!expected.iter().any(special), "{name}: {text:?} has a control token");
                }
                // The library's own decoder is the measure: a normaliser may have changed the text.
                let decoded = library.decode(&expected, false).unwrap();
                assert_eq!(ours.decode(&expected, Special::Token), decoded, "{name} {text:?}");
            }
        }
    }
}
