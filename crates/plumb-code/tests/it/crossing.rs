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
