//! Tests against other libraries' values and against real data.

mod pass_at_k;
mod similarity;
mod support;
