//! Generated code: how similar it is to a reference.
//!
//! Why: code is measured by what it does and by how near it is to what was wanted, and each number is only worth
//! something if it is the number that others compute under the same name.
//!
//! Where to start: [`Metric::score`].
//!
//! Not here: running code, asking models, rating by people.

mod metric;

pub use metric::{Metric, Unscored};
