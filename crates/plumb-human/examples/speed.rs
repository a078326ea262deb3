//! How long power and an analysis take, for `cargo xtask bench stats`: seconds, and how many
//! hypotheses or analyses there were.
//!
//! `speed power STUDY.toml` computes power as the file says; `speed analyse STUDY.toml DATA.csv` reads the data and computes all
//! analyses.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program of the bench")]

use std::path::Path;
use std::time::Instant;

use plumb_human::{Data, PowerSettings, Study, analyse, power};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let path = Path::new(words.get(1).ok_or("power or analyse, then a study")?);
    let beside = path.parent().unwrap_or(Path::new(""));
    let files = |name: &str| std::fs::read_to_string(beside.join(name)).map_err(|e| e.to_string());
    let study = Study::parse_with(&std::fs::read_to_string(path)?, "study", &files)?;
    let begun = Instant::now();
    let count = match words.get(2) {
        Some(data) => analyse(&study, &Data::read(&study, &std::fs::read(data)?, data)?)?.analyses.len(),
        None => power(&study, PowerSettings { simulations: None, seed: 1 }, &|_| ())?.len(),
    };
    println!("{:.3} {count}", begun.elapsed().as_secs_f64());
    Ok(())
}
