//! Remote subjects through the study's own seam, against a server that misbehaves on request.

#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only the functions marked as tests")]

mod application;
mod faults;
mod freezing;
mod replies;
mod requests;
mod secrets;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use plumb_clients::price::Prices;
use plumb_clients::secrets::Keyring;
use plumb_clients::subject::{Outside, register};
use plumb_clients::transport::Bounds;
use plumb_study::items::Prompt;
use plumb_study::party::{Ask, Outcome, Reply, Responder, Sampling};
use plumb_study::{Answer, Draft, Failure, Inputs, Opening, Plan, Registry, freeze};

/// What the tests' keyring holds.
const KEY: &str = "hush-hush-0123456789";

/// A machine on which only `TEST_KEY` is set.
fn outside() -> Outside {
    Outside {
        keyring: Keyring::new(|name: &str| (name == "TEST_KEY").then(|| KEY.to_owned())),
        prices: Prices::default(),
        clock: || SystemTime::UNIX_EPOCH,
        bounds: Bounds::default(),
    }
}

fn registry(outside: Outside) -> Registry {
    let mut registry = Registry::new();
    register(&mut registry, outside);
    registry
}

/// One item, so that a plan is a plan.
struct OneItem;

impl Inputs for OneItem {
    fn read(&self, _: &str) -> plumb_study::Result<Vec<u8>> {
        Ok(b"id,prompt\na,hello\n".to_vec())
    }
    fn expand(&self, path: &str) -> plumb_study::Result<Vec<String>> {
        Ok(vec![path.to_owned()])
    }
}

/// A plan with one subject, which has these lines.
fn plan(registry: &Registry, subject: &str) -> plumb_study::Result<Arc<Plan>> {
    let items = if subject.contains("\"completions\"") { "as = \"completion\"\n" } else { "" };
    let text = format!(
        "name = \"t\"\nseed = 1\n[[items]]\nreader = \"csv\"\npath = \"i.csv\"\n{items}[[subject]]\nid = \"s\"\n{subject}"
    );
    Ok(Arc::new(freeze(Draft::parse(&text, "t.toml")?, registry, &OneItem)?.plan))
}

/// The subject with these lines, opened.
fn open(outside: Outside, subject: &str) -> plumb_study::Result<Arc<dyn Responder>> {
    let registry = registry(outside);
    let plan = plan(&registry, subject)?;
    let party = &plan.subjects[0].party;
    let opening = Opening { in_flight: 1, recordings: Arc::default(), plan: plan.clone() };
    registry.find_party(&party.kind)?.open(party, &opening)
}

fn chat_at(base_url: &str) -> String {
    format!("kind = \"openai\"\nmodel = \"mock-1\"\nbase_url = \"{base_url}\"\n")
}

fn anthropic_at(base_url: &str) -> String {
    format!("kind = \"anthropic\"\nmodel = \"mock-1\"\nbase_url = \"{base_url}\"\n")
}

fn ask(prompt: Prompt, deadline: Duration) -> Ask {
    Ask { prompt, sampling: Sampling::default(), seed: 3, trial: None, deadline }
}

const LONG: Duration = Duration::from_secs(20);

async fn hello(subject: &Arc<dyn Responder>) -> Result<Reply, Failure> {
    subject.respond(&ask(Prompt::user("hello"), LONG)).await
}

/// An exchange's end in one line.
fn line(end: &Result<Reply, Failure>) -> String {
    match end {
        Ok(Reply { outcome: Outcome::Withheld(why), .. }) => format!("withheld: {}", why.name()),
        Ok(Reply { outcome: Outcome::Answered { answer: Answer::Text(text), finish, .. }, .. }) => {
            format!("answered {text:?}, {}", finish.name())
        }
        Ok(other) => format!("{other:?}"),
        Err(failure) => {
            let again = if failure.retryable { "passing" } else { "last" };
            format!("{} ({again}): {}", failure.kind.name(), failure.message)
        }
    }
}
