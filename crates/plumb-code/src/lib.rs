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

mod error;
pub mod extract;
mod kind;
mod metric;
pub mod pairs;
mod pass_at_k;
pub mod problems;
pub mod sandbox;

pub use error::Error;
pub use metric::{Metric, Unscored};
pub use pass_at_k::{Counts, mean_pass_at_k, pass_at_k};

/// Adds this crate's kind of judge, `similarity`, and its reader, `problems`.
pub fn register(registry: &mut plumb_study::Registry) {
    registry.judge("similarity", kind::SimilarityKind);
    registry.reader("problems", problems::reader::Problems);
}
