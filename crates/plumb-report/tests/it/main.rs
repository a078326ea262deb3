//! What the three forms of a report must keep: what people read is a snapshot, what protects them a property.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod document;
mod page;
mod text;
mod world;
