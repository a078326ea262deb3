//! What was collected, person by person: from a journal's rows to answers that can be analysed and exported.
//!
//! One person is held at a time ([`Takings::each`]), so that an export of a large study needs no more memory than one of
//! a small study. Identities are not read here.

use std::collections::BTreeSet;

use plumb_study::Journal;
use plumb_study::journal::PersonRow;
use plumb_study::people::{Collecting, What};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::freeze::thaw_amended;
use super::record::{Paged, Record};
use crate::data::{Collected, Data, Facts};
use crate::error::{Error, Result};
use crate::protocol::draw::shuffle;
use crate::protocol::executed::Act;
use crate::protocol::person::{End, Event, Slot};
use crate::study::Study;

/// A study's answers in a journal.
pub struct Takings<'a> {
    study: &'a Study,
    journal: &'a Journal,
    /// Conditions change hands by this seed.
    blind: Option<[u8; 8]>,
    /// Numbers of people who are left out.
    without: BTreeSet<u32>,
}

/// One person's part.
#[derive(Debug, Clone, Default)]
pub struct Taker {
    /// Number in the journal, from 1, in the order in which people came.
    pub person: u32,
    /// The condition, once assigned.
    pub arm: Option<String>,
    /// The stratum in which it was assigned, where the study has strata.
    pub stratum: Option<String>,
    /// When the person came, was assigned and ended, microseconds since 1970.
    pub arrived_us: Option<i64>,
    /// As above.
    pub enrolled_us: Option<i64>,
    /// As above.
    pub ended_us: Option<i64>,
    /// How it ended; `None` while it goes on, or where somebody left without a word.
    pub end: Option<End>,
    /// What the platform said last of the person's submission.
    pub platform: Option<String>,
    /// Whether the person's texts were erased.
    pub erased: bool,
    /// What was to be shown.
    pub sequence: Vec<Slot>,
    /// Items about which all was answered, in the order in which they were met.
    pub items: Vec<ItemAnswers>,
    /// Every answered field, in order.
    pub answers: Vec<Answer>,
}

/// All answers about an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemAnswers {
    /// The block it stood in.
    pub block: String,
    /// The item's id.
    pub item: String,
    /// From 0.
    pub repetition: u32,
    /// From 1, among the items of its block as this person met them.
    pub position: usize,
    /// (measure, value as it was entered).
    pub answers: Vec<(String, String)>,
    /// When it was closed.
    pub at_us: i64,
}

/// One answered field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which of the person's events it came with.
    pub n: u32,
    /// Where it stood.
    pub slot: Slot,
    /// The field.
    pub field: String,
    /// What was entered.
    pub text: String,
    /// Whether a check was answered wrongly by it.
    pub missed: bool,
    /// How the page was used.
    pub paged: Option<Paged>,
    /// When it was recorded.
    pub at_us: i64,
}

impl ItemAnswers {
    /// A measure in whole steps: as it was answered, or as it is known of the item in this condition.
    pub(super) fn steps(&self, study: &Study, measure: &str, arm: Option<&str>) -> Option<i64> {
        match self.answers.iter().find(|(id, _)| id == measure) {
            Some((_, text)) => study.steps_of(measure, text).ok(),
            None => study.given(arm?, &self.item, measure),
        }
    }
}

impl<'a> Takings<'a> {
    /// The answers of `study` in `journal`.
    pub fn new(study: &'a Study, journal: &'a Journal) -> Takings<'a> {
        Takings { study, journal, blind: None, without: BTreeSet::new() }
    }

    /// The same with the conditions shuffled among the people who have answers, in [`Takings::data`] alone: an analysis can
    /// be tried on it, and nothing is learned of the conditions. What was shown (a model's prediction) goes with the person.
    #[must_use]
    pub fn blind(mut self, seed: [u8; 8]) -> Takings<'a> {
        self.blind = Some(seed);
        self
    }

    /// The same without the people with these numbers, in [`Takings::data`] alone.
    #[must_use]
    pub fn without(mut self, people: BTreeSet<u32>) -> Takings<'a> {
        self.without = people;
        self
    }

    /// Calls `each` with every person, in the order in which they came.
    ///
    /// # Errors
    /// The journal's, those of `each`, and a text that this program cannot read.
    pub fn each<E: From<plumb_study::Error>>(
        &self,
        mut each: impl FnMut(Taker) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut held: Option<Taker> = None;
        let mut ended: std::result::Result<(), E> = Ok(());
        self.journal.people_by_person(|row| {
            let number = row.person.0 + 1;
            if ended.is_ok() && held.as_ref().is_some_and(|taker| taker.person != number) {
                ended = held.take().map_or(Ok(()), &mut each);
            }
            let taker = held.get_or_insert_with(|| Taker { person: number, ..Taker::default() });
            self.row(taker, &row).map_err(|e| plumb_study::Error::journal(e.to_string()))
        })?;
        ended?;
        held.map_or(Ok(()), each)
    }

    /// The answers as data that the study's analyses read: one row a person and item; what came again stands apart.
    ///
    /// # Errors
    /// Those of [`Takings::each`]; a value that is none of its measure.
    pub fn data(&self) -> Result<Data> {
        let study = self.study;
        let mut rows: Vec<Collected> = Vec::new();
        let mut participant = 0;
        let mut facts = Facts { assigned: vec![0; study.condition.len()], ..Facts::default() };
        self.each(|taker: Taker| -> std::result::Result<(), plumb_study::Error> {
            if self.without.contains(&taker.person) {
                return Ok(());
            }
            let arm = taker.arm.as_deref();
            let Some(condition) = study.condition.iter().position(|c| Some(c.id.as_str()) == arm) else {
                return Ok(());
            };
            facts.assigned[condition] += 1;
            let before = rows.len();
            for met in &taker.items {
                let Some(item) = study.item.iter().position(|i| i.id == met.item) else { continue };
                let values = study.measure.iter().map(|m| met.steps(study, &m.id, arm)).collect();
                rows.push(Collected { participant, condition, item, repetition: met.repetition, values });
            }
            if rows.len() > before {
                participant += 1;
                facts.missed.push(study.missed_by(&taker));
                facts.numbers.push(taker.person);
                facts.strata.push(taker.stratum.unwrap_or_default());
            }
            Ok(())
        })
        .map_err(|e| Error::new(e.to_string()))?;
        if let Some(seed) = self.blind {
            shuffle_conditions(&mut rows, seed);
        }
        Ok(Data::from_rows(study, rows, facts))
    }

    /// Who was assigned and ended, in the order in which it happened, with the places that conditions got meanwhile.
    ///
    /// # Errors
    /// The journal's, and a text that this program cannot read.
    pub fn acts(&self) -> Result<Vec<Act>> {
        let read = |e: plumb_study::Error| Error::new(e.to_string());
        let mut changes = Vec::new();
        for row in self.journal.collecting_rows().map_err(read)? {
            if let Collecting::Amended { study, .. } = &row.event {
                let (study, _) = thaw_amended(study)?;
                let arms = study.allocation([0; 32]).map(|a| a.arms().iter().map(|arm| arm.places).collect());
                changes.push((row.id, Act::Places(arms.unwrap_or_default(), study.shares().is_some())));
            }
        }
        let mut changes = changes.into_iter().peekable();
        let mut acts = Vec::new();
        let mut assigned = BTreeSet::new();
        self.journal
            .people(|row| {
                while let Some((_, act)) = changes.next_if(|(id, _)| *id < row.id) {
                    acts.push(act);
                }
                let person = row.person.0 + 1;
                let record = |body: &Option<std::sync::Arc<str>>| {
                    let record = body.as_ref().map(|body| Record::read(body)).transpose();
                    record.map_err(|e| plumb_study::Error::journal(e.to_string()))
                };
                match row.what {
                    What::Enrolled(_) => {
                        let stratum = record(&row.body)?.and_then(|r| r.stratum).unwrap_or_default();
                        assigned.insert(person);
                        acts.push(Act::Assign { person, stratum });
                    }
                    What::Ended if assigned.contains(&person) => {
                        let end = record(&row.body)?.map(|r| r.event);
                        let through = matches!(end, Some(Event::Ended { end: End::Completed }));
                        acts.push(if through { Act::Complete(person) } else { Act::Leave(person) });
                    }
                    _ => {}
                }
                Ok(())
            })
            .map_err(read)?;
        Ok(acts)
    }

    fn row(&self, taker: &mut Taker, row: &PersonRow) -> Result<()> {
        match row.what {
            What::Arrived => taker.arrived_us = Some(row.at_us),
            What::Erased => taker.erased = true,
            What::Parted => {}
            What::Observed(item, repetition) => self.observed(taker, row, item.0, repetition.into())?,
            What::Enrolled(_) | What::Step | What::Ended => {
                let Some(body) = &row.body else { return Ok(()) };
                self.event(taker, row, Record::read(body)?);
            }
        }
        Ok(())
    }

    fn event(&self, taker: &mut Taker, row: &PersonRow, record: Record) {
        let paged = record.paged;
        let mut answers = |slot: Slot, values: Vec<(String, String)>, missed: bool| {
            taker.answers.extend(values.into_iter().map(|(field, text)| Answer {
                n: row.n,
                slot: slot.clone(),
                field,
                text,
                missed,
                paged: paged.clone(),
                at_us: row.at_us,
            }));
        };
        match record.event {
            Event::Consented => {}
            Event::Answered { slot, values, .. } => answers(slot, values, false),
            Event::Missed { slot, values, .. } => answers(slot, values, true),
            Event::Enrolled { arm, sequence } => {
                taker.arm = Some(arm);
                taker.stratum = record.stratum;
                taker.enrolled_us = Some(row.at_us);
                taker.sequence = sequence;
            }
            Event::Ended { end } => {
                taker.ended_us = Some(row.at_us);
                taker.end = Some(end);
            }
            Event::Platform { status } => taker.platform = Some(status),
        }
    }

    fn observed(&self, taker: &mut Taker, row: &PersonRow, item: u32, repetition: u32) -> Result<()> {
        let Some(body) = &row.body else { return Ok(()) };
        let form: serde_json::Value = serde_json::from_str(body)
            .map_err(|e| Error::new(format!("answers about an item cannot be read: {e}")))?;
        let item = self.study.item.get(item as usize);
        let item =
            item.ok_or_else(|| Error::new("answers are about an item that the study does not have"))?;
        let block = form["block"].as_str().unwrap_or_default().to_owned();
        let answers = form["answers"].as_object().into_iter().flatten();
        let position = taker.items.iter().filter(|met| met.block == block).count() + 1;
        taker.items.push(ItemAnswers {
            block,
            item: item.id.clone(),
            repetition,
            position,
            answers: answers.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect(),
            at_us: row.at_us,
        });
        Ok(())
    }
}

impl Study {
    /// How many attention checks a person missed.
    pub fn missed_by(&self, taker: &Taker) -> u32 {
        self.missed_checks(taker.answers.iter().filter_map(|answer| match &answer.slot {
            Slot::Page { page } => Some((page.as_str(), answer.field.as_str(), answer.text.as_str())),
            Slot::Trial { .. } => None,
        }))
    }
}

/// Conditions change hands between people; each keeps its rows together and the sizes stay.
fn shuffle_conditions(rows: &mut [Collected], seed: [u8; 8]) {
    let mut conditions: Vec<usize> = Vec::new();
    for row in rows.iter() {
        if row.participant as usize == conditions.len() {
            conditions.push(row.condition);
        }
    }
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from_le_bytes(seed));
    shuffle(&mut rng, &mut conditions);
    for row in rows {
        row.condition = conditions[row.participant as usize];
    }
}
