//! Every fault of the mock becomes an outcome with a name, for each wire format.

use std::time::Duration;

use plumb_mock::{Config, Fault, Server};
use plumb_study::items::Prompt;

use super::{LONG, anthropic_at, ask, chat_at, line, open, outside};

/// What a hit request comes to, as [`line`] says it.
fn expected(fault: Fault) -> &'static str {
    match fault {
        Fault::RateLimited | Fault::RateLimitedBare => {
            "rate limited (passing): HTTP 429, too many requests: Too many requests; slow down."
        }
        Fault::ServerError => "endpoint overloaded (passing): HTTP 500: Something went wrong on our side.",
        Fault::Unavailable => {
            "endpoint overloaded (passing): HTTP 503, the server is overloaded: The model is overloaded at the moment."
        }
        Fault::NoReply => "timed out (passing): no response in time: the limit is 0.4 s",
        Fault::StallAfterHeaders => "timed out (passing): the response began and then stalled: after 0 bytes",
        Fault::StallMidBody => "timed out (passing): the response began and then stalled: after ",
        Fault::SlowBody | Fault::Late | Fault::WrongContentType => "answered \"echo ",
        Fault::NullContent => "reply without text (last): no text, only reasoning until the limit of tokens",
        Fault::EmptyContent => "answered \"\", stop",
        Fault::MissingChoices | Fault::NullChoices => "malformed reply (passing): the body has no choices",
        Fault::TruncatedJson => "malformed reply (passing): the body ends too early: EOF while parsing",
        Fault::HtmlOk => {
            "malformed reply (passing): a web page came instead of an answer (is base_url right?): 502"
        }
        Fault::HtmlBadGateway => "endpoint overloaded (passing): HTTP 502: web page: 502 Bad Gateway",
        Fault::FilteredPrompt => "withheld: prompt filtered by provider",
        Fault::FilteredReply => "withheld: answer filtered by provider",
        Fault::Reset => "connection failed (passing): the connection failed: ",
    }
}

/// Where Anthropic's format says it otherwise.
fn expected_of_anthropic(fault: Fault) -> &'static str {
    match fault {
        Fault::MissingChoices | Fault::NullChoices => "malformed reply (passing): the body has no content",
        Fault::FilteredReply => "withheld: refusal reported by provider",
        // Its format has no code for a filter that stops a prompt.
        Fault::FilteredPrompt => "rejected by endpoint (last): HTTP 400: The prompt was blocked",
        other => expected(other),
    }
}

async fn ends_as(fault: Fault, table: fn(Fault) -> &'static str, at: fn(&str) -> String, prompt: Prompt) {
    let config = Config {
        trickle: Duration::from_millis(2),
        late: Duration::from_millis(30),
        ..Config::with_fault(fault, 100.0)
    };
    let server = Server::start(config).unwrap();
    let subject = open(outside(), &at(&server.base_url())).unwrap();
    let stalls = matches!(fault, Fault::NoReply | Fault::StallAfterHeaders | Fault::StallMidBody);
    let deadline = if stalls { Duration::from_millis(400) } else { LONG };
    let end = subject.respond(&ask(prompt, deadline)).await;
    let found = line(&end);
    assert!(found.starts_with(table(fault)), "{fault}: {found}");
    let asked_to_wait = end.err().and_then(|failure| failure.retry_after);
    assert_eq!(asked_to_wait, (fault == Fault::RateLimited).then_some(Duration::from_secs(1)), "{fault}");
    assert_eq!(server.stats().requests, 1, "{fault}: trying again is the runner's business");
}

#[tokio::test]
async fn chat() {
    for fault in Fault::ALL {
        ends_as(*fault, expected, chat_at, Prompt::user("hello")).await;
    }
}

#[tokio::test]
async fn completions() {
    let at = |base: &str| chat_at(base) + "api = \"completions\"\n";
    for fault in Fault::ALL {
        ends_as(*fault, expected, at, Prompt::Completion("hello".into())).await;
    }
}

#[tokio::test]
async fn messages() {
    for fault in Fault::ALL {
        ends_as(*fault, expected_of_anthropic, anthropic_at, Prompt::user("hello")).await;
    }
}

/// An endpoint that is not there is named too.
#[tokio::test]
async fn nobody_listens() {
    let subject = open(outside(), &chat_at("http://127.0.0.1:9/v1")).unwrap();
    let found = line(&super::hello(&subject).await);
    assert!(found.starts_with("connection failed (passing): ") && found.contains("refused"), "{found}");
}
