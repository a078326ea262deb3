//! The first half of a training: documents become rows on disk.

use super::corpus;
use super::place::{Loaded, Places};
use super::recipe::Recipe;
use crate::compose::World;
use crate::exit::{Problem, note};
use plumb_lm::sae::store::{Fill, Manifest, fill};
use plumb_lm::{Model, Site};
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Captures what is not captured yet; returns the store's folder with what it holds.
pub fn capture(
    recipe: &Recipe,
    beside: &Path,
    world: &World,
    loaded: Loaded,
    sites: &[Site],
) -> Result<(std::path::PathBuf, Manifest), Problem> {
    let named = recipe.activations.name.as_deref().unwrap_or(&recipe.name);
    let folder = Places::of(world, named).activations;
    let drafts = corpus::read(recipe, beside)?;
    let digest = corpus::digest(recipe, &drafts);
    let model = short(loaded.model, sites);
    let what = Fill {
        model: &model,
        name: &loaded.name,
        digest: &loaded.digest,
        sites,
        precision: recipe.activations.precision,
        shard: recipe.activations.shard,
        rows: recipe.activations.rows,
        recipe: &digest,
    };
    let documents = drafts.iter().map(|draft| corpus::document(recipe, &model, draft));
    let progress = Progress::new(recipe.activations.rows);
    let manifest = fill(&what, documents, &folder, &mut |rows| {
        progress.tell(rows);
        true
    })?;
    Ok((folder, manifest))
}

/// The layers that the sites need.
fn short(model: Model, sites: &[Site]) -> Model {
    let needed = |site: &Site| match site {
        Site::Embedding => Some(1),
        site => site.layer().map(|layer| layer + 1),
    };
    match sites.iter().map(needed).collect::<Option<Vec<usize>>>() {
        Some(needed) => model.shortened(needed.into_iter().max().unwrap_or(1)),
        None => model,
    }
}

/// A line now and then.
struct Progress {
    all: usize,
    started: Instant,
    first: std::cell::Cell<Option<usize>>,
    last: std::cell::Cell<Option<Instant>>,
}

impl Progress {
    fn new(all: usize) -> Progress {
        Progress { all, started: Instant::now(), first: None.into(), last: None.into() }
    }

    fn tell(&self, rows: usize) {
        let first = self.first.get().unwrap_or(rows);
        self.first.set(Some(first));
        let every =
            if std::io::stderr().is_terminal() { Duration::from_secs(2) } else { Duration::from_secs(15) };
        if rows < self.all && self.last.get().is_some_and(|last| last.elapsed() < every) {
            return;
        }
        self.last.set(Some(Instant::now()));
        let seconds = self.started.elapsed().as_secs_f64();
        match rows > first && seconds > 0.0 {
            true => note(format_args!(
                "{rows} of {} activations · {:.0}/s",
                self.all.max(rows),
                (rows - first) as f64 / seconds
            )),
            false => note(format_args!("{rows} of {} activations", self.all.max(rows))),
        }
    }
}
