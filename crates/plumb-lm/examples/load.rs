//! How long a model takes to load.
//!
//! `cargo run --release -p plumb-lm --example load -- MODEL`. Each of three loads is printed; the first may read the disk.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::time::Instant;

use plumb_lm::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("expected a model: a GGUF file or a folder")?;
    for _ in 0..3 {
        let start = Instant::now();
        let model = Model::open(path.as_ref())?;
        println!(
            "{:.2} s, {} MB of weights",
            start.elapsed().as_secs_f64(),
            model.weight_bytes() / 1_000_000
        );
    }
    Ok(())
}
