//! The composition root: the registry with everything a plan can name, and what the core takes from outside.

use crate::exit::{Exit, Problem};
use crate::model_store::ModelStore;
use crate::sae_store::SaeStore;
use plumb_clients::price::Prices;
use plumb_clients::secrets::Keyring;
use plumb_clients::subject::{Outside, register};
use plumb_clients::transport::Bounds;
use plumb_local::LocalKind;
use plumb_study::{Registry, journal};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What every command works with.
pub struct World {
    pub registry: Registry,
    pub models: Arc<ModelStore>,
    pub saes: Arc<SaeStore>,
    pub prices: Prices,
    pub folders: Folders,
    /// What is wrong with the user's own files of models, prices and secrets.
    troubles: Vec<Problem>,
}

/// Folders of this user.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Models and answers: `$PLUMB_CACHE`, else `$XDG_CACHE_HOME/plumbline`, else `~/.cache/plumbline`.
    pub cache: PathBuf,
    /// `models.toml`, `prices.toml`, `secrets.toml`: `$XDG_CONFIG_HOME/plumbline`, else `~/.config/plumbline`.
    pub config: PathBuf,
}

impl Folders {
    fn find() -> Folders {
        let home = std::env::home_dir().unwrap_or_default();
        let base = |name: &str, other: &str| match variable(name) {
            Some(folder) => PathBuf::from(folder),
            None => home.join(other),
        };
        let cache = match variable("PLUMB_CACHE") {
            Some(folder) => PathBuf::from(folder),
            None => base("XDG_CACHE_HOME", ".cache").join("plumbline"),
        };
        Folders { cache, config: base("XDG_CONFIG_HOME", ".config").join("plumbline") }
    }

    pub fn secrets(&self) -> PathBuf {
        self.config.join("secrets.toml")
    }
}

/// An environment variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

impl World {
    /// Everything that this program knows.
    pub fn new() -> Result<World, Problem> {
        let folders = Folders::find();
        let mut troubles = Vec::new();
        let user = |name: &str| Some(folders.config.join(name)).filter(|path| path.is_file());
        let mut known = plumb_clients::models::Registry::builtin()?;
        if let Some(file) = user("models.toml") {
            known = sound(known.clone().with_user(&file), known, &mut troubles);
        }
        let mut prices = Prices::builtin()?;
        if let Some(file) = user("prices.toml") {
            prices = sound(prices.clone().with_user(&file), prices, &mut troubles);
        }
        let keyring = Keyring::new(variable).with_file(&folders.secrets());
        let keyring = sound(keyring, Keyring::new(variable), &mut troubles);
        let models = Arc::new(ModelStore::new(known, &folders.cache));
        let mut registry = Registry::new();
        plumb_judge::register(&mut registry);
        plumb_code::register(&mut registry, code_host());
        plumb_safety::register(&mut registry);
        let clock = now as fn() -> SystemTime;
        register(
            &mut registry,
            Outside { keyring, prices: prices.clone(), clock, bounds: Bounds::default() },
        );
        let saes = Arc::new(SaeStore::new(&folders.cache));
        registry.party(plumb_local::LOCAL, LocalKind::new(models.clone()).with_saes(saes.clone()));
        Ok(World { registry, models, saes, prices, folders, troubles })
    }

    /// What is wrong with the user's own files. Reading a run needs none of them.
    pub fn troubles(&self) -> &[Problem] {
        &self.troubles
    }

    /// Ends a command that needs the user's own files if something is wrong with them.
    pub fn configured(self) -> Result<World, Problem> {
        match self.troubles.first() {
            Some(first) => Err(first.clone()),
            None => Ok(self),
        }
    }

    /// The file of answers kept for later runs.
    pub fn answer_cache(&self) -> Result<PathBuf, Problem> {
        std::fs::create_dir_all(&self.folders.cache).map_err(Problem::io(&self.folders.cache))?;
        Ok(self.folders.cache.join("answers.sqlite"))
    }
}

/// What was read, or what there is without it and the reason.
fn sound<T>(read: plumb_clients::Result<T>, without: T, troubles: &mut Vec<Problem>) -> T {
    read.unwrap_or_else(|error| {
        troubles.push(Problem { exit: Exit::Usage, ..Problem::from(error) });
        without
    })
}

/// A program on the PATH.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// What this machine gives to generated code.
fn code_host() -> plumb_code::Host {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    plumb_code::Host { python: program("python3"), workers }
}

#[expect(clippy::disallowed_methods, reason = "the binary is where the clock is read")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Microseconds since 1970.
pub fn now_us() -> i64 {
    now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// What one opening of a journal takes from outside.
pub fn new_writer() -> Result<journal::Opening, Problem> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|e| Problem::new(format!("no random numbers: {e}")))?;
    let program =
        format!("plumb {} ({}-{})", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS);
    Ok(journal::Opening { random, now_us: Arc::new(now_us), program })
}

/// Uniform in [0, 1), to spread retries; 0.5 where there is no randomness.
pub fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |x| f64::from(x) / (f64::from(u32::MAX) + 1.0))
}
