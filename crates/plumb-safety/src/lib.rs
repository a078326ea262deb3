//! Hazards, personas, and the items made of them; readers of published prompt sets.
//!
//! Why: a safety test is worth what its items are worth. They must come from a stated taxonomy, by a stated
//! rule, in stated numbers, so that a report can say what was asked and another set can be put in its place.
//!
//! Where to start: [`Taxonomy`] (which hazards there are), [`Design`] (how fragments of sentences become
//! items), [`FragmentSet`] (the fragments), [`generate`] (the items, one by one), [`Counts`] (how many in
//! which cell), [`check`](style::check) (which rule of style a text breaks). [`register`] gives plans the readers.
//!
//! [`guard`] and the kind `rubric` ask models whether an answer is unsafe. [`validate`](mod@validate) holds annotators against labels, [`grade`] turns their verdicts into grades,
//! [`spec`] states all of it for others.
//!
//! Not here: who answers. No item for child sexual exploitation: that hazard takes its items
//! from the user's files.

mod counts;
mod design;
mod fragments;
mod generate;
pub mod grade;
pub mod guard;
mod key;
mod placeholders;
mod read;
mod rubric;
pub mod sample;
pub mod spec;
pub mod style;
mod taxonomy;
pub mod validate;

pub use counts::Counts;
pub use design::{Design, Interaction, Published, SpeechAct, Takes, Template, Tense};
pub use fragments::{Entity, Fragment, FragmentSet, Kind, Slot};
pub use generate::{Generated, generate};
pub use placeholders::placeholders;
pub use read::{Wanted, register};
pub use rubric::Rated;
pub use taxonomy::{Hazard, Persona, Place, Subcategory, Taxonomy};
