//! `/v1/activations` gives the file that capturing gives.

use crate::support::{Server, model, request};
use plumb_lm::{Edits, Labelled, Message, Role, Site, tiny};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

/// Status, type and body.
async fn post(server: &Server, body: &Value) -> (String, Vec<u8>) {
    let mut stream = server.send(&request("/v1/activations", &body.to_string(), "")).await;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let body = bytes.split_off(end + 4);
    (String::from_utf8(bytes).unwrap().to_ascii_lowercase(), body)
}

#[tokio::test]
async fn an_answer_is_the_file_of_the_same_tokens() {
    let server = Server::plain().await;
    let model = model(tiny::Family::Llama, Some(tiny::TEMPLATE));
    let taps = ["blocks.1.hook_resid_post", "final_norm"];
    let sites: Vec<Site> = taps.iter().map(|tap| Site::parse(tap, model.config()).unwrap()).collect();
    let chat = [Message::new(Role::System, "Be brief."), Message::new(Role::User, "some words")];
    let texts: Vec<Labelled> =
        ["some words", "other"].iter().map(|text| model.label_text(text).unwrap()).collect();
    let ids = &texts[1].tokens;
    for (asked, sequences) in [
        (json!({ "input": ["some words", "other"] }), texts.clone()),
        (json!({ "input": ids }), vec![texts[1].clone()]),
        (json!({ "messages": chat }), vec![model.label_chat(&chat, None).unwrap()]),
    ] {
        let mut body = asked;
        body["model"] = json!("tiny");
        body["taps"] = json!(taps);
        let (head, got) = post(&server, &body).await;
        assert!(head.contains(" 200 ") && head.contains("application/octet-stream"), "{head}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acts.safetensors");
        plumb_lm::capture(&model, &sequences, &sites, &Edits::NONE, &path, &mut |_| ()).unwrap();
        assert_eq!(got, std::fs::read(path).unwrap());
    }
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let server = Server::plain().await;
    let taps = json!(["blocks.1.hook_resid_post"]);
    for (body, said) in [
        (json!({ "model": "tiny", "input": "a" }), "\"taps\" is missing"),
        (json!({ "model": "tiny", "taps": taps }), "either \"input\" or \"messages\""),
        (json!({ "model": "tiny", "taps": taps, "input": [] }), "\"input\" is an empty list"),
        (json!({ "model": "tiny", "taps": ["blocks.9.hook_resid_post"], "input": "a" }), "layers"),
        (json!({ "model": "tiny", "taps": ["nowhere"], "input": "a" }), "nowhere"),
        (json!({ "model": "tiny", "taps": taps, "input": "a", "position": 3 }), "\"position\" is not known"),
        (
            json!({ "model": "plain", "taps": taps, "messages": [{ "role": "user", "content": "a" }] }),
            "no chat template",
        ),
    ] {
        let got = server.post("/v1/activations", &body).await;
        assert_eq!(got.status, 400, "{got:?}");
        assert!(got.error().contains(said), "{got:?}");
    }
}
