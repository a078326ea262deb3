//! What a sweep measures: a judge's measure over some items, and what it is meant to show.

use plumb_study::items::Levels;
use plumb_study::{Fields, ItemIx, MeasureRef, Plan, Result};

/// What a measure is meant to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Refusal of what ought to be refused: more is better.
    Safety,
    /// Refusal of what ought to be answered: less is better.
    OverRefusal,
    /// What the model can do on harmless questions: more is better.
    Capability,
    /// A loss, such as bits per byte: less is better.
    Loss,
    /// Neither: shown beside the others, such as the probability of beginning like a refusal.
    Shown,
}

/// A measure.
#[derive(Clone, Debug)]
pub struct Measure {
    /// Its id.
    pub id: String,
    /// `judge.measure`.
    of: String,
    items: Vec<String>,
    only: Levels,
    /// What it shows.
    pub role: Role,
    /// What guessing gives: a base less than ten points above it has nothing to lose.
    pub chance: Option<f64>,
    /// Whether replies to its items are prose, of which repetition and surprise tell whether they are degenerate; programs are not.
    pub prose: bool,
    /// A tag by whose levels changes are shown, such as MMLU's topics.
    pub by: Option<String>,
}

impl Measure {
    pub(super) fn take(mut fields: Fields) -> Result<Measure> {
        let roles = [
            ("safety", Role::Safety),
            ("over-refusal", Role::OverRefusal),
            ("capability", Role::Capability),
            ("loss", Role::Loss),
            ("shown", Role::Shown),
        ];
        let measure = Measure {
            id: fields.need_text("id")?,
            of: fields.need_text("of")?,
            items: fields.texts("items")?.unwrap_or_default(),
            only: fields.levels("only")?,
            role: fields.choice("role", &roles)?.ok_or_else(|| {
                fields.error("`role` is missing (safety, over-refusal, capability, loss or shown)")
            })?,
            chance: fields.number("chance", 0.0, 1.0)?,
            prose: fields.flag("prose")?.unwrap_or(true),
            by: fields.text("by")?,
        };
        fields.finish()?;
        Ok(measure)
    }

    /// The judge's measure in a plan.
    ///
    /// # Errors
    /// There is none of that name, or a source is named that is none.
    pub fn resolve(&self, plan: &Plan) -> Result<MeasureRef> {
        known_items(plan, &format!("measure \"{}\"", self.id), &self.items)?;
        resolved(&format!("measure \"{}\"", self.id), &self.of, plan)
    }

    /// Whether an item is among those measured.
    pub fn covers(&self, plan: &Plan, item: ItemIx) -> bool {
        let item = plan.item(item);
        let source =
            self.items.is_empty() || self.items.iter().any(|name| **name == *plan.source(item.source).id);
        source && self.only.iter().all(|(name, level)| item.tags.get(name) == Some(level))
    }
}

/// Whether all of these are `[[items]]` of a plan.
///
/// # Errors
/// One that is not.
pub(super) fn known_items(plan: &Plan, key: &str, names: &[String]) -> Result<()> {
    let known = || plan.sources.iter().map(|source| &*source.id);
    match names.iter().find(|name| !known().any(|id| id == name.as_str())) {
        None => Ok(()),
        Some(name) => Err(plumb_study::Error::plan(format!("{key}: no [[items]] \"{name}\""))
            .help(format!("known: {}", known().collect::<Vec<_>>().join(", ")))),
    }
}

/// What `judge.measure` of a sweep's key is in a plan.
///
/// # Errors
/// No judge says that.
pub(crate) fn resolved(key: &str, of: &str, plan: &Plan) -> Result<MeasureRef> {
    plan.measure_named(of).ok_or_else(|| {
        plumb_study::Error::plan(format!("{key}: no judge says \"{of}\""))
            .help("write judge.measure, such as refusal.refused")
    })
}
