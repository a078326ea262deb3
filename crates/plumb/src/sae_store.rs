//! Sparse autoencoders by name, for plans and commands.
//!
//! `saes/NAME` in the cache holds what a training made, in the layout of SAELens; a path is taken as it is. What was found is
//! kept as long as this program runs: every steered subject of a sweep asks for it.

use plumb_lm::sae::Sae;
use plumb_lm::sae::units::Units;
use plumb_local::steer::{Found, Saes};
use plumb_study::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// All autoencoders of this user.
pub struct SaeStore {
    folder: PathBuf,
    kept: Mutex<HashMap<String, Found>>,
}

impl SaeStore {
    pub fn new(cache: &Path) -> SaeStore {
        SaeStore { folder: cache.join("saes"), kept: Mutex::default() }
    }

    /// Where one of that name lies, or would.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Names of all, in order.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(std::result::Result::ok)
            .filter(|entry| entry.path().join("cfg.json").is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Result<Found> {
        // A trained one goes before whatever bears its name in the working directory; ./NAME is always a path.
        let kept = self.folder(name);
        let is_kept = !is_path(name) && kept.join("cfg.json").is_file();
        let path = if is_kept { kept } else { PathBuf::from(name) };
        if !is_kept && !is_path(name) && !path.exists() {
            let names = self.names();
            let known = if names.is_empty() { "none yet".to_owned() } else { names.join(", ") };
            return Err(Error::plan(format!("there is no autoencoder {name}")).help(format!(
                "there are: {known}; plumb sae train makes one, and a path names one of another tool"
            )));
        }
        let wrong = |error: plumb_lm::Error| Error::plan(error.to_string());
        let sae = Sae::open(&path).map_err(wrong)?;
        let units = Units::read(&path, &sae).map_err(wrong)?.map(Arc::new);
        Ok(Found { sae: Arc::new(sae), units })
    }
}

/// Whether `name` can be no name of one in the cache.
fn is_path(name: &str) -> bool {
    name.contains(['/', '\\'])
}

impl Saes for SaeStore {
    fn find(&self, name: &str) -> Result<Found> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.get(name) {
            return Ok(found.clone());
        }
        let found = self.read(name)?;
        kept.insert(name.to_owned(), found.clone());
        Ok(found)
    }
}
