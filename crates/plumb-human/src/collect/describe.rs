//! What an export says of a study's names.

use crate::study::{Measure, Study};

impl Study {
    /// The ids of its factors.
    pub fn factors(&self) -> impl Iterator<Item = &str> {
        self.factor.iter().map(|f| f.id.as_str())
    }

    /// A condition's level of a factor.
    pub fn level(&self, condition: &str, factor: &str) -> Option<&str> {
        let condition = self.condition.iter().find(|c| c.id == condition)?;
        condition.at.get(factor).map(String::as_str)
    }

    /// Whether a measure's values are numbers.
    pub fn is_number(&self, measure: &str) -> bool {
        self.measure.iter().find(|m| m.id == measure).is_none_or(Measure::is_number)
    }

    /// A measure in words, with its unit.
    pub fn describe(&self, measure: &str) -> String {
        let Some(measure) = self.measure.iter().find(|m| m.id == measure) else { return measure.to_owned() };
        match self.unit_of(measure.unit.as_deref()) {
            Some(unit) => format!("{}, in {}, in steps of {}", measure.label, unit.label, unit.step),
            None => measure.label.clone(),
        }
    }

    /// What is known of an item beforehand, as data write it.
    pub fn given_text(&self, condition: &str, item: &str, measure: &str) -> Option<String> {
        let unit = self.measure.iter().find(|m| m.id == measure)?.unit.as_deref();
        self.given(condition, item, measure).map(|steps| self.write_steps(unit, steps))
    }
}
