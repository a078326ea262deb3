//! The sandbox: verdicts at every level that this machine gives.

use plumb_code::sandbox::{
    Body, Calls, Isolation, Job, Judging, Level, Limits, Options, Outcome, Program, Sandbox, Stdio, Tests,
    Verdict, Work,
};
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) fn options(isolation: Isolation) -> Options {
    Options { isolation, interpreter: python(), limits: Limits::default(), workers: 2, rerun: false }
}

pub(crate) fn python() -> PathBuf {
    // The tests run as any user; an interpreter below a home folder might not be readable to others.
    PathBuf::from("/usr/bin/python3")
}

pub(crate) fn check_tests(setup: &str, check: &str, entry: &str) -> Arc<Tests> {
    Arc::new(Tests {
        setup: setup.to_owned(),
        body: Body::Check(check.to_owned()),
        entry_point: Some(entry.to_owned()),
        judging: Judging::Tester,
    })
}

pub(crate) fn calls(id: u64, tests: &Arc<Tests>, source: &str) -> Job {
    let work = Work::Calls(Calls { tests: tests.clone(), source: source.to_owned() });
    Job { id, work, reference_cpu: None }
}

/// A sandbox at every level that this machine gives.
pub(crate) fn levels(limits: Limits) -> Vec<Sandbox> {
    let open = |isolation| match Sandbox::open(&Options { limits: limits.clone(), ..options(isolation) }) {
        Ok(sandbox) => Some(sandbox),
        Err(error) => {
            println!("skipped: level {isolation:?} (this machine does not give it: {error})");
            None
        }
    };
    let found: Vec<Sandbox> = [Isolation::Full, Isolation::Filtered].into_iter().filter_map(open).collect();
    assert!(!found.is_empty(), "this machine gives no level at all");
    found
}

/// What a sample of `f(x)` = x + 1 ends as, and what the detail must hold.
const VERDICTS: &[(&str, &str, &str)] = &[
    ("def f(x):\n    return x + 1", "passed", ""),
    ("def f(x):\n    return x", "wrong-answer", "a reason"),
    ("def f(x):\n    return 1 / 0", "exception", "ZeroDivisionError: division by zero (in `f`)"),
    ("def f(x)\n    return x + 1", "syntax-error", "SyntaxError"),
    ("def g(x):\n    return x + 1", "exception", "no function `f`; it defines g"),
    ("raise ValueError('no')", "exception", "ValueError: no (when it was loaded)"),
    ("import sys\nsys.exit(0)", "exited-early", ""),
    ("import os\ndef f(x): os._exit(0)", "exited-early", ""),
    ("def f(x):\n    while True: pass", "cpu-limit", ""),
    ("import time\ndef f(x): time.sleep(60)", "wall-limit", "of which it computed 0.0 s"),
    ("def f(x): return sum(range(10**11))", "cpu-limit", ""),
    ("def f(x): return len('a' * (1 << 33))", "memory-limit", "MemoryError"),
    ("def f(x):\n    while True: print('x' * 1000)", "output-limit", ""),
    ("import ctypes\ndef f(x): ctypes.string_at(0)", "signal", "signal 11"),
    ("class C:\n    def __eq__(self, o): return True\ndef f(x): return C()", "outside-grammar", "solution.C"),
    ("import os\ndef f(x): os.fork()", "forbidden", "PermissionError"),
    ("def f(x): raise AssertionError('mine')", "exception", "AssertionError: mine"),
];

#[test]
fn every_verdict_is_told_apart() {
    let mut limits = Limits::default();
    (limits.cpu.floor_s, limits.wall_s) = (0.3, 6.0);
    let check =
        "def check(candidate):\n    assert candidate(1) == 2, 'a reason'\n    assert candidate(5) == 6\n";
    let tests = check_tests("", check, "f");
    for sandbox in levels(limits) {
        let jobs = VERDICTS.iter().enumerate().map(|(id, (source, ..))| calls(id as u64, &tests, source));
        let mut seen = 0;
        sandbox.run(jobs, |o| {
            seen += 1;
            let (source, verdict, detail) = VERDICTS[o.id as usize];
            let said = format!("{} {:?}", o.verdict.name(), o);
            assert!(o.verdict.name() == verdict && o.detail.contains(detail), "{source}\n{said}");
        });
        assert_eq!(seen, VERDICTS.len());
    }
}

/// Without isolation there are limits, and a tester that a sample cannot reach, and no more.
#[test]
fn without_isolation_limits_hold_and_the_level_is_said() {
    let mut limits = Limits::default();
    (limits.cpu.floor_s, limits.wall_s) = (0.3, 60.0);
    let options = Options { limits, ..options(Isolation::None) };
    let sandbox = Sandbox::open(&options).unwrap();
    assert_eq!(sandbox.level(), Level::None);
    assert!(sandbox.described().starts_with("none: generated code runs as this user"), "{sandbox:?}");
    let check =
        "def check(candidate):\n    assert candidate(1) == 2, 'a reason'\n    assert candidate(5) == 6\n";
    let tests = check_tests("", check, "f");
    // What is forbidden elsewhere, and what only a namespace or a clock of one's own tells, are left out.
    let told =
        |(_, verdict, _): &&(&str, &str, &str)| !matches!(*verdict, "forbidden" | "wall-limit" | "signal");
    let chosen: Vec<_> = VERDICTS.iter().filter(told).collect();
    let jobs = chosen.iter().enumerate().map(|(id, (source, ..))| calls(id as u64, &tests, source));
    let mut seen = 0;
    sandbox.run(jobs, |o| {
        seen += 1;
        let (source, verdict, detail) = chosen[o.id as usize];
        assert_eq!((o.verdict.name(), o.level), (*verdict, Level::None), "{source}\n{o:?}");
        assert!(o.detail.contains(detail), "{source}\n{o:?}");
    });
    assert_eq!(seen, chosen.len());
}

/// How many run at once, and in which order they come, decides nothing.
#[test]
fn verdicts_do_not_depend_on_the_number_of_workers() {
    let mut limits = Limits::default();
    (limits.cpu.floor_s, limits.wall_s) = (0.5, 300.0);
    let check =
        "def check(candidate):\n    assert candidate(1) == 2, 'a reason'\n    assert candidate(5) == 6\n";
    let tests = check_tests("", check, "f");
    let told = |(_, verdict, _): &&(&str, &str, &str)| *verdict != "wall-limit";
    let chosen: Vec<_> = VERDICTS.iter().filter(told).collect();
    let run = |workers| {
        let options =
            Options { limits: limits.clone(), workers, rerun: true, ..options(Isolation::Strongest) };
        let sandbox = Sandbox::open(&options).unwrap();
        // Each twice, so that there is something to do for all.
        let jobs = (0..2 * chosen.len()).map(|id| calls(id as u64, &tests, chosen[id / 2].0));
        let mut verdicts = vec![""; 2 * chosen.len()];
        sandbox.run(jobs, |o| verdicts[o.id as usize] = o.verdict.name());
        verdicts
    };
    let expected: Vec<&str> = (0..2 * chosen.len()).map(|id| chosen[id / 2].1).collect();
    assert_eq!(run(1), expected);
    assert_eq!(run(16), expected);
}

#[test]
fn programs_read_and_write() {
    let (limits, mut seen) = (Limits { wall_s: 2.0, ..Limits::default() }, 0);
    let cases: &[(&str, &str, &str, &str)] = &[
        ("n = int(input())\nprint(n * 2)", "21\n", "ran", "42\n"),
        ("import sys\nprint(len(sys.stdin.read()))\nsys.exit(0)", "abc", "ran", "3\n"),
        ("if __name__ == '__main__':\n    print('main')\nraise SystemExit(3)", "", "exited-early", "main\n"),
        ("print(1)\nint('x')", "", "exception", "1\n"),
        ("print(", "", "syntax-error", ""),
        ("import threading\nthreading.Thread(target=lambda: print('late')).start()", "", "ran", "late\n"),
        ("import atexit\natexit.register(print, 'bye')", "", "ran", "bye\n"),
    ];
    for sandbox in levels(limits) {
        let jobs = cases.iter().enumerate().map(|(id, (source, stdin, ..))| {
            let stdio = Stdio { source: (*source).to_owned(), stdin: stdin.as_bytes().to_vec() };
            Job { id: id as u64, work: Work::Stdio(stdio), reference_cpu: None }
        });
        sandbox.run(jobs, |o| {
            let (source, _, verdict, stdout) = cases[o.id as usize];
            let said = String::from_utf8_lossy(&o.stdout).into_owned();
            assert_eq!((o.verdict.name(), said.as_str()), (verdict, stdout), "{source}\n{o:?}");
            seen += 1;
        });
        assert_eq!(seen % cases.len(), 0);
    }
    assert!(seen > 0);
}

#[test]
fn commands_run_in_a_jail_of_their_own() {
    let mut limits = Limits::default();
    (limits.cpu.floor_s, limits.wall_s) = (0.3, 6.0);
    let Some(sandbox) = levels(limits).into_iter().find(|s| s.level() == Level::Full) else { return };
    let run = |script: &str| {
        let program = Program {
            argv: ["/bin/sh", "src/go.sh"].map(str::to_owned).to_vec(),
            files: vec![(PathBuf::from("src/go.sh"), Arc::from(script.as_bytes()))],
            env: vec![("WORD".to_owned(), "hello".to_owned())],
            stdin: b"from outside".to_vec(),
            keep: vec![PathBuf::from("made"), PathBuf::from("absent"), PathBuf::from("link")],
            address_space: true,
            out_of_memory: Vec::new(),
            limits: None,
        };
        sandbox.program(7, &program, None).unwrap()
    };
    let ended = run("cat; echo $WORD; echo oops >&2; echo content > made; ln -s /usr/bin/sh link");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let o = &ended.outcome;
    assert_eq!((o.verdict.name(), text(&o.stdout).as_str()), ("ran", "from outsidehello\n"), "{o:?}");
    assert_eq!((o.id, text(&o.stderr).as_str()), (7, "oops\n"));
    assert_eq!(ended.files, [(PathBuf::from("made"), b"content\n".to_vec())]);
    assert_eq!(run("exit 3").outcome.verdict, Verdict::ExitedEarly(3));
    assert_eq!(run("kill -SEGV $$").outcome.verdict, Verdict::Signal(11));
    assert_eq!(run("while :; do :; done").outcome.verdict, Verdict::CpuLimit);
    assert_eq!(run("sleep 100 & sleep 100").outcome.verdict, Verdict::WallLimit);
    assert_eq!(
        run("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done").outcome.verdict,
        Verdict::OutputLimit
    );
    assert_eq!(run("(sleep 100 &) ; echo done").outcome.verdict, Verdict::Ran);
    let seen = run("ls / /tmp; id -u; cat /etc/passwd; echo x > /usr/x; ls /proc");
    assert!(
        text(&seen.outcome.stdout).contains("usr") && !text(&seen.outcome.stdout).contains("root:"),
        "{seen:?}"
    );
}

#[test]
fn canonical_solutions_pass() {
    let Some(file) = crate::support::data("humaneval/HumanEval.jsonl.gz") else { return };
    let file = std::fs::read(file).unwrap();
    let problems = plumb_code::problems::read_problems(&file, "HumanEval").unwrap();
    for sandbox in levels(Limits::default()) {
        let jobs = problems.iter().enumerate().map(|(id, problem)| {
            let plumb_code::problems::Statement::Code { prompt, entry_point } = &problem.statement else {
                panic!()
            };
            let plumb_code::problems::Tests::Program(check) = &problem.tests else { panic!() };
            let tests = check_tests(prompt, check, entry_point);
            calls(id as u64, &tests, &format!("{prompt}{}\n", problem.solution.as_ref().unwrap()))
        });
        let mut done: Vec<Outcome> = Vec::new();
        let began = std::time::Instant::now();
        sandbox.run(jobs, |outcome| done.push(outcome));
        println!("{}: {} in {:?}", sandbox.described(), done.len(), began.elapsed());
        let failed: Vec<_> = done.iter().filter(|o| o.verdict != Verdict::Passed).collect();
        for o in &failed {
            println!("{} {:?} {}", problems[o.id as usize].id, o.verdict, o.detail);
        }
        assert_eq!((done.len(), failed.len()), (164, 0));
    }
}

/// Each sample has the same random numbers, the first ones of seed 0, whatever ran before.
#[test]
fn random_numbers_are_seeded_anew_for_each_sample() {
    for sandbox in levels(Limits::default()) {
        let source = "import random\ndef f(): return random.random()\n";
        let tests =
            check_tests("", "def check(candidate):\n    assert candidate() == 0.8444218515250481\n", "f");
        let mut seen = 0;
        sandbox.run((0..3).map(|id| calls(id, &tests, source)), |o| {
            seen += 1;
            assert_eq!(o.verdict.name(), "passed", "{o:?}");
        });
        assert_eq!(seen, 3);
    }
}
