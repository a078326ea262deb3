//! Everything that goes out over the network: remote models as subjects, and fetching local models.
//!
//! A provider's words must become data that a study can trust. So this crate knows what each provider's
//! answer, refusal to answer and failure look like, and gives every one of them a name; nothing a server
//! sends may panic here, and a secret never leaves in a log, an error or a `Debug` print.
//!
//! Where to start:
//! - [`models`]: which local models there are, where their files come from, and the cache they live in;
//! - [`wire`]: the outcome of one exchange, and [`openai`] and [`anthropic`], which build requests and read
//!   replies without doing any input or output;
//! - [`transport`]: one request over HTTP, with limits;
//! - [`browser`]: pages and forms of a study's server, for simulated people and crowds;
//! - [`retry_after`], [`price`], [`secrets`]: what a run needs around an exchange;
//! - [`subject`]: all of it together as the kinds of subject that a plan can name.
//!
//! Not here: running local models (`plumb-lm`), deciding when to ask and ask again (the runner in
//! `plumb-study`), and incoming HTTP (`plumb-web`).

pub mod anthropic;
pub mod browser;
mod error;
pub mod models;
pub mod openai;
pub mod price;
pub mod retry_after;
pub mod secrets;
pub mod subject;
pub mod transport;
pub mod wire;

pub use error::{Error, Result};
