//! Where autoencoders and activations are kept.
//!
//! `saes/NAME` in the cache holds what a training made ([`SaeStore`](crate::sae_store::SaeStore)), `saes/NAME/training` what
//! it goes on from; `activations/NAME` holds the rows.

use crate::compose::World;
use crate::exit::Problem;
use plumb_lm::sae::Sae;
use plumb_lm::sae::store::{Rows, Wanted};
use plumb_lm::{Model, Site};
use plumb_local::steer::Saes as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Folders of one training.
pub struct Places {
    pub sae: PathBuf,
    pub training: PathBuf,
    pub activations: PathBuf,
}

impl Places {
    pub fn of(world: &World, name: &str) -> Places {
        let sae = world.saes.folder(name);
        Places {
            training: sae.join("training"),
            activations: world.folders.cache.join("activations").join(name),
            sae,
        }
    }
}

/// The autoencoder of that name or path.
pub fn open(world: &World, name: &str) -> Result<Arc<Sae>, Problem> {
    Ok(world.saes.find(name)?.sae)
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

/// The place that is named, or the one that the autoencoder's files tell.
pub fn site_of(sae: &Sae, loaded: &Loaded, named: Option<&str>) -> Result<Site, Problem> {
    match named {
        None => Ok(sae.site(&loaded.model)?),
        Some(name) => {
            let site = Site::parse(name, loaded.model.config())?;
            sae.fits(&loaded.model, site)?;
            Ok(site)
        }
    }
}

/// Longest piece of a document that is measured.
pub const LONGEST: usize = 512;

/// What to do where a training's own texts do not serve.
pub const NAME_TEXTS: &str = "name texts with --in FILE";

/// The rows that were kept when an autoencoder was trained here, of the same model.
pub fn rows_of_training(
    world: &World,
    sae: &Sae,
    site: Site,
    loaded: &Loaded,
    wanted: Wanted,
) -> Result<Rows, Problem> {
    let name = sae.provenance().extra.get("activations").and_then(serde_json::Value::as_str);
    let name = name.ok_or_else(|| {
        Problem::usage("the autoencoder was not trained here, so no activations are kept for it")
            .help(NAME_TEXTS)
    })?;
    let rows = Rows::open(&Places::of(world, name).activations, site, wanted)?;
    if rows.manifest().model_digest != loaded.digest {
        let whose = format!("the activations that are kept are not those of {}", loaded.name);
        return Err(Problem::usage(whose).help(NAME_TEXTS));
    }
    Ok(rows)
}
