//! `cargo xtask bench participants`: a study's server under a crowd, with the crowd as another process on this machine.

use std::time::Duration;

use crate::Problem;
use crate::crowd::{Crowd, Told};
use crate::plumb::Which;
use crate::serving::{Study, runtime};

#[derive(clap::Args)]
pub struct Args {
    /// How many people
    #[arg(long, default_value_t = 5_000)]
    n: u32,
    /// Mean time on a page; 0 measures how many answers are taken in a second
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    think_ms: u64,
    /// Over how long they come
    #[arg(long, default_value_t = 20_000, value_name = "MS")]
    ramp_ms: u64,
    /// Decides who does what
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    // Places for a tenth more: people who leave keep theirs until their time is over.
    let mut study = Study::of(&args.which, args.n + args.n / 10 + 10)?;
    study.start()?;
    let crowd = Crowd {
        people: args.n,
        address: study.address,
        think: Duration::from_millis(args.think_ms),
        ramp: Duration::from_millis(args.ramp_ms),
        seed: args.seed,
    };
    let mut told = runtime()?.block_on(crowd.run())?;
    let measured = study.stop()?;
    let arms = Crowd::check(&told.seen, &study.export()?)?;
    let ended = told.seen.iter().filter(|seen| seen.ended).count();
    let left = told.seen.iter().filter(|seen| seen.left).count();
    println!("{ended} of {} people came to the end, {left} left; conditions: {arms:?}", args.n);
    println!("every acknowledged answer is in the export, once");
    let (median, slow) = (told.quantile_ms(0.5), told.quantile_ms(0.99));
    println!(
        "{} answers in {:.1} s: {:.0} a second; {} requests, p50 {:.1} ms, p99 {:.1} ms (target at real think times: under 100 ms)",
        told.posts,
        told.wall.as_secs_f64(),
        told.posts as f64 / told.wall.as_secs_f64(),
        told.latencies.len(),
        median,
        slow
    );
    println!(
        "server: {:.1} s of processor time, {:.0} MiB at most (target: under 500 MB)",
        measured.cpu.as_secs_f64(),
        measured.peak_mib()
    );
    all_ended(&told)
}

fn all_ended(told: &Told) -> Result<(), Problem> {
    match told.seen.iter().filter(|seen| !seen.ended && !seen.left).count() {
        0 => Ok(()),
        lost => Err(format!("{lost} people neither came to the end nor left")),
    }
}
