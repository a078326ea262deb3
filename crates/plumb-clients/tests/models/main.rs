//! Fetching models, from sources that work, lie, stall and are not there.

#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only the functions marked as tests")]

mod hub;
mod package;
mod store;
mod world;
