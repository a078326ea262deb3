//! Studies: what a file may say, what people meet, what simulated people answer, and what is computed from answers.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr, reason = "test code")]

mod design;
mod faults;
mod looks;
mod odd;
mod paper;
mod permuted;
mod powered;
mod protocol;
mod raters;
mod screens;
mod simulated;
mod studies;

use plumb_human::Study;

/// A study of `examples/studies`, with its files.
fn example(name: &str) -> Study {
    example_with(name, |text| text)
}

/// An example with something changed.
fn example_with(name: &str, change: impl Fn(String) -> String) -> Study {
    let folder = format!("{}/../../examples/studies", env!("CARGO_MANIFEST_DIR"));
    let beside = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).map_err(|e| e.to_string());
    Study::parse_with(&change(beside(&format!("{name}.toml")).unwrap()), name, &beside).unwrap()
}
