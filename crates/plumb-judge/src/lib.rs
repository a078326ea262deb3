//! Judges of every domain: what a reply did (`refusal`), whether it is right (`matching`, `choice`, `numeric`), and
//! what a model that was asked to judge said (`parse`).
//!
//! Why: policy about what counts is pure, in one place, with its thresholds as data that cite their source.
//!
//! Where to start: [`refusal::GradedRule`] or [`matching::Match`]; each takes the text of a reply and returns a small
//! enum that says what was found and where, or why nothing can be said. [`register`] puts them behind the spine's seam
//! as kinds of judge, with the methods `agreement` and `correlation` that hold judges against people.
//!
//! Judges of other crates that ask a model do it with [`asking`].
//!
//! Not here: the runner through which a model is asked, counting votes (the ledger does), and domain knowledge of one
//! benchmark.

mod agreement;
pub mod align;
pub mod asking;
pub mod choice;
mod correlation;
mod error;
mod kinds;
pub mod matching;
pub mod numeric;
pub mod parse;
pub mod refusal;
pub mod template;
pub mod validation;

pub use error::Error;

/// Adds this crate's kinds of judge (`refusal-rule`, `match`, `choice`, `numeric`, `model`, `recorded`, `ensemble`) and its methods
/// (`agreement`, `correlation`).
pub fn register(registry: &mut plumb_study::Registry) {
    kinds::register(registry);
    registry.method("agreement", agreement::AgreementMethod);
    registry.method("correlation", correlation::CorrelationMethod);
}
