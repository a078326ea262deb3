//! How well participants agree with themselves: items that came twice.

use plumb_stats::{Draws, Inference, Level, Proportion, RatedUnits};

use crate::data::Data;
use crate::error::Result;
use crate::study::Study;

/// First and second answers of a measure.
#[derive(Debug, Clone)]
pub struct Repeated {
    /// The measure.
    pub measure: String,
    /// Pairs in which both are there.
    pub pairs: u64,
    /// Participants with such a pair.
    pub participants: u64,
    /// Pairs with the same answer twice.
    pub same: Proportion,
    /// Mean of the second less the first, in the shown unit.
    pub shift: f64,
    /// ICC(1,1): the share of the variance of answers that is there again. Its interval is over participants.
    pub reliability: Inference,
}

/// Draws of an interval over participants; the seed is fixed, so that a report is a function of its data.
const DRAWS: Draws = Draws { seed: 1, replicates: 2000 };

/// For each measure that was answered twice for some item.
pub(super) fn repeats(study: &Study, data: &Data) -> Result<Vec<Repeated>> {
    let first: std::collections::HashMap<(u32, u32), usize> =
        data.rows.iter().enumerate().map(|(at, row)| ((row.participant, row.item), at)).collect();
    let mut list = Vec::new();
    for (at, measure) in study.measure.iter().enumerate() {
        if measure.answer.is_none() {
            continue;
        }
        let shown = study.unit_of(measure.unit.as_deref()).map_or(1.0, |unit| unit.shown);
        let mut pairs: Vec<(u32, f64, f64)> = Vec::new();
        for repeat in &data.repeats {
            let row = first.get(&(repeat.participant, repeat.item));
            let before = row.and_then(|row| data.values[at][*row]);
            if let (Some(before), Some(again)) = (before, repeat.values.get(at).copied().flatten()) {
                pairs.push((repeat.participant, before as f64 * shown, again as f64 * shown));
            }
        }
        if pairs.is_empty() {
            continue;
        }
        let mut units = RatedUnits::new();
        for (participant, before, again) in &pairs {
            // One rater gave both: neither answer has an error of its own kind, so they are exchangeable.
            units.add(*participant, &[(0, *before), (0, *again)])?;
        }
        let mut people: Vec<u32> = pairs.iter().map(|(participant, ..)| *participant).collect();
        people.dedup();
        let n = pairs.len() as f64;
        list.push(Repeated {
            measure: measure.label.clone(),
            pairs: pairs.len() as u64,
            participants: people.len() as u64,
            same: Proportion::new(
                pairs.iter().filter(|(_, a, b)| a == b).count() as u64,
                pairs.len() as u64,
            )?,
            shift: pairs.iter().map(|(_, before, again)| again - before).sum::<f64>() / n,
            reliability: units.build()?.infer(DRAWS)?.of_one,
        });
    }
    Ok(list)
}

impl Repeated {
    /// The share of pairs with the same answer, with Wilson's 95 % interval; pairs count as independent.
    pub fn same_share(&self) -> Option<(f64, f64, f64)> {
        let interval = self.same.wilson(Level::P95).ok()?;
        Some((self.same.rate().ok()?, interval.low, interval.high))
    }
}
