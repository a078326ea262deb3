//! Rules on made-up and on real replies, and every kind of judge through the spine.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod align;
mod arditi;
mod correlation;
mod ensembles;
mod kinds;
mod parties;
mod refusal;
mod support;
mod xstest;
