//! What comes back beside the answer: reasoning, tokens, cost, the model that answered.

use plumb_clients::price::Prices;
use plumb_clients::subject::Outside;
use plumb_mock::{Config, Server};
use plumb_study::Answer;
use plumb_study::party::Outcome;

use super::{anthropic_at, chat_at, hello, line, open, outside};

#[tokio::test]
async fn tokens_and_cost_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prices.toml");
    let price = "[[price]]\nmodel = \"mock-*\"\ninput_per_million = \"1\"\noutput_per_million = \"2.5\"\n\
                 source = \"made up\"\ndate = \"2026-11-01\"\n";
    std::fs::write(&path, price).unwrap();
    let server = Server::start(Config::default()).unwrap();
    for at in [chat_at, anthropic_at] {
        let prices = Prices::default().with_user(&path).unwrap();
        let subject = open(Outside { prices, ..outside() }, &at(&server.base_url())).unwrap();
        let reply = hello(&subject).await.unwrap();
        assert_eq!((reply.tokens_in, reply.tokens_out), (Some(1), Some(8)));
        assert_eq!(reply.cost_nano, Some(1_000 + 8 * 2_500));
        assert_eq!(reply.served.as_deref(), Some("mock-1"));
    }
    let unpriced = open(outside(), &chat_at(&server.base_url())).unwrap();
    assert_eq!(hello(&unpriced).await.unwrap().cost_nano, None);
}

#[tokio::test]
async fn reasoning_is_kept_apart_unless_the_plan_says_otherwise() {
    let fixed_reply = Some("<think>\nhm\n</think>\n\nyes".to_owned());
    let server = Server::start(Config { fixed_reply, ..Config::default() }).unwrap();
    let subject = open(outside(), &chat_at(&server.base_url())).unwrap();
    let Outcome::Answered { answer, reasoning, .. } = hello(&subject).await.unwrap().outcome else {
        panic!("an answer")
    };
    assert_eq!((answer, reasoning.as_deref()), (Answer::Text("yes".into()), Some("hm")));
    let whole = chat_at(&server.base_url()) + "think_tags = false\n";
    let subject = open(outside(), &whole).unwrap();
    assert_eq!(line(&hello(&subject).await), "answered \"<think>\\nhm\\n</think>\\n\\nyes\", stop");
}
