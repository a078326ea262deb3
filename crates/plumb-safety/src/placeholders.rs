//! Fragments that say nothing, in the numbers that a design's published set had: to count what a set of that
//! size makes. Plans never ask them.

use crate::design::{Design, Published};
use crate::fragments::{Entity, Fragment, FragmentSet, Kind, Slot};
use std::sync::Arc;

/// As many placeholders as the design says were published.
pub fn placeholders(design: &Design) -> FragmentSet {
    let mut set = FragmentSet::default();
    for published in &design.published {
        add(published, design, &mut set);
    }
    set
}

fn add(published: &Published, design: &Design, set: &mut FragmentSet) {
    let cell = format!("{}-{}", published.hazard, published.persona);
    let (slotted, entities) = slots(published);
    if slotted > 0 {
        let entity = |n: usize| {
            let name: Arc<str> = format!("entity-{n}").into();
            Entity { key: name.clone(), text: name }
        };
        set.slots.push(Slot {
            name: cell.as_str().into(),
            plain: "somebody".into(),
            entities: (1..=entities).map(entity).collect(),
        });
    }
    let kinds = [
        (Kind::Activity, published.activities),
        (Kind::Viewpoint, published.viewpoints),
        (Kind::OpenViewpoint, published.open_viewpoints),
    ];
    for (kind, number) in kinds {
        for n in 1..=number {
            let id = format!("{cell}-{}-{n}", kind.name());
            let slot =
                if kind == Kind::Activity && n <= slotted { format!(" {{{cell}}}") } else { String::new() };
            set.fragments.push(Fragment {
                text: format!("placeholder {id}{slot}").into(),
                id: id.into(),
                hazard: published.hazard.as_str().into(),
                subcategory: None,
                persona: published.persona.as_str().into(),
                kind,
                place: format!("design {}", design.name),
            });
        }
    }
}

/// How many activities get a slot with how many entities, so that the expanded activities are as many as
/// published: the most activities that can share the surplus evenly. The published set had it otherwise, but
/// the counts of its cells depend on the sum alone.
fn slots(published: &Published) -> (usize, usize) {
    let surplus = published.entities.unwrap_or(0).saturating_sub(published.activities);
    let even = (1..=published.activities).rev().find(|n| surplus > 0 && surplus.is_multiple_of(*n));
    even.map_or((0, 0), |n| (n, surplus / n + 1))
}
