//! `plumb sae features`: the contexts in which a latent is most active, how often it is, and what it writes.

use super::page;
use super::place::{self, Loaded};
use super::seen::{self, Seen};
use crate::cli::SaeFeatures;
use crate::compose::World;
use crate::exit::{Exit, Problem, note, say};
use crate::{show, strangers, texts};
use plumb_lm::sae::Sae;
use plumb_lm::sae::store::Wanted;
use plumb_lm::{Class, Model, Site, TokenId};
use std::collections::HashSet;

/// Tokens shown before and after the one that matters.
const BEFORE: usize = 24;
const AFTER: usize = 8;
/// Tokens of the vocabulary, and neighbours, that are listed.
const LISTED: usize = 10;
const BINS: usize = 12;

/// All that is known of a latent.
pub struct Feature {
    pub name: String,
    pub latent: usize,
    pub latents: usize,
    pub digest: String,
    pub model: String,
    /// Of the model's file: what is shown holds for that quantisation.
    pub model_digest: String,
    pub hook: String,
    /// Tokens looked through, and those in which it was active.
    pub tokens: usize,
    pub active: usize,
    pub largest: f32,
    /// 99th percentile of its activation over the tokens in which it was active.
    pub strong: Option<f32>,
    /// Counts of its activation, in bins of equal width up to the largest.
    pub histogram: [usize; BINS],
    pub contexts: Vec<Context>,
    /// Tokens that its direction makes likelier and less likely, with the change of their logit.
    pub promoted: Vec<(String, f32)>,
    pub demoted: Vec<(String, f32)>,
    /// Latents whose directions are nearest, with the cosine.
    pub neighbours: Vec<(usize, f32)>,
}

/// A stretch of a document: tokens and how active the latent is in each, where that is known.
pub struct Context {
    pub activation: f32,
    pub class: &'static str,
    pub tokens: Vec<(String, Option<f32>)>,
}

pub fn run(args: &SaeFeatures, world: &World) -> Result<Exit, Problem> {
    let sae = place::open(world, &args.name)?;
    if args.latent >= sae.latents() {
        return Err(Problem::usage(format!(
            "there is no latent {}: {} has {} (0 to {}), of rows of {} numbers",
            args.latent,
            args.name,
            sae.latents(),
            sae.latents() - 1,
            sae.width()
        )));
    }
    let loaded = place::model_of(world, &sae, args.model.as_deref())?;
    let model = (&*loaded.name, &*loaded.digest);
    if let Some(told) = strangers::measured(&sae, &loaded.model, model, (&[], ""))? {
        note(format_args!("warning: {told}"));
    }
    let site = place::site_of(&sae, &loaded, args.site.as_deref())?;
    let seen = match &args.input {
        Some(path) => {
            let documents = texts::read(&loaded.model, path, place::LONGEST)?.documents;
            seen::read(&sae, args.latent, (&loaded.model, site), &documents, args.tokens)?
        }
        None => {
            let rows = place::rows_of_training(world, &sae, site, &loaded, Wanted::All)?;
            seen::kept(&sae, args.latent, &rows, args.tokens)
        }
    };
    if seen.is_empty() {
        return Err(Problem::usage("no documents to look through (expected texts of at least two tokens)"));
    }
    let feature = look(args, &sae, (&loaded, site), &seen)?;
    if let Some(path) = &args.html {
        std::fs::write(path, page::html(&feature)).map_err(Problem::io(path))?;
    }
    say(if args.json { page::json(&feature) } else { page::terminal(&feature, show::style().colour) });
    Ok(Exit::Done)
}

fn look(
    args: &SaeFeatures,
    sae: &Sae,
    (loaded, site): (&Loaded, Site),
    seen: &[Seen],
) -> Result<Feature, Problem> {
    let model = &loaded.model;
    let value = |(document, at): (usize, usize)| seen[document].active[at].map_or(0.0, |(value, _)| value);
    let places = seen
        .iter()
        .enumerate()
        .flat_map(|(document, one)| (0..one.active.len()).map(move |at| (document, at)));
    let mut order: Vec<(usize, usize)> = places.filter(|place| value(*place) > 0.0).collect();
    order.sort_by(|a, b| value(*b).total_cmp(&value(*a)).then(a.cmp(b)));
    let largest = order.first().map_or(0.0, |place| value(*place));
    let mut histogram = [0; BINS];
    for place in &order {
        let bin = (value(*place) / largest * BINS as f32) as usize;
        histogram[bin.min(BINS - 1)] += 1;
    }
    let mut used = HashSet::new();
    let first = order.iter().filter(|(document, _)| used.insert(*document)).take(args.top);
    let contexts = first.map(|(document, at)| context(model, &seen[*document], *at)).collect();
    let (promoted, demoted) = written(model, sae.direction(args.latent))?;
    Ok(Feature {
        name: args.name.clone(),
        latent: args.latent,
        latents: sae.latents(),
        digest: sae.digest().to_owned(),
        model: loaded.name.clone(),
        model_digest: loaded.digest.clone(),
        hook: sae.provenance().hook.clone().unwrap_or_else(|| site.to_string()),
        tokens: seen.iter().map(|one| one.active.iter().flatten().count()).sum(),
        active: order.len(),
        largest,
        // From above: the first hundredth of the order is above it.
        strong: order.get(order.len() / 100).map(|place| value(*place)),
        histogram,
        contexts,
        promoted,
        demoted,
        neighbours: neighbours(sae, args.latent),
    })
}

fn context(model: &Model, one: &Seen, at: usize) -> Context {
    let text = |token: TokenId| String::from_utf8_lossy(model.tokenizer().bytes(token)).into_owned();
    let span = at.saturating_sub(BEFORE)..one.tokens.len().min(at + AFTER + 1);
    let shown = span.map(|other| (text(one.tokens[other]), one.active[other].map(|(value, _)| value)));
    let (activation, class) = one.active[at].unwrap_or((0.0, Class::Text));
    Context { activation, class: class.name(), tokens: shown.collect() }
}

type Listed = Vec<(String, f32)>;

/// Tokens whose logits the direction raises and lowers most: through the final norm's weights, beside the mean of all.
fn written(model: &Model, direction: &[f32]) -> Result<(Listed, Listed), Problem> {
    if direction.len() != model.config().width {
        // A place that is not the residual stream writes no logits of its own.
        return Ok((Vec::new(), Vec::new()));
    }
    let logits = model.unembed(direction)?;
    let mean = logits.iter().map(|x| f64::from(*x)).sum::<f64>() / logits.len() as f64;
    let known = logits.len().min(model.tokenizer().len());
    let mut order: Vec<usize> = (0..known).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
    let named = |token: &usize| {
        let text = String::from_utf8_lossy(model.tokenizer().bytes(*token as TokenId)).into_owned();
        (text, (f64::from(logits[*token]) - mean) as f32)
    };
    Ok((order.iter().take(LISTED).map(named).collect(), order.iter().rev().take(LISTED).map(named).collect()))
}

fn neighbours(sae: &Sae, latent: usize) -> Vec<(usize, f32)> {
    let norm = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    let own = sae.direction(latent);
    let cosine = |other: usize| {
        let row = sae.direction(other);
        row.iter().zip(own).map(|(a, b)| a * b).sum::<f32>() / norm(row) / norm(own)
    };
    let mut all: Vec<(usize, f32)> =
        (0..sae.latents()).filter(|other| *other != latent).map(|other| (other, cosine(other))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.truncate(LISTED);
    all
}
