//! Taxonomies, generated items and published sets, as data and through a registry.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod calibrated;
mod corrected;
mod counts;
mod files;
mod grades;
mod guards;
mod planned;
mod properties;
mod real;
mod support;
mod validation;
