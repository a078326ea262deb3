//! `cargo xtask bench endpoint`: many short items at an endpoint with latency.
//!
//! The bound is in flight ÷ latency; what a tool loses against it, and the CPU it takes, is its own.

use std::path::PathBuf;
use std::time::Duration;

use plumb_mock::Stats;

use super::figures::{Figures, Target, Wanted, middle_round, print_table, print_targets};
use super::peer;
use crate::Problem;
use crate::measured;
use crate::mock_process::MockProcess;
use crate::plumb::{Plumb, Which, Workspace};
use crate::workload::Workload;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 2_000)]
    items: u32,
    #[arg(long, default_value_t = 200, value_name = "MS")]
    latency_ms: u64,
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    in_flight: u32,
    /// Runs of plumb; the one in the middle is shown
    #[arg(long, default_value_t = 3, value_name = "N")]
    rounds: usize,
    /// Also measure inspect_ai at 32, 200 and 1000 in flight (takes minutes)
    #[arg(long, requires = "peer_python")]
    peer: bool,
    /// A Python that has inspect_ai; see oracles/inspect_ai/README.md
    #[arg(long, value_name = "FILE")]
    peer_python: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let limit = Duration::from_secs(60) + Duration::from_millis(args.latency_ms * u64::from(args.items));
    let plumb = Plumb::get(&args.which, limit)?;
    let mock = MockProcess::start(&["--latency-ms".to_owned(), args.latency_ms.to_string()])?;
    let workload = Workload {
        name: "bench-endpoint",
        items: args.items,
        subjects: 1,
        base_url: mock.base_url(),
        in_flight: args.in_flight,
        deadline_s: 60,
        tries: 3,
    };
    let load = measured::load();
    let ours = middle_round(args.rounds, || one_round(&plumb, &mock, &workload))?;
    let bound = bound(args);
    let targets = [
        Target { what: "items/s", value: ours.rate(), wanted: Wanted::AtLeast(3_000.0), unit: "/s" },
        Target { what: "CPU an item", value: ours.cpu_ms(), wanted: Wanted::Under(0.25), unit: "ms" },
        Target { what: "peak RSS", value: ours.peak_mib, wanted: Wanted::Under(100.0), unit: "MiB" },
    ];
    let mut table = vec![ours];
    if let (true, Some(python)) = (args.peer, &args.peer_python) {
        table.extend(peer::run(python, &mock, &workload)?);
    }
    println!(
        "{} items, {} ms latency, load average {load} at the start; every answer checked",
        args.items, args.latency_ms
    );
    if let Some(bound) = bound {
        println!("bound by latency at {} in flight: {bound:.0} items/s", args.in_flight);
    }
    print_table(&table);
    peer::print_ratios(&table);
    print_targets(&targets);
    Ok(())
}

/// In flight ÷ latency, with the last partial window taken as a whole one.
fn bound(args: &Args) -> Option<f64> {
    let windows = args.items.div_ceil(args.in_flight.max(1));
    let seconds = f64::from(windows) * args.latency_ms as f64 / 1e3;
    (seconds > 0.0).then(|| f64::from(args.items) / seconds)
}

fn one_round(plumb: &Plumb, mock: &MockProcess, workload: &Workload) -> Result<Figures, Problem> {
    mock.reset()?;
    let at = Workspace::of(workload)?;
    let measured = plumb.run(&at)?.succeeded("plumb run")?;
    let stats = mock.stats()?;
    asked_once(&stats, workload.trials())?;
    plumb.audit(&at.run)?;
    plumb.check_answers(workload, &at)?;
    let who = "plumb".to_owned();
    Ok(Figures::new(who, workload.in_flight, workload.trials(), &measured, stats.peak_in_flight))
}

/// The mock's counts after a run without faults: every trial asked once and answered once.
pub fn asked_once(stats: &Stats, trials: u64) -> Result<(), Problem> {
    let counts = [stats.requests, stats.answered, stats.distinct_prompts, stats.prompts_answered];
    if counts == [trials; 4] && stats.prompts_asked_again == 0 {
        return Ok(());
    }
    Err(format!("the mock should count {trials} prompts, each asked and answered once, but counts {stats:?}"))
}
