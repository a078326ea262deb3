//! Makes what a sweep tries: directions as files beside the run, latents, and random ones beside each.

use super::super::direction::computed;
use super::found::{Controls, Searches};
use super::search;
use crate::compose::World;
use crate::disk::Disk;
use crate::exit::{Problem, note};
use crate::runs::RunFolder;
use plumb_lm::{Model, Site};
use plumb_local::Models as _;
use plumb_local::frontier::Before;
use plumb_local::search::{Record, Search, drawn};
use plumb_local::steer::{
    ControlVector, Found, How, LatentUnit, Latents, Saes as _, random_like, scaled_like,
};
use plumb_local::sweep::{Chosen, From, LatentFrom, Made, Sweep, Wanted, WantedLatent};
use plumb_study::{Digest, Inputs as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Table;

/// A random latent is to have been active in so many of the rows that usual strengths were measured on.
const ALIVE: u32 = 20;

/// Where a run's directions lie: beside it, so that starting anew does not lose them.
pub fn beside(at: &RunFolder) -> PathBuf {
    let name = at.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    at.folder.with_file_name(format!("{name}.directions"))
}

/// Ids of all subjects that are no random controls.
pub fn not_random(subjects: &[Table]) -> Vec<String> {
    let role = |table: &Table| Some(table.get("factors")?.get("role")?.as_str()? == "random");
    let kept = subjects.iter().filter(|table| role(table) != Some(true));
    kept.filter_map(|table| Some(table.get("id")?.as_str()?.to_owned())).collect()
}

/// Where things are made, and of what.
pub struct Workshop<'a> {
    pub sweep: &'a Sweep,
    pub world: &'a World,
    pub disk: &'a Disk,
    pub folder: PathBuf,
    pub seed: u64,
    pub searches: Searches,
}

impl Workshop<'_> {
    /// All that the plan lists, and the random ones beside each.
    pub fn made(&self) -> Result<Vec<Made>, Problem> {
        let mut all = Vec::new();
        let mut model = None;
        let mut vectors = BTreeMap::new();
        for wanted in &self.sweep.directions {
            let (path, vector) = self.direction(wanted, &mut model)?;
            let alone = self.sweep.directions.len() == 1;
            for number in 1..=self.sweep.random {
                let id =
                    if alone { format!("random-{number}") } else { format!("random-{}-{number}", wanted.id) };
                let path = self.random(&id, &wanted.id, number, &vector)?;
                all.push(Made::along(self.sweep, &id, Some(&wanted.id), &path));
            }
            all.push(Made::along(self.sweep, &wanted.id, None, &path));
            vectors.insert(wanted.id.as_str(), vector);
        }
        for wanted in &self.sweep.latents {
            let chosen = match &wanted.from {
                LatentFrom::Plan(chosen) => chosen.clone(),
                LatentFrom::Search(run, best) => self.searches.of(run)?.chosen(*best, self.world)?,
                LatentFrom::Along(sae, id) => self.along(sae, id, &vectors)?,
            };
            all.extend(self.latents(wanted, &chosen)?);
        }
        // What was looked for comes first.
        all.sort_by_key(|made| made.like.is_some());
        Ok(all)
    }

    /// A direction's file and what it holds; computed unless it is there.
    fn direction(
        &self,
        wanted: &Wanted,
        model: &mut Option<Model>,
    ) -> Result<(String, ControlVector), Problem> {
        let (layer, towards, away) = match &wanted.from {
            From::File(path) => {
                return Ok((path.clone(), ControlVector::read(&self.disk.read(path)?, path)?));
            }
            From::Means { layer, towards, away } => (*layer, towards, away),
        };
        let path = self.place(&wanted.id, layer, towards, away)?;
        if !path.is_file() {
            let model = match model {
                Some(model) => model,
                none => none.insert(Model::open(&self.world.models.file(&self.sweep.model)?)?),
            };
            let count = towards.len() + away.len();
            note(format_args!("direction \"{}\": reading {count} prompts", wanted.id));
            self.keep(&path, &computed(model, layer, towards, away)?.vector)?;
        }
        let name = absolute(&path)?;
        let vector = ControlVector::read(&std::fs::read(&path).map_err(Problem::io(&path))?, &name)?;
        Ok((name, vector))
    }

    /// A random direction like `vector`, as a file; the number decides which.
    fn random(&self, id: &str, like: &str, number: usize, vector: &ControlVector) -> Result<String, Problem> {
        let random = random_like(vector, self.seed_of(&[like.as_bytes(), &number.to_le_bytes()]));
        self.kept(id, &random)
    }

    /// The direction of that file, as long as `like`, as a file of this run.
    fn as_long(&self, id: &str, file: &Path, like: &ControlVector) -> Result<String, Problem> {
        let name = file.display().to_string();
        let other = ControlVector::read(&std::fs::read(file).map_err(Problem::io(file))?, &name)?;
        let vector = scaled_like(like, &other).ok_or_else(|| {
            Problem::usage(format!("{name}: no direction of the block that is steered here"))
        })?;
        self.kept(id, &vector)
    }

    /// Where the vector lies, under a name that its numbers decide.
    fn kept(&self, id: &str, vector: &ControlVector) -> Result<String, Problem> {
        let path = self.folder.join(format!("{id}-{}.gguf", Digest::of(&vector.write()).short()));
        self.keep(&path, vector)?;
        absolute(&path)
    }

    fn seed_of(&self, of: &[&[u8]]) -> u64 {
        let seed = self.seed.to_le_bytes();
        let parts: Vec<&[u8]> = std::iter::once(seed.as_slice()).chain(of.iter().copied()).collect();
        u64::from_le_bytes(Digest::of_parts(&parts).0[..8].try_into().unwrap_or_default())
    }

    /// The latent that writes most along a direction where the autoencoder stands: the largest cosine, the first of equal ones.
    fn along(&self, sae: &str, id: &str, vectors: &BTreeMap<&str, ControlVector>) -> Result<Chosen, Problem> {
        let found = self.world.saes.find(sae)?;
        let site = search::site(&found, &self.sweep.model, self.world)?;
        let vector = vectors.get(id).ok_or_else(|| {
            Problem::usage(format!("`along` names \"{id}\", which is no [[steer.direction]]"))
        })?;
        let values = site.layer().and_then(|layer| vector.layers.get(&layer)).ok_or_else(|| {
            let layers: Vec<String> = vector.layers.keys().map(ToString::to_string).collect();
            Problem::usage(format!(
                "{sae} stands at {site}, the direction \"{id}\" at block {}",
                layers.join(", ")
            ))
            .help("take the direction at the block whose output the autoencoder reads")
        })?;
        let cosine = |latent: &usize| {
            let row = found.sae.direction(*latent);
            let dot: f64 = row.iter().zip(values).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            dot / length(row).max(f64::MIN_POSITIVE)
        };
        let all = (0..found.sae.latents()).filter(|latent| alive(&found, *latent));
        let best = all.map(|latent| (latent, cosine(&latent))).rev().max_by(|a, b| a.1.total_cmp(&b.1));
        let (latent, _) = best.ok_or_else(|| Problem::usage(format!("{sae}: no latent is alive")))?;
        Ok(Chosen { sae: sae.to_owned(), latents: vec![latent], strength: None })
    }

    /// Latents that the plan wants, and the controls beside them: each writes as long a vector as they do. Those that went
    /// through the search which found the latent come first, so that they are held beside it on prompts that chose none of them.
    fn latents(&self, wanted: &WantedLatent, chosen: &Chosen) -> Result<Vec<Made>, Problem> {
        let found = self.world.saes.find(&chosen.sae)?;
        let made = Made::latents(self.sweep, wanted, chosen);
        let strengths = wanted.random_strengths.clone().unwrap_or_else(|| made.strengths.clone());
        let before = match &wanted.from {
            LatentFrom::Search(run, _) => self.searches.of(run)?.controls(),
            _ => Controls::default(),
        };
        let mut random: Vec<Vec<usize>> =
            before.latents.iter().take(wanted.random).map(|latent| vec![*latent]).collect();
        let used: Vec<usize> = chosen.latents.iter().chain(&before.latents).copied().collect();
        let count = (wanted.random - random.len(), chosen.latents.len());
        random.extend(self.random_latents(&found, &wanted.id, count, &used));
        let mut all = Vec::new();
        for (at, latents) in random.iter().enumerate() {
            let by = matched((&chosen.sae, &found), wanted.unit, &chosen.latents, latents)?;
            let id = self.control_name(wanted, "latent", at + 1);
            all.push(made.with_latents(&id, latents, by, strengths.clone()));
        }
        if wanted.random_directions > 0 {
            let clamp = (How::Clamp, 1.0, wanted.unit);
            let written = self.written(&chosen.sae, &found, &chosen.latents, clamp)?;
            for number in 1..=wanted.random_directions {
                let id = self.control_name(wanted, "direction", number);
                let path = match before.directions.get(number - 1) {
                    Some(file) => self.as_long(&id, file, &written)?,
                    None => self.random(&id, &wanted.id, number, &written)?,
                };
                all.push(Made::push(&id, &wanted.id, &path, strengths.clone()));
            }
        }
        all.push(made);
        Ok(all)
    }

    /// What a control of latents is called: with their id where a plan has several.
    fn control_name(&self, wanted: &WantedLatent, kind: &str, number: usize) -> String {
        match self.sweep.latents.len() {
            1 => format!("random-{kind}-{number}"),
            _ => format!("random-{kind}-{}-{number}", wanted.id),
        }
    }

    /// What a search saw of the latents that the plan takes from it, and of their controls: by latent.
    pub fn before(&self) -> Result<Vec<Vec<Before>>, Problem> {
        let from = |wanted: &WantedLatent| match &wanted.from {
            LatentFrom::Search(run, best) => Some(self.searches.of(run).map(|search| {
                search.before(*best, &wanted.id, |kind, number| self.control_name(wanted, kind, number))
            })),
            _ => None,
        };
        self.sweep.latents.iter().filter_map(from).collect()
    }

    /// Candidates that are generated for, and the controls that go through the same.
    pub fn searched(&self, search: &Search, record: &Record) -> Result<Vec<Made>, Problem> {
        let mut all: Vec<Made> =
            record.generated.iter().map(|latent| Made::candidate(search, *latent)).collect();
        let Some(first) = all.first().cloned() else { return Ok(all) };
        let found = self.world.saes.find(&search.sae)?;
        for (at, latent) in record.random.iter().enumerate() {
            let by = matched((&search.sae, &found), search.unit, &record.generated[..1], &[*latent])?;
            let id = format!("random-latent-{}", at + 1);
            all.push(first.with_latents(&id, &[*latent], by, search.strengths.clone()));
        }
        if search.random_directions > 0 {
            let clamp = (How::Clamp, 1.0, search.unit);
            let written = self.written(&search.sae, &found, &record.generated[..1], clamp)?;
            for number in 1..=search.random_directions {
                let id = format!("random-direction-{number}");
                let path = self.random(&id, "search", number, &written)?;
                all.push(Made::push(&id, &first.id, &path, search.strengths.clone()));
            }
        }
        Ok(all)
    }

    /// So many sets of so many random latents that are alive and not among `but`.
    pub fn random_latents(
        &self,
        found: &Found,
        of: &str,
        (sets, size): (usize, usize),
        but: &[usize],
    ) -> Vec<Vec<usize>> {
        let used = |latent: &usize| alive(found, *latent) && !but.contains(latent);
        let from = (0..found.sae.latents()).filter(used).collect();
        let drawn = drawn(from, sets * size, self.seed_of(&[b"random latents", of.as_bytes()]));
        drawn.chunks_exact(size.max(1)).map(<[usize]>::to_vec).collect()
    }

    /// What a clamp to 1 writes, as a control vector, for random directions of that length.
    fn written(
        &self,
        name: &str,
        found: &Found,
        latents: &[usize],
        clamp: (How, f64, LatentUnit),
    ) -> Result<ControlVector, Problem> {
        let layer = match search::site(found, &self.sweep.model, self.world)? {
            Site::ResidPost(layer) if layer > 0 => layer,
            site => {
                return Err(Problem::usage(format!(
                    "{name} stands at {site}: random directions can be held beside the output of a block from 1 on only"
                )));
            }
        };
        let written = Latents::new(name, found, latents, clamp)?.written(found);
        Ok(ControlVector { layers: BTreeMap::from([(layer, written)]), ..ControlVector::default() })
    }

    /// Named by all that decides the direction.
    fn place(&self, id: &str, layer: usize, towards: &[String], away: &[String]) -> Result<PathBuf, Problem> {
        let identity = self.world.models.identify(&self.sweep.model)?;
        let layer = layer.to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![identity.sha256.as_bytes(), &layer, b"toward"];
        parts.extend(towards.iter().map(String::as_bytes));
        parts.push(b"away");
        parts.extend(away.iter().map(String::as_bytes));
        Ok(self.folder.join(format!("{id}-{}.gguf", Digest::of_parts(&parts).short())))
    }

    fn keep(&self, path: &Path, vector: &ControlVector) -> Result<(), Problem> {
        std::fs::create_dir_all(&self.folder).map_err(Problem::io(&self.folder))?;
        // Written whole or not at all: a file that is there counts as made.
        let half = path.with_extension("part");
        std::fs::write(&half, vector.write()).map_err(Problem::io(&half))?;
        std::fs::rename(&half, path).map_err(Problem::io(path))
    }
}

/// Whether a latent was active often enough to be one.
fn alive(found: &Found, latent: usize) -> bool {
    found.units.as_ref().is_none_or(|units| units.active[latent] >= ALIVE)
}

fn length(row: &[f32]) -> f64 {
    row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}

/// What the strength of random latents is multiplied by, so that they write as long a vector as others at the same strength.
/// In units of the residual stream's norm single latents do so by themselves, up to rounding, and it is 1.
fn matched(
    (name, found): (&str, &Found),
    unit: LatentUnit,
    like: &[usize],
    random: &[usize],
) -> Result<f64, Problem> {
    const ROUNDING: f64 = 1e-5;
    let written = |latents: &[usize]| -> Result<f64, Problem> {
        Ok(length(&Latents::new(name, found, latents, (How::Clamp, 1.0, unit))?.written(found)))
    };
    let by = written(like)? / written(random)?.max(f64::MIN_POSITIVE);
    Ok(if (by - 1.0).abs() < ROUNDING { 1.0 } else { by })
}

fn absolute(path: &Path) -> Result<String, Problem> {
    let whole = std::path::absolute(path).map_err(Problem::io(path))?;
    Ok(whole.display().to_string())
}
