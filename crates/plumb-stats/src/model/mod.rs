//! Models of a response by formula: least squares, mixed and ordinal models, their tests and contrasts.
//!
//! Start at [`Table`] (the data) and [`Formula`] (what is modelled), then fit a [`LinearModel`] or a [`MixedModel`], and ask [`cell_means`] and [`contrast`].

pub(crate) mod contrast;
pub(crate) mod dense;
pub(crate) mod design;
mod estimable;
pub(crate) mod estimates;
pub(crate) mod formula;
pub(crate) mod mixed;
pub(crate) mod ols;
pub(crate) mod ordinal;
pub(crate) mod robust;
pub(crate) mod table;

pub use contrast::{Adjust, CellMean, adjusted, cell_means, contrast, pairs};
pub use design::{Coding, Design};
pub use estimates::{Estimates, LinearFit, TermTest, Tested};
pub use formula::{Formula, RandomTerm, Term};
pub use mixed::{CellFit, CellIntercepts, GroupCovariance, Likelihood, MixedModel, MixedWarning};
pub use ols::LinearModel;
pub use ordinal::{OrdinalModel, OrdinalWarning};
pub use robust::{ClusterRobust, Correction};
pub use table::{Column, Factor, Table};
