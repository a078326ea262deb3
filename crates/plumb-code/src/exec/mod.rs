//! Samples against the tests of their problems: what is run, in what order, and what came of it.
//!
//! Why: a problem set says in its own way what a program is and when it is right; the sandbox knows neither. Here each
//! sample becomes one or several jobs of the sandbox, and their outcomes one [`Record`].
//!
//! Where to start: [`Testable::of`], then [`run`]. Not here: isolation ([`crate::sandbox`]), files of results
//! ([`crate::results`]), pass@k.

mod decided;
mod evalplus;
mod function;
mod output;
mod record;
mod running;
mod same;
mod suite;

pub use output::same_output;
pub use record::{Record, Repaired, Tried};
pub use running::{Given, references, run, run_once, time_of_references};
pub use suite::Testable;
