//! A sweep of twenty steered configurations beside PyTorch with a forward hook, by `oracles/transformers/sweep.py`, and what a
//! clamp of a latent costs while the model writes.
//!
//! The values of both are compared before any time is printed, and counters show that what lies below the steered layer was
//! computed once for all configurations.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::lm::{close, said, workload};
use crate::Problem;
use crate::measured::load;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles/transformers/sweep.py");
const CONFIGURATIONS: f64 = 20.0;

#[derive(clap::Args)]
pub struct Args {
    /// A GGUF file
    model: PathBuf,
    /// A Python with torch, transformers, gguf and accelerate; without it only ours runs
    #[arg(long)]
    python: Option<PathBuf>,
    /// Questions of each configuration; fewer take less time, and the figures are for each question
    #[arg(long, default_value_t = 200)]
    items: usize,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let before = load();
    let mut command = workload();
    command.arg(&args.model).args(["sweep", &args.items.to_string()]);
    let engine = said(&mut command, None)?;
    let peer = match &args.python {
        None => None,
        Some(python) => {
            let mut command = Command::new(python);
            Some(said(command.arg(SCRIPT).arg(&args.model), Some(&engine.to_string()))?)
        }
    };
    let sweep = &engine["sweep"];
    if let Some(peer) = &peer {
        close("sweep", &sweep["scores"], &peer["scores"])?;
    }
    println!("{}: 20 configurations of {} questions each", args.model.display(), args.items);
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
        let once = careful / each(args.items);
        println!(
            "PyTorch        {careful:>8.1} s  {once:>8.4} s a question and configuration: {:.2} times as long",
            careful / ours
        );
        let plain = &peer["plain"];
        let once = seconds(&plain["time"], "seconds")? / plain["items"].as_f64().unwrap_or(1.0);
        println!(
            "  with the beginning computed for every question {once:>8.4} s: {:.1} times as long (timed on {} questions)",
            once * each(args.items) / ours,
            plain["items"]
        );
    }
    let work = &sweep["work"];
    println!("work: {work}; layers up to the steered one, once a token: {}", sweep["below"]);
    for one in engine["clamp"].as_array().into_iter().flatten() {
        clamp(one)?;
    }
    Ok(())
}

fn each(items: usize) -> f64 {
    CONFIGURATIONS * items as f64
}

fn seconds(time: &Value, what: &str) -> Result<f64, Problem> {
    time[what].as_f64().ok_or_else(|| format!("no {what} in {time}"))
}

/// The median of ratios of pairs, with an interval that needs no assumption of how they are distributed.
fn clamp(one: &Value) -> Result<(), Problem> {
    let mut plain = Vec::new();
    let mut ratios = Vec::new();
    for pair in one["pairs"].as_array().into_iter().flatten() {
        match (pair[0].as_f64(), pair[1].as_f64()) {
            (Some(without), Some(with)) => {
                plain.push(without);
                ratios.push(with / without);
            }
            _ => return Err(format!("no pair of times: {pair}")),
        }
    }
    plain.sort_by(f64::total_cmp);
    ratios.sort_by(f64::total_cmp);
    let (Some(seconds), Some(median)) = (plain.get(plain.len() / 2), ratios.get(ratios.len() / 2)) else {
        return Err("no pairs".into());
    };
    let (low, high) = middle(ratios.len());
    let percent = |ratio: f64| 100.0 * (ratio - 1.0);
    println!(
        "writing {} at once, a latent of 4,096 clamped that is {} active: {seconds:.3} s without, {:+.1} % [{:+.1}, {:+.1}] with, {} pairs (target below 2 %)",
        one["sequences"],
        if one["always"] == true { "always" } else { "seldom" },
        percent(*median),
        percent(ratios[low]),
        percent(ratios[high]),
        ratios.len()
    );
    Ok(())
}

/// Between which of `n` ordered values the median lies with 95 % confidence, by the sign test; all of them if there are few.
fn middle(n: usize) -> (usize, usize) {
    // The chance that exactly `below` of the values lie below the median, then the next.
    let mut chance = 0.5_f64.powi(n as i32);
    let (mut low, mut tail) = (0, chance);
    while low + 1 < n / 2 {
        chance *= (n - low) as f64 / (low + 1) as f64;
        tail += chance;
        if 2.0 * tail > 0.05 {
            break;
        }
        low += 1;
    }
    (low, n.saturating_sub(1 + low))
}

#[cfg(test)]
mod tests {
    use super::middle;

    #[test]
    fn the_interval_is_that_of_tables() {
        // Conover, Practical Nonparametric Statistics: ranks 4 and 12 of 15, 6 and 15 of 20.
        assert_eq!(middle(15), (3, 11));
        assert_eq!(middle(20), (5, 14));
        assert_eq!(middle(3), (0, 2));
    }
}
