//! `plumb sae features`: the contexts in which a latent is most active, how often it is, and what it writes.

use super::page;
use super::place::{self, Loaded, Places};
use crate::cli::SaeFeatures;
use crate::compose::World;
use crate::exit::{Exit, Problem, note, say};
use crate::{show, strangers};
use plumb_lm::sae::Sae;
use plumb_lm::sae::store::{Rows, Wanted};
use plumb_lm::{Model, TokenId};
use std::collections::{HashMap, HashSet};

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
    let site = sae.site(&loaded.model)?;
    let kept = sae.provenance().extra.get("activations").and_then(serde_json::Value::as_str);
    let kept = kept.ok_or_else(|| {
        Problem::usage("no activations are kept for this autoencoder, so there are no contexts to show")
            .help("autoencoders that plumb sae train made have some")
    })?;
    let rows = Rows::open(&Places::of(world, kept).activations, site, Wanted::All)?;
    let feature = look(args, &sae, &loaded, &rows)?;
    if let Some(path) = &args.html {
        std::fs::write(path, page::html(&feature)).map_err(Problem::io(path))?;
    }
    say(if args.json { page::json(&feature) } else { page::terminal(&feature, show::style().colour) });
    Ok(Exit::Done)
}

fn look(args: &SaeFeatures, sae: &Sae, loaded: &Loaded, rows: &Rows) -> Result<Feature, Problem> {
    let model = &loaded.model;
    let count = rows.len().min(args.tokens);
    let mut values = vec![0.0_f32; count];
    for start in (0..count).step_by(512) {
        let numbers: Vec<usize> = (start..count.min(start + 512)).collect();
        let codes = sae.encode(&rows.gather(&numbers));
        for (row, number) in numbers.into_iter().enumerate() {
            // What takes no part in training is not looked at either: sinks would fill the list.
            values[number] = if rows.is_kept(number) { codes.get(row, args.latent) } else { 0.0 };
        }
    }
    let mut order: Vec<usize> = (0..count).filter(|at| values[*at] > 0.0).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    let largest = order.first().map_or(0.0, |at| values[*at]);
    let mut histogram = [0; BINS];
    for at in &order {
        let bin = (values[*at] / largest * BINS as f32) as usize;
        histogram[bin.min(BINS - 1)] += 1;
    }
    let documents: HashMap<usize, &[TokenId]> = rows.documents().into_iter().collect();
    let mut used = HashSet::new();
    let first = order.iter().filter(|at| used.insert(rows.place(**at).document)).take(args.top);
    let contexts = first.map(|at| context(model, rows, &documents, &values, *at)).collect();
    let (promoted, demoted) = written(model, sae.direction(args.latent))?;
    Ok(Feature {
        name: args.name.clone(),
        latent: args.latent,
        latents: sae.latents(),
        digest: sae.digest().to_owned(),
        model: loaded.name.clone(),
        model_digest: loaded.digest.clone(),
        hook: sae.provenance().hook.clone().unwrap_or_default(),
        tokens: count,
        active: order.len(),
        largest,
        // From above: the first hundredth of the order is above it.
        strong: order.get(order.len() / 100).map(|at| values[*at]),
        histogram,
        contexts,
        promoted,
        demoted,
        neighbours: neighbours(sae, args.latent),
    })
}

fn context(
    model: &Model,
    rows: &Rows,
    documents: &HashMap<usize, &[TokenId]>,
    values: &[f32],
    at: usize,
) -> Context {
    let place = rows.place(at);
    let tokens = documents.get(&place.document).copied().unwrap_or_default();
    let text = |token: TokenId| String::from_utf8_lossy(model.tokenizer().bytes(token)).into_owned();
    let span = place.position.saturating_sub(BEFORE)..tokens.len().min(place.position + AFTER + 1);
    let shown = span.map(|position| {
        // Rows of a document stand one after another, as far as they are its own.
        let other = (at + position).checked_sub(place.position).filter(|other| {
            *other < values.len() && {
                let found = rows.place(*other);
                (found.document, found.position) == (place.document, position)
            }
        });
        (text(tokens[position]), other.map(|other| values[other]))
    });
    Context { activation: values[at], class: place.class.name(), tokens: shown.collect() }
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
