//! `plumb sae train`: activations, then steps, with checkpoints.

use super::capture::capture;
use super::place::{self, Places};
use super::recipe::Recipe;
use crate::cli::SaeTrain;
use crate::compose::World;
use crate::exit::{Exit, Problem, note, say};
use crate::show;
use plumb_lm::Site;
use plumb_lm::sae::file::{hook_name, write_saelens};
use plumb_lm::sae::measure::{Measure, Measured};
use plumb_lm::sae::store::{Manifest, Rows, Wanted};
use plumb_lm::sae::train::{Order, Origin, Report, Trainer};
use plumb_lm::sae::units::{Collecting, Units};
use plumb_lm::sae::{Provenance, Sae};
use std::path::Path;
use std::time::{Duration, Instant};

const LINE: Duration = Duration::from_secs(10);
/// Rows that give scale, mean and variance.
const SAMPLE: usize = 8192;
/// Unseen rows that are measured at the end.
const MEASURED: usize = 20_000;
/// Rows that the units of latents are measured on.
const UNITS: usize = 200_000;
/// Rows measured together.
const TOGETHER: usize = 512;

pub fn run(args: &SaeTrain, world: &World) -> Result<Exit, Problem> {
    let recipe = Recipe::read(&args.recipe)?;
    let loaded = place::model(world, &recipe.model)?;
    let places = recipe.places(loaded.model.config(), &args.recipe)?;
    for (site, _) in &places {
        room(recipe.train.latents, site.width(loaded.model.config()))?;
    }
    let sites: Vec<Site> = places.iter().map(|(site, _)| *site).collect();
    let (folder, manifest) = match args.as_is {
        true => as_is(&recipe, world, &loaded.digest)?,
        false => capture(&recipe, &args.recipe, world, loaded, &sites)?,
    };
    if args.capture_only {
        let sites: Vec<String> = sites.iter().map(ToString::to_string).collect();
        say(format_args!("{}: {} rows of {}", folder.display(), manifest.rows(), sites.join(", ")));
        return Ok(Exit::Done);
    }
    for (site, name) in &places {
        if places.len() > 1 {
            note(format_args!("{name}, at {site}"));
        }
        one(args, &recipe, world, (*site, name), &folder)?;
    }
    Ok(Exit::Done)
}

/// Trains one autoencoder on a site's rows, or goes on with it.
fn one(
    args: &SaeTrain,
    recipe: &Recipe,
    world: &World,
    (site, name): (Site, &str),
    folder: &Path,
) -> Result<(), Problem> {
    let places = Places::of(world, name);
    let seen = Rows::open(folder, site, Wanted::Seen)?;
    if seen.len() < recipe.train.batch {
        return Err(Problem::usage(format!(
            "{} activations to train on are fewer than a batch of {}",
            seen.len(),
            recipe.train.batch
        )));
    }
    if args.fresh && places.training.exists() {
        std::fs::remove_dir_all(&places.training).map_err(Problem::io(&places.training))?;
    }
    let (trainer, last, seconds) =
        steps(recipe, &places.training, (&seen, site), Duration::from_secs(args.checkpoint))?;
    let unseen = Rows::open(folder, site, Wanted::Unseen)?;
    let mut provenance = provenance(recipe, (site, name), &seen, &trainer);
    let sae = trainer.result(provenance.clone())?;
    let measured = measure(&sae, &unseen, MEASURED);
    if let Some(measured) = &measured {
        provenance.extra.insert("unseen".to_owned(), figures(measured));
    }
    let sae = Sae::new(sae.parts(), provenance)?;
    write_saelens(&sae, &places.sae)?;
    if let Some(units) = units(&sae, &seen) {
        units.write(&places.sae)?;
    }
    report(args, recipe, (site, name), &places.sae, &sae, seen.manifest(), measured.as_ref(), last, seconds);
    Ok(())
}

/// Checks that memory holds what is learned: encoder and decoder with two moments each, and the encoder once more laid out
/// for products.
fn room(latents: usize, width: usize) -> Result<(), Problem> {
    const TABLES: usize = 7;
    let needed = latents.saturating_mul(width).saturating_mul(4 * TABLES) as u64;
    match crate::memory::free() {
        Some(there) if needed > there => Err(Problem::usage(format!(
            "train.latents = {latents}: a training on rows of {width} numbers takes about {} of memory, {} are free",
            show::bytes(needed),
            show::bytes(there)
        ))),
        _ => Ok(()),
    }
}

/// What is captured so far.
fn as_is(recipe: &Recipe, world: &World, digest: &str) -> Result<(std::path::PathBuf, Manifest), Problem> {
    let named = recipe.activations.name.as_deref().unwrap_or(&recipe.name);
    let folder = Places::of(world, named).activations;
    let path = folder.join("store.json");
    let text = std::fs::read(&path).map_err(Problem::io(&path))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Problem::new(format!("{}: {error}", path.display())))?;
    match manifest.model_digest == digest {
        true => Ok((folder, manifest)),
        false => Err(Problem::usage(format!(
            "{}: these activations are of {} (file {:.12}…), not of {} (file {digest:.12}…)",
            folder.display(),
            manifest.model,
            manifest.model_digest,
            recipe.model
        ))
        .help("name the model that they are of, or another folder as activations.name")),
    }
}

/// All steps that are not done, with a checkpoint `every` so often; the last report, and how long these took.
fn steps(
    recipe: &Recipe,
    folder: &Path,
    (rows, site): (&Rows, Site),
    every: Duration,
) -> Result<(Trainer, Option<Report>, f64), Problem> {
    let mut trainer = begun(recipe, folder, rows, Origin::of(rows, site))?;
    let started = Instant::now();
    let (mut saved, mut told) = (Instant::now(), None::<Instant>);
    let (mut order, mut last) = (Order::default(), None);
    let first = trainer.steps_done();
    while !trainer.is_done() {
        let batch = rows.gather(&trainer.next_rows(rows.len(), &mut order));
        let report = trainer.step(&batch);
        last = Some(report);
        if told.is_none_or(|told| told.elapsed() >= LINE) || trainer.is_done() {
            told = Some(Instant::now());
            let done = (trainer.steps_done() - first) * trainer.recipe().batch;
            note(line(&trainer, &report, done as f64 / started.elapsed().as_secs_f64()));
        }
        if saved.elapsed() >= every || trainer.is_done() {
            trainer.save(folder)?;
            saved = Instant::now();
        }
    }
    Ok((trainer, last, started.elapsed().as_secs_f64()))
}

/// The training that is there, if it is this one, or a new one.
fn begun(recipe: &Recipe, folder: &Path, rows: &Rows, origin: Origin) -> Result<Trainer, Problem> {
    let wanted = recipe.trained();
    let anew = |message: String| Problem::usage(message).help("--fresh begins anew; the activations stay");
    let Some(trainer) = Trainer::load(folder)? else {
        let count = rows.len().min(SAMPLE);
        let sample: Vec<usize> = (0..count).map(|at| at * rows.len() / count).collect();
        return Ok(Trainer::new(wanted, rows.width(), &rows.gather(&sample)).on(origin));
    };
    if *trainer.recipe() != wanted {
        return Err(anew("the training that was begun has other settings".to_owned()));
    }
    if *trainer.origin() == Origin::default() {
        return Err(anew(format!(
            "{}: an earlier version began this training and did not write down on which activations",
            folder.display()
        )));
    }
    if let Some(how) = trainer.origin().differs(&origin) {
        return Err(anew(format!("the training that was begun is on other activations: {how}")));
    }
    note(format_args!("going on after step {} of {}", trainer.steps_done(), trainer.recipe().steps));
    Ok(trainer)
}

fn line(trainer: &Trainer, report: &Report, rate: f64) -> String {
    format!(
        "step {} of {} · loss {:.4} · L0 {:.1} · explained {:.1} % · dead {:.1} % · {rate:.0} tokens/s",
        trainer.steps_done(),
        trainer.recipe().steps,
        report.loss,
        report.active,
        100.0 * report.explained,
        100.0 * report.dead,
    )
}

fn provenance(recipe: &Recipe, (site, name): (Site, &str), seen: &Rows, trainer: &Trainer) -> Provenance {
    let mut from = Provenance::default();
    from.model = Some(recipe.model.clone());
    from.model_digest = Some(seen.manifest().model_digest.clone());
    from.hook = hook_name(site);
    let mut put = |name: &str, value: serde_json::Value| {
        from.extra.insert(name.to_owned(), value);
    };
    put("name", name.into());
    put("about", recipe.about.clone().into());
    put("activations", recipe.activations.name.as_deref().unwrap_or(&recipe.name).into());
    put("activations_recipe", seen.manifest().recipe.clone().into());
    put("tokens", seen.len().into());
    put("training", serde_json::to_value(trainer.recipe()).unwrap_or_default());
    from
}

/// Measures on at most `most` of the rows, evenly spread.
pub fn measure(sae: &Sae, rows: &Rows, most: usize) -> Option<Measured> {
    let count = rows.len().min(most);
    let numbers: Vec<usize> = (0..count).map(|at| at * rows.len() / count).collect();
    let mut measure = Measure::new(sae);
    for numbers in numbers.chunks(TOGETHER) {
        measure.add(sae, &rows.gather(numbers));
    }
    measure.result()
}

/// How strong latents usually are, over rows that were trained on, evenly spread.
fn units(sae: &Sae, rows: &Rows) -> Option<Units> {
    let count = rows.len().min(UNITS);
    let numbers: Vec<usize> = (0..count).map(|at| at * rows.len() / count).collect();
    let mut collecting = Collecting::new(sae);
    for numbers in numbers.chunks(TOGETHER) {
        collecting.add(sae, &rows.gather(numbers));
    }
    collecting.finish(sae)
}

/// Measured figures as JSON.
pub fn figures(measured: &Measured) -> serde_json::Value {
    serde_json::json!({
        "tokens": measured.rows, "l0": measured.l0, "explained_variance": measured.explained, "fvu": measured.fvu,
        "cosine": measured.cosine, "mse": measured.mse, "dead_share": measured.dead,
    })
}

#[expect(clippy::too_many_arguments, reason = "everything that the last lines tell, gathered once")]
fn report(
    args: &SaeTrain,
    recipe: &Recipe,
    (site, name): (Site, &str),
    folder: &Path,
    sae: &Sae,
    manifest: &Manifest,
    measured: Option<&Measured>,
    last: Option<Report>,
    seconds: f64,
) {
    if args.json {
        say(serde_json::json!({
            "name": name, "folder": folder.display().to_string(), "digest": sae.digest(),
            "latents": sae.latents(), "width": sae.width(), "captured": manifest.rows(),
            "complete": manifest.complete, "training_seconds": seconds,
            "training_dead_share": last.map(|last| last.dead),
            "unseen": measured.map(figures),
        }));
        return;
    }
    say(format_args!(
        "{}: {} latents of {} ({}), digest {:.12}",
        folder.display(),
        sae.latents(),
        site,
        recipe.model,
        sae.digest()
    ));
    match measured {
        Some(m) => say(format_args!(
            "on {} tokens of unseen documents: explained variance {:.1} %, L0 {:.1}, cosine {:.3}; {:.1} % of latents active in none",
            m.rows,
            100.0 * m.explained,
            m.l0,
            m.cosine,
            100.0 * m.dead
        )),
        None => say("no unseen documents to measure on (activations.unseen is 0, or there are too few)"),
    }
    if !manifest.complete {
        say(format_args!(
            "trained on what was captured so far, {} activations, not all that the recipe asks for",
            manifest.rows()
        ));
    }
}
