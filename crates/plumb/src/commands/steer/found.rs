//! What a search found, as a file in its run's folder that later plans name.

use super::search::write;
use crate::compose::World;
use crate::exit::{Problem, note};
use crate::runs::RunFolder;
use plumb_local::frontier::{Before, Lot};
use plumb_local::search::{Decision, Record, Rise, Search};
use plumb_local::steer::{LatentUnit, Saes as _};
use plumb_local::sweep::{Best, Chosen, Made};
use plumb_study::{Counts, Plan};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What later plans read of a search.
#[derive(Serialize, Deserialize)]
struct Kept {
    sae: String,
    sae_digest: String,
    latents: Vec<usize>,
    /// The unit of strengths; searches of an earlier version do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<LatentUnit>,
    /// Digest of the search's plan.
    plan: String,
    /// How many of its trials were asked by then.
    asked: u64,
    trials: u64,
    decision: Decision,
    /// What random controls were; searches of an earlier version do not say.
    #[serde(default)]
    controls: Controls,
}

/// The random controls of a search, in the order of their numbers.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Controls {
    pub latents: Vec<usize>,
    /// Control vectors beside the run.
    pub directions: Vec<PathBuf>,
}

/// The latent that a candidate is.
fn numbered(candidate: &str) -> Option<usize> {
    candidate.strip_prefix("latent-")?.parse().ok()
}

/// Writes the winner into the run's folder.
pub fn keep(
    at: &RunFolder,
    (plan, counts): (&Plan, &Counts),
    (search, record): (&Search, &Record),
    decision: &Decision,
    made: &[Made],
) -> Result<(), Problem> {
    let name = |path: &str| Path::new(path).file_name().map(PathBuf::from);
    let directions = made.iter().filter(|one| one.like.is_some()).filter_map(Made::file).filter_map(name);
    let kept = Kept {
        sae: record.sae.0.clone(),
        sae_digest: record.sae.1.clone(),
        latents: numbered(&decision.winner).into_iter().collect(),
        unit: Some(search.unit),
        plan: plan.digest.hex(),
        asked: counts.planned - counts.not_asked,
        trials: counts.planned,
        decision: decision.clone(),
        controls: Controls { latents: record.random.clone(), directions: directions.collect() },
    };
    write(&at.folder.join("found.json"), &kept)
}

/// The searches that a plan takes latents from, each read once.
#[derive(Default)]
pub struct Searches(RefCell<BTreeMap<String, Rc<Found>>>);

impl Searches {
    /// What the search of this run left.
    pub fn of(&self, run: &str) -> Result<Rc<Found>, Problem> {
        let known = self.0.borrow().get(run).cloned();
        known.map_or_else(
            || {
                let found = Rc::new(Found::read(run)?);
                self.0.borrow_mut().insert(run.to_owned(), Rc::clone(&found));
                Ok(found)
            },
            Ok,
        )
    }
}

/// What a search left in its run's folder.
pub struct Found {
    run: String,
    at: RunFolder,
    kept: Kept,
}

impl Found {
    fn read(run: &str) -> Result<Found, Problem> {
        let at = RunFolder::named(Path::new(run));
        let path = at.folder.join("found.json");
        let text = std::fs::read(&path).map_err(|error| {
            Problem::usage(format!("{}: {error}", path.display()))
                .help("`from` names the folder of a run of `plumb steer` with a table [steer.search]")
        })?;
        let kept = serde_json::from_slice(&text)
            .map_err(|error| Problem::usage(format!("{}: {error}", path.display())))?;
        Ok(Found { run: run.to_owned(), at, kept })
    }

    /// The latents that it found: its winner, or the candidate that is best by another rule; and how strongly it is clamped there.
    pub fn chosen(&self, best: Best, world: &World) -> Result<Chosen, Problem> {
        let Found { run, kept, .. } = self;
        if kept.asked < kept.trials {
            note(format_args!(
                "{run}: this choice rests on {} of the search's {} trials; finish the search before you rely on it",
                kept.asked, kept.trials
            ));
        }
        let digest = world.saes.find(&kept.sae)?.sae.digest().to_owned();
        if digest != kept.sae_digest {
            let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
            return Err(Problem::usage(format!(
                "{run}: it searched an autoencoder {} with the digest {}; the one of that name now has {}",
                kept.sae,
                short(&kept.sae_digest),
                short(&digest)
            ))
            .help("its latents are others: run the search again"));
        }
        let rise = chosen(&kept.decision, best);
        let latent = rise
            .and_then(|rise| numbered(&rise.id))
            .ok_or_else(|| Problem::usage(format!("{run}: the search found no latent")))?;
        let strength = rise.and_then(|rise| rise.strength).zip(kept.unit);
        Ok(Chosen { sae: kept.sae.clone(), latents: vec![latent], strength })
    }

    /// Its controls; their directions as paths.
    pub fn controls(&self) -> Controls {
        let folder = super::workshop::beside(&self.at);
        let directions = self.kept.controls.directions.iter().map(|name| folder.join(name)).collect();
        Controls { latents: self.kept.controls.latents.clone(), directions }
    }

    /// What it saw of a setting of this plan that came from it, and of its controls. `name` is what a control of a kind and number
    /// is called here.
    pub fn before(&self, best: Best, id: &str, name: impl Fn(&str, usize) -> String) -> Vec<Before> {
        let decision = &self.kept.decision;
        let here = |lot, direction, rise: &Rise| {
            Some(Before { direction, strength: rise.strength?, lot, rise: rise.unsafe_ })
        };
        let mut all: Vec<Before> = chosen(decision, best)
            .and_then(|rise| here(Lot::Candidates, id.to_owned(), rise))
            .into_iter()
            .collect();
        let lists = [
            (Lot::Latents, "latent", &decision.random_latents),
            (Lot::Directions, "direction", &decision.random_directions),
        ];
        for (lot, kind, list) in lists {
            let number = |rise: &Rise| rise.id.rsplit('-').next()?.parse().ok();
            all.extend(list.iter().filter_map(|rise| here(lot, name(kind, number(rise)?), rise)));
        }
        all
    }
}

fn chosen(decision: &Decision, best: Best) -> Option<&Rise> {
    match best {
        Best::Refusal => decision.candidates.first(),
        Best::Difference => decision.most_selective(),
    }
}
