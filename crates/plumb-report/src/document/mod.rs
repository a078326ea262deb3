//! A `Document` for people and programs: [`document_terminal`], [`document_json`], [`document_html`],
//! [`document_markdown`].
//!
//! One look for everything that is no run's own report. The page has no script at all; what is folded opens by itself.

mod cells;
mod charts;
mod html;
mod json;
mod markdown;
mod plane;
mod terminal;

pub use html::document_html;
pub use json::document_json;
pub use markdown::document_markdown;
pub use terminal::document_terminal;
