//! `cargo xtask drill faults`: every way in which the mock can misbehave, rarely and always.
//!
//! Rarely (1 %): a fault that a retry can cure must leave no trace but time; any other is one trial's
//! outcome with its reason. Always (100 %): the run still ends by itself, with an exit code that says
//! so and without a crash. What should come of each fault is the table [`expected`].

use std::collections::BTreeMap;
use std::time::Duration;

use plumb_mock::{Config, Fault, Server};

use crate::Problem;
use crate::measured::{self, Measured};
use crate::plumb::{Plumb, Which, Workspace};
use crate::workload::Workload;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 400)]
    trials: u32,
    /// Only this fault; may be given several times
    #[arg(long, value_name = "FAULT")]
    only: Vec<Fault>,
    #[command(flatten)]
    which: Which,
}

/// What a trial that is hit for good comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Becomes {
    /// The answer is there: the fault is no more than a delay.
    Answered,
    /// A retry asks again; with no end to the fault it is a failure.
    FailedUnlessRetried,
    /// Asking again would bring the same.
    Failed,
    /// Held back by the provider.
    Withheld,
}

fn expected(fault: Fault) -> Becomes {
    match fault {
        Fault::RateLimited
        | Fault::RateLimitedBare
        | Fault::ServerError
        | Fault::Unavailable
        | Fault::NoReply
        | Fault::StallAfterHeaders
        | Fault::StallMidBody
        | Fault::HtmlBadGateway
        | Fault::Reset
        // A success that is no answer is a server or proxy in trouble; the next one is mostly whole.
        | Fault::MissingChoices
        | Fault::NullChoices
        | Fault::TruncatedJson
        | Fault::HtmlOk => Becomes::FailedUnlessRetried,
        // An empty text is what the model had to say, and JSON is JSON whatever it is called.
        Fault::SlowBody | Fault::Late | Fault::EmptyContent | Fault::WrongContentType => Becomes::Answered,
        // The tokens ran out before the answer began: they would again.
        Fault::NullContent => Becomes::Failed,
        Fault::FilteredPrompt | Fault::FilteredReply => Becomes::Withheld,
    }
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let plumb = Plumb::get(&args.which, Duration::from_secs(120))?;
    let faults = if args.only.is_empty() { Fault::ALL } else { args.only.as_slice() };
    let mut wrong = 0;
    for fault in faults {
        for percent in [1.0, 100.0] {
            match one(&plumb, *fault, percent, args.trials) {
                Ok(line) => println!("{:<22} {percent:>4} %  {line}", fault.name()),
                Err(why) => {
                    wrong += 1;
                    println!("{:<22} {percent:>4} %  WRONG: {why}", fault.name());
                }
            }
        }
    }
    println!("{} faults at 1 % and 100 %: {wrong} runs did not end as they should", faults.len());
    if wrong == 0 { Ok(()) } else { Err("see the lines marked WRONG".to_owned()) }
}

fn one(plumb: &Plumb, fault: Fault, percent: f64, trials: u32) -> Result<String, Problem> {
    let config = Config {
        latency: Duration::from_millis(5),
        trickle: Duration::from_millis(2),
        late: Duration::from_millis(300),
        ..Config::with_fault(fault, percent)
    };
    let server = Server::start(config).map_err(|error| format!("the mock server: {error}"))?;
    let workload = Workload {
        name: "drill-faults",
        // Where everybody waits for a deadline, a few trials show it as well as many.
        items: if percent < 50.0 { trials } else { (trials / 10).max(1) },
        subjects: 1,
        base_url: server.base_url(),
        in_flight: 32,
        deadline_s: 2,
        tries: 3,
    };
    let at = Workspace::of(&workload)?;
    let ran = plumb.run(&at)?;
    let code = ended_by_itself(&ran)?;
    plumb.audit(&at.run)?;
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    plumb.export(&at.run, &at.folder().join("export.jsonl"), |row| {
        row.numbers(&workload)?;
        *outcomes.entry(row.outcome).or_default() += 1;
        Ok(())
    })?;
    let hit = server.stats().faults.get(fault.name()).copied().unwrap_or(0);
    if hit == 0 {
        return Err("no request was hit; use more --trials".to_owned());
    }
    judge(expected(fault), percent, code, &outcomes, workload.items).map_err(|why| {
        format!("{why} (exit code {code}, {outcomes:?}, hit {hit} times)\n  {}", ran.last_words())
    })?;
    Ok(format!("exit code {code} in {:>8}, hit {hit:>4} times, {outcomes:?}", measured::show(ran.wall)))
}

/// The exit code of a run that neither crashed nor hung.
fn ended_by_itself(ran: &Measured) -> Result<i32, Problem> {
    match ran.status.code() {
        _ if ran.stderr.contains("panicked") => Err(format!("it panicked:\n  {}", ran.last_words())),
        Some(code) if code != 101 => Ok(code),
        _ => Err(format!("it {}:\n  {}", ran.ending(), ran.last_words())),
    }
}

fn judge(
    becomes: Becomes,
    percent: f64,
    code: i32,
    outcomes: &BTreeMap<String, u32>,
    trials: u32,
) -> Result<(), Problem> {
    let count = |name: &str| outcomes.get(name).copied().unwrap_or(0);
    let (answered, withheld, failed) = (count("answered"), count("withheld"), count("failed"));
    let always = percent > 50.0;
    // A breaker may stop a run whose endpoint does nothing right; then trials are left for later.
    if answered + withheld + failed != trials && !(always && code != 0) {
        return Err(format!("{} of {trials} trials came to something", answered + withheld + failed));
    }
    // A breaker may also stop before any failure is written down.
    let unexplained = failed == 0 && code != 0 && !always;
    if unexplained || (failed > 0 && code == 0) {
        return Err("failures must show in the exit code, and nothing else may".to_owned());
    }
    let fine = match (becomes, always) {
        (Becomes::Answered, _) | (Becomes::FailedUnlessRetried, false) => answered == trials,
        (Becomes::FailedUnlessRetried | Becomes::Failed, true) => answered == 0 && withheld == 0,
        (Becomes::Failed, false) => failed > 0 && withheld == 0,
        (Becomes::Withheld, true) => withheld == trials,
        (Becomes::Withheld, false) => withheld > 0 && failed == 0,
    };
    if fine { Ok(()) } else { Err(format!("expected: {becomes:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(list: &[(&str, u32)]) -> BTreeMap<String, u32> {
        list.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
    }

    #[test]
    fn a_run_is_judged_by_outcomes_and_exit_code() {
        let all = outcomes(&[("answered", 100)]);
        assert!(judge(Becomes::FailedUnlessRetried, 1.0, 0, &all, 100).is_ok());
        assert!(judge(Becomes::FailedUnlessRetried, 1.0, 3, &all, 100).is_err());
        let some_failed = outcomes(&[("answered", 99), ("failed", 1)]);
        assert!(judge(Becomes::Failed, 1.0, 3, &some_failed, 100).is_ok());
        assert!(judge(Becomes::Failed, 1.0, 0, &some_failed, 100).is_err());
        assert!(judge(Becomes::FailedUnlessRetried, 1.0, 3, &some_failed, 100).is_err());
        let stopped = outcomes(&[("failed", 20)]);
        assert!(judge(Becomes::Failed, 100.0, 4, &stopped, 100).is_ok());
        assert!(judge(Becomes::Failed, 1.0, 4, &stopped, 100).is_err());
        let held_back = outcomes(&[("withheld", 100)]);
        assert!(judge(Becomes::Withheld, 100.0, 0, &held_back, 100).is_ok());
    }
}
