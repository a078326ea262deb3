//! What crosses between tests and a sample, and how assertions are counted.

use crate::sandbox::{calls, check_tests, levels};
use plumb_code::sandbox::{Body, Calls, Job, Judging, Limits, Partial, Tests, Work};
use std::sync::Arc;

fn asserts(setup: &str, asserts: &[&str], judging: Judging) -> Arc<Tests> {
    Arc::new(Tests {
        setup: setup.to_owned(),
        body: Body::Asserts(asserts.iter().map(|a| (*a).to_owned()).collect()),
        entry_point: None,
        judging,
    })
}

fn counted(passed: u32, total: u32) -> Partial {
    Partial::Counted { passed, total }
}

/// Tests, a sample, its verdict, and what was counted (nothing: it must be missing).
fn cases() -> Vec<(Arc<Tests>, &'static str, &'static str, Option<Partial>)> {
    let tester = Judging::Tester;
    let changed = "def check(candidate):\n    x = [3, [2], {'a': 1}]\n    candidate(x)\n    assert x == [1, [2, 9], {'b': 2}]\n";
    let raised = "def check(candidate):\n    try:\n        candidate(0)\n    except ValueError as e:\n        assert str(e) == 'no'\n    else:\n        assert False\n";
    let node = "class N:\n    def __init__(s, v): s.v = v\ndef total(n): return n.v + 1";
    vec![
        (
            check_tests("", changed, "f"),
            "def f(x):\n    x[0] = 1\n    x[1].append(9)\n    x[2].clear()\n    x[2]['b'] = 2",
            "passed",
            None,
        ),
        (check_tests("", raised, "f"), "def f(x): raise ValueError('no')", "passed", None),
        (check_tests("", raised, "f"), "def f(x): raise KeyError('no')", "exception", None),
        (
            check_tests(
                "def helper(x):\n    return x * 2\n\ndef f(x):\n    '''Undoes helper.'''\n",
                "def check(candidate):\n    assert candidate(helper(4)) == 4\n",
                "f",
            ),
            "def helper(x):\n    return 8\ndef f(x):\n    return x // 2",
            "passed",
            Some(counted(1, 1)),
        ),
        (
            // A description that is no body: the function is the sample's, what comes before it the problem's.
            check_tests(
                "two = 2\ndef f(x):\n\"\"\"\nTwice.\n\"\"\"\n",
                "def check(candidate):\n    assert candidate(4) == 4 * two\n",
                "f",
            ),
            "def f(x): return 2 * x",
            "passed",
            Some(counted(1, 1)),
        ),
        (
            asserts("", &["assert f(1) == 2", "assert f(2) == 3", "assert list(g(3)) == [0, 1, 2]"], tester),
            "def f(x): return 2\ndef g(n): return (i for i in range(n))",
            "wrong-answer",
            Some(counted(2, 3)),
        ),
        (
            asserts("", &["assert f((1, 2.5, 'é', b'x', None, {1}, 1 << 99)) == 7"], tester),
            "def f(x): return len(x) if x[6] == 1 << 99 and type(x) is tuple and x[2] == 'é' else 0",
            "passed",
            Some(counted(1, 1)),
        ),
        (
            asserts("from collections import Counter", &["assert f('aab') == {'a': 2, 'b': 1}"], tester),
            "from collections import Counter\ndef f(x): return Counter(x)",
            "passed",
            Some(counted(1, 1)),
        ),
        (asserts("", &["assert f(abs) == 1"], tester), "def f(x): return 1", "infrastructure", None),
        (asserts("", &["assert f( == 1"], tester), "def f(x): return 1", "infrastructure", None),
        (asserts("n = N(2)", &["assert total(n) == 3"], tester), node, "infrastructure", None),
        (asserts("n = N(2)", &["assert total(n) == 3"], Judging::InSample), node, "passed", None),
        (asserts("n = N(2)", &["assert total(n) == 4"], Judging::InSample), node, "wrong-answer", None),
    ]
}

#[test]
fn values_cross_and_assertions_are_counted() {
    let cases = cases();
    for sandbox in levels(Limits::default()) {
        let jobs = cases.iter().enumerate().map(|(id, (tests, source, ..))| calls(id as u64, tests, source));
        let mut seen = 0;
        sandbox.run(jobs, |o| {
            seen += 1;
            let (tests, source, verdict, partial) = &cases[o.id as usize];
            assert_eq!(o.verdict.name(), *verdict, "{source}\n{o:?}");
            match partial {
                Some(partial) => assert_eq!(&o.partial, partial, "{source}"),
                None => {
                    assert!(matches!(o.partial, Partial::Missing(_) | Partial::Counted { .. }), "{source}")
                }
            }
            assert_eq!(o.weak, tests.judging == Judging::InSample, "{source}");
        });
        assert_eq!(seen, cases.len());
    }
}

/// What passes once and not again is neither; what ends in a limit both times keeps its verdict.
#[test]
fn runs_that_disagree_are_unstable() {
    let mut options = crate::sandbox::options(plumb_code::sandbox::Isolation::Strongest);
    options.rerun = true;
    (options.limits.cpu.floor_s, options.limits.wall_s) = (0.2, 30.0);
    let sandbox = plumb_code::sandbox::Sandbox::open(&options).unwrap();
    let tests = check_tests("", "def check(candidate):\n    assert candidate(1) == 2\n", "f");
    // Beyond half of its time; then right or wrong by chance that no seed fixes: over many, some must disagree.
    let coin = "import os, time\ndef f(x):\n    while time.process_time() < 0.13: pass\n    return 2 if os.urandom(1)[0] & 1 else 3\n";
    let sources =
        std::iter::repeat_n(coin, 16).chain(["def f(x):\n    while True: pass\n", "def f(x): return 2\n"]);
    let jobs = sources.enumerate().map(|(id, source)| Job {
        id: id as u64,
        work: Work::Calls(Calls { tests: tests.clone(), source: source.to_owned() }),
        reference_cpu: None,
    });
    let mut done = Vec::new();
    sandbox.run(jobs, |o| done.push((o.id, o.verdict.name(), o.rerun)));
    done.sort_unstable();
    let unstable = done.iter().filter(|d| d.1 == "unstable").count();
    assert!(unstable > 0 && done.iter().filter(|d| d.1 == "unstable").all(|d| d.2), "{done:?}");
    assert_eq!((done[16].1, done[16].2), ("cpu-limit", true));
    assert_eq!((done[17].1, done[17].2), ("passed", false));
}

/// A sample that fails in one way or another, by lot, fails: what has no verdict is left out of pass@k, so no wrong sample may
/// bring that about.
#[test]
fn two_ways_of_failing_are_a_fail() {
    let mut options = crate::sandbox::options(plumb_code::sandbox::Isolation::Strongest);
    options.rerun = true;
    (options.limits.cpu.floor_s, options.limits.wall_s) = (0.2, 30.0);
    let sandbox = plumb_code::sandbox::Sandbox::open(&options).unwrap();
    let tests = check_tests("", "def check(candidate):\n    assert candidate(1) == 2\n", "f");
    let coin = "import os, time\ndef f(x):\n    while time.process_time() < 0.13: pass\n    if os.urandom(1)[0] & 1: raise KeyError\n    return 3\n";
    let jobs = (0..16).map(|id| crate::sandbox::calls(id, &tests, coin));
    let mut done = Vec::new();
    sandbox.run(jobs, |o| done.push((o.verdict.name(), o.rerun)));
    let fails = |(name, rerun): &(&str, bool)| matches!(*name, "exception" | "wrong-answer") && *rerun;
    assert!(done.iter().all(fails), "{done:?}");
}

/// What a sample answers cannot make the tests fail in a way that is laid to the tests or the machine.
#[test]
fn no_answer_puts_a_sample_beyond_a_verdict() {
    let tests =
        asserts("", &["assert f(3) == 6", "assert f(f(1)) == 4", "assert f(5) == 10, f(5)"], Judging::Tester);
    // Values of few bytes that take much room, sent past what would write them; values that are too deep or too large to be
    // handed on; a number that has no text.
    let raw = "import os, struct\nn = 3_300_000\nv = b'V\\0l' + struct.pack('<I', n) + b'q\\0\\0\\0\\0' * n\nd = struct.pack('<I', len(v)) + v\ndef f(x):\n    global d\n    while d: d = d[os.write(3, d):]\n";
    let deep =
        "def f(x):\n    if x != 1: return 6\n    v = 1\n    for _ in range(99): v = [v]\n    return v\n";
    let large = "def f(x): return 6 if x != 1 else 'x' * ((1 << 24) - 6)\n";
    let long = "def f(x): return 1 << 99999\n";
    // The tests take long over such answers, on a busy machine longer than a sample usually has.
    for sandbox in levels(Limits { wall_s: 200.0, ..Limits::default() }) {
        let samples = [raw, deep, large, long];
        let jobs =
            samples.iter().enumerate().map(|(id, source)| crate::sandbox::calls(id as u64, &tests, source));
        let mut ended = [""; 4];
        sandbox.run(jobs, |o| ended[o.id as usize] = o.verdict.name());
        assert_eq!(ended, ["outside-grammar", "outside-grammar", "outside-grammar", "wrong-answer"]);
    }
}

/// The zygote is one process for many samples, and each starts with a copy of its memory: nothing of another's text may be left
/// there, which could be a right solution, or the reference.
#[test]
fn no_sample_finds_the_text_of_another() {
    let tests = check_tests("", "def check(candidate):\n    assert candidate(1) == 0\n", "f");
    let line = "def f(x): return 0  # the line that is looked for\n";
    // All pages around: the heap, and what lies near other objects. The text is written backwards, lest it find itself.
    let look = format!(
        "import ctypes, os\nC = ctypes.CDLL(None)\nC.sbrk.restype = ctypes.c_void_p\n\
         C.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]\nr, w = os.pipe()\n\
         def page(at): return os.read(r, 4096) if C.write(w, at, 4096) == 4096 else b'\\0'\n\
         top, near = C.sbrk(0) & ~4095, id([]) & ~4095\n\
         memory = b''.join([page(top - 4096 * n) for n in range(999, 0, -1)] + [page(near + 4096 * n) for n in range(-2999, 2999)])\n\
         wanted = bytes(reversed({:?}.encode()))\n\
         def f(x): return memory.count(wanted)\n",
        line.trim().chars().rev().collect::<String>()
    );
    for sandbox in levels(Limits::default()) {
        let sandbox = sandbox.on_callers_thread();
        let mut ended = Vec::new();
        // Longer than the one that looks, so that not all of it is overwritten by that.
        let long = format!("{}{line}", "# nothing\n".repeat(400));
        let jobs = [line, long.as_str(), &look, &look].map(|source| crate::sandbox::calls(0, &tests, source));
        sandbox.run(jobs, |o| ended.push((o.verdict.name(), o.detail)));
        assert!(ended.iter().all(|(verdict, _)| *verdict == "passed"), "{ended:?}");
    }
}

/// Samples at a limit are settled while the run goes on: where it is killed, no more than some are lost.
#[test]
fn samples_at_a_limit_do_not_wait_for_the_end() {
    let mut options = crate::sandbox::options(plumb_code::sandbox::Isolation::Strongest);
    options.rerun = true;
    (options.limits.cpu.floor_s, options.limits.wall_s) = (0.05, 30.0);
    let sandbox = plumb_code::sandbox::Sandbox::open(&options).unwrap();
    let tests = check_tests("", "def check(candidate):\n    assert candidate(1) == 2\n", "f");
    let (done, most) = (std::cell::Cell::new(0_u64), std::cell::Cell::new(0));
    let jobs = (0..60).map(|id| {
        most.set(most.get().max(id - done.get()));
        let source = "def f(x):\n    while True: pass\n".to_owned();
        Job { id, work: Work::Calls(Calls { tests: tests.clone(), source }), reference_cpu: None }
    });
    sandbox.run(jobs, |o| {
        assert_eq!((o.verdict.name(), o.rerun), ("cpu-limit", true));
        done.set(done.get() + 1);
    });
    assert_eq!(done.get(), 60);
    // Sixteen that wait, and two for each of two workers.
    assert!(most.get() <= 20, "{} samples were out at once", most.get());
}
