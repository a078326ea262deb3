//! Which prompts of a sweep its gate opens for, computed once and kept beside the run.

use super::workshop::Workshop;
use crate::exit::{Problem, note};
use plumb_lm::Model;
use plumb_local::steer::{ControlVector, Gate};
use plumb_local::sweep::{Made, Role};
use plumb_study::items::{Prompt, Task};
use plumb_study::{Digest, ItemIx, Plan};
use std::collections::BTreeMap;

/// Of each chat that a measure of refusal covers, by its item's number; `None` if the sweep has no gate.
pub fn opened(
    shop: &Workshop<'_>,
    plan: &Plan,
    made: &[Made],
) -> Result<Option<BTreeMap<u32, bool>>, Problem> {
    let Some(gate) = &shop.sweep.gate else { return Ok(None) };
    let file = made.iter().find(|one| one.id == gate.direction).and_then(Made::file);
    let Some(file) = file else { return Ok(None) };
    let bytes = plumb_study::Inputs::read(shop.disk, file)?;
    let digest = Digest::of_parts(&[&bytes, plan.digest.hex().as_bytes()]);
    let path = shop.folder.join(format!("gate-{}.json", digest.short()));
    if let Ok(text) = std::fs::read(&path)
        && let Ok(known) = serde_json::from_slice(&text)
    {
        return Ok(Some(known));
    }
    let gate = Gate::new(file, &ControlVector::read(&bytes, file)?)?;
    let model = Model::open(&shop.world.models.file(&shop.sweep.model)?)?.shortened(gate.layer + 1);
    let probe = gate.fit(&model)?;
    let measures = shop.sweep.measures.iter();
    let refusals: Vec<_> =
        measures.filter(|measure| matches!(measure.role, Role::Safety | Role::OverRefusal)).collect();
    let mut opened = BTreeMap::new();
    for (at, item) in plan.items.iter().enumerate() {
        let Task::Ask(Prompt::Chat(turns)) = &item.task else { continue };
        if !refusals.iter().any(|measure| measure.covers(plan, ItemIx(at as u32))) {
            continue;
        }
        let turns: Vec<_> = turns.iter().map(plumb_local::message).collect();
        opened.insert(at as u32, probe.score(&model, &model.encode_chat(&turns, None)?)? > 0.0);
        if opened.len().is_multiple_of(100) {
            note(format_args!("gate: {} prompts read", opened.len()));
        }
    }
    let text = serde_json::to_vec(&opened).map_err(|error| Problem::new(error.to_string()))?;
    std::fs::write(&path, text).map_err(Problem::io(&path))?;
    Ok(Some(opened))
}
