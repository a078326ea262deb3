//! A mixed model of 73,421 ratings with three crossed factors (InstEval), beside lme4 in the same run; power by simulation; the
//! analysis of four experiments.
//!
//! Without R there are no data of InstEval either (they come with lme4), and the bench says so. The data of the experiments
//! are read from --data; without it that part is left out.

use std::path::Path;
use std::process::Command;

use crate::Problem;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles/stats/insteval.R");
const FORMULA: &str = "y ~ service + (1 | s) + (1 | d) + (1 | dept)";

#[derive(clap::Args)]
pub struct Args {
    /// How often ours is fitted; the least time counts
    #[arg(long, default_value_t = 3)]
    repeat: u32,
    /// Folder that holds studies/poursabzi_2021, the authors' data of the four experiments
    #[arg(long, value_name = "DIR")]
    data: Option<std::path::PathBuf>,
    /// Leave InstEval out, so that R is not needed
    #[arg(long)]
    no_peer: bool,
}

/// A study of one scalar intercept: eight numbers of people, 1,000 studies each.
const POWER: &str = "crates/plumb-human/examples/power.toml";

pub fn run(args: &Args) -> Result<(), Problem> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let (seconds, hypotheses) = speed(&["power", &format!("{root}/{POWER}")])?;
    println!("power, 1000 studies x 8 sizes, {hypotheses} hypothesis: {seconds:.2} s    (target: under 20)");
    match &args.data {
        Some(data) => {
            let mut all = 0.0;
            for n in 1..=4 {
                let study = format!("{root}/examples/studies/interpretability-{n}.toml");
                let file = format!("{}/studies/poursabzi_2021/exp{n}/data.csv", data.display());
                all += speed(&["analyse", &study, &file])?.0;
            }
            println!("analysis of the four experiments: {all:.2} s    (target: under 2)");
        }
        None => println!("analysis of the four experiments: left out, since --data names no folder"),
    }
    if args.no_peer { Ok(()) } else { insteval(args) }
}

/// Seconds, and how many things were computed.
fn speed(words: &[&str]) -> Result<(f64, f64), Problem> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "-q", "--release", "-p", "plumb-human", "--example", "speed", "--"]).args(words);
    figures(&said(&mut command)?)
}

fn insteval(args: &Args) -> Result<(), Problem> {
    let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
    let file = folder.path().join("insteval.csv");
    said(Command::new("Rscript").arg(SCRIPT).arg("data").arg(&file)).map_err(|error| {
        format!("{error}\nthe data come with R's package lme4: apt-get install r-cran-lme4")
    })?;
    let mut ours = (f64::INFINITY, 0.0);
    for _ in 0..args.repeat.max(1) {
        let (seconds, criterion) = fit(&file)?;
        ours = (ours.0.min(seconds), criterion);
    }
    eprintln!("lme4 takes a minute or more …");
    let peer = figures(&said(Command::new("Rscript").arg(SCRIPT).arg("time"))?)?;
    if (ours.1 - peer.1).abs() > 1e-3 {
        return Err(format!("the REML criteria differ: {} here, {} by lme4", ours.1, peer.1));
    }
    println!("InstEval, 73421 rows, {FORMULA}, REML");
    println!("plumb-stats {:>8.2} s  criterion {:.4}", ours.0, ours.1);
    println!("lme4        {:>8.2} s  criterion {:.4}", peer.0, peer.1);
    println!("ratio       {:>8.1}    (target: 20 or more)", peer.0 / ours.0);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine: {}", load.trim());
    Ok(())
}

fn fit(file: &Path) -> Result<(f64, f64), Problem> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "-q", "--release", "-p", "plumb-stats", "--example", "mixed_model", "--"]);
    figures(&said(command.arg(file).args([FORMULA, "s,d,dept,service"]))?)
}

/// The first line's two numbers: seconds and criterion.
fn figures(text: &str) -> Result<(f64, f64), Problem> {
    let mut numbers = text.lines().next().unwrap_or_default().split_whitespace().map(str::parse::<f64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(seconds)), Some(Ok(criterion))) => Ok((seconds, criterion)),
        _ => Err(format!("seconds and criterion were expected, not {text}")),
    }
}

fn said(command: &mut Command) -> Result<String, Problem> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
