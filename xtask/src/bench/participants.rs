//! `cargo xtask bench participants`: a study's server under a crowd, with the crowd as another process on this machine.
//!
//! With times on pages the loop is closed: who waits for the server asks for nothing meanwhile. `--rate` makes it open:
//! answers are due at fixed moments whatever the server does, and each waits from then on. `--posts` times answers alone,
//! without the pages between them.

use std::path::PathBuf;
use std::time::Duration;

use super::otree;
use crate::Problem;
use crate::crowd::{Crowd, Posts, Seen, Think, Walk};
use crate::measured::own_cpu;
use crate::plumb::Which;
use crate::serving::{Example, Study, runtime};

#[derive(clap::Args)]
pub struct Args {
    /// How many people
    #[arg(long, default_value_t = 5_000)]
    n: u32,
    /// Which study they take part in
    #[arg(long, value_enum, default_value_t = Example::Experiment1)]
    study: Example,
    /// Mean time on a page instead of the times of experiment 1; 0 measures how many answers are taken in a second
    #[arg(long, value_name = "MS")]
    think_ms: Option<u64>,
    /// Answers due in a second, whatever the server does, instead of times on pages
    #[arg(long, value_name = "N", conflicts_with = "think_ms")]
    rate: Option<f64>,
    /// Answers alone, as fast as they are acknowledged: pages are fetched between, and not timed
    #[arg(long, conflicts_with_all = ["think_ms", "rate", "seconds", "kill"])]
    posts: bool,
    /// With --posts: how many answers are under way at once
    #[arg(long, default_value_t = 1_000, requires = "posts")]
    connections: u32,
    /// Over how long they come: no more answers are taken in a second than come in it, so --think-ms 0 wants a short time
    #[arg(long, default_value_t = 20_000, value_name = "MS")]
    ramp_ms: u64,
    /// Stop everybody where they are after so long
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// SIGKILL the server so often on the way, and start it again
    #[arg(long, default_value_t = 0)]
    kill: u32,
    /// Time between kills; without it they are spread over --seconds
    #[arg(long, value_name = "N", requires = "kill")]
    kill_every_s: Option<u64>,
    /// Decides who does what
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A Python with oTree: the small study is asked of both servers, by the same people, who neither reload nor leave
    #[arg(long, conflicts_with_all = ["rate", "seconds", "kill"])]
    python: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

impl Args {
    fn think(&self) -> Think {
        self.think_ms.map_or(Think::AsInExperiment1, |ms| Think::Mean(Duration::from_millis(ms)))
    }
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let spread = args.seconds.map(|seconds| Duration::from_secs(seconds) / (args.kill + 1));
    let between = args.kill_every_s.map(Duration::from_secs).or(spread);
    let between = match (args.kill, between) {
        (0, _) => Duration::ZERO,
        (_, Some(between)) => between,
        (_, None) => {
            return Err("--kill needs --kill-every-s or --seconds, so that the moments are known".to_owned());
        }
    };
    if let Some(python) = &args.python {
        let walk = |address, link: &str| Walk {
            address,
            link: link.into(),
            people: args.n,
            think: args.think(),
            ramp: Duration::from_millis(args.ramp_ms),
            seed: args.seed,
        };
        return otree::run(python, &args.which, args.n, &walk);
    }
    // Places for a tenth more: people who leave keep theirs until their time is over.
    let mut study = Study::of(&args.which, args.study, args.n + args.n / 10 + 10)?;
    study.start()?;
    let crowd = Crowd {
        people: args.n,
        address: study.address,
        example: args.study,
        think: args.think(),
        rate: args.rate,
        until: args.seconds.map(Duration::from_secs),
        ramp: Duration::from_millis(args.ramp_ms),
        seed: args.seed,
    };
    let (runtime, before) = (runtime()?, own_cpu());
    let running = if args.posts {
        let posts = Posts {
            people: args.n,
            address: study.address,
            example: args.study,
            connections: args.connections,
        };
        runtime.spawn(posts.run())
    } else {
        runtime.spawn(crowd.run())
    };
    for _ in 0..args.kill {
        std::thread::sleep(between);
        study.kill()?;
        study.start()?;
    }
    let told = runtime.block_on(running).map_err(|error| error.to_string())??;
    let crowd_cpu = own_cpu() - before;
    let measured = study.stop()?;
    let arms = crowd.check(&told.seen, &study.export()?)?;
    let count = |of: fn(&Seen) -> bool| told.seen.iter().filter(|seen| of(seen)).count();
    let (ended, left, stopped) = (count(|s| s.ended), count(|s| s.left), count(|s| s.stopped));
    println!(
        "{ended} of {} people came to the end, {left} left, {stopped} were taking part when time was up; conditions: {arms:?}",
        args.n
    );
    println!("every acknowledged answer is in the export, once; the server was killed {} times", args.kill);
    let took = &told.took;
    println!(
        "{} answers{} in {:.1} s: {:.0} a second; {} requests, p50 {:.1} ms, p99 {:.1} ms ({})",
        took.posts,
        if args.posts { " alone" } else { ", each with the page after it," },
        took.wall.as_secs_f64(),
        took.rate(),
        took.latencies.len(),
        took.quantile_ms(0.5),
        took.quantile_ms(0.99),
        if args.posts { "target: 10,000 a second" } else { "target at real think times: under 100 ms" }
    );
    println!(
        "server{}: {:.1} s of processor time, {:.0} MiB at most (target: under 500 MB); the crowd: {:.1} s",
        if args.kill > 0 { ", since the last kill" } else { "" },
        measured.cpu.as_secs_f64(),
        measured.peak_mib(),
        crowd_cpu.as_secs_f64()
    );
    match told.seen.iter().filter(|seen| !seen.ended && !seen.left && !seen.stopped).count() {
        0 => Ok(()),
        lost => Err(format!("{lost} people neither came to the end nor left")),
    }
}
