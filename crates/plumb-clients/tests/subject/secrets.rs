//! Secrets: all that are missing at once, and none in anything that is kept.

use plumb_clients::secrets::Keyring;
use plumb_clients::subject::Outside;
use plumb_mock::{Config, Server};

use super::{KEY, anthropic_at, chat_at, hello, line, open, outside, plan, registry};

#[test]
fn all_that_is_missing_is_said_before_anything_runs() {
    let registry = registry(outside());
    let lines = "kind = \"openai\"\nmodel = \"m\"\nheaders = { X-Key = \"${TEAM_KEY}\", X-Token = \"${TEST_KEY}\" }\n";
    let plan = plan(&registry, lines).unwrap();
    let party = &plan.subjects[0].party;
    let error = registry.find_party(&party.kind).unwrap().check(party).unwrap_err();
    assert!(error.is_party());
    let by = "model \"m\" at https://api.openai.com/v1";
    assert_eq!(
        error.to_string(),
        format!("secrets are missing: OPENAI_API_KEY (for {by}), TEAM_KEY (for {by})")
    );
    assert!(error.help_text().unwrap().contains("export OPENAI_API_KEY=…"), "{error:?}");
}

#[test]
fn nothing_is_missing_where_nothing_is_needed() {
    let registry = registry(outside());
    let plan = plan(&registry, &chat_at("http://127.0.0.1:1/v1")).unwrap();
    let party = &plan.subjects[0].party;
    registry.find_party(&party.kind).unwrap().check(party).unwrap();
}

/// A server that quotes the key, also where the quotation is cut to a readable length.
#[tokio::test]
async fn an_echoed_secret_is_struck_out() {
    for before in [0, 295] {
        let words = format!("{} bad key: {KEY}", "x".repeat(before));
        let server = Server::start(Config { reject_all: Some(words), ..Config::default() }).unwrap();
        for at in [chat_at, anthropic_at] {
            let lines = at(&server.base_url()) + "secret = \"TEST_KEY\"\n";
            let found = line(&hello(&open(outside(), &lines).unwrap()).await);
            assert!(found.starts_with("rejected by endpoint (last): HTTP 401"), "{found}");
            assert!(!found.contains("hush"), "{found}");
            assert_eq!(found.contains("bad key: [secret]"), before == 0, "{found}");
        }
    }
    let server = Server::start(Config { fixed_reply: Some(format!("it is {KEY}")), ..Config::default() });
    let lines = chat_at(&server.as_ref().unwrap().base_url()) + "secret = \"TEST_KEY\"\n";
    let found = line(&hello(&open(outside(), &lines).unwrap()).await);
    assert_eq!(found, "answered \"it is [secret]\", stop");
}

#[test]
fn a_secret_that_no_header_can_hold_is_not_quoted() {
    let keyring = Keyring::new(|_: &str| Some("hush\nhush".to_owned()));
    let lines = chat_at("http://127.0.0.1:1/v1") + "secret = \"TEST_KEY\"\n";
    let error = open(Outside { keyring, ..outside() }, &lines).map(drop).unwrap_err();
    let all = format!("{error} {error:?}");
    assert!(all.contains("TEST_KEY holds a character that no header may have"), "{all}");
    assert!(!all.contains("hush"), "{all}");
}
