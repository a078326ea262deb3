//! Models in this process as subjects: the kind `local`.
//!
//! A plan names a model; the binary, through [`Models`], says which file that is; [`LocalKind`] loads the file once, however
//! many subjects and judges use it, and answers what they are asked in one continuous batch. An answer does not depend on
//! what else is in the batch, to the bit, so that concurrency and resuming change nothing.
//!
//! A subject may be steered ([`steer`]); [`search`] finds latents for it; [`sweep`] makes the subjects of a plan that tries many settings, and [`frontier`] reports
//! what they gain and cost.
//!
//! Start with [`LocalKind`]. Not here: where files come from (`plumb-clients`) and what a model computes (`plumb-lm`).

mod engine;
pub mod frontier;
mod kind;
mod models;
mod responder;
pub mod search;
mod settings;
mod splitmix;
pub mod steer;
pub mod sweep;

pub use engine::{Broken, Engine, Outcome, Piece, Pieces};
pub use kind::{LOCAL, LocalKind};
pub use models::{Identity, Models, has_chat_template};
pub use responder::{labelled, message};
pub use splitmix::SplitMix;
