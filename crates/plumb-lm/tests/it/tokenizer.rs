//! Token ids against llama.cpp's, and text from tokens.

use plumb_lm::{Special, TokenId};

use crate::support::{self, QWEN, SMOLLM};

fn check(which: (&'static str, &'static str), test: &str) {
    let Some(model) = support::cached(which, test) else { return };
    let fixture = support::fixture(&format!("greedy-{}.json", which.0));
    for case in fixture["tokenize"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        for (key, special) in [("plain", Special::Text), ("special", Special::Token)] {
            let expected: Vec<TokenId> = serde_json::from_value(case[key].clone()).unwrap();
            let found = model.tokenizer().encode(text, special).unwrap();
            assert_eq!(found, expected, "{} {key} {text:?}", which.0);
            assert_eq!(model.tokenizer().decode(&found, Special::Token), text, "{}", which.0);
        }
    }
}

#[test]
fn smollm2_ids_are_those_of_llama_cpp() {
    check(SMOLLM, "smollm2_ids_are_those_of_llama_cpp");
}

#[test]
fn qwen_ids_are_those_of_llama_cpp() {
    check(QWEN, "qwen_ids_are_those_of_llama_cpp");
}

#[test]
fn control_tokens_only_where_asked() {
    let model = support::tiny("llama");
    let tokenizer = model.tokenizer();
    assert_eq!(tokenizer.encode("a<|end|>", Special::Token).unwrap(), [u32::from(b'a'), support::TINY_END]);
    let bytes: Vec<TokenId> = "a<|end|>".bytes().map(TokenId::from).collect();
    assert_eq!(tokenizer.encode("a<|end|>", Special::Text).unwrap(), bytes);
    // User-defined tokens are ordinary text that is always one token.
    assert_eq!(tokenizer.encode("<tool>", Special::Text).unwrap(), [support::TINY_END + 2]);
    assert_eq!(tokenizer.decode(&[104, 105, support::TINY_END], Special::Text), "hi");
    assert_eq!(tokenizer.decode(&[104, 105, support::TINY_END], Special::Token), "hi<|end|>");
    assert_eq!(tokenizer.decode(&[support::TINY_END + 3, 9_999_999], Special::Token), "");
    assert!(model.encode_text("").unwrap().is_empty(), "no beginning token unless the metadata ask for one");
}

#[test]
fn qwen_composes_characters() {
    let model = support::tiny("qwen2");
    let composed = model.tokenizer().encode("é", Special::Text).unwrap();
    assert_eq!(model.tokenizer().encode("e\u{301}", Special::Text).unwrap(), composed);
}

#[test]
fn a_beginning_token_if_the_metadata_ask_for_one() {
    let file = support::tiny_file("llama")
        .u32("tokenizer.ggml.bos_token_id", support::TINY_END + 1)
        .boolean("tokenizer.ggml.add_bos_token", true);
    let model = plumb_lm::Model::from_bytes(&file.finish()).unwrap();
    assert_eq!(model.encode_text("a").unwrap(), [support::TINY_END + 1, u32::from(b'a')]);
    // The template already begins with it.
    let chat = [plumb_lm::Message::new(plumb_lm::Role::User, "a")];
    assert_ne!(model.encode_chat(&chat, None).unwrap()[1], support::TINY_END + 1);
}
