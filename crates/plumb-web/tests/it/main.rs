//! A server of tiny models, asked over real connections.

#![allow(clippy::unwrap_used, reason = "tests stop at what they do not expect")]

mod activations;
mod chat;
mod completions;
mod limits;
mod steering;
mod study;
mod support;
