//! `cargo xtask drill participants`: SIGKILL of a study's server while people take part, again and again.
//!
//! The witness is the crowd: it knows what it was told is stored, where everybody was sent back to, and whether a screen
//! that was acknowledged came again.

use std::time::Duration;

use crate::Problem;
use crate::crowd::{Crowd, Think};
use crate::plumb::Which;
use crate::serving::{Example, Study, runtime};

#[derive(clap::Args)]
pub struct Args {
    /// How often to kill
    #[arg(long, default_value_t = 3)]
    kill: u32,
    /// How many people
    #[arg(long, default_value_t = 400)]
    n: u32,
    /// Mean time on a page
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    think_ms: u64,
    /// Decides who does what
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let mut study = Study::of(&args.which, Example::First, args.n)?;
    study.start()?;
    let think = Duration::from_millis(args.think_ms);
    let crowd = Crowd {
        people: args.n,
        address: study.address,
        example: Example::First,
        think: Think::Mean(think),
        rate: None,
        until: None,
        ramp: 3 * think,
        seed: args.seed,
    };
    let runtime = runtime()?;
    let running = runtime.spawn(crowd.run());
    for kill in 1..=args.kill {
        // Nine pages a person: the kills are spread over the time that most of them take part.
        std::thread::sleep(8 * think / args.kill.max(1));
        study.kill()?;
        study.start()?;
        println!("kill {kill}: the server is up again");
    }
    let told = runtime.block_on(running).map_err(|e| e.to_string())??;
    study.stop()?;
    let arms = crowd.check(&told.seen, &study.export()?)?;
    let acknowledged: usize = told.seen.iter().map(|seen| seen.acknowledged.len()).sum();
    let unsure: usize = told.seen.iter().map(|seen| seen.unsure.len()).sum();
    let total: u64 = arms.values().sum();
    if arms.values().any(|&people| people > u64::from(args.n) / 2 + 1) || total > u64::from(args.n) {
        return Err(format!("the conditions hold more people than places: {arms:?}"));
    }
    println!(
        "{} kills, {} people: {acknowledged} acknowledged pages are all stored, none twice; {unsure} were sent and never \
         acknowledged; conditions: {arms:?}",
        args.kill,
        told.seen.len()
    );
    Ok(())
}
