//! Remote models as subjects of a plan: the kinds `openai`, `anthropic` and `http`.
//!
//! A plan names an address, a model and, by name, a secret; a run turns each [`plumb_study::party::Ask`]
//! into exactly one request and its response into an answer, a withheld answer or a failure with a name.
//! How often to ask, how long to wait and how many exchanges run at once is the runner's business.
//!
//! Start at [`register`]. `endpoint` is what the kinds share of a plan's table, `openai`, `anthropic` and
//! `http` take the rest; `channel` sends, `remote` answers.

mod anthropic;
mod channel;
mod endpoint;
mod extra;
mod http;
mod openai;
mod remote;
mod template;

use std::sync::Arc;
use std::time::SystemTime;

use plumb_study::Registry;

use crate::price::Prices;
use crate::secrets::Keyring;
use crate::transport::{Bounds, Transport};

/// What remote subjects need of the world outside a plan.
pub struct Outside {
    /// Where secrets are looked up.
    pub keyring: Keyring,
    /// What tokens cost.
    pub prices: Prices,
    /// Asked only when a server names a date to wait for.
    pub clock: fn() -> SystemTime,
    /// What a server may stretch.
    pub bounds: Bounds,
}

/// Adds the kinds `openai`, `anthropic` and `http`. They share `outside`, and the connections.
pub fn register(registry: &mut Registry, outside: Outside) {
    let transport = Transport::new(outside.bounds, outside.clock);
    let shared = Arc::new(Shared { outside, transport });
    registry.party("openai", openai::Kind(shared.clone()));
    registry.party("anthropic", anthropic::Kind(shared.clone()));
    registry.party("http", http::Kind(shared));
}

/// What the kinds share.
struct Shared {
    outside: Outside,
    transport: Transport,
}

/// This crate's error as the study's, which the binary shows with its help.
fn party_error(error: &crate::Error) -> plumb_study::Error {
    let told = plumb_study::Error::party(error.to_string());
    match error.help_text() {
        Some(help) => told.help(help),
        None => told,
    }
}
