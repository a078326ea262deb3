//! `plumb plan`: the frozen plan as a person reads it, and the lock.

use super::estimate::{SubjectEstimate, estimate};
use super::run::frozen;
use super::study::{self, utc};
use crate::cli::Plan as Args;
use crate::compose::{World, now_us};
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;
use crate::show;
use plumb_study::plan::{Cluster, Direction, Hypothesis, SupportedIf, Term};
use plumb_study::{Plan, format, lock};
use std::collections::BTreeMap;

pub fn run(args: &Args, world: &World) -> Result<Exit, Problem> {
    if study::is_study(&args.plan) {
        return study::plan(args);
    }
    if args.amend {
        return Err(Problem::usage(format!(
            "{}: --amend is for studies with people; plumb judge amends runs of models",
            args.plan.display()
        )));
    }
    if args.form.is_some() {
        return Err(Problem::usage(format!("{}: --form is for studies with people", args.plan.display())));
    }
    let plan = frozen(&args.plan, world)?.plan;
    if args.json {
        say(&format::canonical(&plan).header.text);
    } else {
        let at = RunFolder::of_plan(&args.runs, &plan.name);
        print(&plan, &estimate(&plan, &at, &world.prices))?;
        for line in crate::strangers::of_plan(&plan, world)? {
            say(format_args!("! {line}"));
        }
        for line in plumb_safety::grade::planned(&plan)? {
            say(format_args!("grade      {line}"));
        }
    }
    if args.freeze {
        let path = lock::write(&args.plan, &plan, &utc(now_us()))?;
        say(format_args!(
            "locked: {}\nPublish the hash where others can see when it was; a local file's time alone proves nothing.",
            path.display()
        ));
    } else if lock::check(&args.plan, &plan)? {
        say(format_args!("locked by {}", lock::path(&args.plan).display()));
    }
    Ok(Exit::Done)
}

fn print(plan: &Plan, estimates: &[SubjectEstimate]) -> Result<(), Problem> {
    say(&plan.name);
    if let Some(about) = &plan.about {
        say(about);
    }
    if let Some(benchmark) = &plan.benchmark {
        say(format_args!("version    {}", benchmark.version));
    }
    for mark in plan.marks() {
        say(format_args!("! {mark}"));
    }
    say(format_args!("hash       {}", plan.digest.hex()));
    let trials = plan.trials().count();
    let repeats: u16 = plan.sources.iter().map(|s| s.repeat).max().unwrap_or(1);
    say(format_args!(
        "trials     {trials}: {} × {}{}",
        several(plan.items.len(), "item"),
        several(plan.subjects.len(), "subject"),
        if repeats > 1 { format!(", up to {repeats} repetitions") } else { String::new() }
    ));
    for (subject, estimate) in plan.subjects.iter().zip(estimates) {
        let factors: Vec<String> = subject.factors.iter().map(|(k, v)| format!("{k}={v}")).collect();
        say(format_args!(
            "subject    {} ({}) {} · {}",
            subject.id,
            subject.party.kind,
            factors.join(" "),
            told(estimate)
        ));
        if let Some(steer) = plumb_local::steer::of_party(&subject.party)? {
            say(format_args!("           steered: {}", steer.words()));
        }
    }
    for judge in &plan.judges {
        let measures: Vec<&str> = judge.measures.iter().map(|m| &*m.name).collect();
        let model = judge.model.as_ref().map_or(String::new(), |m| format!(", asks a model ({})", m.kind));
        say(format_args!("judge      {} ({}): {}{model}", judge.name, judge.kind, measures.join(", ")));
    }
    for analysis in &plan.analyses {
        let of: Vec<String> = analysis.of.iter().map(|m| plan.measure_name(*m)).collect();
        let by: Vec<&str> = analysis.by.iter().map(|b| &**b).collect();
        let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
        let cluster = match &analysis.cluster {
            Cluster::Item => "item",
            Cluster::Tag(tag) => tag,
        };
        say(format_args!(
            "analysis   {}: {} of {}{by}, {} % intervals clustered by {cluster}",
            analysis.id,
            analysis.method,
            of.join(", "),
            100.0 * analysis.level
        ));
    }
    for hypothesis in &plan.hypotheses {
        say(format_args!("hypothesis {}", claim(hypothesis)));
    }
    let limits = &plan.limits;
    say(format_args!(
        "limits     {} in flight · {} s an exchange · {} requests an exchange · {} attempts a trial",
        limits.in_flight,
        limits.deadline_ms / 1000,
        limits.tries,
        limits.attempts
    ));
    totals(estimates);
    Ok(())
}

fn several(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn told(estimate: &SubjectEstimate) -> String {
    let mut parts = vec![format!("{} trials", estimate.trials)];
    match estimate.tokens_out {
        Some(out) => parts.push(format!("≈{} tokens in, ≤{out} out", estimate.tokens_in)),
        None => parts.push(format!("≈{} tokens in, output not limited", estimate.tokens_in)),
    }
    if let Some(cost) = estimate.cost_nano {
        parts.push(format!("≤{}", show::money(cost)));
    }
    parts.join(" · ")
}

fn totals(estimates: &[SubjectEstimate]) {
    let priced: Vec<u64> = estimates.iter().filter_map(|e| e.cost_nano).collect();
    if !priced.is_empty() {
        let rest = estimates.len() - priced.len();
        let rest = if rest > 0 { format!(", {rest} subjects have no known price") } else { String::new() };
        say(format_args!("cost       at most {}{rest}", show::money(priced.iter().sum())));
    }
    let human = |seconds: f64| indicatif::HumanDuration(std::time::Duration::from_secs_f64(seconds));
    match together(estimates, |e| e.seconds_an_exchange) {
        Some(seconds) => say(format_args!(
            "time       about {} (from the exchanges of the run that is there)",
            human(seconds)
        )),
        None => say(format_args!(
            "time       {} if an exchange takes {ASSUMED_S} s; plumb run --sample 10 measures it",
            human(together(estimates, |_| Some(ASSUMED_S)).unwrap_or_default())
        )),
    }
}

/// Seconds an exchange where none was measured: said with the number it leads to.
const ASSUMED_S: f64 = 2.0;

/// Seconds for everything: subjects of one engine share its places, engines work at the same time.
fn together(estimates: &[SubjectEstimate], seconds: impl Fn(&SubjectEstimate) -> Option<f64>) -> Option<f64> {
    let mut engines: BTreeMap<&str, f64> = BTreeMap::new();
    for estimate in estimates.iter().filter(|e| e.asked) {
        let of_subject = seconds(estimate)? * estimate.trials as f64 / f64::from(estimate.in_flight);
        *engines.entry(&estimate.engine).or_default() += of_subject;
    }
    Some(engines.values().copied().fold(0.0, f64::max))
}

/// A hypothesis in words.
fn claim(hypothesis: &Hypothesis) -> String {
    let term = |t: &Term| {
        let at: Vec<String> = t.at.iter().map(|(k, v)| format!("{k}={v}")).collect();
        format!("{:+} × [{}]", t.weight, at.join(" "))
    };
    let contrast: Vec<String> = hypothesis.contrast.iter().map(term).collect();
    let direction = match hypothesis.direction {
        Direction::Greater => "> 0",
        Direction::Less => "< 0",
        Direction::TwoSided => "≠ 0",
    };
    let rule = match hypothesis.supported_if {
        SupportedIf::ExcludesZero => "supported if the interval excludes 0".to_owned(),
        SupportedIf::Inside { low, high } => format!("supported if the interval lies inside {low} … {high}"),
    };
    let correction = if hypothesis.holm { "Holm" } else { "no correction" };
    format!(
        "{}: {} of {} {direction}; α = {}, family {} ({correction}); {rule}",
        hypothesis.id,
        contrast.join(" "),
        hypothesis.analysis,
        hypothesis.alpha,
        hypothesis.family
    )
}
