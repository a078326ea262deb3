//! Studies with people: what a study file says, data that were collected elsewhere, and the analysis.
//!
//! Why: an experiment with people is a plan fixed beforehand, and its analysis follows from the plan. [`Study`] is that
//! plan, [`Data`] are the answers read by its import, [`analyse`] computes what it lists, [`report`] writes it as a
//! [`plumb_study::Document`]. What a participant meets is pure code in [`protocol`] and
//! [`screen`], and [`outline`] shows it.
//!
//! Where to start: [`Study::parse`], then [`Data::read`], then [`analyse`]. Not here: statistics (`plumb-stats`), and how a
//! document looks (`plumb-report`).

mod analyse;
pub mod collect;
mod data;
mod error;
mod expression;
pub mod fit;
mod outline;
mod power;
pub mod protocol;
mod quantity;
mod registration;
mod report;
pub mod screen;
pub mod simulate;
mod study;

pub use analyse::{
    Analysed, AnalysisResult, Assigned, Compared, Contrasted, Counted, Differs, Group, Ladder, ModelWarning,
    Modelled, Occasion, PassedOver, Permuted, Repeated, Sighted, Spent, Verdict, Weighted, Wrong, analyse,
    analyse_with, permuted,
};
pub use data::{Collected, Data, Facts, Missing};
pub use error::{Error, Result};
pub use outline::{Platform, outline};
pub use power::{PowerPoint, PowerSettings, Powered, power, power_studies, report_power};
pub use protocol::sequence::{sequence, sequence_where};
pub use registration::{Registration, fixed};
pub use report::{report, report_marked, report_permuted};
pub use study::{Bounds, Direction, Ending, Language, Sampled, Study};
