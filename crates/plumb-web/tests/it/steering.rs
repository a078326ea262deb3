//! Requests that steer: each its own, whatever else is asked at the same time.

use crate::support::{Server, config};
use plumb_lm::sae::units::Collecting;
use plumb_lm::tiny;
use plumb_local::steer::{ControlVector, Found, Offered};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

async fn server() -> Server {
    let width = tiny::WIDTH as usize;
    let vector = ControlVector {
        layers: BTreeMap::from([(1, (0..width).map(|at| (at * 7 % 11) as f32 - 5.0).collect())]),
        ..ControlVector::default()
    };
    let sae = Arc::new(tiny::sae(width, "blocks.1.hook_resid_post").unwrap());
    let units = Collecting::new(&sae).finish(&sae).map(Arc::new);
    let mut steering = Offered::default();
    steering.vector("push", vector.write()).unwrap();
    steering.sae("sae", Found { sae, units }).unwrap();
    Server::start(plumb_web::Config { steering, ..config() }).await
}

fn body(steering: &Value) -> Value {
    let mut body =
        json!({ "model": "tiny", "prompt": "some words", "max_tokens": 16, "temperature": 0, "logprobs": 1 });
    if !steering.is_null() {
        body["steering"] = steering.clone();
    }
    body
}

async fn choice(server: &Server, steering: &Value) -> Value {
    let got = server.post("/v1/completions", &body(steering)).await;
    assert_eq!(got.status, 200, "{got:?}");
    got.json()["choices"].take()
}

#[tokio::test]
async fn concurrent_requests_never_affect_each_other() {
    let server = server().await;
    let kinds = [
        Value::Null,
        json!({ "vector": "push", "strength": 4 }),
        json!({ "sae": "sae", "latent": 7, "clamp": 12 }),
        json!([{ "vector": "push", "strength": 2, "positions": "last" }, { "sae": "sae", "latent": 3, "add": 5.5 }]),
        json!({ "vector": "push", "strength": 0 }),
    ];
    let mut alone = Vec::new();
    for kind in &kinds {
        alone.push(choice(&server, kind).await);
    }
    assert_eq!(alone[0], alone[4], "no strength is the plain model, to the last digit");
    for at in 1..4 {
        assert!(!alone[..at].contains(&alone[at]), "{at} changes something of its own");
    }
    for _ in 0..4 {
        let together =
            futures_util::future::join_all((0..20).map(|at| choice(&server, &kinds[at % kinds.len()]))).await;
        for (at, choice) in together.into_iter().enumerate() {
            assert_eq!(choice, alone[at % kinds.len()], "{at}");
        }
    }
}

#[tokio::test]
async fn a_chat_is_steered_too_and_what_is_wrong_is_told() {
    let server = server().await;
    let mut chat = json!({ "model": "tiny", "messages": [{ "role": "user", "content": "Hello" }], "temperature": 0, "max_tokens": 12 });
    let plain = server.post("/v1/chat/completions", &chat).await.json()["choices"].take();
    chat["steering"] = json!({ "vector": "push", "strength": 30 });
    let steered = server.post("/v1/chat/completions", &chat).await.json()["choices"].take();
    assert_ne!(plain, steered);
    // A mask tells the classes of a chat's tokens: this one has no system message, and no text that nobody says.
    for (positions, changes) in [("system", false), ("text", false), ("user", true), ("answer", true)] {
        chat["steering"] = json!({ "vector": "push", "strength": 30, "positions": positions });
        let masked = server.post("/v1/chat/completions", &chat).await.json()["choices"].take();
        assert_eq!(masked != plain, changes, "{positions}");
    }
    for (steering, said) in [
        (json!({ "sae": "sae", "latent": 40, "clamp": 1 }), "there is no latent 40"),
        (json!({ "sae": "other", "latent": 4, "clamp": 1 }), "\"other\" is not offered"),
        (json!({ "vector": "push", "strenght": 1 }), "unknown key `strenght`"),
        (json!("push=3"), "no object"),
        (json!({ "vector": "push", "gate": "push" }), "only a subject of a plan"),
        (json!({ "vector": "push", "positions": ["user", 0] }), "token 0 is the first"),
        (json!({ "vector": "push", "positions": "sometimes" }), "names no tokens"),
    ] {
        let got = server.post("/v1/completions", &body(&steering)).await;
        assert_eq!(got.status, 400);
        assert!(got.error().contains(said), "{got:?}");
    }
}
