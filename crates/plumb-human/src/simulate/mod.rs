//! Simulated people: behaviours that a study file describes answer its screens through the same state machine, the same
//! fields and the same assignment that people would meet.
//!
//! Start at [`simulate`] (one study's data), then [`calibrate`] (many studies against the truth). `person` walks one person
//! through the study, `answer` makes the answers, `table` writes what [`Data::read`] reads. Not here: power (`crate::power`),
//! which draws outcomes and not answers; HTTP: whoever drives
//! an [`Actor`] at a server says what is due.

mod answer;
mod calibrate;
mod person;
mod report;
mod table;

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

pub use calibrate::{Calibration, Hypothesised, calibrate};
pub use person::{Actor, Values};
pub use report::{report_calibration, report_rehearsal, report_simulation};
pub use table::write_csv;

use crate::data::{Collected, Data, Facts};
use crate::error::{Error, Result};
use crate::protocol::assign::{Allocation, Arm, Rule};
use crate::protocol::person::{End, Person, Slot};
use crate::study::Study;
use answer::Answering;
use person::Walk;

/// How a study is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// People who arrive; places may be fewer.
    pub arrive: usize,
    /// What everything is drawn from.
    pub seed: u64,
    /// Whether conditions have as many places as the file says, or no limit.
    pub places: bool,
    /// Whether conditions make no difference to how people answer.
    pub null: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// One row a participant, item and repetition.
    pub rows: Vec<Collected>,
    /// What is known of those who have rows, and how many were assigned.
    pub facts: Facts,
    /// (condition, how it ended; nothing for people who simply left), for each who arrived.
    pub people: Vec<(Option<usize>, Option<End>)>,
}

impl Simulated {
    /// The answers as data, with the study's exclusions.
    pub fn data(self, study: &Study) -> Data {
        Data::from_rows(study, self.rows, self.facts)
    }
}

/// What every simulation of a study shares: fields and behaviours, read once.
pub struct Simulator<'a> {
    study: &'a Study,
    answering: Answering<'a>,
    /// Position of each item.
    items: HashMap<&'a str, usize>,
}

impl<'a> Simulator<'a> {
    /// Reads what a simulation needs.
    ///
    /// # Errors
    /// The study lacks behaviours, assignment, blocks or a field of a measure that it asks for.
    pub fn new(study: &'a Study) -> Result<Simulator<'a>> {
        for (there, what) in [
            (!study.behaviour.is_empty(), "[[behaviour]], which says how simulated people answer"),
            (study.assignment.is_some(), "[assignment], which says how people come into conditions"),
            (
                !study.block.is_empty() && !study.step.is_empty(),
                "[[block]] and [[step]], which say what is shown",
            ),
        ] {
            if !there {
                return Err(Error::new(format!(
                    "study {} cannot be simulated: it has no {what}",
                    study.name
                )));
            }
        }
        let items = study.items().enumerate().map(|(at, id)| (id, at)).collect();
        Ok(Simulator { study, answering: Answering::new(study)?, items })
    }

    /// The person that this seed makes.
    pub fn actor(&self, seed: [u8; 32], null: bool) -> Actor<'_> {
        Actor::new(self.study, &self.answering, seed, null)
    }

    /// The person that this seed makes, in this process, with a condition and a sequence that a server gave it: the same answers
    /// follow. The state where the person left or ended; without a condition, where it stood before one was drawn.
    ///
    /// # Errors
    /// As [`Simulator::run`]; the condition is none of the study's.
    pub fn again(&self, seed: [u8; 32], null: bool, assigned: Option<(&str, Vec<Slot>)>) -> Result<Person> {
        let mut walk = Walk::new(self.study, self.actor(seed, null));
        if let (Some(_), Some((arm, sequence))) = (walk.enter()?, assigned) {
            let condition = self.study.condition.iter().position(|c| c.id == arm);
            let condition = condition.ok_or_else(|| Error::new(format!("there is no condition {arm}")))?;
            walk.go(condition, sequence)?;
        }
        Ok(walk.person().clone())
    }

    /// Simulates people until all have come or no place is open.
    ///
    /// # Errors
    /// A fault of the program: an answer that the study's own field refuses.
    pub fn run(&self, settings: Settings) -> Result<Simulated> {
        let study = self.study;
        let mut seeds = seeds(settings.seed);
        let mut allocation = self.allocation(settings)?;
        let mut simulated = Simulated { rows: Vec::new(), facts: Facts::default(), people: Vec::new() };
        simulated.facts.assigned = vec![0; study.condition.len()];
        // How many people of each condition hold each item, where people get some of the items.
        let mut held = vec![vec![0; self.items.len()]; study.condition.len()];
        let sampled = study.block.iter().any(|b| b.take.is_some());
        let mut each = vec![0_u64; study.condition.len()];
        let mut participants = 0;
        let most = self.study.people().filter(|_| settings.places);
        for _ in 0..settings.arrive {
            let Some(seed) = seeds.next() else { break };
            let mut walk = Walk::new(study, self.actor(seed, settings.null));
            let stratum = match walk.enter()? {
                Some(stratum) => stratum,
                None => {
                    simulated.people.push((None, walk.end()));
                    continue;
                }
            };
            let all: usize = allocation.arms().iter().map(Arm::held).sum();
            let assigned =
                if most.is_some_and(|most| all >= most) { None } else { allocation.assign(&stratum) };
            let Some(arm) = assigned else {
                walk.full()?;
                simulated.people.push((None, walk.end()));
                if settings.places && allocation.arms().iter().all(|arm| arm.active == 0) {
                    break;
                }
                continue;
            };
            let people = |item: &str| if sampled { held[arm][self.items[item]] } else { 0 };
            let sequence = crate::protocol::sequence::sequence_where(
                study,
                &study.condition[arm].id,
                each[arm],
                &seed,
                &people,
            );
            each[arm] += 1;
            let done = walk.go(arm, sequence)?;
            if done {
                allocation.complete(arm);
            } else {
                allocation.leave(arm, &stratum);
            }
            simulated.people.push((Some(arm), walk.end()));
            simulated.facts.assigned[arm] += 1;
            let rows = walk.rows(&self.items);
            if !rows.is_empty() {
                simulated.facts.missed.push(walk.missed());
                simulated.facts.strata.push(stratum);
            }
            // Who left before the first item has no rows, and no number among those who have.
            let participant = participants;
            participants += u32::from(!rows.is_empty());
            for (item, repetition, values) in rows {
                // Items of people who leave are for others again, as at a server.
                held[arm][item] += usize::from(sampled && done && repetition == 0);
                simulated.rows.push(Collected { participant, condition: arm, item, repetition, values });
            }
        }
        Ok(simulated)
    }

    fn allocation(&self, settings: Settings) -> Result<Allocation> {
        let seed = seeded(settings.seed, "assignment");
        if settings.places {
            let found = self.study.allocation(seed);
            return found.ok_or_else(|| Error::new("the study does not say how people come into conditions"));
        }
        let rule = self.study.assignment.as_ref().map_or(Rule::LeastFilled, |assignment| assignment.rule());
        let allocation = Allocation::new(rule, &vec![None; self.study.condition.len()], seed);
        Ok(match self.study.shares() {
            Some(shares) => allocation.in_shares(shares),
            None => allocation,
        })
    }
}

/// Simulates one study.
///
/// # Errors
/// As [`Simulator::new`] and [`Simulator::run`].
pub fn simulate(study: &Study, settings: Settings) -> Result<Simulated> {
    Simulator::new(study)?.run(settings)
}

/// The seeds of the people of a simulation, in the order in which they come; they never end.
pub fn seeds(seed: u64) -> impl Iterator<Item = [u8; 32]> {
    let mut rng = ChaCha8Rng::from_seed(seeded(seed, "study"));
    std::iter::repeat_with(move || {
        let mut own = [0; 32];
        rng.fill_bytes(&mut own);
        own
    })
}

/// The seed of the nth of many simulations: neighbouring seeds have nothing in common.
fn nth_seed(seed: u64, purpose: &str, n: usize) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = seeded(seed, &format!("{purpose} {n}"));
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A seed for one purpose.
fn seeded(seed: u64, purpose: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed.to_be_bytes()).chain_update(purpose).finalize().into()
}
