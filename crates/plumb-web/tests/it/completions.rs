//! Completions: prompts of every kind, echo, log-probabilities, stop texts.

use crate::support::{Server, model};
use plumb_lm::{log_probability, tiny};
use serde_json::{Value, json};

const PATH: &str = "/v1/completions";
const TEXT: &str = "Un mètre à ruban";

/// The same but for the last bit, which reading of JSON may change.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

async fn choices(server: &Server, body: Value) -> Vec<Value> {
    let mut whole = json!({ "model": "tiny", "temperature": 0, "max_tokens": 5 });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let got = server.post(PATH, &whole).await;
    assert_eq!(got.status, 200, "{got:?}");
    got.json()["choices"].as_array().unwrap().clone()
}

#[tokio::test]
async fn prompts_of_every_kind_mean_the_same() {
    let server = Server::plain().await;
    let ids = model(tiny::Family::Llama, None).encode_text(TEXT).unwrap();
    let text = choices(&server, json!({ "prompt": TEXT })).await[0]["text"].clone();
    for prompt in [json!(ids), json!([TEXT]), json!([ids])] {
        assert_eq!(choices(&server, json!({ "prompt": prompt })).await[0]["text"], text, "{prompt}");
    }
    let many = choices(&server, json!({ "prompt": ["a", TEXT, ids], "n": 2 })).await;
    let indices: Vec<u64> = many.iter().map(|choice| choice["index"].as_u64().unwrap()).collect();
    assert_eq!(indices, [0, 1, 2, 3, 4, 5]);
    assert!(many[2..].iter().all(|choice| choice["text"] == text));
}

#[tokio::test]
async fn an_echo_with_log_probabilities_is_what_a_pass_over_the_whole_gives() {
    let server = Server::plain().await;
    let model = model(tiny::Family::Llama, None);
    let ids = model.encode_text(TEXT).unwrap();
    for prompt in [json!(TEXT), json!(ids)] {
        for max_tokens in [0, 1, 4] {
            let body = json!({ "prompt": prompt, "echo": true, "logprobs": 1, "max_tokens": max_tokens });
            let choice = choices(&server, body).await.remove(0);
            assert!(choice["text"].as_str().unwrap().starts_with(TEXT));
            let scores = &choice["logprobs"];
            let list = |name: &str| scores[name].as_array().unwrap().clone();
            let logs = list("token_logprobs");
            assert_eq!(logs.len(), ids.len() + max_tokens, "{choice}");
            assert_eq!((&logs[0], &list("top_logprobs")[0]), (&Value::Null, &Value::Null));
            let mut cache = model.cache();
            let edits = plumb_lm::Edits::default();
            let want = plumb_lm::Want::From(0);
            let input = plumb_lm::Input { cache: &mut cache, tokens: &ids, want, edits: &edits };
            let logits = model.forward(&mut [input], &mut plumb_lm::Taps::none()).unwrap();
            for (row, (at, id)) in logits.rows(0).zip(ids.iter().enumerate().skip(1)) {
                assert!(near(logs[at].as_f64().unwrap(), log_probability(row, *id)));
                let best = log_probability(row, plumb_lm::greedy(row));
                let tops = list("top_logprobs")[at].as_object().unwrap().clone();
                let largest = tops.values().map(|v| v.as_f64().unwrap()).fold(f64::MIN, f64::max);
                assert!(near(largest, best));
            }
            // Bytes of one character share its place; places count characters.
            let offsets: Vec<u64> = list("text_offset").iter().map(|v| v.as_u64().unwrap()).collect();
            assert_eq!(offsets[..7], [0, 1, 2, 3, 4, 4, 5], "the bytes of è share a place");
            assert_eq!(list("tokens")[4], "bytes:\\xc3");
        }
    }
}

#[tokio::test]
async fn the_end_token_is_in_the_list_so_that_the_last_one_is_always_new() {
    let server = Server::plain().await;
    let mut ended = 0;
    for seed in 0..60 {
        let mut body = json!({ "model": "tiny", "prompt": "go", "echo": true, "logprobs": 0, "max_tokens": 6, "seed": seed });
        body["n"] = 5.into();
        let got = server.post(PATH, &body).await.json();
        let mut written = 0;
        for choice in got["choices"].as_array().unwrap() {
            let tokens = choice["logprobs"]["tokens"].as_array().unwrap();
            written += tokens.len() - "go".len();
            assert_eq!(choice["logprobs"]["token_logprobs"].as_array().unwrap().len(), tokens.len());
            assert!(!choice["text"].as_str().unwrap().contains("<|end|>"));
            if choice["finish_reason"] == "stop" {
                ended += 1;
                assert_eq!(tokens.last().unwrap(), "<|end|>");
            }
        }
        assert_eq!(got["usage"]["completion_tokens"], written);
    }
    assert!(ended > 0, "none of them ended");
}

#[tokio::test]
async fn a_stop_text_ends_the_answer_and_its_tokens() {
    let server = Server::plain().await;
    let body = |stop: Value| json!({ "prompt": "go", "max_tokens": 30, "stop": stop, "logprobs": 0, "temperature": 1, "seed": 3 });
    let free = choices(&server, body(Value::Null)).await.remove(0);
    let text: Vec<char> = free["text"].as_str().unwrap().chars().collect();
    let stop: String = text[4..6].iter().collect();
    let first = free["text"].as_str().unwrap().find(&stop).unwrap();
    let cut = choices(&server, body(json!(stop))).await.remove(0);
    assert_eq!(cut["text"], free["text"].as_str().unwrap()[..first]);
    assert_eq!(cut["finish_reason"], "stop");
    let offsets = cut["logprobs"]["text_offset"].as_array().unwrap().clone();
    let length = cut["text"].as_str().unwrap().chars().count() as u64;
    assert!(offsets.iter().all(|offset| offset.as_u64().unwrap() < length), "{cut}");
}

#[tokio::test]
async fn a_stream_of_completions_repeats_its_prompt_if_asked() {
    let server = Server::plain().await;
    let mut body = json!({ "model": "tiny", "prompt": [TEXT, "b"], "echo": true, "max_tokens": 6, "seed": 2, "logprobs": 1 });
    let whole = server.post(PATH, &body).await.json();
    body["stream"] = true.into();
    let events = server.post(PATH, &body).await.events();
    for at in 0..2 {
        let mut own = events.iter().map(|event| &event["choices"][0]).filter(|choice| choice["index"] == at);
        let text: String = own.clone().map(|choice| choice["text"].as_str().unwrap()).collect();
        assert_eq!(whole["choices"][at]["text"], text);
        assert_eq!(own.next_back().unwrap()["logprobs"], whole["choices"][at]["logprobs"]);
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = Server::plain().await;
    for (body, param, said) in [
        (json!({}), "prompt", "missing"),
        (json!({ "prompt": [] }), "prompt", "empty list"),
        (json!({ "prompt": "" }), "prompt[0]", "at least one token"),
        (json!({ "prompt": [1, 99999] }), "prompt[0]", "token ids below"),
        (json!({ "prompt": ["a", 1] }), "prompt[1]", "a text or a list of token ids"),
        (json!({ "prompt": "a", "max_tokens": 0 }), "max_tokens", "with \"echo\": true"),
        (json!({ "prompt": "a", "max_tokens": -1 }), "max_tokens", "is -1, expected a whole number from 0"),
        (json!({ "prompt": "a", "temperature": 3 }), "temperature", "from 0 to 2"),
        (json!({ "prompt": "a", "logprobs": 21 }), "logprobs", "from 0 to 20"),
        (json!({ "prompt": "a", "n": 0 }), "n", "from 1"),
        (json!({ "prompt": "a", "stop": ["x", ""] }), "stop", "not empty"),
        (json!({ "prompt": "a", "steering": { "layer": 3 } }), "steering", "`vector` is missing"),
        (json!({ "prompt": "a", "steering": false }), "steering", "no object"),
        (json!({ "prompt": "a", "steering": { "vector": "/etc/passwd" } }), "steering", "not offered"),
        (json!({ "prompt": "a", "best_of": 4 }), "best_of", "is not done"),
        (json!({ "prompt": "a", "top_k": -1 }), "top_k", "expected a whole number from 0"),
        (json!({ "prompt": "a", "min_p": 2 }), "min_p", "expected a number from 0 to 1"),
        (json!({ "prompt": "a", "frequency_penalty": 0.5 }), "frequency_penalty", "is not done"),
        (json!({ "prompt": "a", "best_of": 3 }), "best_of", "is not done"),
        (json!({ "prompt": "a", "temprature": 1 }), "temprature", "not known here"),
        (json!({ "prompt": "a", "stream_options": { "x": 1 } }), "stream_options.x", "not known here"),
    ] {
        let mut whole = json!({ "model": "tiny" });
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        for stream in [false, true] {
            whole["stream"] = stream.into();
            let got = server.post(PATH, &whole).await;
            assert_eq!(got.status, 400, "{whole}");
            assert_eq!(got.json()["error"]["param"], param, "{whole}");
            assert!(got.error().contains(said), "{said}: {got:?}");
        }
    }
    let long = json!({ "model": "tiny", "prompt": "a".repeat(200), "stream": true });
    let got = server.post(PATH, &long).await;
    assert_eq!((got.status, &got.json()["error"]["code"]), (400, &json!("context_length_exceeded")));
    let got = server.post(PATH, &json!({ "model": "huge", "prompt": "a" })).await;
    assert_eq!(got.status, 404);
    assert_eq!(got.error(), "there is no model \"huge\" here; there are: tiny, plain");
}
