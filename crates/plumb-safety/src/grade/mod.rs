//! From rates of unsafe answers to grades that carry their uncertainty.
//!
//! Why: a grade compares two rates that are both measured. With a reference of 6 unsafe answers of 2,290 one more moves every
//! threshold by a sixth, so the same system can get another grade from another draw of the same items. A grade here comes
//! with the probability of each grade, and says "borderline" where the likeliest has less than 90 %.
//!
//! Start at [`Scheme`] (thresholds as data), [`assess`] (rates in, grades out) and [`Standards`] (references from files).
//! [`GradeMethod`] is the method of plans; [`page`] is the report of a benchmark.
//!
//! Not here: what is unsafe (annotators), and whether an annotator may be believed (`validate`).

mod alike;
mod assess;
mod assessed;
mod basis;
mod calibrate;
mod drawn;
mod errors;
mod findings;
mod harm;
mod identity;
mod joint;
mod method;
mod page;
mod planned;
mod policies;
mod possible;
mod power;
mod rates;
mod scheme;
mod sets;
mod settings;
mod standards;
pub(crate) mod ways;

pub use assess::{Assessment, Counted, Graded, Sampling, assess};
pub use assessed::{Assessed, BORDERLINE};
pub use calibrate::{Calibrated, calibrate};
pub use method::{GradeMethod, assessments, stated};
pub use page::{Named, page};
pub use planned::planned;
pub use power::{Power, power};
pub use rates::{HazardRates, Rate};
pub use scheme::{Band, Grade, Overall, Scheme};
pub use settings::HARM;
pub use standards::{Identity, Reference, Standards};
