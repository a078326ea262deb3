//! What a person can enter: kinds of fields as types, for measures (asked of an item) and questions (asked of a person).

use serde::Deserialize;

/// Asked about an item, or shown with it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measure {
    pub id: String,
    pub label: String,
    /// One of `[unit]`; whole numbers without it.
    #[serde(default)]
    pub unit: Option<String>,
    /// The words beside its field; its label where they are left out.
    #[serde(default)]
    pub question: Option<String>,
    /// Words that explain it.
    #[serde(default)]
    pub help: Option<String>,
    /// What can be entered; measures that are asked for need it.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// May be left empty.
    #[serde(default)]
    pub optional: bool,
}

/// Asked of a person, on a page that belongs to no item.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    pub id: String,
    /// The words beside its field.
    pub label: String,
    #[serde(default)]
    pub unit: Option<String>,
    #[serde(default)]
    pub help: Option<String>,
    pub answer: Answer,
    /// For checks: the right answer, as its field writes it.
    #[serde(default)]
    pub correct: Option<String>,
    #[serde(default)]
    pub optional: bool,
}

/// A kind of field with its bounds. Numbers are written in the unit of the measure, as data write them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub(crate) enum Answer {
    /// A number that is typed.
    Number { least: String, most: String },
    /// A slider without a preset value, with a number field as its twin.
    Slider { least: String, most: String },
    /// Points from 1, with words at both ends.
    Likert {
        #[serde(default = "five")]
        points: u32,
        low: String,
        high: String,
        /// Words of each point, where each has some.
        #[serde(default)]
        words: Vec<String>,
        /// Shows the points from high to low.
        #[serde(default)]
        reversed: bool,
    },
    /// One of several, or as many as fit.
    Choice {
        options: Vec<Choice>,
        #[serde(default)]
        many: bool,
    },
    /// Free text.
    Text {
        #[serde(default = "two_thousand")]
        most: usize,
        #[serde(default = "four")]
        lines: u32,
    },
}

/// One option of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    /// As data write it.
    pub code: String,
    pub label: String,
}

fn five() -> u32 {
    5
}

fn four() -> u32 {
    4
}

fn two_thousand() -> usize {
    2000
}

impl Measure {
    /// Whether its values are numbers that outcomes can use. A choice of one is, where all its codes are whole numbers.
    pub fn is_number(&self) -> bool {
        match &self.answer {
            Some(Answer::Text { .. }) => false,
            Some(Answer::Choice { options, many }) => {
                !many && options.iter().all(|option| option.code.parse::<i32>().is_ok())
            }
            _ => true,
        }
    }
}
