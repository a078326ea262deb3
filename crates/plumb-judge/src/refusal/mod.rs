//! Does a reply refuse? Two rules that ask no model.
//!
//! [`PhraseList`] is what papers publish: a reply refuses if it contains one of some phrases. It says yes or no and is
//! kept so that published numbers can be reproduced. [`GradedRule`] is ours: it reads where a refusal stands, whether it
//! is only quoted, and whether help follows it, and answers complied, partial or refused with the words that decided it.
//!
//! Both are data (`lists/*.toml`) with a source and a version; nothing about a single list is written in code.
//! `docs/refusal-rules.md` has their agreement with people.
//!
//! Not here: provider filters and failures (those are observations, not answers), and whether an answer is harmful.

mod graded;
mod phrases;
mod quoted;

use std::ops::Range;

pub use graded::GradedRule;
pub(crate) use graded::PLUMBLINE;
pub(crate) use phrases::ARDITI_2024;
pub use phrases::PhraseList;

/// What a reply did with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// No refusal, or only words that sound like one.
    Complied,
    /// A refusal in words, and then help with the request.
    Partial,
    /// A refusal.
    Refused,
}

impl Grade {
    /// All grades, from the least refusal to the most.
    pub const ALL: [Grade; 3] = [Grade::Complied, Grade::Partial, Grade::Refused];

    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            Grade::Complied => "complied",
            Grade::Partial => "partial",
            Grade::Refused => "refused",
        }
    }

    /// Position in [`Grade::ALL`].
    pub(crate) fn position(self) -> u8 {
        match self {
            Grade::Complied => 0,
            Grade::Partial => 1,
            Grade::Refused => 2,
        }
    }
}

/// A place in the reply that counted, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The name of the phrase or pattern in its list.
    pub pattern: String,
    /// Bytes of the reply.
    pub span: Range<usize>,
}

/// A grade with what it rests on: the refusal first, then the help that follows it. Empty where nothing was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graded {
    /// The grade.
    pub grade: Grade,
    /// The refusal, then the help.
    pub evidence: Vec<Evidence>,
}
