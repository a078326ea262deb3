//! Which of a source's items are used: none that is nearly a prompt of other files, and a seeded choice of the rest.
//!
//! `apart_from` keeps held-out prompts held out: an item goes if its words are nearly those of a prompt that was used to
//! choose something. `take` then chooses by hash, so that the choice depends on the items alone and not on their order. Items
//! that belong together, such as a question and its contrast, are taken or left as one.

use crate::error::Result;
use crate::fields::Fields;
use crate::id::derive_seed;
use crate::items::{Near, table_rows};
use crate::registry::{DraftItem, Inputs};
use std::collections::{BTreeMap, BTreeSet};

/// The keys `take`, `take_by`, `take_together`, `take_seed` and `apart_from = { path, prompt, records, run }` of `[[items]]`.
pub(super) struct Narrowed {
    take: Option<usize>,
    by: Option<String>,
    together: Option<String>,
    seed: u64,
    apart: Vec<String>,
}

/// Groups of one level with what orders them, the next one last.
type Queue = Vec<(u64, Vec<usize>)>;

impl Narrowed {
    pub(super) fn take(fields: &mut Fields, inputs: &dyn Inputs) -> Result<Narrowed> {
        let take = fields.whole("take", 1, 1_000_000)?.map(|n| n as usize);
        let by = fields.text("take_by")?;
        let together = fields.text("take_together")?;
        let seed = fields.whole("take_seed", 0, i64::MAX)?;
        if take.is_none() && (by.is_some() || together.is_some() || seed.is_some()) {
            return Err(fields.error(
                "`take_by`, `take_together` and `take_seed` say how `take` chooses, which is not there",
            ));
        }
        let apart = match fields.inner("apart_from")? {
            Some(inner) => others(inner, inputs)?,
            None => Vec::new(),
        };
        Ok(Narrowed { take, by, together, seed: seed.unwrap_or(0) as u64, apart })
    }

    /// The items that are left, in their order.
    pub(super) fn apply(self, mut items: Vec<DraftItem>) -> Result<Vec<DraftItem>> {
        if !self.apart.is_empty() {
            let used = Near::of(&self.apart);
            items.retain(|item| !used.holds(item.task.headline()));
        }
        if let Some(take) = self.take {
            let chosen = self.chosen(&items, take);
            let mut at = 0;
            items.retain(|_| {
                at += 1;
                chosen.contains(&(at - 1))
            });
        }
        Ok(items)
    }

    /// Level by level in turn, so that levels come out as evenly as their sizes allow. A group that is too large for the places
    /// that are left is passed over.
    fn chosen(&self, items: &[DraftItem], take: usize) -> BTreeSet<usize> {
        let mut levels: BTreeMap<String, Queue> = BTreeMap::new();
        for group in self.groups(items) {
            // The least of its members' names is the group's, whatever the order of rows.
            let first = group.iter().map(|at| items[*at].id.as_str()).min().unwrap_or_default();
            let order = derive_seed(self.seed, &[b"take", first.as_bytes()]);
            levels.entry(self.level(items, &group)).or_default().push((order, group));
        }
        levels.values_mut().for_each(|queue| queue.sort_unstable_by(|a, b| b.cmp(a)));
        // Where there are more levels than places, hash decides which levels come first.
        let mut queues: Vec<(u64, Queue)> = levels
            .into_iter()
            .map(|(level, queue)| (derive_seed(self.seed, &[b"level", level.as_bytes()]), queue))
            .collect();
        queues.sort_unstable_by_key(|(order, _)| *order);
        let mut chosen = BTreeSet::new();
        while chosen.len() < take && queues.iter().any(|(_, queue)| !queue.is_empty()) {
            for (_, queue) in &mut queues {
                if let Some((_, group)) = queue.pop()
                    && chosen.len() + group.len() <= take
                {
                    chosen.extend(group);
                }
            }
        }
        chosen
    }

    /// Items that are taken or left as one; one without the tag is alone.
    fn groups(&self, items: &[DraftItem]) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut alone = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match self.together.as_deref().and_then(|tag| item.tags.get(tag)) {
                Some(group) => groups.entry(group).or_default().push(at),
                None => alone.push(vec![at]),
            }
        }
        groups.into_values().chain(alone).collect()
    }

    /// The level of a group: its members' levels, each once.
    fn level(&self, items: &[DraftItem], group: &[usize]) -> String {
        let Some(tag) = self.by.as_deref() else { return String::new() };
        let levels: BTreeSet<&str> =
            group.iter().map(|at| items[*at].tags.get(tag).map_or("", |level| level)).collect();
        levels.into_iter().collect::<Vec<_>>().join(" ")
    }
}

/// Prompts from which items are to be kept apart: of files, of other runs, or of both.
fn others(mut fields: Fields, inputs: &dyn Inputs) -> Result<Vec<String>> {
    let place = fields.place().to_owned();
    let runs = fields.texts("run")?.unwrap_or_default();
    let mut prompts = match fields.texts("path")? {
        Some(paths) => of_files(&mut fields, &paths, inputs)?,
        None if runs.is_empty() => {
            return Err(fields
                .error("`path` (the files of other prompts) or `run` (runs that asked them) is missing"));
        }
        None => Vec::new(),
    };
    fields.finish()?;
    for run in &runs {
        let plan = inputs.run(run).and_then(|journal| journal.plan()).map_err(|e| e.at(&place))?;
        prompts.extend(plan.items.iter().map(|item| item.task.headline().to_owned()));
    }
    Ok(prompts)
}

fn of_files(fields: &mut Fields, paths: &[String], inputs: &dyn Inputs) -> Result<Vec<String>> {
    let place = fields.place().to_owned();
    let column = fields.text("prompt")?.unwrap_or_else(|| "prompt".into());
    let records = fields.text("records")?;
    let mut prompts = Vec::new();
    for written in paths {
        for path in inputs.expand(written).map_err(|e| e.at(&place))? {
            let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
            for row in table_rows(&bytes, &path, records.as_deref())? {
                let prompt = row.get(&column).ok_or_else(|| {
                    crate::Error::plan(format!("{}: no column \"{column}\"", row.place))
                        .help("name the column of the prompts: apart_from = { path = \"…\", prompt = \"…\" }")
                })?;
                prompts.push(prompt.to_string());
            }
        }
    }
    Ok(prompts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::items::{Levels, Prompt, Task};

    fn item(id: usize, kind: &str, prompt: &str) -> DraftItem {
        DraftItem {
            id: format!("i{id}"),
            tags: Levels::from([("kind".into(), kind.into())]),
            task: Task::Ask(Prompt::user(prompt)),
            target: None,
            recorded: Vec::new(),
            origin: None,
        }
    }

    fn ids(items: &[DraftItem]) -> Vec<&str> {
        items.iter().map(|item| item.id.as_str()).collect()
    }

    fn narrowed(take: usize, apart: &[&str]) -> Narrowed {
        let apart = apart.iter().map(ToString::to_string).collect();
        Narrowed { take: Some(take), by: Some("kind".into()), together: None, seed: 3, apart }
    }

    #[test]
    fn levels_are_taken_evenly_and_whatever_the_order() {
        let items: Vec<DraftItem> =
            (0..40).map(|n| item(n, if n % 10 == 0 { "rare" } else { "often" }, "p")).collect();
        let taken = narrowed(6, &[]).apply(items.clone()).unwrap();
        let rare = taken.iter().filter(|item| &*item.tags["kind"] == "rare").count();
        assert_eq!((taken.len(), rare), (6, 3));
        let mut turned = narrowed(6, &[]).apply(items.into_iter().rev().collect()).unwrap();
        turned.reverse();
        assert_eq!(ids(&taken), ids(&turned));
        let few = (0..3).map(|n| item(n, "a", "p")).collect();
        assert_eq!(narrowed(9, &[]).apply(few).unwrap().len(), 3);
    }

    #[test]
    fn what_belongs_together_is_taken_or_left_as_one() {
        let mut items: Vec<DraftItem> = (0..20).map(|n| item(n, ["a", "b"][n % 2], "p")).collect();
        for (at, item) in items.iter_mut().enumerate().take(16) {
            item.tags.insert("pair".into(), (at / 2).to_string().into());
        }
        let narrowed = Narrowed { together: Some("pair".into()), ..narrowed(10, &[]) };
        let taken = narrowed.apply(items).unwrap();
        let mut pairs: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &taken {
            *pairs.entry(item.tags.get("pair").map_or("alone", |pair| pair)).or_default() += 1;
        }
        let alone = pairs.remove("alone").unwrap_or(0);
        assert!(pairs.values().all(|count| *count == 2), "{pairs:?}");
        assert_eq!((pairs.len(), alone), (3, 4), "both kinds are taken, and no place is left empty");
    }

    #[test]
    fn near_duplicates_go() {
        let used = ["Tell me how to bake a very good cake today.", "Hi"];
        let items = vec![
            item(0, "a", "Tell me, how to bake a very GOOD cake today!"),
            item(1, "a", "tell me how to bake a very good cake tomorrow"),
            item(2, "a", "Tell me how to paint a fence in the garden today"),
            item(3, "a", "hi!"),
            item(4, "a", "high"),
        ];
        assert_eq!(ids(&narrowed(9, &used).apply(items).unwrap()), ["i2", "i4"]);
    }
}
