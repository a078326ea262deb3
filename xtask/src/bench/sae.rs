//! Training a TopK autoencoder on the same rows, width, number of latents and batch as sae_lens and sparsify.
//!
//! The peers need a Python with `sae-lens` and `eai-sparsify` (oracles/sae/train_speed.py); without `--python` ours is timed
//! alone. Explained variance stands beside each rate: a fast step that learns nothing would show.

use std::path::PathBuf;
use std::process::Command;

use crate::Problem;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles/sae/train_speed.py");

#[derive(clap::Args)]
pub struct Args {
    /// A Python that has both libraries
    #[arg(long)]
    python: Option<PathBuf>,
    /// Length of a row
    #[arg(long, default_value_t = 896)]
    width: usize,
    /// Number of latents
    #[arg(long, default_value_t = 4096)]
    latents: usize,
    /// Active latents of a row
    #[arg(long, default_value_t = 32)]
    k: usize,
    /// Rows of a step
    #[arg(long, default_value_t = 1024)]
    batch: usize,
    /// Steps that are timed
    #[arg(long, default_value_t = 30)]
    steps: usize,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
    let rows = folder.path().join("rows.f32").display().to_string();
    let width = args.width.to_string();
    let count = (16 * args.batch).max(8192).to_string();
    said(example().args(["data", &rows, &width, &count]))?;
    let settings =
        [args.width, args.latents, args.k, args.batch, args.steps].map(|number| number.to_string());
    let text = said(example().args(["time", &rows]).args(&settings))?;
    let mut table = vec![("plumb-lm".to_owned(), numbers(&text)?)];
    if let Some(python) = &args.python {
        eprintln!("the peers …");
        let text = said(Command::new(python).arg(SCRIPT).arg(&rows).args(&settings))?;
        for line in text.lines().filter(|line| line.starts_with('{')) {
            let value: serde_json::Value =
                serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
            let number = |key: &str| value[key].as_f64().ok_or_else(|| format!("{line}: no {key}"));
            let name = format!(
                "{} {}",
                value["name"].as_str().unwrap_or("?"),
                value["version"].as_str().unwrap_or("?")
            );
            table.push((name, (number("rate")?, number("explained")?)));
        }
    }
    println!(
        "TopK, width {}, {} latents, k = {}, batch {}, {} steps, f32",
        args.width, args.latents, args.k, args.batch, args.steps
    );
    let ours = table[0].1.0;
    println!("{:<24} {:>12} {:>20} {:>8}", "", "tokens/s", "explained variance", "ratio");
    for (name, (rate, explained)) in &table {
        println!("{name:<24} {rate:>12.0} {:>18.1} % {:>8.2}", 100.0 * explained, ours / rate);
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine: {}", load.trim());
    Ok(())
}

fn example() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "-q", "--release", "-p", "plumb-lm", "--example", "sae_speed", "--"]);
    command
}

fn numbers(text: &str) -> Result<(f64, f64), Problem> {
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(rate)), Some(Ok(explained))) => Ok((rate, explained)),
        _ => Err(format!("a rate and explained variance were expected, not {text}")),
    }
}

fn said(command: &mut Command) -> Result<String, Problem> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
