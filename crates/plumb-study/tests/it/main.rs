//! The spine from a plan's text to results, with scripted parties.

#![allow(clippy::unwrap_used)]

mod amend;
mod converse;
mod fuzz;
mod invariants;
mod logs;
mod people;
mod plans;
mod policies;
mod resume;
mod support;
