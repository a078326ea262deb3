//! What a frozen plan says of steering, for whoever reads it.

use super::{Gate, Steer};
use crate::LOCAL;
use crate::settings::Local;
use plumb_study::plan::PartySpec;
use plumb_study::{Plan, Result};
use std::collections::{BTreeMap, BTreeSet};

/// An autoencoder beside the model that it is used on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Used {
    /// Name or path of the autoencoder.
    pub sae: String,
    /// The model, as the plan names it.
    pub model: String,
    /// SHA-256 of the model's file.
    pub sha256: String,
}

/// How a party is steered; nothing of one that is not local or not steered.
///
/// # Errors
/// Settings that cannot be read.
pub fn of_party(party: &PartySpec) -> Result<Option<Steer>> {
    match &*party.kind == LOCAL {
        true => Ok(Local::from_json(&party.settings)?.steer),
        false => Ok(None),
    }
}

/// The 99th percentiles that strengths of a plan are in units of: latents as `sae-qwen:7`, each with its percentile and the number
/// of active tokens that it is of.
///
/// # Errors
/// Settings that cannot be read.
pub fn percentiles(plan: &Plan) -> Result<Vec<(String, f64, u32)>> {
    let mut all = BTreeMap::new();
    for subject in &plan.subjects {
        let Some(Steer::Latents(steer)) = of_party(&subject.party)? else { continue };
        for latent in steer.usual() {
            all.insert((steer.sae.clone(), latent.latent), (latent.per, latent.active));
        }
    }
    Ok(all.into_iter().map(|((sae, latent), (p99, n))| (format!("{sae}:{latent}"), p99, n)).collect())
}

/// All autoencoders that steer a subject or decide whether it is steered, each once for each model.
///
/// # Errors
/// Settings that cannot be read.
pub fn used(plan: &Plan) -> Result<Vec<Used>> {
    let mut all = BTreeSet::new();
    for subject in plan.subjects.iter().filter(|subject| &*subject.party.kind == LOCAL) {
        let local = Local::from_json(&subject.party.settings)?;
        let steers = match local.steer {
            Some(Steer::Latents(latents)) => Some(latents.sae),
            _ => None,
        };
        let opens = local.gate.as_ref().and_then(Gate::sae).map(str::to_owned);
        all.extend(steers.into_iter().chain(opens).map(|sae| Used {
            sae,
            model: local.model.clone(),
            sha256: local.sha256.clone(),
        }));
    }
    Ok(all.into_iter().collect())
}

/// Steered subjects of a plan, in its order: id, and how.
///
/// # Errors
/// Settings that cannot be read.
pub fn steered(plan: &Plan) -> Result<Vec<(String, Steer)>> {
    let mut all = Vec::new();
    for subject in &plan.subjects {
        all.extend(of_party(&subject.party)?.map(|steer| (subject.id.to_string(), steer)));
    }
    Ok(all)
}

/// Digests of all that decides a plan's answers: each local model's file and each autoencoder, by name.
///
/// # Errors
/// Settings that cannot be read.
pub fn digests(plan: &Plan) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for subject in plan.subjects.iter().filter(|subject| &*subject.party.kind == LOCAL) {
        let local = Local::from_json(&subject.party.settings)?;
        if let Some(Steer::Latents(latents)) = &local.steer {
            all.insert(format!("autoencoder {}", latents.sae), latents.digest.clone());
        }
        if let Some(gate) = &local.gate
            && let (Some(name), Some(digest)) = (gate.sae(), gate.digest())
        {
            all.insert(format!("autoencoder {name}"), digest.to_owned());
        }
        all.insert(format!("model {}", local.model), local.sha256);
    }
    Ok(all)
}
