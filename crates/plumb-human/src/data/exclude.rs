//! Exclusion by the rules of the file: pure, in the file's order, each rule counted over those whom the rules before it left.

use super::{Data, Repeat, Row};
use crate::study::{Exclusion, Study};

impl Data {
    pub(super) fn exclude(mut self, study: &Study) -> Data {
        for rule in &study.exclusion {
            let out = self.named_by(study, rule);
            let count = out.iter().filter(|out| **out).count() as u64;
            if count > 0 {
                // Copied only now: most data lose nobody, and simulations make thousands of them.
                if self.everyone.is_none() {
                    self.everyone = Some(Box::new(self.clone()));
                }
                self.keep(|p| !out[p as usize]);
            }
            self.excluded.push((rule.id.clone(), count));
        }
        self
    }

    /// For each participant, whether a rule names it.
    fn named_by(&self, study: &Study, rule: &Exclusion) -> Vec<bool> {
        let of = rule.block.as_ref().and_then(|id| study.block.iter().find(|b| b.id == *id));
        let ids = of.map(|block| block.item_ids(study));
        let mut each = vec![0; self.participants as usize];
        for row in &self.rows {
            let counts =
                ids.as_ref().is_none_or(|ids| ids.contains(&study.item[row.item as usize].id.as_str()));
            each[row.participant as usize] += usize::from(counts);
        }
        let few = |p: u32| rule.fewer_than.is_some_and(|least| each[p as usize] < least);
        let missed = |p: u32| rule.missed_checks.is_some_and(|most| self.facts.missed_by(p) >= most);
        (0..self.participants).map(|p| few(p) || missed(p)).collect()
    }

    /// Keeps some participants and numbers them anew.
    fn keep(&mut self, stays: impl Fn(u32) -> bool) {
        let mut new: Vec<Option<u32>> = Vec::new();
        let mut next = 0;
        for p in 0..self.participants {
            new.push(stays(p).then(|| {
                next += 1;
                next - 1
            }));
        }
        let kept: Vec<bool> = self.rows.iter().map(|r| new[r.participant as usize].is_some()).collect();
        for values in &mut self.values {
            let mut at = kept.iter();
            values.retain(|_| at.next() == Some(&true));
        }
        self.rows = self
            .rows
            .iter()
            .filter_map(|r| Some(Row { participant: new[r.participant as usize]?, ..*r }))
            .collect();
        self.repeats = std::mem::take(&mut self.repeats)
            .into_iter()
            .filter_map(|r| Some(Repeat { participant: new[r.participant as usize]?, ..r }))
            .collect();
        self.facts.keep(&new.iter().map(Option::is_some).collect::<Vec<_>>());
        self.participants = next;
    }
}
