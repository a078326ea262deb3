//! A model endpoint that is not one: it speaks the OpenAI-compatible and Anthropic wire formats,
//! answers every prompt with a text that follows from the prompt, and misbehaves on request.
//!
//! It exists for three uses. Tests of clients and runners start one in their own process
//! ([`Server::start`]) and choose its faults; benches run it as a process of its own
//! (`cargo xtask mock-server`), so that its CPU time is not mistaken for ours; drills read its
//! counts to prove from outside that no finished trial was asked twice.
//!
//! Start at [`Config`] for what it can be told and [`Server`] for what it can be asked. The path of
//! a request is `service` → `request` (what was asked) → `config` (which fault, if any) → `reply`
//! (the bytes) → `body` (how they leave); `tally` counts along the way.
//!
//! Not here: streaming replies, TLS, authentication (except refusing everybody), real text.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool: it may use clocks and print"
)]

mod body;
mod config;
mod hash;
mod reply;
mod request;
mod server;
mod service;
mod tally;

pub use config::{Config, Fault};
pub use hash::{Dice, Key};
pub use reply::reply_text;
pub use server::{Server, serve_forever};
pub use service::Recorded;
pub use tally::{Seen, Stats};
