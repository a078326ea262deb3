//! Against llama.cpp and `transformers` on the same files (`oracles/llama_cpp`, `oracles/transformers`).

use plumb_lm::{Edits, Input, Job, Limits, Message, Model, Prompt, Request, Sampling, Taps, TokenId, Want};
use serde_json::Value;

use crate::support::{self, QWEN, SMOLLM};

/// Below this difference between the oracle's first and second logit the two may change places.
const CLOSE: f64 = 0.1;

fn ids(value: &Value) -> Vec<TokenId> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as TokenId).collect()
}

fn messages(value: &Value) -> Vec<Message> {
    serde_json::from_value(value.clone()).unwrap()
}

/// Positions (of the answer) at which our likeliest token, given the oracle's text so far, is another than the oracle's,
/// with the oracle's gap; and the largest difference between the two gaps.
fn divergences(model: &Model, case: &Value) -> (Vec<(usize, f64)>, f64) {
    let (prompt, written) = (ids(&case["prompt_ids"]), ids(&case["ids"]));
    let tokens = [&prompt[..], &written].concat();
    let mut cache = model.cache();
    let input =
        Input { cache: &mut cache, tokens: &tokens, want: Want::From(prompt.len() - 1), edits: &Edits::NONE };
    let logits = model.forward(&mut [input], &mut Taps::none()).unwrap();
    let mut found = Vec::new();
    let mut worst = 0.0_f64;
    for (position, (row, top)) in logits.rows(0).zip(case["top2"].as_array().unwrap()).enumerate() {
        let at = |rank: usize| (top[rank][0].as_u64().unwrap() as usize, top[rank][1].as_f64().unwrap());
        let ((first, first_logit), (second, second_logit)) = (at(0), at(1));
        let gap = first_logit - second_logit;
        worst = worst.max((f64::from(row[first]) - f64::from(row[second]) - gap).abs());
        if plumb_lm::greedy(row) as usize != first {
            found.push((position, gap));
        }
    }
    (found, worst)
}

/// `oracle` stands before the model's name in the name of the fixture.
fn check(which: (&'static str, &'static str), oracle: &str, test: &str) {
    let Some(model) = support::cached(which, test) else { return };
    let fixture = support::fixture(&format!("greedy-{oracle}{}.json", which.0));
    let sampling =
        Sampling { max_tokens: fixture["new_tokens"].as_u64().unwrap() as usize, ..Sampling::default() };
    let cases = fixture["chat"].as_array().unwrap();
    let jobs = cases
        .iter()
        .map(|case| {
            Job::Complete(Request::new(Prompt::chat(messages(&case["messages"])), sampling.clone(), 0))
        })
        .collect();
    let outcomes = support::run(&model, Limits::default(), jobs);
    let (mut same, mut far) = (0, Vec::new());
    for (index, (case, outcome)) in cases.iter().zip(outcomes).enumerate() {
        let messages = messages(&case["messages"]);
        assert_eq!(model.render_chat(&messages, None).unwrap(), case["prompt"].as_str().unwrap());
        assert_eq!(model.encode_chat(&messages, None).unwrap(), ids(&case["prompt_ids"]), "prompt {index}");
        let answer = support::completion(outcome);
        let (found, worst) = divergences(&model, case);
        if answer.tokens == ids(&case["ids"]) {
            assert_eq!(answer.text, case["text"].as_str().unwrap());
            same += 1;
        } else {
            println!("{} prompt {index}: text differs: {:?}", which.0, answer.text);
            assert!(!found.is_empty(), "another text without a divergence");
        }
        println!("{} prompt {index}: largest difference of gaps {worst:.5}", which.0);
        for (position, gap) in found {
            println!("{} prompt {index}: diverges at {position}, oracle's gap {gap:.4}", which.0);
            if gap > CLOSE {
                far.push((index, position, gap));
            }
        }
    }
    println!("{}: {same} of {} texts identical to {}", which.0, cases.len(), fixture["oracle"]);
    assert!(far.is_empty(), "divergences where the oracle is sure: {far:?}");
}

#[test]
fn smollm2_writes_what_llama_cpp_writes() {
    check(SMOLLM, "", "smollm2_writes_what_llama_cpp_writes");
}

#[test]
fn qwen_writes_what_llama_cpp_writes() {
    check(QWEN, "", "qwen_writes_what_llama_cpp_writes");
}

#[test]
fn smollm2_writes_what_transformers_writes() {
    check(SMOLLM, "transformers-", "smollm2_writes_what_transformers_writes");
}

#[test]
fn qwen_writes_what_transformers_writes() {
    check(QWEN, "transformers-", "qwen_writes_what_transformers_writes");
}
