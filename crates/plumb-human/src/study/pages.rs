//! Pages that belong to no item: consent, instructions, checks, questionnaires; and what stands around them: payment,
//! codes, time, the plan for the sample.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::text::Text;

/// What a person agrees to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consent {
    pub text: Text,
    /// Words of the button that starts; the program's own where they are left out.
    #[serde(default)]
    pub agree: Option<String>,
    #[serde(default)]
    pub decline: Option<String>,
}

/// A page of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    pub id: String,
    pub title: String,
    pub kind: PageKind,
    #[serde(default)]
    pub text: Option<Text>,
    /// Questions on it.
    #[serde(default)]
    pub asks: Vec<String>,
    /// Where it stands.
    #[serde(default)]
    pub at: Position,
    /// All conditions where it is left out.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// How often a check of comprehension may be answered.
    #[serde(default = "twice")]
    pub tries: u32,
    /// Seconds that it stays up at least.
    #[serde(default)]
    pub reading_s: Option<u32>,
    /// After which item of the block (from 1) it comes; with `at = { during = "BLOCK" }`.
    #[serde(default)]
    pub after_items: Option<usize>,
}

fn twice() -> u32 {
    2
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PageKind {
    Instructions,
    /// Answered wrongly too often, it screens a person out; before assignment only.
    Comprehension,
    /// Recorded, and never acts by itself.
    Attention,
    Questionnaire,
    /// What the study was about, at its end.
    Debriefing,
}

impl PageKind {
    /// As files and tables have it.
    pub fn name(self) -> &'static str {
        match self {
            PageKind::Instructions => "instructions",
            PageKind::Comprehension => "comprehension",
            PageKind::Attention => "attention",
            PageKind::Questionnaire => "questionnaire",
            PageKind::Debriefing => "debriefing",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            PageKind::Instructions => "instructions",
            PageKind::Comprehension => "check of comprehension",
            PageKind::Attention => "check of attention",
            PageKind::Questionnaire => "questionnaire",
            PageKind::Debriefing => "debriefing",
        }
    }
}

/// Where a page stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Position {
    /// After consent, before assignment.
    #[default]
    Entry,
    /// Before the first item of a block.
    Before(String),
    /// Among the items of a block.
    During(String),
    /// After the last item of a block.
    After(String),
    /// After everything.
    End,
}

/// Codes that a person takes back to where they came from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Completion {
    /// An address with `{code}` in it.
    #[serde(default)]
    pub url: Option<String>,
    /// By way of ending: `completed`, `declined`, `screened-out`, `full`, `withdrawn`, `timed-out`, `returned`.
    #[serde(default)]
    pub codes: BTreeMap<String, String>,
}

/// What people get. Whole minor units (cents), never fractions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    pub currency: String,
    /// Minor units that make one of the currency.
    #[serde(default = "hundred")]
    pub minor: u32,
    /// In minor units.
    pub base: u32,
    /// What people who are screened out get, in minor units.
    #[serde(default)]
    pub screened_out: u32,
    #[serde(default)]
    pub bonus: Option<Bonus>,
}

fn hundred() -> u32 {
    100
}

/// So much for each answer whose outcome is small enough.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bonus {
    pub outcome: String,
    /// In whole steps of the outcome's unit; as the outcome counts, where it has none.
    pub at_most: f64,
    /// In minor units.
    pub each: u32,
    pub most: u32,
}

/// How many people, why, and when collection ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sample {
    pub stop: Stop,
    /// Why so many.
    pub why: String,
    /// Days of collection at most.
    #[serde(default)]
    pub days: Option<u32>,
    /// The intraclass correlation of one rating that the number of raters was chosen for.
    #[serde(default)]
    pub icc: Option<f64>,
    /// The reliability of an item's mean rating that is wanted.
    #[serde(default)]
    pub reliability: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stop {
    /// When every place is held by a completed person.
    WhenFull,
    /// On the last of `days`.
    AfterDays,
}

/// How a session goes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    /// Minutes from consent to the end at most.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// The least width of a window in pixels.
    #[serde(default)]
    pub least_width: Option<u32>,
    /// Days from a person's last answer for which it is kept who the person is.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// Whether an identifier is enough to go on as the person who has it, without the platform's session.
    #[serde(default)]
    pub resume_by_id: bool,
    /// Other studies, by their names: whoever took part in one of them is refused.
    #[serde(default)]
    pub refuse_people_of: Vec<String>,
}

/// The language of the program's own words on the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Language {
    /// Its tag, as HTML's `lang` has it.
    pub fn tag(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::De => "de",
        }
    }
}
