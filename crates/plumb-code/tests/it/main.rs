//! Tests against other libraries' values and against real data.

mod kind;
mod pairs;
mod pass_at_k;
mod people;
mod problems;
mod similarity;
mod support;
