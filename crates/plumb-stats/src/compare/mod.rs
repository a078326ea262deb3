//! Comparing two groups, or a group with a value: t tests with effect sizes, rank tests, tables of counts.
//!
//! Start at [`welch`]; what is reported beside it is [`cohens_d`] or [`hedges_g`]. All are checked against R.

mod contingency;
mod effect;
mod ranks;
mod t_test;

pub use contingency::{
    ChiSquare, Fisher, chi_square, fisher, freeman_halton, goodness_of_fit, goodness_of_shares,
};
pub use effect::{
    Effect, cohens_d, cohens_d_clustered, cohens_d_paired, hedges_g, noncentral_t_cdf, t_test_power,
};
pub use ranks::{RankTest, mann_whitney, signed_rank};
pub use t_test::{Equivalence, equivalence, one_sample, paired, student, welch};
