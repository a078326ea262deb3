//! A run's results for people and programs: [`terminal`], [`json`] and [`html`]; and any other [`plumb_study::Document`]
//! in the same forms.
//!
//! Why a crate of its own: `plumb_study::Results` says what is true of a run, this says how it reads. All three
//! forms are functions of the results alone; equal results give equal bytes. There is no clock, no network and
//! no randomness here, and nothing that models, files or servers wrote can act on who reads it.
//!
//! Where to start: [`html`] and its templates beside `src`. `panel` arranges findings for all forms but JSON,
//! `number` and `words` are the one place that rounds and phrases, `text` makes untrusted text harmless.

mod axis;
mod comparison;
mod document;
mod error;
mod html;
mod json;
mod number;
mod panel;
mod terminal;
mod text;
mod words;

pub use comparison::{comparison_document, comparison_json, comparison_junit};
pub use document::{document_html, document_json, document_markdown, document_terminal};
pub use error::{Error, Result};
pub use html::html;
pub use json::{FORMAT, json};
pub use terminal::{Style, terminal};
pub use text::escaped;
