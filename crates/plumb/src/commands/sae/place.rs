//! Where autoencoders and activations are kept, and how one is found by its name.
//!
//! `saes/NAME` in the cache holds what a training made, in the layout of SAELens, and `saes/NAME/training` what it goes on
//! from; `activations/NAME` holds the rows. A path is taken as it is.

use crate::compose::World;
use crate::exit::{Exit, Problem};
use plumb_lm::Model;
use plumb_lm::sae::Sae;
use std::path::{Path, PathBuf};

/// Folders of one training.
pub struct Places {
    pub sae: PathBuf,
    pub training: PathBuf,
    pub activations: PathBuf,
}

impl Places {
    pub fn of(world: &World, name: &str) -> Places {
        let sae = world.folders.cache.join("saes").join(name);
        Places {
            training: sae.join("training"),
            activations: world.folders.cache.join("activations").join(name),
            sae,
        }
    }
}

/// Whether `name` is a path of an autoencoder, as opposed to the name of one in the cache.
pub fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).exists()
}

/// The autoencoder of that name or path.
pub fn open(world: &World, name: &str) -> Result<Sae, Problem> {
    if is_path(name) {
        return Ok(Sae::open(Path::new(name))?);
    }
    let folder = Places::of(world, name).sae;
    if !folder.join("cfg.json").is_file() {
        let known = names(world);
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        let problem =
            Problem { exit: Exit::Usage, ..Problem::new(format!("there is no autoencoder {name}")) };
        return Err(problem.help(format!(
            "there are: {known}; plumb sae train makes one, and a path names one of another tool"
        )));
    }
    Ok(Sae::open(&folder)?)
}

/// Names of all in the cache, in order.
pub fn names(world: &World) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(world.folders.cache.join("saes")) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("cfg.json").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// A model by its name or path, with the name it goes by and the digest of its file.
pub struct Loaded {
    pub model: Model,
    pub name: String,
    pub digest: String,
}

pub fn model(world: &World, name: &str) -> Result<Loaded, Problem> {
    let path = world.models.file(name)?;
    let digest = plumb_clients::models::sha256_of(&path).map_err(Problem::io(&path))?.to_string();
    Ok(Loaded { model: Model::open(&path)?, name: name.to_owned(), digest })
}

/// The model that an autoencoder says it was trained on, or the one named instead.
pub fn model_of(world: &World, sae: &Sae, named: Option<&str>) -> Result<Loaded, Problem> {
    let said = sae.provenance().model.as_deref();
    let Some(name) = named.or(said) else {
        return Err(Problem::usage("the autoencoder's files name no model").help("name one with --model"));
    };
    model(world, name)
}

/// What should be known where the model is not the one that the autoencoder was trained on.
pub fn stranger(sae: &Sae, loaded: &Loaded) -> Option<String> {
    let from = sae.provenance();
    match (&from.model_digest, &from.model) {
        (Some(digest), _) if *digest == loaded.digest => None,
        (Some(digest), model) => Some(format!(
            "it was trained on {} (file {digest:.12}…), this is {} (file {:.12}…): another model, revision or quantisation",
            model.as_deref().unwrap_or("a model without name"),
            loaded.name,
            loaded.digest
        )),
        (None, model) => Some(format!(
            "its files do not say which file of {} it was trained on, so it may not fit {} as it is quantised here",
            model.as_deref().unwrap_or("a model without name"),
            loaded.name
        )),
    }
}
