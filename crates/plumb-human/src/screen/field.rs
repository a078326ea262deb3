//! Fields of a page, and what may be entered in each. [`Field::read`] is the one place where an input is judged: a server and
//! a simulation both go through it.

use super::words::{Words, fill};
use crate::quantity::{decimals, millionths, written};
use crate::study::{Answer, Measure, Question, Study};

/// A field as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The measure's or question's id.
    pub id: String,
    /// The words beside it.
    pub label: String,
    /// Words that explain it.
    pub help: Option<String>,
    /// Whether it must be answered.
    pub required: bool,
    /// What can be entered.
    pub kind: FieldKind,
}

/// What can be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// A number that is typed.
    Number(Range),
    /// A slider without a preset value, and a number field as its twin.
    Slider(Range),
    /// Points from 1.
    Likert {
        /// Words of the first point.
        low: String,
        /// Words of the last.
        high: String,
        /// How many there are.
        points: u32,
        /// Words of each point, where there are some.
        words: Vec<String>,
        /// Whether they are shown from high to low.
        reversed: bool,
    },
    /// Options by code.
    Choice {
        /// (code, words).
        options: Vec<(String, String)>,
        /// Whether several may be chosen.
        many: bool,
    },
    /// Free text.
    Text {
        /// Characters at most.
        most: usize,
        /// Lines of the field.
        lines: u32,
    },
}

/// Numbers between two ends, in whole steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The least, in steps.
    pub least: i64,
    /// The most, in steps.
    pub most: i64,
    /// A step, in millionths of the unit.
    step: i64,
    /// The unit's words.
    pub unit: String,
}

impl Range {
    /// So many steps as data write them.
    pub fn write(&self, steps: i64) -> String {
        written(steps.saturating_mul(self.step), decimals(self.step))
    }

    /// One step as data write it.
    pub fn step(&self) -> String {
        written(self.step, decimals(self.step))
    }

    /// What a text could mean that has one mark and three digits after it: `1,000` is a thousand to some and one to others. A
    /// unit whose steps have three decimals is written like this all the time, and nobody groups digits after a zero.
    fn ambiguous(&self, typed: &str) -> Option<(String, String)> {
        let (whole, rest) = typed.split_once([',', '.'])?;
        let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let sign = if whole.starts_with('-') { "-" } else { "" };
        let whole = whole.strip_prefix('-').unwrap_or(whole);
        let grouped = digits(whole) && whole.len() <= 3 && !whole.starts_with('0');
        if decimals(self.step) >= 3 || !grouped || !digits(rest) || rest.len() != 3 {
            return None;
        }
        let fraction = format!("{sign}{whole}.{rest}");
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        Some((format!("{sign}{whole}{rest}"), fraction.to_owned()))
    }

    fn read(&self, text: &str, words: &Words) -> Result<String, String> {
        // People in some places write a comma where others write a point.
        let typed = text.trim().replace('−', "-");
        if let Some((grouped, fraction)) = self.ambiguous(&typed) {
            return Err(fill(words.which_number, &[&grouped, &fraction]));
        }
        let typed = if typed.contains('.') { typed } else { typed.replacen(',', ".", 1) };
        let typed = typed.strip_prefix('.').map_or(typed.clone(), |rest| format!("0.{rest}"));
        let value = millionths(&typed);
        let value =
            value.ok_or_else(|| fill(words.no_number, &[&self.write((self.least + self.most) / 2)]))?;
        if value % self.step != 0 {
            return Err(fill(words.no_step, &[&self.step()]));
        }
        let steps = value / self.step;
        if steps < self.least {
            return Err(fill(words.too_small, &[&self.write(self.least)]));
        }
        if steps > self.most {
            return Err(fill(words.too_large, &[&self.write(self.most)]));
        }
        Ok(self.write(steps))
    }
}

impl Field {
    /// What was entered, as it is stored: a number in its unit, the number of a point, codes with commas between them, a
    /// text. An empty text stands for a field that was left empty.
    ///
    /// # Errors
    /// A message for the person.
    pub fn read(&self, text: &str, words: &Words) -> Result<String, String> {
        if text.trim().is_empty() {
            return if self.required { Err(words.needed.to_owned()) } else { Ok(String::new()) };
        }
        match &self.kind {
            FieldKind::Number(range) | FieldKind::Slider(range) => range.read(text, words),
            FieldKind::Likert { points, .. } => match text.trim().parse::<u32>() {
                Ok(point) if (1..=*points).contains(&point) => Ok(point.to_string()),
                _ => Err(words.no_option.to_owned()),
            },
            FieldKind::Choice { options, many } => {
                let chosen: Vec<&str> = text.split(',').map(str::trim).filter(|c| !c.is_empty()).collect();
                let known = |code: &&str| options.iter().any(|(known, _)| known == code);
                if chosen.is_empty() || !chosen.iter().all(known) || (!many && chosen.len() > 1) {
                    return Err(words.no_option.to_owned());
                }
                // In the options' order, each once.
                let codes = options.iter().map(|(code, _)| code.as_str()).filter(|c| chosen.contains(c));
                Ok(codes.collect::<Vec<_>>().join(","))
            }
            FieldKind::Text { most, .. } => {
                let text = text.replace("\r\n", "\n");
                let text = text.trim_end();
                if text.chars().count() > *most {
                    return Err(fill(words.too_long, &[&most.to_string()]));
                }
                Ok(text.to_owned())
            }
        }
    }
}

impl Study {
    pub(crate) fn measure_field(&self, measure: &Measure) -> Option<Field> {
        Some(Field {
            id: measure.id.clone(),
            label: measure.question.clone().unwrap_or_else(|| measure.label.clone()),
            help: measure.help.clone(),
            required: !measure.optional,
            kind: self.field_kind(measure.answer.as_ref()?, measure.unit.as_deref()),
        })
    }

    pub(crate) fn question_field(&self, question: &Question) -> Field {
        Field {
            id: question.id.clone(),
            label: question.label.clone(),
            help: question.help.clone(),
            required: !question.optional,
            kind: self.field_kind(&question.answer, question.unit.as_deref()),
        }
    }

    fn field_kind(&self, answer: &Answer, unit: Option<&str>) -> FieldKind {
        let range = |least: &str, most: &str| Range {
            least: self.steps_in(unit, least).unwrap_or(0),
            most: self.steps_in(unit, most).unwrap_or(0),
            step: self.step_of(unit),
            unit: self.unit_of(unit).map_or_else(String::new, |u| u.label.clone()),
        };
        match answer {
            Answer::Number { least, most } => FieldKind::Number(range(least, most)),
            Answer::Slider { least, most } => FieldKind::Slider(range(least, most)),
            Answer::Likert { points, low, high, words, reversed } => FieldKind::Likert {
                low: low.clone(),
                high: high.clone(),
                points: *points,
                words: words.clone(),
                reversed: *reversed,
            },
            Answer::Choice { options, many } => FieldKind::Choice {
                options: options.iter().map(|o| (o.code.clone(), o.label.clone())).collect(),
                many: *many,
            },
            Answer::Text { most, lines } => FieldKind::Text { most: *most, lines: *lines },
        }
    }
}
