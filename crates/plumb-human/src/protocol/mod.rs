//! What happens to a participant, as pure functions: which condition a person gets, in which order items come, and what
//! the next screen is.
//!
//! Why apart: a server, a simulation and a test must drive the very same code, so nothing here reads a clock, the
//! network or the machine's randomness; seeds come in as arguments. Start at [`person`] (one person's way through a
//! study); [`assign`] fills conditions (`executed` fills them again for a test), [`order`] arranges items, [`sequence`] puts all that a
//! person meets in a row, [`Due`] says what comes next of it. Not here: pages, storage, time limits.

pub mod assign;
pub(crate) mod draw;
mod due;
pub mod executed;
pub mod order;
pub mod person;
pub mod sequence;

pub use due::Due;
