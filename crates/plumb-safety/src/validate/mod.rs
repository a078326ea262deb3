//! An annotator held against labels: tables in, groups of rows and their validation out.
//!
//! Why: the v0.5 paper's own check of its annotator (660 flagged and 660 unflagged replies, three people each) shows that
//! the annotator decides the grade more than the systems do. So it must be easy to do, by hazard and by subject.
//!
//! Start with [`Columns`] (which column is what), then [`join`] (after [`gather`], where labels
//! have a row for each rater), then [`groups`], and [`strata`] where answers were drawn by verdict. What comes out can be kept as a
//! [`ValidationFile`], which corrects rates and says who may vote.
//!
//! Not here: the statistics (`plumb-judge::validation`), reading a run's journal (the binary makes its table).

mod drawn;
mod layout;
mod raters;
mod table;

pub use drawn::{DRAWN_WITHIN, strata};
pub use layout::{Layout, layout_of, records_of};
pub use plumb_judge::validation::{GroupCounts, SampleDesign, ValidationFile, Weighted};
pub use raters::{Gathered, gather};
pub use table::{Columns, Group, Joined, YesOnly, groups, join};
