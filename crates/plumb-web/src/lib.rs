//! Incoming HTTP: local models for any client that speaks OpenAI's protocol.
//!
//! Every request joins the one continuous batch of its model, so what it gets does not depend on what else is asked at the
//! same time. What a request says and this server does not do is an error that names the field: nothing that could change
//! an answer is passed over in silence.
//!
//! Start with [`serve`]; `openai` has the protocol, `guard` who is let in, `metrics` what is counted. Not here: loading of
//! models and secrets (the binary), and what is computed (`plumb-lm`, through `plumb_local::Engine`).

mod error;
mod guard;
mod metrics;
mod openai;
mod problem;
mod server;
mod study;

pub use error::Error;
pub use server::{Config, Limits, Outside, Served, serve};
pub use study::{Keys, StudyAsked, StudyConfig, StudyOutside, StudyRefuses, preview_study, serve_study};
