//! Tests against other libraries' values and against real data.

mod similarity;
mod support;
