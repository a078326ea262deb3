//! Does what is due in a run and reports: shared by run, import and judge.

use crate::compose::{World, new_writer};
use crate::exit::{Exit, Problem, note, say};
use crate::progress::Progress;
use crate::runs::RunFolder;
use crate::show;
use plumb_study::run::{AnswerCache, Due, Env, Options, Parties, Stopper, Tally, run};
use plumb_study::{Counts, Event, Journal, Ledger, Limit, Plan, Recordings, Results, Stop, results};
use std::sync::Arc;

/// What a command wants of a run.
#[derive(Default)]
pub struct Wanted {
    pub options: Options,
    pub recordings: Recordings,
    pub cache: bool,
    pub json: bool,
    /// Writes the reports and shows none: the caller has one of its own.
    pub quiet: bool,
}

/// Collects, writes the reports, and shows them.
pub fn collect(at: &RunFolder, world: &World, mut wanted: Wanted) -> Result<Exit, Problem> {
    let journal = Journal::open(&at.journal)?;
    let plan = Arc::new(journal.plan()?);
    let (due, counts) = {
        let ledger = Ledger::fold(&plan, &journal)?;
        (Due::of(&plan, &ledger, &wanted.options), ledger.counts(&plan))
    };
    if due.is_empty() {
        drop(plan);
        return nothing_to_do(at, world, &journal, &counts, &wanted);
    }
    check(&plan, world)?;
    announce(&plan, &due);
    for line in crate::strangers::of_plan(&plan, world)? {
        note(format_args!("warning: {line}"));
    }
    let tally = go(world, journal, plan, due, &mut wanted)?;
    let journal = Journal::open(&at.journal)?;
    let results = results(&journal, &world.registry, Limit::default())?;
    at.write_reports(&results)?;
    if wanted.quiet {
        return Ok(ending(&tally, &results));
    }
    if wanted.json {
        say(plumb_report::json(&results)?.trim_end());
    } else if wanted.options.judge {
        say(plumb_report::terminal(&results, show::style()).trim_end());
        say(format_args!("\nreport: {}", at.html().display()));
    } else {
        say(unjudged(&results.counts));
    }
    Ok(ending(&tally, &results))
}

/// Checks that everybody could be asked: what is missing (secrets, files) in one message.
pub fn check(plan: &Plan, world: &World) -> Result<(), Problem> {
    let missing = Parties::check(plan, &world.registry);
    if missing.is_empty() { Ok(()) } else { Err(together(missing)) }
}

fn together(missing: Vec<plumb_study::Error>) -> Problem {
    let mut problems: Vec<Problem> = missing.into_iter().map(Problem::from).collect();
    let mut all = problems.remove(0);
    for other in problems {
        if !all.message.contains(&other.message) {
            all.message = format!("{}\n{}", all.message, other.message);
        }
        all.help = all.help.or(other.help);
    }
    all
}

/// What is said where nothing is judged: tables of rates without verdicts would only be empty.
fn unjudged(counts: &Counts) -> String {
    format!("{} of {} answers are in the run, to be judged", counts.answered, counts.planned)
}

fn announce(plan: &Plan, due: &Due) {
    let recorded = plan.subjects.iter().all(|s| &*s.party.kind == plumb_study::scripted::RECORDED);
    let what = match (due.trials(), due.judgings()) {
        (answers, 0) if recorded => format!("{answers} recorded answers to take over"),
        (trials, 0) => format!("{trials} trials to ask"),
        (0, judgings) => format!("{judgings} answers to judge"),
        (trials, judgings) => format!("{trials} trials to ask, {judgings} answers to judge"),
    };
    note(format_args!("{} ({}): {what}", plan.name, plan.digest.short()));
}

/// A finished run is shown as it was reported, unless the journal has changed since.
fn nothing_to_do(
    at: &RunFolder,
    world: &World,
    journal: &Journal,
    counts: &Counts,
    wanted: &Wanted,
) -> Result<Exit, Problem> {
    let failed = counts.failed > 0 || counts.judgments_failed() > 0;
    if wanted.quiet {
        return Ok(if failed { Exit::Failures } else { Exit::Done });
    }
    let (text, json) = match at.current_reports(journal.state()?) {
        Some(reports) => reports,
        None => {
            let results = results(journal, &world.registry, Limit::default())?;
            at.write_reports(&results)?;
            let plain = plumb_report::Style::default();
            (plumb_report::terminal(&results, plain), plumb_report::json(&results)?)
        }
    };
    if wanted.json {
        say(json.trim_end());
        note("nothing to do");
    } else if !wanted.options.judge {
        say(unjudged(counts));
        say("nothing to do: they were there before (--fresh starts anew)");
    } else {
        say(text.trim_end());
        let of = if wanted.options.sample.is_some() || wanted.options.shard.is_some() {
            " in this part"
        } else {
            ""
        };
        say(format_args!("\nnothing to do: everything{of} is asked and judged (--fresh starts anew)"));
        say(format_args!("report: {}", at.html().display()));
    }
    Ok(if failed { Exit::Failures } else { Exit::Done })
}

fn go(
    world: &World,
    journal: Journal,
    plan: Arc<Plan>,
    due: Due,
    wanted: &mut Wanted,
) -> Result<Tally, Problem> {
    crate::memory::fit(&plan);
    let parties =
        Parties::open(&plan, &world.registry, std::mem::take(&mut wanted.recordings), &due.needs(&plan))?;
    let cache = if wanted.cache { Some(Arc::new(AnswerCache::open(&world.answer_cache()?)?)) } else { None };
    let env = Env { jitter: Arc::new(crate::compose::jitter), opening: new_writer()?, cache };
    let stop = Stopper::default();
    let progress = Arc::new(Progress::new(due.trials(), due.judgings()));
    let threads = runtime()?;
    let tally = threads.block_on(async {
        tokio::spawn(interrupts(stop.clone()));
        run(plan, journal, parties, due, env, stop, progress.clone()).await
    });
    progress.end();
    // Idle connections and a local engine's thread need not be waited for.
    threads.shutdown_background();
    Ok(tally?)
}

/// Threads for the runner.
pub fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Problem::new(format!("the runner's threads cannot be started: {e}")))
}

/// The first interrupt lets exchanges in flight finish; a second one does not.
async fn interrupts(stop: Stopper) {
    interrupted().await;
    note("\nstopping: what is in flight finishes; interrupt again to stop at once");
    stop.stop();
    interrupted().await;
    std::process::exit(130);
}

async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Says why a run ended early, and how the command ends.
fn ending(tally: &Tally, results: &Results) -> Exit {
    if tally.cached > 0 {
        note(format_args!("{} answers came from the cache", tally.cached));
    }
    match &tally.stop {
        Stop::Broken(words) => {
            note(format_args!(
                "stopped: the endpoint failed everything it was asked. Its words: {words}\n  \
                 help: mend it and run the same command; the failed trials are asked again"
            ));
            Exit::Stopped
        }
        Stop::Interrupted => {
            note("stopped: the same command goes on from here");
            Exit::Stopped
        }
        Stop::Done if results.counts.failed > 0 || results.counts.judgments_failed() > 0 => {
            note(format_args!(
                "{} trials and {} judgments failed; the report says why, and the same command tries those again that may pass",
                results.counts.failed,
                results.counts.judgments_failed()
            ));
            Exit::Failures
        }
        Stop::Done => Exit::Done,
    }
}

/// Appends events to a journal as a writer of their own.
pub fn append(at: &RunFolder, events: Vec<Event>) -> Result<(), Problem> {
    let writer = Journal::open(&at.journal)?.writer(new_writer()?)?;
    runtime()?.block_on(writer.append(events))?;
    Ok(())
}
