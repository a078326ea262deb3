//! How simulated people answer, as the behaviours of the study file say it.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};

use crate::analyse::matches;
use crate::error::{Error, Result};
use crate::protocol::draw::uniform;
use crate::quantity::millionths;
use crate::screen::{Field, FieldKind};
use crate::study::{Answers, Behaviour, Habit, Study};

/// Behaviours with everything looked up.
pub(super) struct Answering<'a> {
    study: &'a Study,
    weights: u64,
    /// Field of each measure that can be asked for.
    fields: HashMap<&'a str, Field>,
    /// What items give, by condition, item and measure.
    given: HashMap<(usize, &'a str, &'a str), i64>,
}

/// One person's own errors.
pub(super) struct Character<'a> {
    pub behaviour: &'a Behaviour,
    /// By measure, in steps.
    own: HashMap<&'a str, f64>,
    /// Where in a field someone always answers who always answers the same.
    favourite: f64,
}

/// Where an answer belongs.
pub(super) struct Asked<'a> {
    pub condition: usize,
    pub item: &'a str,
    /// The item's position in the person's sequence, from 0.
    pub position: usize,
    /// What was answered for this item so far, in steps.
    pub before: &'a [(String, i64)],
}

impl<'a> Answering<'a> {
    pub fn new(study: &'a Study) -> Result<Answering<'a>> {
        let mut fields = HashMap::new();
        for measure in &study.measure {
            if let Some(field) = study.measure_field(measure) {
                fields.insert(measure.id.as_str(), field);
            }
        }
        for asked in study.step.iter().flat_map(|s| &s.asks) {
            if !fields.contains_key(asked.as_str()) {
                return Err(Error::new(format!(
                    "measure {asked} is asked for, but nothing says what can be entered: give it answer = {{ kind = … }}"
                )));
            }
        }
        let weights = study.behaviour.iter().map(|b| u64::from(b.weight)).sum();
        if weights == 0 {
            return Err(Error::new("the weights of all behaviours are 0: nobody would come"));
        }
        let mut given = HashMap::new();
        for (at, condition) in study.condition.iter().enumerate() {
            for item in study.items() {
                for measure in study.measures() {
                    if let Some(steps) = study.given(&condition.id, item, measure) {
                        given.insert((at, item, measure), steps);
                    }
                }
            }
        }
        Ok(Answering { study, weights, fields, given })
    }

    /// A person, drawn by the behaviours' weights.
    pub fn character(&self, rng: &mut ChaCha8Rng) -> Character<'a> {
        let mut drawn = (f64::from(rng.next_u32()) / 4_294_967_296.0 * self.weights as f64) as u64;
        let mut chosen = &self.study.behaviour[0];
        for behaviour in &self.study.behaviour {
            chosen = behaviour;
            match drawn.checked_sub(u64::from(behaviour.weight)) {
                Some(rest) => drawn = rest,
                None => break,
            }
        }
        let mut own = HashMap::new();
        for answer in &chosen.answer {
            own.insert(answer.measure.as_str(), answer.person_sd * normal(rng));
        }
        Character { behaviour: chosen, own, favourite: uniform(rng) }
    }

    /// What a measure of an item is given beforehand.
    pub fn given(&self, condition: usize, item: &'a str, measure: &'a str) -> Option<i64> {
        self.given.get(&(condition, item, measure)).copied()
    }

    /// Whether, and with what probability, someone leaves before a screen.
    pub fn leaves(&self, character: &Character<'_>, condition: Option<usize>) -> f64 {
        let own = character.behaviour;
        let here = condition.map(|c| &self.study.condition[c]);
        let other = own.leaves_by.iter().find(|by| here.is_some_and(|c| matches(c, &by.at)));
        other.map_or(own.leaves, |by| by.leaves)
    }

    /// Steps (or points, or the number of an option) and the text of an answer.
    pub fn answer(
        &self,
        character: &Character<'_>,
        measure: &str,
        asked: &Asked<'_>,
        null: bool,
        rng: &mut ChaCha8Rng,
    ) -> Result<(Option<i64>, String)> {
        let field =
            self.fields.get(measure).ok_or_else(|| Error::new(format!("measure {measure} has no field")))?;
        let rule = character.behaviour.answer.iter().find(|a| a.measure == measure);
        let meant = rule.and_then(|rule| self.meant(character, rule, asked, null, rng));
        let text = text(field, meant, character, rng);
        let read = field.read(&text, self.study.words());
        let read =
            read.map_err(|why| Error::new(format!("measure {measure}: \"{text}\" was refused: {why}")))?;
        let steps = match &field.kind {
            FieldKind::Text { .. } => None,
            _ if !self.study.is_number(measure) => None,
            _ => self.study.steps_of(measure, &read).ok(),
        };
        Ok((steps, read))
    }

    /// What the person wants to say, in steps.
    fn meant(
        &self,
        character: &Character<'_>,
        rule: &Answers,
        asked: &Asked<'_>,
        null: bool,
        rng: &mut ChaCha8Rng,
    ) -> Option<f64> {
        let condition = &self.study.condition[asked.condition];
        // Under the null the first condition's way is everybody's.
        let of = if null { &self.study.condition[0] } else { condition };
        let change = rule.by.iter().filter(|by| matches(of, &by.at));
        let (mut pull, mut shift, mut sd) = (rule.pull, rule.shift, rule.sd);
        for by in change {
            pull = by.pull.unwrap_or(pull);
            shift = by.shift.unwrap_or(shift);
            sd = by.sd.unwrap_or(sd);
        }
        let around = self.value(rule.around.as_deref()?, &rule.measure, asked)?;
        let learned = (1.0 - rule.learning).max(0.0).powi(asked.position as i32);
        let own = character.own.get(rule.measure.as_str()).copied().unwrap_or(0.0);
        let item = if rule.item_sd > 0.0 { rule.item_sd * self.of_item(rule, asked.item) } else { 0.0 };
        let mut value = around + shift + own + item + sd * learned * normal(rng);
        if let Some(anchor) = rule.anchor.as_deref().and_then(|a| self.value(a, &rule.measure, asked)) {
            value += pull * (anchor - value);
        }
        Some(value)
    }

    /// A number, an earlier answer for this item, or what the item gives.
    fn value(&self, source: &str, measure: &str, asked: &Asked<'_>) -> Option<f64> {
        if let Some(number) = millionths(source) {
            let unit = self.study.measure.iter().find(|m| m.id == measure).and_then(|m| m.unit.as_deref());
            return Some(number as f64 / self.study.step_of(unit) as f64);
        }
        let before = asked.before.iter().find(|(id, _)| id == source).map(|(_, steps)| *steps);
        before.or_else(|| self.given.get(&(asked.condition, asked.item, source)).copied()).map(|s| s as f64)
    }

    /// An item's own error: the same for everybody and in every simulation, since the items are those of the study.
    fn of_item(&self, rule: &Answers, item: &str) -> f64 {
        let mut hash = Sha256::new();
        for part in [&self.study.name, &rule.measure, item] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        normal(&mut ChaCha8Rng::from_seed(hash.finalize().into()))
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// A text that the field takes: the nearest to what is meant, else by the person's habit.
pub(super) fn text(
    field: &Field,
    meant: Option<f64>,
    character: &Character<'_>,
    rng: &mut ChaCha8Rng,
) -> String {
    let at = |n: i64, rng: &mut ChaCha8Rng| {
        let place = match character.behaviour.otherwise {
            Habit::Anything => uniform(rng),
            Habit::SameAgain => character.favourite,
            Habit::First => 0.0,
            Habit::Middle => 0.5,
        };
        ((place * n as f64) as i64).min(n - 1)
    };
    match &field.kind {
        FieldKind::Number(range) | FieldKind::Slider(range) => {
            let steps = match meant {
                Some(value) => (value.round() as i64).clamp(range.least, range.most),
                None => range.least + at(range.most - range.least + 1, rng),
            };
            range.write(steps)
        }
        FieldKind::Likert { points, .. } => {
            let points = i64::from(*points);
            let point = meant.map_or_else(|| 1 + at(points, rng), |v| (v.round() as i64).clamp(1, points));
            point.to_string()
        }
        FieldKind::Choice { options, .. } => {
            let nearest = meant.and_then(|value| {
                let codes = options.iter().filter_map(|(code, _)| Some((code, code.parse::<f64>().ok()?)));
                codes.min_by(|a, b| (a.1 - value).abs().total_cmp(&(b.1 - value).abs()))
            });
            match nearest {
                Some((code, _)) => code.clone(),
                None => options[at(options.len() as i64, rng) as usize].0.clone(),
            }
        }
        FieldKind::Text { .. } => "simulated".to_owned(),
    }
}
