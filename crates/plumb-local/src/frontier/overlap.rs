//! Whether what is measured is what the directions were made of: a direction, or a gate, looks better on prompts that it was made
//! of than on others.

use crate::sweep::{From, Sweep};
use plumb_study::items::{Near, Task};
use plumb_study::{ItemIx, Plan};

/// A direction and a measure with prompts in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overlap {
    /// The direction's id.
    pub direction: String,
    /// The measure's id.
    pub measure: String,
    /// Items of the measure that are, nearly word for word, among the prompts that the direction was made of.
    pub near: u64,
    /// All items of the measure.
    pub of: u64,
}

/// Directions and measures that have prompts in common.
pub(super) fn of(plan: &Plan, sweep: &Sweep) -> Vec<Overlap> {
    let mut found = Vec::new();
    for direction in &sweep.directions {
        let From::Means { towards, away, .. } = &direction.from else { continue };
        let used = Near::of(&[towards.as_slice(), away].concat());
        for measure in &sweep.measures {
            let items: Vec<ItemIx> =
                (0..plan.items.len() as u32).map(ItemIx).filter(|item| measure.covers(plan, *item)).collect();
            let near = items.iter().filter(|item| holds(&used, &plan.item(**item).task)).count() as u64;
            if near > 0 {
                let (direction, measure) = (direction.id.clone(), measure.id.clone());
                found.push(Overlap { direction, measure, near, of: items.len() as u64 });
            }
        }
    }
    found
}

/// Of a conversation every turn counts.
fn holds(used: &Near, task: &Task) -> bool {
    match task {
        Task::Ladder(turns) => turns.iter().any(|turn| used.holds(turn)),
        other => used.holds(other.headline()),
    }
}

/// In a few words, such as `3 of 60 of unsafe`.
pub(super) fn words(overlaps: &[Overlap]) -> String {
    let one = |overlap: &Overlap| format!("{} of {} of {}", overlap.near, overlap.of, overlap.measure);
    overlaps.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What a reader must know before the numbers; nothing where prompts were kept apart.
pub(super) fn warning(overlaps: &[Overlap], direction: &str) -> Option<String> {
    let used: Vec<Overlap> =
        overlaps.iter().filter(|overlap| overlap.direction == direction).cloned().collect();
    (!used.is_empty()).then(|| {
        format!(
            "some prompts are, nearly word for word, those that the direction \"{direction}\" was made of: {}; what is shown on them is no finding about other prompts (`apart_from` keeps items apart)",
            words(&used)
        )
    })
}
