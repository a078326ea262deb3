//! Steering: a model whose residual stream is changed along a direction while it runs.
//!
//! A [`ControlVector`] holds a direction for some layers, in llama.cpp's file format; a [`Steer`] says what is done with it:
//! added, set or removed, how strongly, for which tokens. [`Steer::edits`] makes that the edits of one forward pass.
//! [`difference_in_means`] finds a direction from two lists of prompts. Start with [`Steer`].
//!
//! Not here: what an edit computes (`plumb-lm`), sweeps over many settings (`sweep`), what they cost (`frontier`).

mod direction;
mod settings;
mod vector;

pub use direction::{Direction, difference_in_means, random_like};
pub use settings::{Mode, Span, Steer, Unit};
pub use vector::ControlVector;
