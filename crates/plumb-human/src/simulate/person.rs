//! One simulated person: what it enters for whatever is due ([`Actor`]), and its way through the state machine in this
//! process ([`Walk`]), by the inputs that a server would give.

use std::collections::{BTreeMap, HashMap};

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use super::answer::{Answering, Asked, Character, text};
use crate::error::{Error, Result};
use crate::protocol::Due;
use crate::protocol::draw::uniform;
use crate::protocol::person::{Course, End, Input, Person, Screen, Slot, Taken, step};
use crate::study::{Step, Study};

/// One simulated person: answers whatever is due, wherever it is asked.
pub struct Actor<'a> {
    study: &'a Study,
    answering: &'a Answering<'a>,
    character: Character<'a>,
    rng: ChaCha8Rng,
    null: bool,
    position: Position,
}

/// (field, what is entered), in the page's order.
pub type Values = Vec<(String, String)>;

impl<'a> Actor<'a> {
    pub(super) fn new(
        study: &'a Study,
        answering: &'a Answering<'a>,
        seed: [u8; 32],
        null: bool,
    ) -> Actor<'a> {
        let own: [u8; 32] = Sha256::new().chain_update(seed).chain_update(b"answers").finalize().into();
        let mut rng = ChaCha8Rng::from_seed(own);
        let character = answering.character(&mut rng);
        Actor { study, answering, character, rng, null, position: Position::default() }
    }

    /// What the person enters for what is due; nothing where the person leaves instead, or has ended.
    ///
    /// # Errors
    /// What is due is of another study, or an answer is one that the study's own field refuses.
    pub fn answers(&mut self, due: &Due) -> Result<Option<Values>> {
        match due {
            Due::Entry { page } => self.entry(page),
            Due::Slot { arm, slot } => {
                let condition = self.study.condition.iter().position(|c| c.id == *arm);
                let condition = condition.ok_or_else(|| other("condition", arm))?;
                self.slot(condition, slot)
            }
            Due::Ended { .. } => Ok(None),
        }
    }

    fn stays(&mut self, condition: Option<usize>) -> bool {
        let leaves = self.answering.leaves(&self.character, condition);
        uniform(&mut self.rng) >= leaves
    }

    fn entry(&mut self, page: &str) -> Result<Option<Values>> {
        if self.stays(None) { self.page(page).map(Some) } else { Ok(None) }
    }

    fn slot(&mut self, condition: usize, slot: &Slot) -> Result<Option<Values>> {
        if !self.stays(Some(condition)) {
            return Ok(None);
        }
        let values = match slot {
            Slot::Page { page } => self.page(page)?,
            Slot::Trial { block, item, step, repetition, .. } => {
                self.position.at(block, item, *repetition);
                let step = self.study.step.iter().find(|s| s.id == *step);
                self.trial(condition, step.ok_or_else(|| other("step", item))?, item)?
            }
        };
        Ok(Some(values))
    }

    fn page(&mut self, id: &str) -> Result<Values> {
        let page = self.study.page.iter().find(|p| p.id == id).ok_or_else(|| other("page", id))?;
        let misses = uniform(&mut self.rng) < self.character.behaviour.misses_checks;
        let mut values = Vec::new();
        for id in &page.asks {
            let Some(question) = self.study.question.iter().find(|q| q.id == *id) else { continue };
            let field = self.study.question_field(question);
            let drawn = text(&field, None, &self.character, &mut self.rng);
            let value = match &question.correct {
                Some(right) if !misses => right.clone(),
                // Someone who misses a check may still hit on the right answer.
                _ => field
                    .read(&drawn, self.study.words())
                    .map_err(|why| Error::new(format!("{id}: {why}")))?,
            };
            values.push((id.clone(), value));
        }
        Ok(values)
    }

    fn trial(&mut self, condition: usize, step: &Step, item: &str) -> Result<Values> {
        let mut values = Vec::new();
        for measure in &step.asks {
            let asked =
                Asked { condition, item, position: self.position.number, before: &self.position.before };
            let (steps, text) =
                self.answering.answer(&self.character, measure, &asked, self.null, &mut self.rng)?;
            if let Some(steps) = steps {
                self.position.before.push((measure.clone(), steps));
            }
            values.push((measure.clone(), text));
        }
        Ok(values)
    }
}

fn other(what: &str, id: &str) -> Error {
    Error::new(format!(
        "{what} {id} is due, which the study's file does not have: the server has another study"
    ))
}

/// A simulated person's way through the state machine in this process.
pub(super) struct Walk<'a> {
    study: &'a Study,
    actor: Actor<'a>,
    course: Course,
    person: Person,
    condition: usize,
}

impl<'a> Walk<'a> {
    pub fn new(study: &'a Study, actor: Actor<'a>) -> Walk<'a> {
        Walk { study, actor, course: study.course(), person: Person::default(), condition: 0 }
    }

    pub fn end(&self) -> Option<End> {
        self.person.end()
    }

    pub fn person(&self) -> &Person {
        &self.person
    }

    fn take(&mut self, input: &Input) -> Result<()> {
        match step(&self.course, &self.person, input) {
            Taken::Events(events) => events.iter().for_each(|event| self.person.apply(event)),
            Taken::Stale => {
                return Err(Error::new(format!("{input:?} was taken for an input of another screen")));
            }
        }
        Ok(())
    }

    /// Up to assignment; the stratum, or nothing where the person is not to be assigned.
    pub fn enter(&mut self) -> Result<Option<String>> {
        self.take(&Input::Agree)?;
        while let Screen::Entry(at) = self.person.screen(&self.course) {
            let Some(values) = self.actor.entry(&self.course.pages[at].page)? else { return Ok(None) };
            self.take(&Input::Answer { screen: self.person.due(), values })?;
        }
        let assigning = self.person.screen(&self.course) == Screen::Assigning;
        Ok(assigning.then(|| self.study.stratum(&self.person)))
    }

    pub fn full(&mut self) -> Result<()> {
        self.take(&Input::Full)
    }

    /// From assignment to the end; whether it is the end of the study.
    pub fn go(&mut self, arm: usize, sequence: Vec<Slot>) -> Result<bool> {
        self.condition = arm;
        self.take(&Input::Assign { arm: self.study.condition[arm].id.clone(), sequence })?;
        while let Screen::Slot(at) = self.person.screen(&self.course) {
            let slot = self.person.sequence()[at].clone();
            let Some(values) = self.actor.slot(arm, &slot)? else { return Ok(false) };
            self.take(&Input::Answer { screen: self.person.due(), values })?;
        }
        Ok(self.end() == Some(End::Completed))
    }

    /// How many attention checks were missed.
    pub fn missed(&self) -> u32 {
        let pages = self.person.answers().filter_map(|(slot, values)| match slot {
            Slot::Page { page } => Some((page.as_str(), values)),
            Slot::Trial { .. } => None,
        });
        self.study.missed_checks(pages.flat_map(|(page, values)| {
            values.iter().map(move |(id, text)| (page, id.as_str(), text.as_str()))
        }))
    }

    /// What was answered, by item and repetition: measures in the study's order, what items give included.
    pub fn rows(&self, items: &HashMap<&'a str, usize>) -> Vec<Answered> {
        rows(self.study, self.actor.answering, &self.person, self.condition, items)
    }
}

/// An item's position, the repetition from 0, and a value of each measure.
pub(super) type Answered = (usize, u32, Vec<Option<i64>>);

/// Where a person is among the items.
#[derive(Default)]
struct Position {
    started: bool,
    number: usize,
    item: (String, String, u32),
    before: Vec<(String, i64)>,
}

impl Position {
    fn at(&mut self, block: &str, item: &str, repetition: u32) {
        let (b, i, r) = &self.item;
        if (b.as_str(), i.as_str(), *r) != (block, item, repetition) || !self.started {
            self.number += usize::from(self.started);
            self.started = true;
            self.item = (block.to_owned(), item.to_owned(), repetition);
            self.before.clear();
        }
    }
}

fn rows<'a>(
    study: &'a Study,
    answering: &Answering<'a>,
    person: &Person,
    condition: usize,
    items: &HashMap<&'a str, usize>,
) -> Vec<Answered> {
    let mut rows: BTreeMap<(u32, usize), Vec<Option<i64>>> = BTreeMap::new();
    for (slot, values) in person.answers() {
        let Slot::Trial { item, repetition, .. } = slot else { continue };
        let Some(at) = items.get(item.as_str()).copied() else { continue };
        let id = study.item[at].id.as_str();
        let row = rows.entry((*repetition, at)).or_insert_with(|| {
            study.measures().map(|measure| answering.given(condition, id, measure)).collect()
        });
        for (measure, text) in values {
            let Some(column) = study.measure.iter().position(|m| m.id == *measure) else { continue };
            row[column] = study.steps_of(measure, text).ok();
        }
    }
    rows.into_iter().map(|((repetition, item), values)| (item, repetition, values)).collect()
}
