//! What steering gains and what it costs: from a sweep's journal to a document.
//!
//! [`gather`] folds the journal into one row of outcomes for each setting and measure; [`document`] compares them with the
//! unsteered model, item by item, and says in words what came out. Everything is computed again from plan and journal.
//!
//! Not here: running the sweep (the binary), what counts as refusal (judges).

mod chosen;
mod contrast;
mod degenerate;
mod gate;
mod gather;
mod letters;
mod measured;
mod outcomes;
mod overlap;
mod pushes;
mod refusals;
mod report;
mod tables;
mod words;

pub use chosen::{Before, Lot, chosen};
pub use degenerate::Bounds;
pub use gate::gate;
pub use gather::{Arm, Gathered, Kind, Row, gather};
pub use letters::Letters;
pub use outcomes::{Outcome, Outcomes};
pub use overlap::Overlap;
pub use pushes::{Pushed, pushes};
pub use report::document;
