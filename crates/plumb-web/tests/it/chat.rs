//! Chats, whole and as streams.

use crate::support::{Server, model};
use plumb_lm::{Message, Role, tiny};
use serde_json::{Value, json};

const PATH: &str = "/v1/chat/completions";

fn hot(more: Value) -> Value {
    let mut body = json!({
        "model": "tiny", "messages": [{ "role": "user", "content": "Hello, é!" }], "temperature": 1.2, "seed": 7,
        "max_tokens": 12,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_chat_is_answered_as_the_engine_answers_it() {
    let server = Server::plain().await;
    let got = server.post(PATH, &hot(json!({ "user": "me", "frequency_penalty": 0, "stop": null }))).await;
    assert_eq!(got.status, 200, "{got:?}");
    let json = got.json();
    let model = model(tiny::Family::Llama, Some(tiny::TEMPLATE));
    let ids = model.encode_chat(&[Message::new(Role::User, "Hello, é!")], None).unwrap();
    assert_eq!(json["usage"]["prompt_tokens"], ids.len());
    assert_eq!(
        (&json["object"], &json["created"], &json["model"]),
        (&json!("chat.completion"), &json!(77), &json!("tiny"))
    );
    let sampling = plumb_lm::Sampling { temperature: 1.2, max_tokens: 12, ..Default::default() };
    let job = plumb_lm::Job::Complete(plumb_lm::Request::new(plumb_lm::Prompt::Tokens(ids), sampling, 7));
    let never = std::sync::atomic::AtomicBool::new(false);
    let control = plumb_lm::Control { cancel: &never, now: &std::time::Instant::now };
    let generator = plumb_lm::Generator::new(model, plumb_lm::Limits::default());
    let Ok(plumb_lm::Outcome::Completion(answer)) = generator.run(vec![job], control).remove(0) else {
        panic!("an answer")
    };
    assert_eq!(json["choices"][0]["message"]["content"], answer.text);
    assert_eq!(json["usage"]["completion_tokens"], answer.completion_tokens);
}

#[tokio::test]
async fn a_stream_tells_the_same_in_pieces() {
    let server = Server::plain().await;
    for seed in 0..12 {
        let more = json!({ "seed": seed, "n": 3, "logprobs": true, "top_logprobs": 2 });
        let whole = server.post(PATH, &hot(more.clone())).await.json();
        let mut body = hot(more);
        body["stream"] = true.into();
        body["stream_options"] = json!({ "include_usage": true });
        let got = server.post(PATH, &body).await;
        assert!(got.head.contains("content-type: text/event-stream"), "{}", got.head);
        let mut events = got.events();
        assert_eq!(events.pop().unwrap()["usage"], whole["usage"]);
        let mut texts = vec![String::new(); 3];
        let mut ends = vec![Value::Null; 3];
        for event in &events {
            assert_eq!(event["object"], "chat.completion.chunk");
            assert_eq!(event["id"], events[0]["id"]);
            let choice = &event["choices"][0];
            let at = choice["index"].as_u64().unwrap() as usize;
            texts[at] += choice["delta"]["content"].as_str().unwrap_or("");
            if choice["finish_reason"].is_string() {
                ends[at] = choice.clone();
            }
        }
        for at in 0..3 {
            let choice = &whole["choices"][at];
            assert_eq!(choice["message"]["content"], texts[at], "seed {seed}");
            assert_eq!(choice["finish_reason"], ends[at]["finish_reason"]);
            assert_eq!(choice["logprobs"], ends[at]["logprobs"]);
        }
    }
}

#[tokio::test]
async fn seeds_repeat_and_the_answers_of_one_request_differ() {
    let server = Server::plain().await;
    let texts = async |more| {
        let json = server.post(PATH, &hot(more)).await.json();
        let choices = json["choices"].as_array().unwrap().clone();
        choices.iter().map(|choice| choice["message"]["content"].to_string()).collect::<Vec<_>>()
    };
    let first = texts(json!({ "n": 4 })).await;
    assert_eq!(first, texts(json!({ "n": 4 })).await);
    // The second answer is the first one of the next seed.
    assert_eq!(first[1], texts(json!({ "seed": 8 })).await[0]);
    assert_ne!(first[0], first[1]);
    // Without a seed each request has its own.
    assert_ne!(texts(json!({ "seed": null })).await, texts(json!({ "seed": null })).await);
}

#[tokio::test]
async fn log_probabilities_of_a_chat_are_of_its_tokens() {
    let server = Server::plain().await;
    let got = server
        .post(PATH, &hot(json!({ "logprobs": true, "top_logprobs": 3, "temperature": 0 })))
        .await
        .json();
    let content = got["choices"][0]["logprobs"]["content"].as_array().unwrap().clone();
    let bytes: Vec<u8> = content
        .iter()
        .flat_map(|t| t["bytes"].as_array().unwrap().iter().map(|b| b.as_u64().unwrap() as u8))
        .collect();
    assert_eq!(String::from_utf8_lossy(&bytes), got["choices"][0]["message"]["content"].as_str().unwrap());
    for token in content {
        let top = token["top_logprobs"].as_array().unwrap();
        assert_eq!(top.len(), 3);
        assert_eq!(top[0]["logprob"], token["logprob"], "greedy takes the likeliest");
        assert!(token["logprob"].as_f64().unwrap() <= 0.0);
    }
}

#[tokio::test]
async fn messages_of_clients_are_read_or_refused() {
    let server = Server::plain().await;
    let ask = async |messages: Value| {
        server.post(PATH, &json!({ "model": "tiny", "messages": messages, "max_tokens": 1 })).await
    };
    let sent_back = json!([
        { "role": "developer", "content": "Be kind." },
        { "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] },
        { "role": "assistant", "content": "c", "refusal": null, "tool_calls": null, "annotations": [] },
        { "role": "user", "content": "d" },
    ]);
    assert_eq!(ask(sent_back).await.status, 200);
    for (messages, said) in [
        (json!([]), "at least one message is needed"),
        (json!([{ "role": "tool", "content": "x" }]), "role \"tool\" is not done"),
        (json!([{ "role": "user" }]), "\"messages[0].content\" is null"),
        (json!([{ "role": "user", "content": [{ "type": "image_url" }] }]), "only parts of type \"text\""),
        (json!([{ "role": "user", "content": "x", "name": "Ann" }]), "\"name\" of a message is not done"),
        (json!(["x"]), "\"messages[0]\" is a text"),
    ] {
        let got = ask(messages).await;
        assert_eq!(got.status, 400);
        assert!(got.error().contains(said), "{said}: {got:?}");
    }
    let got = server
        .post(PATH, &json!({ "model": "plain", "messages": [{ "role": "user", "content": "x" }] }))
        .await;
    assert_eq!(got.status, 400);
    assert!(got.error().contains("no chat template"), "{got:?}");
}

/// The template is not told of tools, which the answer says.
#[tokio::test]
async fn tools_are_ignored_with_a_warning() {
    let server = Server::plain().await;
    let plain = server.post(PATH, &hot(json!({}))).await.json();
    assert_eq!(plain["warnings"], Value::Null);
    let tool = json!({ "type": "function", "function": { "name": "look", "parameters": {} } });
    let offered =
        json!({ "tools": [tool], "tool_choice": "auto", "functions": [], "parallel_tool_calls": true });
    let got = server.post(PATH, &hot(offered.clone())).await.json();
    assert_eq!(got["choices"], plain["choices"]);
    let said = got["warnings"].as_array().unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].as_str().unwrap().starts_with("\"tools\" is ignored"), "{said:?}");
    let mut streamed = hot(offered);
    streamed["stream"] = true.into();
    let events = server.post(PATH, &streamed).await.events();
    assert!(events.iter().all(|event| event["warnings"] == got["warnings"]));
    let called =
        json!([{ "id": "1", "type": "function", "function": { "name": "look", "arguments": "{}" } }]);
    let messages = json!([
        { "role": "assistant", "content": "I look.", "tool_calls": called }, { "role": "user", "content": "And?" },
    ]);
    let got = server.post(PATH, &hot(json!({ "messages": messages }))).await.json();
    assert!(got["warnings"][0].as_str().unwrap().starts_with("\"messages[0].tool_calls\""), "{got}");
    for demanded in [json!("required"), json!({ "type": "function", "function": { "name": "look" } })] {
        let got = server.post(PATH, &hot(json!({ "tool_choice": demanded }))).await;
        assert_eq!(got.status, 400);
        assert!(got.error().contains("demands a call"), "{got:?}");
    }
}
