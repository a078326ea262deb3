//! Generated code: how similar it is to a reference, and how often it is right.
//!
//! Why: code is measured by what it does and by how near it is to what was wanted, and each number is only worth
//! something if it is the number that others compute under the same name.
//!
//! Where to start: [`Metric::score`], [`extract::extract`], [`pass_at_k`], [`problems::read_problems`]. [`register`] puts them behind the spine's seam.
//!
//! [`sandbox`] is the one place of the workspace where generated code runs.
//!
//! Not here: asking models, rating by people.

pub mod clean;
mod error;
pub mod exec;
pub mod extract;
mod kind;
pub mod language;
mod method;
mod metric;
pub mod pairs;
mod pass_at_k;
pub mod problems;
mod python;
pub mod results;
pub mod sandbox;
mod tests_kind;
mod verdicts;

pub use error::Error;
pub use metric::{Metric, Unscored};
pub use pass_at_k::{Counts, TwoLevels, both_levels, mean_pass_at_k, pass_at_k};
pub use tests_kind::Host;

/// Adds this crate's kinds of judge, `similarity` and `tests`, its reader, `problems`, and its method, `pass-at-k`.
pub fn register(registry: &mut plumb_study::Registry, host: Host) {
    registry.judge("similarity", kind::SimilarityKind);
    registry.judge("tests", tests_kind::TestsKind { host });
    registry.reader("problems", problems::reader::Problems);
    registry.method("pass-at-k", method::PassAtK { name: "pass@", sample: "samples" });
    registry.method("any-of-k", method::PassAtK { name: "any of ", sample: "attempts" });
}
