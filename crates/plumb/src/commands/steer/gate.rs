//! Which conversations of a sweep its gate opens for, computed once and kept beside the run.

use super::workshop::Workshop;
use crate::exit::{Problem, note};
use plumb_lm::Model;
use plumb_local::steer::{Gate, opening};
use plumb_local::sweep::Role;
use plumb_study::items::{Prompt, Role as Speaker, Task, Turn};
use plumb_study::{Digest, ItemIx, Plan};
use std::collections::BTreeMap;

/// The first prompt of a conversation that stands in the plan; one that an attacker begins is not known beforehand.
pub fn first(task: &Task) -> Option<Prompt> {
    match task {
        Task::Ask(prompt @ Prompt::Chat(_)) => Some(opening(prompt)),
        Task::Ladder(turns) => {
            let turn = Turn { role: Speaker::User, text: turns.first()?.clone() };
            Some(Prompt::Chat(vec![turn]))
        }
        _ => None,
    }
}

/// Of each conversation that a measure of refusal covers, by its item's number.
pub fn opened(shop: &Workshop<'_>, plan: &Plan, gate: &Gate) -> Result<BTreeMap<u32, bool>, Problem> {
    let settings = serde_json::to_vec(gate).map_err(|error| Problem::new(error.to_string()))?;
    let digest = Digest::of_parts(&[b"first prompts", &settings, plan.digest.hex().as_bytes()]);
    let path = shop.folder.join(format!("gate-{}.json", digest.short()));
    if let Ok(text) = std::fs::read(&path)
        && let Ok(known) = serde_json::from_slice(&text)
    {
        return Ok(known);
    }
    let model = Model::open(&shop.world.models.file(&shop.sweep.model)?)?;
    let probe = gate.fit(&model, &*shop.world.saes)?;
    let model = match probe.layers() {
        Some(layers) => model.shortened(layers),
        None => model,
    };
    let measures = shop.sweep.measures.iter();
    let refusals: Vec<_> =
        measures.filter(|measure| matches!(measure.role, Role::Safety | Role::OverRefusal)).collect();
    let mut opened = BTreeMap::new();
    for (at, item) in plan.items.iter().enumerate() {
        let Some(prompt) = first(&item.task) else { continue };
        if !refusals.iter().any(|measure| measure.covers(plan, ItemIx(at as u32))) {
            continue;
        }
        // Where it is not known, asking has failed and says why.
        if let Some(read) = plumb_local::labelled(&model, &prompt)
            && let Ok(open) = probe.opens(&model, &prompt, &read.tokens)
        {
            opened.insert(at as u32, open);
        }
        if opened.len().is_multiple_of(100) {
            note(format_args!("gate: {} prompts read", opened.len()));
        }
    }
    let text = serde_json::to_vec(&opened).map_err(|error| Problem::new(error.to_string()))?;
    std::fs::create_dir_all(&shop.folder).map_err(Problem::io(&shop.folder))?;
    std::fs::write(&path, text).map_err(Problem::io(&path))?;
    Ok(opened)
}
