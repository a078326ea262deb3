//! How far each setting of a sweep pushes, measured once on some of its prompts and kept beside the run.

use super::gate::first;
use super::workshop::Workshop;
use crate::exit::{Problem, note};
use plumb_lm::{Labelled, Model, Site};
use plumb_local::frontier::Pushed;
use plumb_local::steer::{Steering, Stream, steered};
use plumb_study::{Digest, Plan};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// So many prompts are read: a few hundred tokens, which is enough for a median.
const PROMPTS: usize = 8;

/// Every steered setting with how far it pushes, and the number of prompts.
pub fn measured(shop: &Workshop<'_>, plan: &Plan) -> Result<(Vec<Pushed>, usize), Problem> {
    let path = shop.folder.join(format!("pushes-{}.json", Digest::of(plan.digest.hex().as_bytes()).short()));
    if let Ok(text) = std::fs::read(&path)
        && let Ok(known) = serde_json::from_slice(&text)
    {
        return Ok(known);
    }
    let settings = steered(plan)?;
    let model = Model::open(&shop.world.models.file(&shop.sweep.model)?)?;
    let prompts: Vec<Labelled> = plan
        .items
        .iter()
        .filter_map(|item| plumb_local::labelled(&model, &first(&item.task)?))
        .take(PROMPTS)
        .collect();
    note(format_args!("how far {} settings push: reading {} prompts", settings.len(), prompts.len()));
    let fitted: Vec<Steering> = settings
        .iter()
        .map(|(_, steer)| Ok(steer.fit(&model, &*shop.world.saes)?))
        .collect::<Result<_, Problem>>()?;
    let mut streams: BTreeMap<Site, Stream> = BTreeMap::new();
    for site in fitted.iter().flat_map(Steering::sites) {
        if let Entry::Vacant(place) = streams.entry(site) {
            place.insert(Stream::read(&model, site, &prompts)?);
        }
    }
    let all: Vec<Pushed> = settings
        .into_iter()
        .zip(&fitted)
        .map(|((id, steer), fitted)| (id, steer.words(), fitted.push(|site| streams.get(&site))))
        .collect();
    let known = (all, prompts.len());
    let text = serde_json::to_vec(&known).map_err(|error| Problem::new(error.to_string()))?;
    std::fs::create_dir_all(&shop.folder).map_err(Problem::io(&shop.folder))?;
    std::fs::write(&path, text).map_err(Problem::io(&path))?;
    Ok(known)
}
