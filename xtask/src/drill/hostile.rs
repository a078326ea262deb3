//! `cargo xtask drill hostile`: programs that attack the sandbox, and what is left of the machine.
//!
//! One worker runs attack after attack, and after each an ordinary sample that must find a clean place. The witnesses are
//! outside: this process adopts whatever outlives its parents, so that a survivor is a child of it; a file that anyone may
//! write keeps its content; a port that anyone may reach is reached by nobody; temporary folders and control groups are
//! those of before. Each attack must prove that it tried.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use plumb_code::sandbox::{
    Body, Calls, Isolation, Job, Judging, Level, Limits, Options, Outcome, Sandbox, Tests, Verdict, Work,
};
use serde::Deserialize;

use crate::Problem;

#[derive(clap::Args)]
pub struct Args {
    /// The interpreter
    #[arg(long, default_value = "/usr/bin/python3")]
    python: PathBuf,
    /// Fail where full isolation cannot be had; filtered must be had in any case
    #[arg(long)]
    need_full: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attacks {
    attack: Vec<Attack>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    name: String,
    code: String,
    #[serde(default = "passed")]
    verdict: Vec<String>,
    #[serde(default)]
    proof: Vec<String>,
    #[serde(default)]
    tasks: bool,
}

fn passed() -> Vec<String> {
    vec!["passed".to_owned()]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Harmless {
    program: Vec<Plain>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    name: String,
    code: String,
}

const PRELUDE: &str = include_str!("../../../fixtures/code/hostile/prelude.py");
const ATTACKS: &str = include_str!("../../../fixtures/code/hostile/attacks.toml");
const HARMLESS: &str = include_str!("../../../fixtures/code/hostile/harmless.toml");
const SECRET: &str = "the canary sings";
const RIGHT: &str = "def f(x):\n    return x + 1\n";
/// Finds whatever an attack left in its process, its folder or its modules.
const AFTER: &str = "import os, time, random, json, builtins
def f(x):
    clean = os.listdir('.') == [] and json.loads('[1]') == [1] and builtins.len('ab') == 2
    return x + (clean and time.time() > 1e9 and random.random() < 1)
";
const CHECK: &str = "def check(candidate):\n    assert candidate(20) == 21\n";

pub fn run(args: &Args) -> Result<(), Problem> {
    let attacks: Attacks = toml::from_str(ATTACKS).map_err(|e| e.to_string())?;
    let harmless: Harmless = toml::from_str(HARMLESS).map_err(|e| e.to_string())?;
    let witness = Witness::set_up()?;
    let mut ran = 0;
    for isolation in [Isolation::Full, Isolation::Filtered] {
        for tasks in [false, true] {
            let options = options(args, isolation, tasks);
            let sandbox = match Sandbox::open(&options) {
                Ok(sandbox) => sandbox,
                Err(_) if tasks && isolation == Isolation::Filtered => continue,
                Err(why) if isolation == Isolation::Full && !args.need_full => {
                    println!("skipped: full isolation (this machine does not give it: {why})");
                    continue;
                }
                Err(why) => return Err(why.to_string()),
            };
            let chosen: Vec<&Attack> = attacks.attack.iter().filter(|a| a.tasks == tasks).collect();
            println!("{}", sandbox.described());
            attack(&sandbox, &chosen, &witness)?;
            if !tasks {
                all_pass(&sandbox, &harmless.program)?;
            }
            ran += 1;
            let level = sandbox.level();
            drop(sandbox);
            witness.look(level)?;
        }
    }
    if ran == 0 {
        return Err("nothing ran".to_owned());
    }
    Ok(())
}

fn options(args: &Args, isolation: Isolation, tasks: bool) -> Options {
    let mut limits = Limits::default();
    (limits.cpu.floor_s, limits.wall_s, limits.memory) = (1.0, 12.0, 512 << 20);
    if tasks {
        (limits.processes, limits.tasks) = (24, 24);
    }
    Options { isolation, interpreter: args.python.clone(), limits, workers: 1, rerun: false }
}

fn job(id: usize, source: String, tests: &Arc<Tests>) -> Job {
    Job { id: id as u64, work: Work::Calls(Calls { tests: tests.clone(), source }), reference_cpu: None }
}

fn tests() -> Arc<Tests> {
    Arc::new(Tests {
        setup: String::new(),
        body: Body::Check(CHECK.to_owned()),
        entry_point: Some("f".to_owned()),
        judging: Judging::Tester,
    })
}

/// Runs the attacks, each followed by a sample that must pass.
fn attack(sandbox: &Sandbox, attacks: &[&Attack], witness: &Witness) -> Result<(), Problem> {
    let tests = tests();
    let mut jobs = Vec::new();
    for attack in attacks {
        let prelude = PRELUDE.replace("@CANARY@", &witness.canary.to_string_lossy());
        let prelude = prelude.replace("@PORT@", &witness.port.to_string());
        let right = if attack.code.contains("def f(") { "" } else { RIGHT };
        jobs.push(job(jobs.len(), format!("{prelude}{}\n{right}", attack.code), &tests));
        jobs.push(job(jobs.len(), AFTER.to_owned(), &tests));
    }
    let (mut wrong, mut proofs) = (Vec::new(), 0);
    sandbox.run(jobs, |outcome| {
        let attack = attacks[outcome.id as usize / 2];
        let problem = if outcome.id % 2 == 0 { judge(attack, &outcome) } else { after(&outcome) };
        match problem {
            Some(problem) => wrong.push(format!("{}: {problem}\n    {}", attack.name, shown(&outcome))),
            None => proofs += usize::from(outcome.id % 2 == 0),
        }
    });
    if !wrong.is_empty() {
        return Err(format!(
            "{} of {} attacks:\n  {}",
            wrong.len(),
            attacks.len(),
            wrong[..wrong.len().min(20)].join("\n  ")
        ));
    }
    println!("  {proofs} attacks, each with its proof, each followed by a sample that passed");
    Ok(())
}

fn shown(outcome: &Outcome) -> String {
    let stdout = String::from_utf8_lossy(&outcome.stdout);
    format!(
        "{:?} {} | {}",
        outcome.verdict,
        outcome.detail,
        stdout.chars().take(300).collect::<String>().trim()
    )
}

fn judge(attack: &Attack, outcome: &Outcome) -> Option<String> {
    let said = String::from_utf8_lossy(&outcome.stdout);
    if said.contains(SECRET) {
        return Some("it read the canary".to_owned());
    }
    let name = outcome.verdict.name();
    // On a machine busy enough, whatever runs into a limit runs into one of time first.
    let of_time = matches!(name, "wall-limit" | "cpu-limit");
    let busy = of_time && attack.verdict.iter().any(|v| v.ends_with("-limit"));
    if !busy && !attack.verdict.iter().any(|v| v == name) {
        return Some(format!("ended as {name}"));
    }
    // A limit that ended it, or what it may end as, proves by itself that it tried.
    let by_verdict = attack.proof.is_empty() || outcome.verdict.is_limit();
    let proven = attack.proof.iter().any(|p| said.contains(p.as_str()));
    (!by_verdict && !proven).then(|| "no proof that it tried, or it succeeded".to_owned())
}

fn after(outcome: &Outcome) -> Option<String> {
    (outcome.verdict != Verdict::Passed).then(|| "the next sample did not pass".to_owned())
}

fn all_pass(sandbox: &Sandbox, programs: &[Plain]) -> Result<(), Problem> {
    let tests = tests();
    let jobs = programs.iter().enumerate().map(|(id, p)| job(id, format!("{}\n", p.code), &tests));
    let mut wrong = Vec::new();
    sandbox.run(jobs, |outcome| {
        if outcome.verdict != Verdict::Passed {
            wrong.push(format!("{}: {}", programs[outcome.id as usize].name, shown(&outcome)));
        }
    });
    if !wrong.is_empty() {
        return Err(format!("harmless programs did not pass:\n  {}", wrong.join("\n  ")));
    }
    println!("  {} harmless programs passed", programs.len());
    Ok(())
}

/// What is looked at before and after.
struct Witness {
    _folder: tempfile::TempDir,
    canary: PathBuf,
    listener: TcpListener,
    port: u16,
    folders: BTreeSet<PathBuf>,
    groups: BTreeSet<PathBuf>,
}

impl Witness {
    fn set_up() -> Result<Witness, Problem> {
        let say = |e: std::io::Error| e.to_string();
        // SAFETY: a flag of this process; from now on orphans below it become its children.
        if unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } != 0 {
            return Err("this process cannot adopt orphans".to_owned());
        }
        let folder = tempfile::Builder::new().prefix("plumb-canary-").tempdir().map_err(say)?;
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).map_err(say)?;
        let canary = folder.path().join("canary");
        std::fs::write(&canary, SECRET).map_err(say)?;
        std::fs::set_permissions(&canary, PermissionsExt::from_mode(0o666)).map_err(say)?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(say)?;
        listener.set_nonblocking(true).map_err(say)?;
        let port = listener.local_addr().map_err(say)?.port();
        Ok(Witness { _folder: folder, canary, listener, port, folders: folders(), groups: groups() })
    }

    fn look(&self, level: Level) -> Result<(), Problem> {
        let survivors = survivors();
        if !survivors.is_empty() {
            return Err(format!("survivors: {}", survivors.join(", ")));
        }
        if std::fs::read_to_string(&self.canary).ok().as_deref() != Some(SECRET) {
            return Err("the canary was changed".to_owned());
        }
        if self.listener.accept().is_ok() {
            return Err("somebody came through the port".to_owned());
        }
        let left: Vec<_> = folders().difference(&self.folders).cloned().collect();
        let groups: Vec<_> = groups().difference(&self.groups).cloned().collect();
        if !left.is_empty() || !groups.is_empty() {
            return Err(format!("left behind: {left:?} {groups:?}"));
        }
        println!("  {level:?}: 0 survivors; canary, port, temporary folders and control groups as before");
        Ok(())
    }
}

/// Children of this process, some time after the last sandbox was closed.
fn survivors() -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(3);
    loop {
        // SAFETY: reaps children that have ended; writes nothing.
        while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
        let children = std::fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
            .flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let children: Vec<String> = children
            .map(|pid| {
                let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                format!("{pid} {}", line.replace('\0', " ").chars().take(60).collect::<String>())
            })
            .collect();
        if children.is_empty() || Instant::now() > until {
            return children;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Scratch folders that this process made; others may run at the same time.
fn folders() -> BTreeSet<PathBuf> {
    named(&std::env::temp_dir(), &format!("plumb-sandbox-{}-", std::process::id())).into_iter().collect()
}

/// Control groups that this process made.
fn groups() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let prefix = format!("plumb-{}-", std::process::id());
    let mut open = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = open.pop() {
        found.extend(named(&folder, &prefix));
        let inner = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        open.extend(inner.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
    }
    found
}

fn named(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|e| e.file_name().to_string_lossy().starts_with(prefix)).map(|e| e.path()).collect()
}
