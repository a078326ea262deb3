//! Languages other than Python: verdicts, programs that read and write, real sets, what is missing.

use crate::support::{data, fixture, lines, python};
use plumb_code::exec::{Given, Record, Testable, run};
use plumb_code::language::Languages;
use plumb_code::problems::{Problem, read_problems};
use plumb_code::sandbox::{Isolation, Judging, Level, Limits, Options, Sandbox};
use serde_json::json;
use std::collections::BTreeMap;

/// A sandbox of full isolation, or a line that says why the test has nothing to do.
fn sandbox() -> Option<Sandbox> {
    let mut limits = Limits { memory: 512 << 20, ..Limits::default() };
    (limits.cpu.floor_s, limits.wall_s) = (1.5, 200.0);
    let options =
        Options { isolation: Isolation::Full, interpreter: python()?, limits, workers: 2, rerun: true };
    Sandbox::open(&options).inspect_err(|e| eprintln!("skipped: needs full isolation ({e})")).ok()
}

fn problems(list: &[serde_json::Value]) -> Vec<Problem> {
    let text: String = list.iter().map(|line| format!("{line}\n")).collect();
    read_problems(text.as_bytes(), "t").unwrap()
}

fn testables(problems: &[Problem], languages: &Languages) -> Vec<Testable> {
    problems.iter().map(|p| Testable::of(p, Judging::Tester, languages).unwrap()).collect()
}

/// Whether this machine has a language; a line where it has not.
fn has(language: &str) -> bool {
    let languages = Languages::built_in();
    let installed = languages.named(language).unwrap().installed();
    if let Err(why) = &installed {
        eprintln!("skipped: {language} ({why})");
    }
    installed.is_ok()
}

fn ran(sandbox: &Sandbox, testables: &[Testable], samples: Vec<(usize, String)>, whole: bool) -> Vec<Record> {
    let given = samples.into_iter().enumerate().map(|(sample, (problem, completion))| Given {
        sample: sample as u64,
        problem,
        completion,
        whole,
    });
    let mut records = BTreeMap::new();
    run(sandbox, testables, &[], None, given, |record| drop(records.insert(record.sample, record)));
    records.into_values().collect()
}

#[derive(serde::Deserialize)]
struct Programs {
    problem: Vec<Program>,
}

#[derive(serde::Deserialize)]
struct Program {
    language: String,
    prompt: String,
    test: String,
    samples: BTreeMap<String, String>,
}

#[test]
fn every_verdict_is_told_apart_in_every_language() {
    let Some(sandbox) = sandbox() else { return };
    let file = std::fs::read_to_string(fixture("languages/programs.toml")).unwrap();
    let programs: Programs = toml::from_str(&file).unwrap();
    let mut wrong = Vec::new();
    for of in programs.problem.iter().filter(|p| has(&p.language)) {
        let problem = json!({"task_id": of.language, "language": of.language, "prompt": of.prompt,
            "entry_point": "add", "test": of.test});
        let testables = testables(&problems(&[problem]), &Languages::built_in());
        let samples = of.samples.keys().map(|text| (0, text.clone())).collect();
        for record in ran(&sandbox, &testables, samples, false) {
            let expected = &of.samples[&record.completion];
            assert!(record.raw.weak);
            if record.raw.verdict.name() != expected {
                wrong.push(format!("{} {expected}: {record:?}", of.language));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn programs_in_other_languages_read_and_write() {
    let Some(sandbox) = sandbox() else { return };
    let cases = json!([{"input": "2 3\n", "output": "5\n"}, {"input": "-1 1\n", "output": "0\n"}]);
    let sources = [
        (
            "javascript",
            "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number); console.log(a + b);",
        ),
        (
            "cpp",
            "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b << '\\n'; }",
        ),
        (
            "java",
            "import java.util.*;\npublic class Main { public static void main(String[] x) { Scanner s = new Scanner(System.in); \
          System.out.println(s.nextInt() + s.nextInt()); } }",
        ),
    ];
    for (language, source) in sources.into_iter().filter(|(language, _)| has(language)) {
        let problem = json!({"task_id": "p", "language": language, "prompt": "Add.", "cases": cases});
        let testables = testables(&problems(&[problem]), &Languages::built_in());
        let both =
            vec![(0, source.to_owned()), (0, source.replace("a + b", "a - b").replace("() + s", "() - s"))];
        let records = ran(&sandbox, &testables, both, true);
        let verdicts: Vec<&str> = records.iter().map(|r| r.raw.verdict.name()).collect();
        assert_eq!(verdicts, ["passed", "wrong-answer"], "{records:?}");
        assert!(!records[0].raw.weak, "what it wrote is compared outside of it");
    }
}

/// A language is a table in a file: a shell, which every machine has.
#[test]
fn a_file_adds_a_language() {
    let Some(sandbox) = sandbox() else { return };
    let file = "[[language]]\nname = \"sh\"\nversion = [\"sh\", \"-c\", \"echo 1\"]\nfile = \"main.sh\"\n\
        run = [\"sh\", \"main.sh\"]\nafter_tests = \"\\necho {proof}\\n\"\nwrong = [\"not equal\"]\n";
    let languages = Languages::built_in().with(file, "own.toml").unwrap();
    let test = "[ \"$(add 1 2)\" = 3 ] || { echo not equal >&2; exit 1; }";
    let problem =
        json!({"task_id": "p", "language": "sh", "prompt": "add() {\n", "entry_point": "add", "test": test});
    let testables = testables(&problems(&[problem]), &languages);
    let samples = ["echo $(($1 + $2)); }", "echo $(($1 - $2)); }", "exit 0; }\nexit 0", "( }"];
    let records = ran(&sandbox, &testables, samples.map(|s| (0, s.to_owned())).to_vec(), false);
    let verdicts: Vec<&str> = records.iter().map(|r| r.raw.verdict.name()).collect();
    assert_eq!(verdicts, ["passed", "wrong-answer", "exited-early", "exception"], "{records:?}");
}

/// What is missing on the machine is nobody's failure.
#[test]
fn what_is_not_installed_is_no_fail() {
    let Some(sandbox) = sandbox() else { return };
    let file = "[[language]]\nname = \"lang\"\nversion = [\"no-such-program\"]\nfile = \"f\"\n\
        run = [\"no-such-program\"]\nafter_tests = \"\"\n";
    let languages = Languages::built_in().with(file, "own.toml").unwrap();
    let mut list =
        vec![json!({"task_id": "a", "language": "lang", "prompt": "x", "entry_point": "f", "test": "t"})];
    if has("javascript") {
        list.push(json!({"task_id": "b", "language": "js", "prompt": "", "entry_point": "f",
            "test": "require(\"no-such-module\");"}));
    }
    let testables = testables(&problems(&list), &languages);
    let samples = (0..list.len()).map(|at| (at, String::new())).collect();
    for record in ran(&sandbox, &testables, samples, false) {
        let line = record.line();
        assert_eq!(record.raw.passed(), None, "{line}");
        assert!(line["result"].as_str().unwrap().contains("no-such-"), "{line}");
    }
}

/// A search that a limit ended found nothing out: it is made again, and then said.
#[test]
fn a_module_that_is_looked_for_too_long_is_no_fail() {
    if sandbox().is_none() {
        return;
    }
    let mut options = crate::sandbox::options(Isolation::Full);
    options.limits.cpu.floor_s = 0.1;
    let sandbox = Sandbox::open(&options).unwrap();
    let file = "[[language]]\nname = \"sh\"\nversion = [\"sh\", \"-c\", \"echo 1\"]\nfile = \"main.sh\"\n\
        run = [\"sh\", \"main.sh\"]\nafter_tests = \"\\necho {proof}\\n\"\n\
        modules = { before = \"need \", after = \";\", program = \"while :; do :; done\" }\n";
    let languages = Languages::built_in().with(file, "own.toml").unwrap();
    let list = ["p", "q"].map(|id| {
        json!({"task_id": id, "language": "sh", "prompt": "", "entry_point": "add", "test": "need much;"})
    });
    let testables = testables(&problems(&list), &languages);
    for record in ran(&sandbox, &testables, vec![(0, String::new()), (1, String::new())], false) {
        assert_eq!(record.raw.passed(), None);
        let said = record.line()["result"].to_string();
        assert!(said.contains("need much") && said.contains("or not within its limits"), "{said}");
    }
}

#[test]
fn other_languages_need_full_isolation() {
    let list = [json!({"task_id": "a", "language": "cpp", "prompt": "x", "entry_point": "f", "test": "t"})];
    let testables = testables(&problems(&list), &Languages::built_in());
    assert!(testables[0].runs_at(Level::Full).is_ok());
    let error = testables[0].runs_at(Level::Filtered).unwrap_err().to_string();
    assert!(error.contains("cpp need full isolation"), "{error}");
}

/// Reference solutions of a real set, and its samples: some of each, since a compiler takes a second.
#[test]
fn a_real_set_in_cpp() {
    let Some(file) = data("multilingual/mbcpp_release_v1.2.jsonl.gz") else { return };
    let Some(sandbox) = sandbox().filter(|_| has("cpp")) else { return };
    let problems = read_problems(&std::fs::read(file).unwrap(), "mbcpp").unwrap();
    let some: Vec<Problem> = problems.into_iter().filter(|p| p.solution.is_some()).step_by(97).collect();
    let testables = testables(&some, &Languages::built_in());
    let solutions = some.iter().enumerate().map(|(at, p)| (at, p.solution.clone().unwrap())).collect();
    let records = ran(&sandbox, &testables, solutions, false);
    let failed: Vec<_> = records.iter().filter(|r| r.raw.passed() != Some(true)).collect();
    assert!(failed.is_empty() && records.len() == 8, "{failed:?}");
}

/// The Java and JavaScript files have tests and no solutions; these were written for this test.
#[test]
fn real_tests_in_java_and_javascript_tell_right_from_wrong() {
    let Some(sandbox) = sandbox() else { return };
    let solved = fixture("languages/solved.jsonl");
    let mut ran_any = false;
    for (language, file) in [
        ("java", "multilingual/HumanEval_java_v1.1.jsonl.gz"),
        ("javascript", "multilingual/HumanEval_javascript_v1.1.jsonl.gz"),
    ] {
        let Some(file) = data(file).filter(|_| has(language)) else { continue };
        let problems = read_problems(&std::fs::read(file).unwrap(), language).unwrap();
        let testables = testables(&problems, &Languages::built_in());
        let (mut samples, mut expected) = (Vec::new(), Vec::new());
        for line in lines(&solved) {
            if let Some(at) = problems.iter().position(|p| line["task_id"] == p.id.as_str()) {
                samples.push((at, line["completion"].as_str().unwrap().to_owned()));
                expected.push(line["verdict"].as_str().unwrap().to_owned());
            }
        }
        let records = ran(&sandbox, &testables, samples, false);
        if records
            .iter()
            .any(|r| r.raw.detail.contains("lodash") || format!("{:?}", r.raw.verdict).contains("lodash"))
        {
            eprintln!("skipped: the tests of HumanEval in JavaScript need lodash (apt install node-lodash)");
            continue;
        }
        let verdicts: Vec<&str> = records.iter().map(|r| r.raw.verdict.name()).collect();
        let told: Vec<&str> = records.iter().map(|r| r.raw.detail.as_str()).collect();
        assert_eq!(verdicts, expected, "{told:?}");
        ran_any = true;
    }
    println!("any ran: {ran_any}");
}
