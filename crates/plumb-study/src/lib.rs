//! The spine: a plan fixed beforehand → trials → observations → judgments → estimates.
//!
//! Why: every evaluation, of a model or by people, is the same thing, and its numbers can be trusted only
//! if the plan came first, nothing is rewritten, and the report follows from the record alone. Data walks
//! one way: [`Draft`] → [`Plan`] → [`Trial`] → [`Observation`] → [`Verdicts`] → [`Event`] → [`Journal`] ⇒
//! [`Ledger`] → [`Estimate`] → [`Results`]. Left of ⇒ happens once and is recorded; right of it is pure.
//!
//! Where to start: [`freeze`] makes a plan, [`run::run`] does what is due, [`results`] computes. Outside
//! parties come through four seams, all filled into one [`Registry`] by the binary: readers, subjects
//! ([`party::Responder`]), judges ([`judge::Judge`]) and methods ([`method::Method`]).
//!
//! Not here: HTTP, local models, domains, pages, the clock, the environment.

mod audit;
pub mod compare;
pub mod converse;
mod diff;
pub mod document;
mod draft;
mod error;
mod estimate;
mod event;
mod fields;
pub mod format;
mod freeze;
mod id;
pub mod items;
pub mod journal;
pub mod judge;
mod ledger;
pub mod lock;
pub mod method;
mod observe;
pub mod party;
pub mod people;
pub mod plan;
mod registry;
mod results;
pub mod run;
pub mod scripted;
pub mod vote;
pub mod written;

pub use audit::{Audit, audit};
pub use diff::Change;
pub use document::Document;
pub use draft::Draft;
pub use error::{Error, Result};
pub use estimate::{Decided, Estimate, Ruling, Status, Tested, estimate, test};
pub use event::{Event, JudgedOf, Scope, Stop};
pub use fields::Fields;
pub use freeze::{Frozen, freeze, freeze_judges};
pub use id::{
    AnalysisId, Digest, EngineId, EventId, ItemId, ItemIx, JudgeIx, JudgeName, MeasureRef, PlanId, SourceIx,
    SubjectId, SubjectIx, Trial, derive_seed,
};
pub use journal::Journal;
pub use ledger::{Counts, Discrepancy, Ledger, NO_LEVEL, Rows, TrialIndex};
pub use observe::{
    Answer, Body, Failure, FailureKind, Finish, Label, Observation, OptionScore, Spent, Used, Verdict,
    Verdicts, Withheld,
};
pub use plan::Plan;
pub use registry::{
    DraftAnswer, DraftBallot, DraftItem, DraftVoter, FrozenJudge, FrozenParty, Inputs, JudgeKind, Opening,
    PartyKind, Reader, Recordings, Registry,
};
pub use results::{
    Limit, MissingReason, Results, Said, SubjectCounts, Transcript, results, results_of, transcript, verdicts,
};
