//! A sweep of twenty steered configurations beside PyTorch with a forward hook, by `oracles/transformers/sweep.py`, and what
//! edits cost while the model writes.
//!
//! The values of both are compared before any time is printed, and counters show that what lies below the steered layer was
//! computed once for all configurations.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::lm::{close, models, said, workload};
use super::pairs;
use crate::Problem;
use crate::measured::load;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles/transformers/sweep.py");
const CONFIGURATIONS: usize = 20;

#[derive(clap::Args)]
pub struct Args {
    /// The name of a model in the cache, or a GGUF file; without it, the smallest in the cache
    model: Option<PathBuf>,
    /// A Python with torch, transformers, gguf and accelerate; without it only ours runs
    #[arg(long)]
    python: Option<PathBuf>,
    /// Questions of each configuration; fewer take less time, and the figures are for each question
    #[arg(long, default_value_t = 200)]
    items: usize,
    /// Tokens that all questions begin with, and of a question
    #[arg(long, num_args = 2, value_names = ["SHARED", "QUESTION"], default_values_t = [300, 60])]
    tokens: Vec<usize>,
    /// How many of the configurations PyTorch does; it shares nothing between them, so that fewer tell what each costs
    #[arg(long, default_value_t = CONFIGURATIONS as u64, value_parser = clap::value_parser!(u64).range(1..=20))]
    peer_configurations: u64,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let before = load();
    let model = &models(args.model.as_slice())?[0];
    let mut command = workload();
    command
        .arg(model)
        .arg("sweep")
        .arg(args.items.to_string())
        .args(args.tokens.iter().map(usize::to_string));
    let engine = said(&mut command, None)?;
    let peer = match &args.python {
        None => None,
        Some(python) => {
            let mut command = Command::new(python);
            command.arg(SCRIPT).arg(model).arg(args.peer_configurations.to_string());
            Some(said(&mut command, Some(&engine.to_string()))?)
        }
    };
    let sweep = &engine["sweep"];
    if let Some(peer) = &peer {
        close("sweep", &first(&sweep["scores"], args.peer_configurations as usize), &peer["scores"])?;
        close("sweep, one question a pass", &first(&sweep["scores"], 1), &peer["single"]["scores"])?;
    }
    println!(
        "{}: 20 configurations of {} questions of {} tokens each, after {} that they share",
        model.display(),
        args.items,
        args.tokens[1],
        args.tokens[0]
    );
    println!(
        "steered at the output of layer {}, {} threads; load of the machine {before} before, {} after",
        engine["layer"],
        engine["threads"],
        load()
    );
    let ours = seconds(&sweep["time"], "seconds")?;
    println!("plumb-lm       {ours:>8.1} s  {:>8.4} s a question and configuration", ours / each(args.items));
    if let Some(peer) = &peer {
        println!("beside {}: log-probabilities are equal", peer["version"].as_str().unwrap_or("?"));
        let careful = seconds(&peer["time"], "seconds")?;
        let once = careful / (args.peer_configurations as usize * args.items) as f64;
        println!(
            "PyTorch        {careful:>8.1} s  {once:>8.4} s a question and configuration: {:.2} times as long ({} configurations timed)",
            once * each(args.items) / ours,
            args.peer_configurations,
        );
        for (way, what, wanted) in [
            ("single", "one question a pass", Some(4.0)),
            ("plain", "the beginning computed for every question", None),
        ] {
            let once = seconds(&peer[way]["time"], "seconds")? / peer[way]["items"].as_f64().unwrap_or(1.0);
            let ratio = once * each(args.items) / ours;
            let verdict = |wanted: f64| {
                format!("; {wanted} wanted: {}", if ratio >= wanted { "met" } else { "MISSED" })
            };
            println!(
                "  with {what} {once:>8.4} s: {ratio:.1} times as long (timed on {} questions of one configuration{})",
                peer[way]["items"],
                wanted.map(verdict).unwrap_or_default()
            );
        }
    }
    let work = &sweep["work"];
    println!("work: {work}; layers up to the steered one, once a token: {}", sweep["below"]);
    pairs::print(&said(workload().arg(model).arg("edits"), None)?["edited"]);
    Ok(())
}

fn each(items: usize) -> f64 {
    (CONFIGURATIONS * items) as f64
}

/// Scores come item by item, of each the configurations: those of the first few.
fn first(scores: &Value, configurations: usize) -> Value {
    let rows = scores.as_array().map(Vec::as_slice).unwrap_or_default();
    rows.chunks(CONFIGURATIONS).flat_map(|item| item.iter().take(configurations)).cloned().collect()
}

fn seconds(time: &Value, what: &str) -> Result<f64, Problem> {
    time[what].as_f64().ok_or_else(|| format!("no {what} in {time}"))
}
