//! The wire format of Anthropic's messages.
//!
//! [`request`] writes a body, [`read`] reads a reply; neither sends anything. The format has no seed and
//! always needs a limit of tokens.

mod reply;
mod write;

pub use reply::read;
pub use write::{DEFAULT_MAX_TOKENS, VERSION, request};
