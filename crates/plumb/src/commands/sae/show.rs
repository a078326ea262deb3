//! `plumb sae show`: what an autoencoder is, which there are, and other layouts of it.

use super::place;
use crate::cli::SaeShow;
use crate::compose::World;
use crate::exit::{Exit, Problem, say};
use plumb_lm::sae::file::{write_saelens, write_sparsify};
use plumb_lm::sae::{Activation, Sae};
use serde_json::json;
use std::path::Path;

pub fn run(args: &SaeShow, world: &World) -> Result<Exit, Problem> {
    let Some(name) = &args.name else {
        list(args, world);
        return Ok(Exit::Done);
    };
    let sae = place::open(world, name)?;
    if let Some(folder) = &args.saelens {
        write_saelens(&sae, folder)?;
    }
    if let Some(folder) = &args.sparsify {
        write_sparsify(&sae, folder)?;
    }
    if let Some(path) = &args.probe {
        say(probe(&sae, path)?);
        return Ok(Exit::Done);
    }
    let from = sae.provenance();
    if args.json {
        say(json!({
            "name": name, "digest": sae.digest(), "kind": sae.activation().name(), "latents": sae.latents(),
            "width": sae.width(), "model": from.model, "model_digest": from.model_digest, "hook": from.hook,
            "notes": from.notes, "made": from.extra,
        }));
        return Ok(Exit::Done);
    }
    let unknown = || "not told by its files".to_owned();
    say(format_args!("{name}: {} latents of rows of {} numbers, {}", sae.latents(), sae.width(), rule(&sae)));
    say(format_args!("  model   {}", from.model.clone().unwrap_or_else(unknown)));
    say(format_args!("  place   {}", from.hook.clone().unwrap_or_else(unknown)));
    say(format_args!("  digest  {}", sae.digest()));
    if let Some(unseen) = from.extra.get("unseen") {
        let number = |key: &str| unseen.get(key).and_then(serde_json::Value::as_f64);
        if let (Some(explained), Some(l0), Some(dead)) =
            (number("explained_variance"), number("l0"), number("dead_share"))
        {
            let (explained, dead) = (100.0 * explained, 100.0 * dead);
            say(format_args!(
                "  unseen  explained variance {explained:.1} %, L0 {l0:.1}, {dead:.1} % of latents active in none"
            ));
        }
    }
    for note in &from.notes {
        say(format_args!("  note    {note}"));
    }
    Ok(Exit::Done)
}

fn rule(sae: &Sae) -> String {
    match sae.activation() {
        Activation::TopK { k } => format!("TopK with k = {k}"),
        other => other.name().to_owned(),
    }
}

fn list(args: &SaeShow, world: &World) {
    let names = world.saes.names();
    if args.json {
        say(json!(names));
    } else if names.is_empty() {
        say("no autoencoders yet: plumb sae train RECIPE makes one");
    } else {
        say(names.join("\n"));
    }
}

/// Rows encoded and decoded, for a comparison with other tools.
fn probe(sae: &Sae, path: &Path) -> Result<String, Problem> {
    let text = std::fs::read(path).map_err(Problem::io(path))?;
    let rows: Vec<Vec<f32>> = serde_json::from_slice(&text).map_err(|error| {
        Problem::usage(format!("{}: expected a list of lists of numbers: {error}", path.display()))
    })?;
    if let Some((at, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != sae.width()) {
        return Err(Problem::usage(format!(
            "{}: row {at} has {} numbers, the autoencoder's rows have {}",
            path.display(),
            row.len(),
            sae.width()
        )));
    }
    let (again, codes) = sae.reconstruct(&rows.concat());
    let latents: Vec<Vec<(usize, f32)>> = (0..codes.len()).map(|row| codes.row(row).collect()).collect();
    let again: Vec<&[f32]> = again.chunks_exact(sae.width()).collect();
    Ok(json!({ "x": rows, "latents": latents, "reconstruction": again }).to_string())
}
