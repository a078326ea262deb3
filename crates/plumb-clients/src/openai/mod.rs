//! The wire format of OpenAI's chat completions and completions, which most servers speak.
//!
//! [`chat_request`] and [`completion_request`] write bodies; [`read_chat`] and [`read_completion`] read
//! replies. Neither sends anything.

mod reply;
mod request;

pub use reply::{read_chat, read_completion};
pub use request::{Dialect, chat_request, completion_request};
