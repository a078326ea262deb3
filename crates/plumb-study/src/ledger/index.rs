//! A dense place for every trial of a plan, so that states are vectors.

use crate::id::{ItemIx, SubjectIx, Trial};
use crate::plan::Plan;
use std::collections::HashMap;

/// Places of trials.
pub struct TrialIndex {
    /// Lists of subjects, shared by items.
    classes: Vec<Vec<SubjectIx>>,
    /// For each item, its class, its first place.
    items: Vec<(u16, u32)>,
    planned: Vec<bool>,
}

impl TrialIndex {
    /// Indexes a plan.
    pub fn new(plan: &Plan) -> TrialIndex {
        let mut classes: Vec<Vec<SubjectIx>> = Vec::new();
        let mut known: HashMap<Vec<SubjectIx>, u16> = HashMap::new();
        let mut items = Vec::with_capacity(plan.items.len());
        let mut next = 0u32;
        for ix in 0..plan.items.len() as u32 {
            let subjects = plan.subjects_of(ItemIx(ix));
            let places = subjects.len() as u32 * u32::from(plan.repeats(ItemIx(ix)));
            let class = *known.entry(subjects).or_insert_with_key(|subjects| {
                classes.push(subjects.clone());
                (classes.len() - 1) as u16
            });
            items.push((class, next));
            next += places;
        }
        let mut index = TrialIndex { classes, items, planned: vec![false; next as usize] };
        for trial in plan.trials() {
            if let Some(slot) = index.place(trial) {
                index.planned[slot] = true;
            }
        }
        index
    }

    fn place(&self, trial: Trial) -> Option<usize> {
        let at = trial.item.0 as usize;
        let (class, first) = *self.items.get(at)?;
        let end = self.items.get(at + 1).map_or(self.planned.len(), |(_, next)| *next as usize);
        let subjects = &self.classes[class as usize];
        let position = subjects.iter().position(|s| *s == trial.subject)?;
        let slot = first as usize + trial.rep as usize * subjects.len() + position;
        (slot < end).then_some(slot)
    }

    /// The place of a trial; `None` if the plan does not have it.
    pub fn slot(&self, trial: Trial) -> Option<usize> {
        self.place(trial).filter(|slot| self.planned[*slot])
    }

    /// The trial at a place.
    pub fn trial(&self, slot: usize) -> Trial {
        let item = self.items.partition_point(|(_, first)| *first as usize <= slot) - 1;
        let (class, first) = self.items[item];
        let subjects = &self.classes[class as usize];
        let within = slot - first as usize;
        Trial {
            item: ItemIx(item as u32),
            subject: subjects[within % subjects.len()],
            rep: (within / subjects.len()) as u16,
        }
    }

    /// Whether the plan has a trial at this place.
    pub fn is_planned(&self, slot: usize) -> bool {
        self.planned[slot]
    }

    /// Number of places.
    pub fn len(&self) -> usize {
        self.planned.len()
    }

    /// True when the plan has no trials.
    pub fn is_empty(&self) -> bool {
        self.planned.is_empty()
    }
}
