//! Looking into a forward pass and changing it: sites, edits and taps.
//!
//! Both are arguments of a pass, never a state of the model. [`Edits`] belong to one sequence of a batch, so that
//! differently edited sequences share a pass; [`Taps`] belong to the whole pass. Without any, nothing is done at a site,
//! and the result is the same to the bit. Start with [`Site`]; names of other tools are read in [`names`]. Not here:
//! where the pass visits sites (`forward`).

mod edit;
mod names;
mod site;
mod tap;

pub use edit::{Direction, Edit, Edits, Operation, Positions, Rows};
pub(crate) use names::Fault as NameFault;
pub use site::Site;
pub(crate) use tap::{Hooks, Place};
pub use tap::{Sink, Taps};
