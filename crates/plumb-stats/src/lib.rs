//! Statistics for measuring models, as pure functions.
//!
//! Why: answers of one item, of one conversation or of one person are not independent, rates sit near 0 and 1,
//! and a report makes many claims at once. Every number here comes with an interval that respects that, or with a
//! named reason why there is none.
//!
//! Where to start: put rows into [`ClusterRows`], call [`ClusterRows::build`], then [`Resample::draw`], and ask
//! [`Resample::rate`] or [`Resample::contrast`]. A plain count goes into [`Proportion`]. Many hypotheses go through
//! [`decide`]. Two raters go into [`Ratings`], scores
//! and what they shall follow into [`Correlations`], a judge that says yes or no and the truth into [`BinaryRows`],
//! outputs that several people rated into [`RatedRows`].
//!
//! Not here: reading files, plans, journals, reports (those are other crates'), and randomness of its own: whoever
//! calls passes a seed. Nothing prints, and nothing depends on the number of threads.
//!
//! ```
//! use plumb_stats::{ClusterRows, Draws, Level, Resample, Support, Wanted};
//!
//! // Two subjects (cells 0 and 1) asked the same 40 items (clusters); 1 = refused.
//! let mut rows = ClusterRows::new(2);
//! for item in 0..40_u32 {
//!     rows.add(item, 0, f64::from(u8::from(item % 2 == 0)))?;
//!     rows.add(item, 1, f64::from(u8::from(item % 5 == 0)))?;
//! }
//! let sums = rows.build()?;
//! let resample = Resample::draw(&sums, Draws::seeded(7))?;
//! let difference = resample.contrast(&[1.0, -1.0], Support::Binary, Wanted::Default)?;
//! assert_eq!(difference.estimate()?, 0.5 - 0.2);
//! assert!(!difference.interval(Level::P95)?.contains(0.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Two kinds of "no": [`Error`] is a mistake of the caller (a level of 1.5, a cell that does not exist);
//! [`Undefined`] is a fact about the data (no rows, one cluster) and belongs in a report.

mod agreement;
mod alpha;
mod auroc;
mod bca;
mod binary;
mod choose;
mod cluster;
pub mod compare;
mod corrected;
mod correlation;
mod correlations;
mod crossed;
pub mod decide;
mod dependent;
mod detection;
mod distribution;
mod double_sampling;
mod effective;
mod error;
mod icc;
mod inference;
mod interval;
mod linear;
mod minimise;
pub mod model;
mod mover;
pub mod multiplicity;
mod paired;
mod pairs;
mod proportion;
mod quadrature;
mod rated;
mod raters;
mod reliability;
mod resample;
pub mod sequential;
mod share;
mod studentised;
mod tails;
mod transported;
mod tukey;

pub use agreement::{Confusion, KappaWeights};
pub use alpha::{Coincidences, alpha, alpha_inference};
pub use auroc::{Auroc, RocPoint, ScoredRow, auroc, roc_curve};
pub use binary::{BinaryCounts, BinaryMeasure, BinaryResample, BinaryRows, BinarySums, Measured};
pub use cluster::{CellTotal, ClusterRows, ClusterSums};
pub use corrected::{Corrected, LabelledSample, Prior, Priors, rogan_gladen, rogan_gladen_bayes};
pub use correlation::{Coefficient, correlation};
pub use correlations::Correlations;
pub use crossed::{Crossed, Known, Replicated, Scale, Times};
pub use dependent::{Dependent, DependentTest};
pub use detection::{Detection, detection};
pub use double_sampling::{AmongAll, Drawn, Stratum, VerdictShares};
pub use error::{Error, Undefined};
pub use icc::{Icc, Raters, icc};
pub use inference::{Inference, IntervalMethod, Support, Test, Wanted, Warning};
pub use interval::{Interval, Level};
pub use linear::{ClusterVariance, cluster_variance, crossed_variance};
pub use paired::PairedShares;
pub use pairs::Pairs;
pub use proportion::{Proportion, newcombe_difference};
pub use rated::{Blend, Fold, Form, Of, Question, Rated, RatedRows, Subset};
pub use raters::{Agreement, RatingSums, Ratings};
pub use reliability::{RatedUnits, Reliability, Reliable};
pub use resample::{Draws, Resample};
pub use share::{Share, Stream, interval_of_draws};
pub use transported::{LEAST_SYSTEMS, Transported};
pub use tukey::tukey_upper;
