//! The program as a user starts it: what it prints, writes, and exits with.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test code starts the program"
)]

mod align;
mod annotators;
mod attacks;
mod benchmark;
mod code;
mod compare;
mod documents;
mod endpoint;
mod gradable;
mod grades;
mod humans;
mod kill;
mod local;
mod local_models;
mod logs;
mod origin;
mod registered;
mod rehearsal;
mod reports;
mod runs;
mod sae;
mod safety;
mod serve;
mod steer;
mod support;
