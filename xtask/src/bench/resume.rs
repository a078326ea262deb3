//! `cargo xtask bench resume`: the whole matrix of a safety benchmark at no latency, then the same
//! command again.
//!
//! Latency hides what a tool does itself; at none, everything shows: requests, judging, the journal
//! and its syncs, the report. And a run that is finished must be found to be so at once.

use std::path::Path;
use std::time::{Duration, Instant};

use super::endpoint::asked_once;
use super::figures::{Target, Wanted, print_targets};
use crate::Problem;
use crate::measured;
use crate::mock_process::MockProcess;
use crate::plumb::{Plumb, Which, Workspace};
use crate::workload::Workload;

#[derive(clap::Args)]
pub struct Args {
    /// Trials in all, rounded up to a whole number of items
    #[arg(long, default_value_t = 517_080)]
    trials: u32,
    #[arg(long, default_value_t = 12)]
    subjects: u32,
    #[arg(long, default_value_t = 128, value_name = "N")]
    in_flight: u32,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let plumb = Plumb::get(&args.which, Duration::from_secs(1_800))?;
    let mock = MockProcess::start(&[])?;
    let workload = Workload {
        name: "bench-resume",
        items: args.trials.div_ceil(args.subjects.max(1)),
        subjects: args.subjects.max(1),
        base_url: mock.base_url(),
        in_flight: args.in_flight,
        deadline_s: 60,
        tries: 3,
    };
    let load = measured::load();
    let at = Workspace::of(&workload)?;
    let first = plumb.run(&at)?.succeeded("plumb run")?;
    let mock_cpu = mock.cpu()?;
    let stats = mock.stats()?;
    asked_once(&stats, workload.trials())?;
    let journal = size_of(&at.run)?;

    let again = plumb.run(&at)?.succeeded("plumb run of a finished run")?;
    let after = mock.stats()?;
    if after.requests != stats.requests {
        return Err(format!("the finished run asked {} prompts again", after.requests - stats.requests));
    }
    let said = format!("{}{}", again.stdout, again.stderr);
    if !said.contains("nothing to do") {
        return Err(format!(
            "the finished run should say `nothing to do`; it said:\n  {}",
            again.last_words()
        ));
    }
    let audit = plumb.audit(&at.run)?;
    plumb.check_answers(&workload, &at)?;
    let help = help_time(&plumb)?;

    let trials = workload.trials() as f64;
    println!(
        "{} items × {} subjects = {} trials, no latency, {} in flight, load average {load} at the start; \
         every answer checked",
        workload.items,
        workload.subjects,
        workload.trials(),
        workload.in_flight
    );
    println!(
        "wall {}, CPU {:.4} ms a trial (the mock's own: {:.4} ms), {:.0} bytes a trial on disk, audit {}",
        measured::show(first.wall),
        first.cpu.as_secs_f64() * 1e3 / trials,
        mock_cpu.as_secs_f64() * 1e3 / trials,
        journal as f64 / trials,
        measured::show(audit.wall)
    );
    print_targets(&[
        Target {
            what: "trials/s",
            value: trials / first.wall.as_secs_f64(),
            wanted: Wanted::AtLeast(12_000.0),
            unit: "/s",
        },
        Target {
            what: "peak RSS of the run",
            value: first.peak_mib(),
            wanted: Wanted::Under(200.0),
            unit: "MiB",
        },
        Target {
            what: "peak RSS of the resume",
            value: again.peak_mib(),
            wanted: Wanted::Under(200.0),
            unit: "MiB",
        },
        Target {
            what: "resume to nothing to do",
            value: again.wall.as_secs_f64(),
            wanted: Wanted::Under(3.0),
            unit: "s",
        },
        Target {
            what: "--help, median of 20",
            value: help.as_secs_f64() * 1e3,
            wanted: Wanted::Under(30.0),
            unit: "ms",
        },
    ]);
    Ok(())
}

fn help_time(plumb: &Plumb) -> Result<Duration, Problem> {
    let mut times = Vec::new();
    for _ in 0..20 {
        let mut command = plumb.command();
        command.arg("--help");
        let started = Instant::now();
        let output = command.output().map_err(|error| format!("plumb --help: {error}"))?;
        times.push(started.elapsed());
        if !output.status.success() || output.stdout.is_empty() {
            return Err("plumb --help failed or printed nothing".to_owned());
        }
    }
    times.sort();
    Ok(times[times.len() / 2])
}

/// Bytes of all files in a folder; runs have no folders in folders.
fn size_of(folder: &Path) -> Result<u64, Problem> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        bytes += entry.and_then(|entry| entry.metadata()).map_err(wrong)?.len();
    }
    Ok(bytes)
}
