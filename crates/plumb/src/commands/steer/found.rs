//! What a search found, as a file in its run's folder that later plans name.

use super::search::write;
use crate::exit::{Problem, note};
use crate::runs::RunFolder;
use plumb_local::search::{Decision, Record, Search};
use plumb_local::steer::LatentUnit;
use plumb_local::sweep::{Best, Chosen};
use plumb_study::{Counts, Plan};
use serde::{Deserialize, Serialize};
use std::path::Path;

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
) -> Result<(), Problem> {
    let kept = Kept {
        sae: record.sae.0.clone(),
        sae_digest: record.sae.1.clone(),
        latents: numbered(&decision.winner).into_iter().collect(),
        unit: Some(search.unit),
        plan: plan.digest.hex(),
        asked: counts.planned - counts.not_asked,
        trials: counts.planned,
        decision: decision.clone(),
    };
    write(&at.folder.join("found.json"), &kept)
}

/// The latents that a search found: its winner, or the candidate that is best by another rule; and how strongly it is clamped
/// there.
pub fn found(run: &str, best: Best) -> Result<Chosen, Problem> {
    let path = RunFolder::named(Path::new(run)).folder.join("found.json");
    let text = std::fs::read(&path).map_err(|error| {
        Problem::usage(format!("{}: {error}", path.display()))
            .help("`from` names the folder of a run of `plumb steer` with a table [steer.search]")
    })?;
    let kept: Kept = serde_json::from_slice(&text)
        .map_err(|error| Problem::usage(format!("{}: {error}", path.display())))?;
    if kept.asked < kept.trials {
        note(format_args!(
            "{}: this choice rests on {} of the search's {} trials; finish the search before you rely on it",
            path.display(),
            kept.asked,
            kept.trials
        ));
    }
    let (latents, strength) = match best {
        Best::Refusal => (kept.latents, kept.decision.strength),
        Best::Difference => {
            let rise = kept.decision.most_selective();
            let latent = rise.and_then(|rise| numbered(&rise.id));
            (latent.into_iter().collect(), rise.and_then(|rise| rise.strength))
        }
    };
    match latents.is_empty() {
        true => Err(Problem::usage(format!("{}: the search found no latent", path.display()))),
        false => Ok(Chosen { sae: kept.sae, latents, strength: strength.zip(kept.unit) }),
    }
}
