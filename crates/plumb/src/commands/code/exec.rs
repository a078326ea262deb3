//! `plumb code exec`: samples or reference solutions against the tests of their problems.

use super::file::{Opened, Results};
use super::samples::Samples;
use super::summary::{Summary, shown_as};
use super::{bytes, wrong};
use crate::cli::{CodeExec as Args, Isolation};
use crate::compose::program;
use crate::exit::{Exit, Problem, note, say};
use crate::progress::Progress;
use plumb_code::clean::Repairs;
use plumb_code::exec::{Record, Testable, references, run as run_each, run_once, time_of_references};
use plumb_code::language::Languages;
use plumb_code::problems::{Problem as Task, read_problems};
use plumb_code::sandbox::{self, CpuLimit, Judging, Limits, Options, Sandbox};
use plumb_study::Digest;
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub fn run(args: &Args) -> Result<Exit, Problem> {
    if !args.canonical && args.samples.is_none() {
        return Err(Problem::usage("it is not said what to run")
            .help("--samples FILE names samples; --canonical runs the problems' own solutions"));
    }
    let repairs = repairs(&args.repair)?;
    let tasks = tasks(args)?;
    let judging = if args.weak { Judging::InSample } else { Judging::Tester };
    let languages = languages(args)?;
    let testables: Vec<Testable> = tasks
        .iter()
        .map(|task| Testable::of(task, judging, &languages))
        .collect::<Result<_, _>>()
        .map_err(wrong)?;
    let options = options(args)?;
    let sandbox = Sandbox::open(&options).map_err(|e| Problem::usage(e.to_string()))?;
    testables.iter().try_for_each(|t| t.runs_at(sandbox.level())).map_err(wrong)?;
    let samples = Samples::open(args, &tasks)?;
    let mut config = config(args, &options, &sandbox, repairs.as_ref())?;
    let versions = versions(&sandbox, &testables)?;
    if !versions.is_empty() {
        config["languages"] = json!(versions);
    }
    let mut summary = Summary::default();
    summary.untried = tasks.len() as u64 - samples.problems();
    summary.canonical = args.canonical;
    let mut results = match &args.out {
        Some(out) => match Results::open(out, &config, args.fresh, |line| summary.add(line))? {
            Opened::Done => {
                note(format_args!("{}: all done before", out.display()));
                return Ok(told(args, &summary, &sandbox, &samples));
            }
            Opened::Part(results) => Some(results),
        },
        None => None,
    };
    let before = results.as_ref().map_or(0, Results::len) as u64;
    if before > 0 {
        note(format_args!("{before} samples were run before and are not run again"));
    }
    let times = reference_times(args, &sandbox, &testables, &samples)?;
    let progress = Progress::new(samples.count - before, 0);
    // They end in no certain order; of one problem there are few, and they are shown in that of the file.
    let mut shown = BTreeMap::new();
    // Verdicts that cannot be kept are not worth their time: nothing more is begun once a line could not be written.
    let failed = OnceCell::new();
    let given = samples
        .given(results.as_ref().map(Results::samples).unwrap_or_default())?
        .take_while(|_| failed.get().is_none());
    let each = |record: Record| {
        let line = record.line();
        summary.add(&line);
        progress.step();
        if let Some(results) = &mut results
            && let Err(problem) = results.add(record.sample, &line)
        {
            failed.get_or_init(|| problem);
        }
        if args.verbose {
            shown.insert(record.sample, shown_as(&record));
        }
    };
    if args.every {
        run_each(&sandbox, &testables, &times, repairs.as_ref(), given, each);
    } else {
        run_once(&sandbox, &testables, &times, repairs.as_ref(), given, each);
    }
    progress.end();
    shown.values().for_each(say);
    if let Some(problem) = failed.into_inner() {
        return Err(problem);
    }
    if let Some(results) = results {
        results.finish()?;
    }
    Ok(told(args, &summary, &sandbox, &samples))
}

/// Says what came out of all samples.
fn told(args: &Args, summary: &Summary, sandbox: &Sandbox, samples: &Samples) -> Exit {
    if args.json {
        say(summary.as_json(sandbox));
    } else {
        say(summary.text(sandbox).trim_end());
        if let Some(out) = &args.out {
            say(format_args!("{}: {} lines", out.display(), samples.count));
        }
    }
    if summary.undecided > 0 { Exit::Failures } else { Exit::Done }
}

fn repairs(names: &[String]) -> Result<Option<Repairs>, Problem> {
    match names {
        [one] if one == "none" => Ok(None),
        [one] if one == "all" => Ok(Some(Repairs::all())),
        names => Repairs::named(names.iter().map(String::as_str)).map(Some).map_err(Problem::usage),
    }
}

/// The problems of all files, or those that `--problem` names.
fn tasks(args: &Args) -> Result<Vec<Task>, Problem> {
    let mut tasks: Vec<Task> = Vec::new();
    for path in &args.problems {
        tasks.extend(read_problems(&bytes(path)?, &path.display().to_string()).map_err(wrong)?);
    }
    if args.problem.is_empty() {
        return Ok(tasks);
    }
    for id in &args.problem {
        if !tasks.iter().any(|task| task.id == *id) {
            let some: Vec<&str> = tasks.iter().take(3).map(|task| task.id.as_str()).collect();
            return Err(Problem::usage(format!("there is no problem \"{id}\""))
                .help(format!("problems are called like {}", some.join(", "))));
        }
    }
    tasks.retain(|task| args.problem.contains(&task.id));
    Ok(tasks)
}

fn languages(args: &Args) -> Result<Languages, Problem> {
    let Some(path) = &args.languages else { return Ok(Languages::built_in()) };
    let name = path.display().to_string();
    let text = String::from_utf8(bytes(path)?).map_err(|_| Problem::usage(format!("{name}: not UTF-8")))?;
    Languages::built_in().with(&text, &name).map_err(wrong)
}

/// How each language of the problems is run, and which version of its programs this machine has.
fn versions(sandbox: &Sandbox, testables: &[Testable]) -> Result<BTreeMap<String, Value>, Problem> {
    let mut versions = BTreeMap::new();
    for language in testables.iter().filter_map(Testable::other_language) {
        if versions.contains_key(&language.name) {
            continue;
        }
        let missing = |why: String| {
            Problem::usage(format!("{}: {why}", language.name))
                .help("install it, or name another command with --languages")
        };
        language.installed().map_err(missing)?;
        let command = language.version_command(sandbox.limits()).map_err(missing)?;
        let said = sandbox.program(0, &command, None).map_err(wrong)?.outcome.stdout;
        let said = String::from_utf8_lossy(&said);
        let first = said.lines().next().unwrap_or_default();
        versions.insert(language.name.clone(), json!({ "version": first, "by": **language }));
    }
    Ok(versions)
}

fn options(args: &Args) -> Result<Options, Problem> {
    let interpreter = match &args.python {
        Some(path) => path.clone(),
        None => program("python3").ok_or_else(|| {
            Problem::usage("there is no python3 on the PATH").help("--python names an interpreter")
        })?,
    };
    let limits = Limits {
        cpu: CpuLimit { floor_s: args.cpu, factor: args.cpu_factor },
        wall_s: args.wall,
        memory: args.memory << 20,
        ..Limits::default()
    };
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Options {
        isolation: match args.isolation {
            Isolation::Strongest => sandbox::Isolation::Strongest,
            Isolation::Full => sandbox::Isolation::Full,
            Isolation::Filtered => sandbox::Isolation::Filtered,
            Isolation::None => sandbox::Isolation::None,
        },
        interpreter,
        limits,
        workers: args.workers.map_or_else(cores, usize::from),
        rerun: !args.no_rerun,
    })
}

/// What decides verdicts, so that a run is gone on with only if nothing of it changed. The number of workers does not.
fn config(
    args: &Args,
    options: &Options,
    sandbox: &Sandbox,
    repairs: Option<&Repairs>,
) -> Result<Value, Problem> {
    let digest = |paths: &[PathBuf]| -> Result<Vec<String>, Problem> {
        paths.iter().map(|path| Ok(Digest::of(&bytes(path)?).hex())).collect()
    };
    let samples: Vec<PathBuf> = args.samples.iter().cloned().collect();
    Ok(json!({
        "problems": digest(&args.problems)?,
        "samples": if args.canonical { json!("canonical") } else { json!(digest(&samples)?) },
        "problem": args.problem,
        "repairs": repairs.map_or_else(Vec::new, Repairs::names),
        "isolation": sandbox.level(),
        "interpreter": options.interpreter.display().to_string(),
        "python": sandbox.python(),
        "packages": sandbox.packages(),
        "limits": options.limits,
        "rerun": options.rerun,
        "weak": args.weak,
    }))
}

/// Processor time of the reference solutions of problems that have samples; where they are what is run, a minute for each.
fn reference_times(
    args: &Args,
    sandbox: &Sandbox,
    testables: &[Testable],
    samples: &Samples,
) -> Result<Vec<Option<Duration>>, Problem> {
    let mut times = vec![None; testables.len()];
    if args.canonical {
        times.fill(time_of_references(sandbox.limits()));
        return Ok(times);
    }
    let wanted: Vec<usize> = (0..testables.len()).filter(|at| samples.has_problem(*at)).collect();
    let some: Vec<&Testable> = wanted.iter().map(|at| &testables[*at]).collect();
    for (at, time) in wanted.into_iter().zip(references(sandbox, &some)) {
        match time {
            Ok(time) => times[at] = Some(time),
            Err(why) if testables[at].reference.is_some() => note(format_args!(
                "warning: the reference solution of {} does not pass here: {why}",
                testables[at].id
            )),
            Err(_) => {}
        }
    }
    Ok(times)
}
