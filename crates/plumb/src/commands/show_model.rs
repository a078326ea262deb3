//! `plumb models show`: where a model is, what it is made of, and what each of its layers would write.

use super::models::{as_json, status};
use crate::cli::ModelShow;
use crate::compose::World;
use crate::exit::{Exit, Problem, say};
use crate::model_store::is_path;
use crate::show;
use plumb_clients::models::{Entry, Origin, Status};
use plumb_lm::{Config, Edits, Input, Model, NormKind, Outline, Site, Special, Taps, Want};
use serde_json::{Value, json};
use std::path::PathBuf;

pub fn run(args: &ModelShow, world: &World) -> Result<Exit, Problem> {
    if let Some(text) = &args.lens {
        return lens(args, text, world);
    }
    let entry = if is_path(&args.name) { None } else { Some(world.models.find(&args.name)?) };
    let here: Option<PathBuf> = match entry {
        None => Some(PathBuf::from(&args.name)),
        Some(entry) => match world.models.store.status(entry) {
            Status::Ready(path) | Status::Unverified(path) => Some(path),
            _ => None,
        },
    };
    let outline = here.map(|path| Outline::read(&path)).transpose()?;
    if args.json {
        let mut shown = entry.map_or_else(|| json!({ "path": args.name }), |entry| as_json(entry, world));
        shown["model"] = outline.as_ref().map_or(Value::Null, outline_json);
        say(shown);
        return Ok(Exit::Done);
    }
    match entry {
        Some(entry) => say_entry(entry, world),
        None => say(format_args!("path          {}", args.name)),
    }
    match &outline {
        Some(outline) => say_outline(outline, entry.is_none()),
        None => say(format_args!("shape         unknown until it is here: plumb models fetch {}", args.name)),
    }
    Ok(Exit::Done)
}

fn say_entry(entry: &Entry, world: &World) {
    let origin = world.models.known.entries().find(|(e, _)| e.name == entry.name).map(|(_, origin)| origin);
    let origin = match origin {
        Some(Origin::File(path)) => path.display().to_string(),
        _ => "comes with the program".to_owned(),
    };
    say(format_args!("{}  {}", entry.name, entry.description));
    say(format_args!("file          {} ({})", entry.file, show::bytes(entry.bytes)));
    say(format_args!("sha256        {}", entry.sha256));
    say(format_args!("licence       {}", entry.licence));
    say(format_args!("architecture  {}", entry.architecture));
    say(format_args!("status        {}", status(world, entry)));
    say(format_args!("path          {}", world.models.store.path(entry).display()));
    say(format_args!("registry      {origin}"));
    for (at, source) in entry.sources.iter().enumerate() {
        say(format_args!("source {}      {source}", at + 1));
    }
}

/// `alone` where the registry says nothing of the model.
fn say_outline(outline: &Outline, alone: bool) {
    let config = &outline.config;
    if alone {
        say(format_args!("name          {}", outline.name.as_deref().unwrap_or("the file gives none")));
        say(format_args!("licence       {}", outline.licence.as_deref().unwrap_or("the file names none")));
        say(format_args!("architecture  {}", config.architecture.name()));
    }
    say(format_args!(
        "shape         {} layers, width {}, {} heads of {} ({} for keys and values), feed-forward {}, {} tokens, context {}",
        config.layers,
        config.width,
        config.heads,
        config.head_dim,
        config.kv_heads,
        config.ffn,
        config.vocab,
        config.context
    ));
    say(format_args!("made of       {}", parts(config).join(", ")));
    let stored: Vec<String> = outline.stored.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    say(format_args!(
        "parameters    {:.1} million (tensors: {})",
        outline.parameters as f64 / 1e6,
        stored.join(", ")
    ));
    say(format_args!(
        "memory        {} for weights, {} a token of each sequence in flight",
        show::bytes(outline.weight_bytes()),
        show::bytes(outline.cache_bytes_per_token())
    ));
    say(format_args!(
        "chats         {}",
        if outline.can_chat { "yes" } else { "no: it has no chat template" }
    ));
    say(format_args!("taps          {}", taps(config).join(" ")));
}

/// What tells this decoder from a plain one.
fn parts(config: &Config) -> Vec<String> {
    let mut parts = vec![match config.norm {
        NormKind::Rms => "RMS norms".to_owned(),
        NormKind::Layer => "layer norms".to_owned(),
    }];
    let mut add = |holds: bool, text: String| {
        if holds {
            parts.push(text);
        }
    };
    add(config.learned_positions, "learned positions".into());
    if let Some(rotary) = config.rotaries.first() {
        let dims = 2 * rotary.frequencies.len();
        add(dims == config.head_dim, "rotary positions".into());
        add(dims < config.head_dim, format!("rotary positions in {dims} of {} elements", config.head_dim));
    }
    add(
        config.short_context().is_some(),
        format!("long factors after {} tokens", config.short_context().unwrap_or(0)),
    );
    add(config.biases.qkv, "biases of q, k, v".into());
    add(config.head_norms, "norms of q and k heads".into());
    add(config.gated, format!("gated {:?}", config.activation));
    add(!config.gated, format!("{:?}", config.activation));
    add(config.parallel, "attention and feed-forward in parallel".into());
    add(config.post_norms, "norms of what is added".into());
    let windowed: Vec<usize> = config.kinds.iter().filter_map(|kind| kind.window).collect();
    if let Some(window) = windowed.first() {
        add(true, format!("a window of {window} in {} layers", windowed.len()));
    }
    add(config.score_cap.is_some(), format!("scores capped at {}", config.score_cap.unwrap_or(0.0)));
    add(config.logit_cap.is_some(), format!("logits capped at {}", config.logit_cap.unwrap_or(0.0)));
    add(config.tied, "tied output head".into());
    parts
}

/// Names of taps, `N` for a layer and `H` for a head.
fn taps(config: &Config) -> Vec<&'static str> {
    let mid = (!config.parallel).then_some("resid_mid.N");
    ["embedding", "resid_pre.N", "pattern.N.H", "heads.N", "head.N.H", "attn_out.N"]
        .into_iter()
        .chain(mid)
        .chain(["neurons.N", "mlp_out.N", "resid_post.N", "final_norm", "logits"])
        .collect()
}

fn outline_json(outline: &Outline) -> Value {
    let config = &outline.config;
    json!({
        "name": outline.name, "licence": outline.licence, "architecture": config.architecture.name(),
        "layers": config.layers, "width": config.width, "heads": config.heads, "head_dim": config.head_dim,
        "kv_heads": config.kv_heads, "feed_forward": config.ffn, "tokens": config.vocab, "context": config.context,
        "parts": parts(config), "parameters": outline.parameters, "weight_bytes": outline.weight_bytes(),
        "cache_bytes_per_token": outline.cache_bytes_per_token(), "chats": outline.can_chat, "taps": taps(config),
    })
}

/// What each layer would write after `text` if the stream ended there.
fn lens(args: &ModelShow, text: &str, world: &World) -> Result<Exit, Problem> {
    let model = Model::open(&world.models.file(&args.name)?)?;
    let tokens = model.encode_text(text)?;
    let sites: Vec<Site> =
        [Site::Embedding].into_iter().chain((0..model.config().layers).map(Site::ResidPost)).collect();
    let mut rows: Vec<(Site, Vec<f32>)> = Vec::new();
    let last = tokens.len().checked_sub(1).ok_or_else(|| Problem::usage("--lens: the text has no tokens"))?;
    let mut sink = |site: Site, _: usize, position: usize, row: &[f32]| {
        if position == last {
            rows.push((site, row.to_vec()));
        }
    };
    let mut cache = model.cache_for(tokens.len());
    let input = Input { cache: &mut cache, tokens: &tokens, want: Want::Nothing, edits: &Edits::NONE };
    model.forward(&mut [input], &mut Taps::new(&sites, &mut sink))?;
    let mut shown = Vec::new();
    for (site, row) in rows {
        let best = best(&model.unembed(&row)?, args.top);
        if args.json {
            let tokens = best
                .iter()
                .map(|(id, p)| json!({ "id": id, "text": text_of(&model, *id), "probability": p }));
            shown.push(json!({ "site": site.to_string(), "tokens": tokens.collect::<Vec<_>>() }));
        } else {
            let tokens = best.iter().map(|(id, p)| format!("{:?} {p:.3}", text_of(&model, *id)));
            say(format_args!("{:14}  {}", site.to_string(), tokens.collect::<Vec<_>>().join("  ")));
        }
    }
    if args.json {
        say(Value::Array(shown));
    }
    Ok(Exit::Done)
}

fn text_of(model: &Model, id: u32) -> String {
    model.tokenizer().decode(&[id], Special::Token)
}

/// The likeliest tokens and their probabilities.
fn best(logits: &[f32], count: usize) -> Vec<(u32, f64)> {
    let mut order: Vec<u32> = (0..logits.len() as u32).collect();
    order.sort_by(|a, b| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b)));
    let Some(&first) = order.first() else { return Vec::new() };
    // The sum under all is the same, and long.
    let most = plumb_lm::log_probability(logits, first);
    let less = |id: u32| f64::from(logits[id as usize]) - f64::from(logits[first as usize]);
    order.into_iter().take(count).map(|id| (id, (most + less(id)).exp())).collect()
}
