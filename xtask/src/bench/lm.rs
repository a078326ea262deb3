//! The engine's evaluation workload beside PyTorch's, by `oracles/transformers/workload.py`.
//!
//! Engine and peer run one after the other, some rounds of both, so that what else the machine does meets both; the medians
//! count. Wall time says little on a busy machine, so that processor time stands beside it. Before any time is printed the values of
//! both are compared: greedy tokens and log-probabilities of options.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Problem;
use crate::measured::load;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles/transformers/workload.py");
/// Log-probabilities of two f32 implementations on 800 tokens.
const CLOSE: f64 = 5e-3;

#[derive(clap::Args)]
pub struct Args {
    /// GGUF files
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// A Python with torch, transformers, gguf and accelerate; without it only ours runs
    #[arg(long)]
    python: Option<PathBuf>,
    /// Rounds of both
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    for model in &args.models {
        bench(model, args)?;
    }
    Ok(())
}

fn bench(model: &Path, args: &Args) -> Result<(), Problem> {
    let before = load();
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds.max(1) {
        eprintln!("{}: round {round} …", model.display());
        let engine = engine(model)?;
        if let Some(python) = &args.python {
            let peer = peer(python, model, &engine)?;
            equal(&engine, &peer)?;
            peers.push(peer);
        }
        ours.push(engine);
    }
    println!("{}", model.display());
    println!("{} threads; load of the machine {before} before, {} after", ours[0]["threads"], load());
    println!("medians of {} rounds; time is wall s / processor s", ours.len());
    if let Some(peer) = peers.first() {
        println!(
            "beside {}: greedy tokens and log-probabilities are equal",
            peer["version"].as_str().unwrap_or("?")
        );
    }
    let all = (Times(&ours), Times(&peers));
    line("prefill of 512", 512.0, (&all.0, "prefill"), (&all.1, "prefill"), "1.3 of PyTorch");
    for (name, target) in [("decode 1", ""), ("decode 16", "3 of PyTorch"), ("decode 64", "")] {
        let tokens = ours[0]["cases"][name]["time"]["tokens"].as_f64().unwrap_or(0.0);
        line(name, tokens, (&all.0, name), (&all.1, name), target);
    }
    options(&all.0, &all.1);
    Ok(())
}

/// What is not computed: options after a shared prefix, and twenty configurations.
fn options(ours: &Times<'_>, peers: &Times<'_>) {
    let items = 4.0;
    for (at, unit) in [("seconds", "wall"), ("processor", "processor")] {
        let Some(item) = ours.median("options", at).map(|all| all / items) else { continue };
        println!(
            "four options an item, {items} items with a prefix of 700 tokens, {unit} time: {item:.3} s an item"
        );
        if let Some(naive) = peers.median("naive", at) {
            println!(
                "  {:.1} times four full forwards in PyTorch with a hook ({naive:.2} s; target 30)",
                naive / item
            );
        }
        if let Some(careful) = peers.median("careful", at).map(|all| all / items) {
            println!("  {:.1} times a careful script ({careful:.2} s an item; target 4)", careful / item);
        }
        let (one, all) = (ours.median("one pass", at), ours.median("configurations", at));
        if let Some((one, all)) = one.zip(all) {
            println!(
                "twenty configurations at 70 % depth, {unit} time: {all:.2} s, a full pass {one:.2} s: {:.2} of a pass each (target 0.35)",
                all / 20.0 / one
            );
        }
    }
    let work = &ours.0[0]["cases"]["configurations"]["values"]["work"];
    println!("work of the twenty: {work}");
}

fn line(name: &str, tokens: f64, ours: (&Times<'_>, &str), peers: (&Times<'_>, &str), target: &str) {
    let pair = |(times, case): (&Times<'_>, &str)| {
        Some((times.median(case, "seconds")?, times.median(case, "processor")?))
    };
    let Some((wall, used)) = pair(ours) else { return };
    print!("{name:<16} {:>8.1} tokens/s  {wall:.2} / {used:.2} s", tokens / wall);
    if let Some((theirs, used_theirs)) = pair(peers) {
        print!(
            "   PyTorch {theirs:.2} / {used_theirs:.2} s: ratio {:.2} wall, {:.2} processor",
            theirs / wall,
            used_theirs / used
        );
        if !target.is_empty() {
            print!("   (target {target})");
        }
    }
    println!();
}

/// Some rounds of one program.
struct Times<'a>(&'a [Value]);

impl Times<'_> {
    fn median(&self, case: &str, what: &str) -> Option<f64> {
        let of = |round: &Value| round["cases"][case]["time"][what].as_f64();
        let mut all: Vec<f64> = self.0.iter().filter_map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    }
}

fn engine(model: &Path) -> Result<Value, Problem> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "-q", "--release", "-p", "plumb-lm", "--example", "workload", "--"]).arg(model);
    said(&mut command, None)
}

fn peer(python: &Path, model: &Path, engine: &Value) -> Result<Value, Problem> {
    said(Command::new(python).arg(SCRIPT).arg(model), Some(&engine.to_string()))
}

pub(super) fn said(command: &mut Command, input: Option<&str>) -> Result<Value, Problem> {
    let name = format!("{command:?}");
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(|error| format!("{name}: {error}"))?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(input.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
    }
    let output = child.wait_with_output().map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .map_err(|error| format!("{name} said `{text}`: {error}"))
}

/// Compares all that both computed.
fn equal(engine: &Value, peer: &Value) -> Result<(), Problem> {
    let ours = |case: &str| &engine["cases"][case]["values"];
    let theirs = |case: &str| &peer["cases"][case]["values"];
    for case in ["prefill", "decode 1", "decode 16"] {
        if ours(case) != theirs(case) {
            return Err(format!("{case}: {} here, {} in PyTorch", ours(case), theirs(case)));
        }
    }
    close("four forwards", &ours("one pass")["scores"], theirs("naive"))?;
    close("options", &ours("options")["scores"], theirs("careful"))?;
    let all = ours("configurations")["scores"].as_array().cloned().unwrap_or_default();
    let ends: Vec<Value> = all.first().into_iter().chain(all.last()).cloned().collect();
    close("configurations", &Value::Array(ends), theirs("steered"))
}

pub(super) fn close(case: &str, ours: &Value, theirs: &Value) -> Result<(), Problem> {
    let numbers = |value: &Value| -> Vec<f64> {
        let rows = value.as_array().into_iter().flatten();
        rows.flat_map(|row| row.as_array().into_iter().flatten()).filter_map(Value::as_f64).collect()
    };
    let (a, b) = (numbers(ours), numbers(theirs));
    let apart = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    match a.len() == b.len() && !a.is_empty() && apart <= CLOSE {
        true => Ok(()),
        false => {
            Err(format!("{case}: log-probabilities differ by {apart}: {ours} here, {theirs} in PyTorch"))
        }
    }
}
