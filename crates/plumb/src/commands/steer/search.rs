//! The stages of a search that come before generating: replies of another run, candidates, the screen.
//!
//! What they come to is kept beside the run, under a digest of all that decides it, so that the same command goes on with it.

use super::workshop::Workshop;
use crate::cli::Steer as Args;
use crate::commands::collect::{Wanted, collect};
use crate::commands::run::ready;
use crate::compose::World;
use crate::exit::{Exit, Problem, note};
use crate::runs::RunFolder;
use plumb_lm::{Config, Control, Generator, Limits, Message, Model, Outline, Site};
use plumb_local::Models as _;
use plumb_local::search::{Candidate, Openers, Record, Reply, Search, candidates, screen};
use plumb_local::steer::{Found, How, Latents, Saes as _, Steering};
use plumb_local::sweep::Role;
use plumb_stats::{Level, ScoredRow, auroc};
use plumb_study::items::{Prompt, Task};
use plumb_study::method::Cell;
use plumb_study::run::Options;
use plumb_study::{Answer, Digest, Draft, Frozen, Ledger, freeze};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Where an autoencoder stands in a model, of which only the headers are read.
pub fn site(found: &Found, model: &str, world: &World) -> Result<Site, Problem> {
    let hook = found.sae.provenance().hook.as_deref().ok_or_else(|| {
        Problem::usage("the autoencoder's files do not say at which place of a model it stands")
    })?;
    let path = world.models.file(model)?;
    let config: Config = Outline::read(&path)?.config;
    Ok(Site::parse(hook, &config)?)
}

/// All stages, or what was kept of them.
pub fn stages(args: &Args, search: &Search, text: &str, shop: &Workshop<'_>) -> Result<Record, Problem> {
    let world = shop.world;
    let found = world.saes.find(&search.sae)?;
    let replies = RunFolder::named(Path::new(&search.replies)).open()?;
    let identity = world.models.identify(&shop.sweep.model)?;
    let of = Digest::of_parts(&[
        text.as_bytes(),
        found.sae.digest().as_bytes(),
        identity.sha256.as_bytes(),
        replies.state()?.hex().as_bytes(),
    ]);
    let path = shop.folder.join("search.json");
    if let Ok(text) = std::fs::read(&path)
        && let Ok(record) = serde_json::from_slice::<Record>(&text)
        && record.of == of.hex()
    {
        return Ok(record);
    }
    let replies = read_replies(search, &replies)?;
    let validation = validation(args, text, shop)?;
    let model = Arc::new(Model::open(&world.models.file(&shop.sweep.model)?)?);
    let site = found.sae.site(&model)?;
    let openers = Openers::learn(&model, replies.iter().map(|reply| (&*reply.text, reply.refused)));
    let generator = Generator::new(model.clone(), Limits { sequences: 64, ..Limits::default() });
    let stage = Stage { search, found: &found, generator: &generator, openers: &openers, world };
    let auroc = stage.auroc(&validation)?;
    note(format_args!("search: the log-odds tell generated refusals with AUROC {:.2}", auroc.0));
    // Rows at the site need no layer above it.
    let short = Model::open(&world.models.file(&shop.sweep.model)?)?;
    let short = short.shortened(site.layer().map_or(usize::MAX, |layer| layer + 1));
    let forced = candidates::archetype(&short, &found.sae, site, (&search.archetype.0, &search.archetype.1))?;
    let all = replies.len();
    let contrast = candidates::contrast(&short, &found.sae, site, &replies, &mut |done| {
        if done.is_multiple_of(50) {
            note(format_args!("search: {done} of {all} replies read"));
        }
    })?;
    drop(short);
    let alive = |latent: usize| found.units.as_ref().is_none_or(|units| units.active[latent] > 0);
    let effects = stage.effects(&candidates::worth_trying(&contrast, alive, search.effects))?;
    let gathered = candidates::gathered(&forced, &contrast, &effects, alive, search.candidates);
    let screened = auroc.0 >= search.least_auroc;
    let (margin, candidates) = stage.screen(gathered, screened)?;
    let generated: Vec<usize> =
        candidates.iter().take(search.generate).map(|(candidate, _)| candidate.latent).collect();
    let every: Vec<usize> = candidates.iter().map(|(candidate, _)| candidate.latent).collect();
    let record = Record {
        of: of.hex(),
        sae: (search.sae.clone(), found.sae.digest().to_owned()),
        openers,
        contrasted: contrast.counts,
        auroc,
        screened,
        margin,
        generated,
        random: shop.random_latents(&found, "search", (search.random, 1), &every).concat(),
        candidates,
    };
    std::fs::create_dir_all(&shop.folder).map_err(Problem::io(&shop.folder))?;
    write(&path, &record)?;
    Ok(record)
}

/// Prompts on which the effects of small clamps are computed: the first of the screen's.
const EFFECT_PROMPTS: usize = 4;
/// Latents whose small clamps are computed together.
const AT_ONCE: usize = 64;

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The area under the curve, its interval, and the number of items: as the record keeps them.
type Auroc = (f64, Option<(f64, f64)>, usize);

/// What the stages work with.
struct Stage<'a> {
    search: &'a Search,
    found: &'a Found,
    generator: &'a Generator,
    openers: &'a Openers,
    world: &'a World,
}

impl Stage<'_> {
    fn margins(
        &self,
        prompts: &[Vec<Message>],
        settings: &[Option<Steering>],
    ) -> Result<Vec<Vec<f64>>, Problem> {
        let never = AtomicBool::new(false);
        let control = Control { cancel: &never, now: &Instant::now };
        let mut tell = |done: usize| {
            if settings.len() > 1 && prompts.len() > EFFECT_PROMPTS {
                note(format_args!("search: {done} of {} prompts screened", prompts.len()));
            }
        };
        Ok(screen::margins(self.generator, self.openers, prompts, settings, control, &mut tell)?)
    }

    /// The model with a latent clamped.
    fn clamped(&self, latent: usize, strength: f64) -> Result<Steering, Problem> {
        let clamp = (How::Clamp, strength, self.search.unit);
        let latents = Latents::new(&self.search.sae, self.found, &[latent], clamp)?;
        let steer = plumb_local::steer::Steer::Latents(latents);
        Ok(steer.fit(self.generator.model(), &*self.world.saes)?)
    }

    /// What a small clamp of each latent does to the log-odds of beginning like a refusal, computed and not estimated: a prefill
    /// each, which shares all layers below the autoencoder's.
    fn effects(&self, latents: &[usize]) -> Result<BTreeMap<usize, f64>, Problem> {
        let texts = self.search.prompts.0.iter().take(EFFECT_PROMPTS);
        let prompts: Vec<Vec<Message>> = texts.map(|text| screen::chat(text)).collect();
        let mut effects = BTreeMap::new();
        for some in latents.chunks(AT_ONCE) {
            let mut settings = vec![None];
            for latent in some {
                settings.push(Some(self.clamped(*latent, self.search.small())?));
            }
            let margins = self.margins(&prompts, &settings)?;
            let base = mean(&margins[0]);
            effects.extend(some.iter().copied().zip(margins[1..].iter().map(|values| mean(values) - base)));
            note(format_args!("search: small clamps of {} of {} latents", effects.len(), latents.len()));
        }
        Ok(effects)
    }

    /// How well the unsteered margin tells what was refused.
    fn auroc(&self, answered: &[(Vec<Message>, bool)]) -> Result<Auroc, Problem> {
        let prompts: Vec<Vec<Message>> = answered.iter().map(|(prompt, _)| prompt.clone()).collect();
        let margins = self.margins(&prompts, &[None])?.remove(0);
        let rows: Vec<ScoredRow> = margins
            .iter()
            .zip(answered)
            .enumerate()
            .map(|(at, (score, (_, refused)))| ScoredRow {
                cluster: at as u32,
                score: *score,
                truth: *refused,
            })
            .collect();
        let wrong = |error: String| Problem::new(format!("the screen cannot be checked: {error}"));
        let area = auroc(&rows).map_err(|error| wrong(error.to_string()))?.map_err(|why| {
            wrong(format!("{why}; the validation items are to be refused and complied with"))
        })?;
        let interval = area.interval(Level::P95).ok().map(|interval| (interval.low, interval.high));
        Ok((area.area, interval, rows.len()))
    }

    /// The mean margin without a clamp, and candidates with the mean change, best first. Where the screen does not decide, the
    /// AUROC of refused against complied does.
    fn screen(
        &self,
        candidates: Vec<Candidate>,
        decides: bool,
    ) -> Result<(f64, Vec<(Candidate, f64)>), Problem> {
        let prompts: Vec<Vec<Message>> =
            self.search.prompts.0.iter().map(|text| screen::chat(text)).collect();
        let mut settings = vec![None];
        for candidate in &candidates {
            for strength in &self.search.strengths {
                settings.push(Some(self.clamped(candidate.latent, *strength)?));
            }
        }
        let margins = self.margins(&prompts, &settings)?;
        let base = mean(&margins[0]);
        // Of several strengths the one that does most counts.
        let most = |margins: &[Vec<f64>]| {
            margins.iter().map(|values| mean(values) - base).fold(f64::NEG_INFINITY, f64::max)
        };
        let mut scored: Vec<(Candidate, f64)> =
            candidates.into_iter().zip(margins[1..].chunks(self.search.strengths.len()).map(most)).collect();
        match decides {
            true => scored.sort_by(|a, b| b.1.total_cmp(&a.1)),
            false => scored.sort_by(|a, b| {
                let area = |candidate: &Candidate| candidate.auroc.unwrap_or(0.0);
                area(&b.0).total_cmp(&area(&a.0))
            }),
        }
        Ok((base, scored))
    }
}

/// Prompts and replies of the run, with its verdicts.
fn read_replies(search: &Search, journal: &plumb_study::Journal) -> Result<Vec<Reply>, Problem> {
    let plan = journal.plan()?;
    let of = plan.measure_named(&search.refused).ok_or_else(|| {
        Problem::usage(format!("{}: no judge says \"{}\"", search.replies, search.refused))
            .help("`refused` is judge.measure of that run, such as phrases.refused")
    })?;
    let ledger = Ledger::fold(&plan, journal)?;
    let mut replies = Vec::new();
    for trial in plan.trials() {
        let Some(state) = ledger.state(trial) else { continue };
        let item = plan.item(trial.item);
        let source = &plan.source(item.source).id;
        let among = |list: &[String]| list.iter().any(|name| **name == **source);
        if !among(&search.harmful) && !among(&search.harmless) {
            continue;
        }
        let Task::Ask(Prompt::Chat(turns)) = &item.task else { continue };
        let (Some(Answer::Text(text)), Cell::Label(label)) =
            (journal.answer(&state.row(trial))?, ledger.cell(&plan, trial, of))
        else {
            continue;
        };
        replies.push(Reply {
            prompt: turns.iter().map(plumb_local::message).collect(),
            text: text.to_string(),
            refused: label.0 == 1,
            harmful: among(&search.harmful),
        });
    }
    Ok(replies)
}

/// What the unsteered model makes of the plan's prompts, in a run of its own: whether each was refused.
fn validation(args: &Args, text: &str, shop: &Workshop<'_>) -> Result<Vec<(Vec<Message>, bool)>, Problem> {
    let mut draft = Draft::parse(text, &args.plan.display().to_string())?;
    draft.take_steer();
    let at = RunFolder::of_plan(&args.runs, &format!("{}.base", draft.name()));
    draft.add_subject("[steer]", shop.sweep.base());
    let Frozen { plan, recordings } = freeze(draft, &shop.world.registry, shop.disk)?;
    ready(&at, &plan, false, false, None)?;
    let options = Options { sample: args.sample, ..Options::default() };
    let wanted = Wanted { options, recordings, quiet: true, ..Wanted::default() };
    if collect(&at, shop.world, wanted)? != Exit::Done {
        note("some of the unsteered model's answers failed; the screen is checked on the others");
    }
    let journal = at.open()?;
    let ledger = Ledger::fold(&plan, &journal)?;
    let mut answered = Vec::new();
    for trial in plan.trials() {
        let Task::Ask(Prompt::Chat(turns)) = &plan.item(trial.item).task else { continue };
        for measure in &shop.sweep.measures {
            if matches!(measure.role, Role::Safety | Role::OverRefusal)
                && measure.covers(&plan, trial.item)
                && let Cell::Label(label) = ledger.cell(&plan, trial, measure.resolve(&plan)?)
            {
                answered.push((turns.iter().map(plumb_local::message).collect(), label.0 == 1));
                break;
            }
        }
    }
    Ok(answered)
}

pub fn write(path: &Path, what: &impl Serialize) -> Result<(), Problem> {
    let text = serde_json::to_vec_pretty(what).map_err(|error| Problem::new(error.to_string()))?;
    std::fs::write(path, text).map_err(Problem::io(path))
}
