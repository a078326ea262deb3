//! Tests against other libraries' values and against real data.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code"
)]

mod anything;
mod cleaning;
mod contests;
mod crossing;
mod docker;
mod environment;
mod forgery;
mod kind;
mod languages;
mod pairs;
mod pass_at_k;
mod people;
mod problems;
mod results;
mod running;
mod sandbox;
mod similarity;
mod support;
mod wire;
