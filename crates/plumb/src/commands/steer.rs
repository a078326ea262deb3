//! `plumb steer`: a plan with a table `[steer]`, from its directions to the frontier.
//!
//! Directions are made first and kept beside the run under a name that says what they were made of; then the sweep is an
//! ordinary plan, and the report of the frontier is made from its journal.

use super::collect::{Wanted, check, collect};
use super::direction::computed;
use super::run::ready;
use crate::cli::Steer as Args;
use crate::compose::World;
use crate::disk::Disk;
use crate::exit::{Exit, Problem, note, say};
use crate::runs::RunFolder;
use crate::show;
use plumb_lm::Model;
use plumb_local::Models as _;
use plumb_local::frontier;
use plumb_local::steer::{ControlVector, random_like};
use plumb_local::sweep::{From, Made, Sweep};
use plumb_report::{document_html, document_json, document_terminal};
use plumb_study::run::Options;
use plumb_study::{Digest, Draft, Frozen, Inputs as _, Journal, Plan, freeze, lock};
use std::path::{Path, PathBuf};

pub fn run(args: &Args, world: &World) -> Result<Exit, Problem> {
    let text = std::fs::read_to_string(&args.plan).map_err(|error| {
        Problem::usage(format!("{}: {error}", args.plan.display()))
            .help("give the path of a plan, such as examples/steer-refusal.toml")
    })?;
    let mut draft = Draft::parse(&text, &args.plan.display().to_string())?;
    let disk = Disk::beside(&args.plan);
    let table = draft.take_steer().ok_or_else(|| {
        Problem::usage(format!("{}: has no table [steer]", args.plan.display()))
            .help("`plumb run` runs plans without one")
    })?;
    let sweep = Sweep::take(table, &disk)?;
    let at = RunFolder::of_plan(&args.runs, draft.name());
    let made = Workshop { sweep: &sweep, world, disk: &disk, folder: beside(&at), seed: draft.seed() }
        .directions()?;
    for subject in sweep.subjects(&made) {
        draft.add_subject("[steer]", subject);
    }
    let Frozen { plan, recordings } = freeze(draft, &world.registry, &disk)?;
    for measure in &sweep.measures {
        measure.resolve(&plan)?;
    }
    let exit = if args.report { Exit::Done } else { asked(args, world, &at, &plan, recordings)? };
    tell(args, &at, &sweep)?;
    Ok(exit)
}

/// Asks what is due; the ordinary report is written on the way.
fn asked(
    args: &Args,
    world: &World,
    at: &RunFolder,
    plan: &Plan,
    recordings: plumb_study::Recordings,
) -> Result<Exit, Problem> {
    let locked = (args.fresh || !at.journal.exists()) && lock::check(&args.plan, plan)?;
    if args.fresh || !at.journal.exists() {
        check(plan, world)?;
    }
    ready(at, plan, locked, args.fresh, None)?;
    let options = Options { sample: args.sample, ..Options::default() };
    collect(at, world, Wanted { options, recordings, quiet: true, ..Wanted::default() })
}

/// The frontier, on the terminal and as a page.
fn tell(args: &Args, at: &RunFolder, sweep: &Sweep) -> Result<(), Problem> {
    let journal: Journal = at.open()?;
    let plan = journal.plan()?;
    let gathered = frontier::gather(&plan, &journal, sweep)?;
    let mut document = frontier::document(&plan.name, &gathered, sweep);
    document.of_plan(&plan);
    let page = at.folder.join("frontier.html");
    std::fs::write(&page, document_html(&document)?).map_err(Problem::io(&page))?;
    match args.json {
        true => say(document_json(&document)?.trim_end()),
        false => {
            say(document_terminal(&document, show::style()).trim_end());
            say(format_args!("\nfrontier: {}\nreport: {}", page.display(), at.html().display()));
        }
    }
    Ok(())
}

/// Where a run's directions lie: beside it, so that starting anew does not lose them.
fn beside(at: &RunFolder) -> PathBuf {
    let name = at.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    at.folder.with_file_name(format!("{name}.directions"))
}

/// Makes directions.
struct Workshop<'a> {
    sweep: &'a Sweep,
    world: &'a World,
    disk: &'a Disk,
    folder: PathBuf,
    seed: u64,
}

impl Workshop<'_> {
    /// All: those that the plan lists, and the random ones beside each.
    fn directions(&self) -> Result<Vec<Made>, Problem> {
        let mut all = Vec::new();
        let mut model = None;
        for wanted in &self.sweep.directions {
            let (path, vector) = match &wanted.from {
                From::File(path) => (path.clone(), ControlVector::read(&self.disk.read(path)?, path)?),
                From::Means { layer, towards, away } => {
                    let path = self.place(&wanted.id, *layer, towards, away)?;
                    if !path.is_file() {
                        if model.is_none() {
                            model = Some(Model::open(&self.world.models.file(&self.sweep.model)?)?);
                        }
                        if let Some(model) = &model {
                            note(format_args!(
                                "direction \"{}\": reading {} prompts",
                                wanted.id,
                                towards.len() + away.len()
                            ));
                            self.keep(&path, &computed(model, *layer, towards, away)?.vector)?;
                        }
                    }
                    let name = absolute(&path)?;
                    let vector =
                        ControlVector::read(&std::fs::read(&path).map_err(Problem::io(&path))?, &name)?;
                    (name, vector)
                }
            };
            for number in 1..=self.sweep.random {
                let seed = Digest::of_parts(&[
                    &self.seed.to_le_bytes(),
                    wanted.id.as_bytes(),
                    &number.to_le_bytes(),
                ]);
                let seed = u64::from_le_bytes(seed.0[..8].try_into().unwrap_or_default());
                let id = match self.sweep.directions.len() {
                    1 => format!("random-{number}"),
                    _ => format!("random-{}-{number}", wanted.id),
                };
                let random = random_like(&vector, seed);
                let path = self.folder.join(format!("{id}-{}.gguf", Digest::of(&random.write()).short()));
                self.keep(&path, &random)?;
                all.push(Made { id, like: Some(wanted.id.clone()), path: absolute(&path)? });
            }
            all.push(Made { id: wanted.id.clone(), like: None, path });
        }
        // What was looked for comes first.
        all.sort_by_key(|made| made.like.is_some());
        Ok(all)
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

fn absolute(path: &Path) -> Result<String, Problem> {
    let whole = std::path::absolute(path).map_err(Problem::io(path))?;
    Ok(whole.display().to_string())
}
