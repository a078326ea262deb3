//! Language models in this process: weights, tokenizer, chat template, forward pass with taps and edits, sampling.
//!
//! A [`Model`] is loaded from a GGUF file or a Hugging Face folder and never changes. What a sequence has seen is in its [`Cache`]; what
//! is looked at or changed during a pass ([`Taps`], [`Edits`]) is an argument of it. [`Generator`] answers many requests
//! together, and each answer is the same, to the bit, whatever else was in the batch.
//!
//! ```no_run
//! use plumb_lm::{Control, Generator, Job, Limits, Message, Model, Outcome, Prompt, Request, Role, Sampling};
//!
//! let model = Model::open("model.gguf".as_ref())?;
//! let question = vec![Message::new(Role::User, "What is a plumb line?")];
//! let job = Job::Complete(Request::new(Prompt::chat(question), Sampling::default(), 0));
//! let never = std::sync::atomic::AtomicBool::new(false);
//! let control = Control { cancel: &never, now: &std::time::Instant::now };
//! for outcome in Generator::new(model.into(), Limits::default()).run(vec![job], control) {
//!     if let Outcome::Completion(answer) = outcome? {
//!         assert!(answer.completion_tokens > 0);
//!     }
//! }
//! # Ok::<(), plumb_lm::Error>(())
//! ```
//!
//! Where to start reading: `model` (what is loaded), `forward` (what is computed), `backend` (what computes it), `kernel` (why batches do not matter),
//! `generate` (how requests share passes), [`sae`] (sparse autoencoders); [`tiny`] is a model for tests. Not here: fetching of models, clocks, printing, and what an answer means.

mod arch;
/// The example of the page on taps and edits, which the documentation tests run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/taps.md")]
pub struct TapsPage;
/// The example of the page on sparse autoencoders.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/sae.md")]
pub struct SaePage;

mod backend;
mod cache;
mod capture;
mod chat;
mod error;
mod folder;
mod forward;
mod generate;
pub mod gguf;
mod hook;
mod kernel;
mod model;
mod outline;
mod quant;
pub mod sae;
mod sample;
pub mod tiny;
mod tokenizer;
mod weights;

pub use arch::{
    Activation, Architecture, Biases, Config, LayerKind, LongRotary, NormKind, Rotary, RotaryPairs,
};
pub use backend::Device;
pub use cache::{Cache, KvType, Memory};
pub use capture::{Class, Labelled, capture, capture_to};
pub use chat::{Date, Message, Role};
pub use error::Error;
pub use forward::{Input, Logits, Want, Work};
pub use generate::{
    Audience, Choice, ChoiceScore, Choices, Completion, Control, Event, Finish, Generator, Job, Limits,
    Outcome, Prompt, Request, Sampling, Scoring, TokenScore,
};
pub use hook::{Direction, Edit, Edits, Operation, Positions, Rows, Sink, Site, Taps};
pub use model::Model;
pub use outline::Outline;
pub use sample::{Sampler, greedy, log_probability};
pub use tokenizer::{Special, TextStream, TokenId, Tokenizer};
