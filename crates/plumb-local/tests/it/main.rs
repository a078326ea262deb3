//! The kind `local` from a plan's table to answers, on models of random weights (`plumb_lm::tiny`).
#![allow(clippy::unwrap_used, reason = "tests stop at what they do not expect")]

mod answering;
mod freezing;
mod frontier;
mod latents;
mod running;
mod searching;
mod steering;
mod support;
