//! An application with an interface of its own: what is sent, what its replies mean, and which plans it cannot serve.

use plumb_mock::{Config, Fault, Server};
use plumb_study::items::{Prompt, Role, Turn};
use plumb_study::party::{Ask, Sampling};
use plumb_study::{ItemIx, SubjectIx, Trial};
use serde_json::{Value, json};

use super::{KEY, LONG, ask, hello, line, open, outside};

/// The mock's chat route, taken for an application.
fn app_at(base_url: &str, more: &str) -> String {
    format!(
        "kind = \"http\"\nurl = \"{base_url}/chat/completions\"\nheaders = {{ X-Api-Key = \"${{TEST_KEY}}\" }}\n{more}"
    )
}

const BODY: &str = "body = { model = \"mock-1\", messages = \"{{turns}}\", id = \"{{session}}\", seed = \"{{seed}}\", max_tokens = \"{{max_tokens}}\" }\nreply = \"/choices/0/message/content\"\n";

fn chat(turns: &[(Role, &str)]) -> Prompt {
    Prompt::Chat(turns.iter().map(|(role, text)| Turn { role: *role, text: (*text).into() }).collect())
}

fn of_trial(prompt: Prompt, rep: u16) -> Ask {
    Ask { trial: Some(Trial { item: ItemIx(0), subject: SubjectIx(0), rep }), ..ask(prompt, LONG) }
}

#[tokio::test]
async fn the_body_is_the_plans_with_its_places_filled() {
    let server = Server::start(Config { keep_requests: 3, ..Config::default() }).unwrap();
    let subject = open(outside(), &app_at(&server.base_url(), BODY)).unwrap();
    let first = of_trial(chat(&[(Role::User, "one")]), 0);
    let second = of_trial(chat(&[(Role::User, "one"), (Role::Assistant, "yes"), (Role::User, "two")]), 0);
    let other = Ask {
        sampling: Sampling { max_tokens: Some(9), ..Sampling::default() },
        ..of_trial(chat(&[(Role::User, "one")]), 1)
    };
    for ask in [&first, &second, &other] {
        assert!(line(&subject.respond(ask).await).starts_with("answered"));
    }
    let sent = server.recorded();
    let bodies: Vec<Value> = sent.iter().map(|r| serde_json::from_str(&r.body).unwrap()).collect();
    let turns = json!([{"role": "user", "content": "one"}, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "two"}]);
    assert_eq!(
        (&bodies[1]["messages"], &bodies[1]["model"], &bodies[1]["seed"]),
        (&turns, &json!("mock-1"), &json!(3))
    );
    assert!(bodies[0].get("max_tokens").is_none() && bodies[2]["max_tokens"] == 9);
    assert_eq!(bodies[0]["id"], bodies[1]["id"], "all turns of a trial are one session");
    assert_ne!(bodies[0]["id"], bodies[2]["id"], "another repetition is another session");
    assert!(sent[0].headers.iter().any(|(name, value)| name == "x-api-key" && value == KEY));
}

#[tokio::test]
async fn replies_become_answers_withheld_answers_and_failures() {
    let server = Server::start(Config::default()).unwrap();
    let body = "body = { model = \"mock-1\", messages = \"{{turns}}\" }\n";
    for (more, wanted) in [
        ("reply = \"/choices/0/message/content\"", "answered"),
        ("reply = \"/choices/0/message/content\"\nrefusal = \"/blocked\"", "answered"),
        (
            "reply = \"/choices/0/message/content\"\nrefusal = \"/choices/0/finish_reason\"",
            "withheld: refusal reported by provider",
        ),
        ("reply = \"/answer\"", "malformed reply (passing): the body has no text where `reply` points"),
        ("reply = \"/choices\"", "malformed reply (passing): "),
        ("", "answered"),
    ] {
        let subject = open(outside(), &app_at(&server.base_url(), &format!("{body}{more}\n"))).unwrap();
        let said = line(&hello(&subject).await);
        assert!(said.starts_with(wanted), "{more}: {said}");
    }
    let served = format!("{body}reply = \"/choices/0/message/content\"\nserved = \"/model\"\n");
    let subject = open(outside(), &app_at(&server.base_url(), &served)).unwrap();
    assert_eq!(hello(&subject).await.unwrap().served.as_deref(), Some("mock-1"));
}

#[tokio::test]
async fn faults_have_their_names_here_too() {
    for (fault, wanted) in [
        (Fault::RateLimited, "rate limited (passing)"),
        (Fault::HtmlOk, "malformed reply (passing)"),
        (Fault::TruncatedJson, "malformed reply (passing)"),
    ] {
        let server = Server::start(Config { faults: vec![(fault, 100.0)], ..Config::default() }).unwrap();
        let subject = open(outside(), &app_at(&server.base_url(), BODY)).unwrap();
        let said = line(&hello(&subject).await);
        assert!(said.starts_with(wanted), "{fault:?}: {said}");
    }
}

#[tokio::test]
async fn what_an_application_has_no_place_for_is_not_asked() {
    let server = Server::start(Config::default()).unwrap();
    let one = "body = { model = \"mock-1\", messages = [{ role = \"user\", content = \"{{prompt}}\" }] }\nreply = \"/choices/0/message/content\"\n";
    let subject = open(outside(), &app_at(&server.base_url(), one)).unwrap();
    for (turns, works) in [
        (vec![(Role::User, "one")], true),
        (vec![(Role::System, "Be brief."), (Role::User, "one")], false),
        (vec![(Role::User, "one"), (Role::Assistant, "yes"), (Role::User, "two")], false),
    ] {
        let said = line(&subject.respond(&of_trial(chat(&turns), 0)).await);
        assert_eq!(said.starts_with("answered"), works, "{turns:?}: {said}");
    }
    assert_eq!(server.stats().requests, 1);
}

#[test]
fn plans_that_cannot_work_are_refused_with_a_way_out() {
    let head = "kind = \"http\"\nurl = \"http://127.0.0.1:1/x\"\n";
    for (lines, says) in [
        ("kind = \"http\"\n".to_owned(), "`url` is missing"),
        (head.to_owned(), "`body` is missing"),
        (format!("{head}body = {{ a = \"hello\" }}"), "no place for what is asked"),
        (format!("{head}body = {{ a = \"{{{{prompt}}}}\" }}\nreply = \"answer\""), "no JSON pointer"),
        (format!("{head}body = {{ a = \"{{{{prompt}}}}\" }}\nrefusal = \"/blocked\""), "without `reply`"),
        (
            format!("{head}body = {{ a = \"{{{{prompt}}}}\", api_key = \"0123456789abcdef\" }}"),
            "looks like a secret",
        ),
        (
            "kind = \"http\"\nurl = \"example.com\"\nbody = {}".to_owned(),
            "`url` is not an http or https address",
        ),
    ] {
        let error = match open(outside(), &lines) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{lines}"),
        };
        assert!(error.contains(says), "{lines}: {error}");
    }
}
