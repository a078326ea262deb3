//! What a scripted participant enters, and how long it thinks.
//!
//! Numbers that are entered tell who it was, so that an export can be held against what each participant was told: in the
//! small study every estimate is the participant's number; in the paper's experiment, whose prices have thirty values, the
//! first three own estimates are its digits.

use std::collections::BTreeMap;
use std::time::Duration;

use plumb_clients::browser::Form;
use plumb_mock::Dice;
use serde_json::Value;

use crate::serving::Example;

/// Values that a price of the experiment may have.
const PRICES: u32 = 30;

/// What one field gets. `nth` counts the numbers that tell who it is, from 0.
pub fn entry(example: Example, field: &str, n: u32, nth: u32) -> Option<String> {
    let digit = || (n / PRICES.pow(nth % 3)) % PRICES + 1;
    let price = |tenths: u32| format!("{}.{}", tenths / 10, tenths % 10);
    Some(match (example, field) {
        (Example::First, "task") => "beads".to_owned(),
        (Example::First, "estimate") => (n + 1).to_string(),
        (Example::First, "remarks") => "none".to_owned(),
        (Example::Experiment1, "task") => "price".to_owned(),
        (Example::Experiment1, "decides") => "own".to_owned(),
        (Example::Experiment1, "final") => price(digit()),
        (Example::Experiment1, "guess") => price(n % PRICES + 1),
        (_, "confidence" | "certainty" | "guess_certainty") => "3".to_owned(),
        _ => return None,
    })
}

/// The page's form with an answer to each field that it has.
pub fn form(example: Example, form: &Form<'_>, n: u32, nth: u32) -> String {
    let answers: Vec<(&str, String)> =
        form.fields.iter().filter_map(|&field| Some((field, entry(example, field, n, nth)?))).collect();
    form.filled(answers.iter().map(|(field, text)| (*field, text.as_str())))
}

/// The field whose values tell who it is.
pub fn telling(example: Example) -> &'static str {
    if example == Example::Experiment1 { "final" } else { "estimate" }
}

/// Who entered these values of the telling field, in order; nothing where there are too few. An error where a later one is
/// another participant's.
pub fn who(example: Example, values: &[String]) -> Result<Option<u64>, String> {
    let n = match example {
        Example::Experiment1 => {
            let digits: Option<Vec<u32>> = values.iter().take(3).map(|v| tenths(v)?.checked_sub(1)).collect();
            let digits = digits.ok_or_else(|| format!("no prices: {values:?}"))?;
            if digits.len() < 3 {
                return Ok(None);
            }
            digits.iter().rev().fold(0, |n, digit| n * PRICES + digit)
        }
        _ => match values.first().and_then(|text| text.parse::<u32>().ok()?.checked_sub(1)) {
            Some(n) => n,
            None => return Ok(None),
        },
    };
    let field = telling(example);
    for (nth, value) in (0..).zip(values) {
        if entry(example, field, n, nth).as_ref() != Some(value) {
            return Err(format!("participant {}: another person's answer among {values:?}", n + 1));
        }
    }
    Ok(Some(u64::from(n) + 1))
}

fn tenths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    Some(whole.parse::<u32>().ok()? * 10 + part.parse::<u32>().ok()?)
}

/// How long people think on a page.
#[derive(Clone, Copy)]
pub enum Think {
    /// An exponential distribution with this mean.
    Mean(Duration),
    /// Log-normal, with the medians and 99th percentiles that the authors' data of experiment 1 have for its three steps
    /// (12.0 and 136 s, 4.3 and 26 s, 5.1 and 27 s); pages without a field are read as the first step.
    AsInExperiment1,
}

impl Think {
    /// A time for a page with these fields.
    pub fn time(self, fields: &[&str], dice: &mut Dice) -> Duration {
        let share = |dice: &mut Dice| (dice.percent() / 100.0).clamp(1e-6, 1.0 - 1e-6);
        match self {
            Think::Mean(mean) => mean.mul_f64((-(1.0 - share(dice)).ln()).min(5.0)),
            Think::AsInExperiment1 => {
                let asks = |field: &str| fields.contains(&field);
                let (median, slow): (f64, f64) = match () {
                    () if asks("confidence") => (4.3, 26.0),
                    () if asks("final") => (5.1, 27.0),
                    () => (12.0, 136.0),
                };
                let sd = (slow / median).ln() / 2.326;
                let normal = (-2.0 * share(dice).ln()).sqrt() * (std::f64::consts::TAU * share(dice)).cos();
                Duration::from_secs_f64((median * (sd * normal).exp()).min(10.0 * slow))
            }
        }
    }
}

/// Answered pages and telling values of each person of an export.
#[derive(Default)]
pub struct Exported {
    /// person → events that brought answers.
    pub pages: BTreeMap<u64, std::collections::BTreeSet<u64>>,
    /// person → telling values, by the event that they came with.
    values: BTreeMap<u64, BTreeMap<u64, String>>,
    seen: std::collections::HashSet<String>,
}

impl Exported {
    /// Takes a row of `fields`; an answer that is there twice is an error.
    pub fn row(&mut self, example: Example, row: &Value) -> Result<(), String> {
        let number = |name: &str| row[name].as_u64().ok_or_else(|| format!("no {name}: {row}"));
        let (person, event) = (number("person")?, number("event")?);
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        self.pages.entry(person).or_default().insert(event);
        let place = ["page", "block", "item", "step", "field"].map(text).join(" ");
        if !self.seen.insert(format!("{person} {place}")) {
            return Err(format!("the answer is there twice: {row}"));
        }
        if text("field") == telling(example) {
            self.values.entry(person).or_default().insert(event, text("value").to_owned());
        }
        Ok(())
    }

    /// participant → person of the journal, as far as the values tell.
    pub fn people(&self, example: Example) -> Result<BTreeMap<u64, u64>, String> {
        let mut people = BTreeMap::new();
        for (person, values) in &self.values {
            let values: Vec<String> = values.values().cloned().collect();
            if let Some(n) = who(example, &values)?
                && people.insert(n, *person).is_some()
            {
                return Err(format!("participant {n} is there as two persons"));
            }
        }
        Ok(people)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_entered_tells_who_it_was() {
        for example in [Example::First, Example::Experiment1] {
            for n in [0, 29, 30, 4_999] {
                let values: Vec<String> =
                    (0..12).map(|nth| entry(example, telling(example), n, nth).unwrap()).collect();
                assert_eq!(who(example, &values), Ok(Some(u64::from(n) + 1)));
                let mut wrong = values.clone();
                wrong[7] = entry(example, telling(example), n + 1, 7 + 5).unwrap();
                assert!(who(example, &wrong).is_err() || wrong == values);
            }
        }
        assert_eq!(who(Example::Experiment1, &["1.2".to_owned()]), Ok(None));
    }
}
