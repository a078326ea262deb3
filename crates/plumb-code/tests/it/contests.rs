//! Problems of contests that call a function.

use crate::support::python;
use plumb_code::exec::{Given, Testable, references, run};
use plumb_code::language::Languages;
use plumb_code::problems::read_problems;
use plumb_code::sandbox::{Isolation, Judging, Limits, Options, Partial, Sandbox};
use serde_json::json;

/// Functions of APPS and LiveCodeBench: in a class, or by themselves; numbers as large as they are written; tuples are lists.
#[test]
fn functions_are_called() {
    let Some(interpreter) = python() else { return };
    let (isolation, limits) = (Isolation::Strongest, Limits::default());
    let options = Options { isolation, interpreter, limits, workers: 2, rerun: true };
    let sandbox = Sandbox::open(&options).unwrap();
    let cases = r#"[{"input": "[1, 2]\n3", "output": "[4, 5]", "testtype": "functional"},
        {"input": "[123456789012345678901234567890]\n1", "output": "[123456789012345678901234567891]", "testtype": "functional"}]"#;
    let apps = r#"{"fn_name": "more", "inputs": [[[1, 2], 3]], "outputs": [[[4, 5]]]}"#;
    let lines = [
        json!({"question_id": "lcb", "question_content": "Add.", "starter_code": "class Solution:\n",
            "public_test_cases": cases, "metadata": "{\"func_name\": \"more\"}"}),
        json!({"problem_id": 7, "question": "Add.", "input_output": apps,
            "solutions": "[\"def more(xs, n): return [x + n for x in xs]\"]"}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let testables: Vec<Testable> = read_problems(text.as_bytes(), "t")
        .unwrap()
        .iter()
        .map(|problem| Testable::of(problem, Judging::Tester, &Languages::built_in()).unwrap())
        .collect();
    let class =
        "class Solution:\n    def more(self, xs: List[int], n):\n        return tuple(x + n for x in xs)\n";
    let alone = "def more(xs, n):\n    return [x + n for x in xs]\n";
    let samples = [
        (0, class, "passed"),
        (1, class, "passed"),
        (0, alone, "passed"),
        (1, alone, "passed"),
        (0, "def more(xs, n): return xs", "wrong-answer"),
        (0, "def less(): pass", "exception"),
        (0, "class Solution: pass", "exception"),
    ];
    let given = samples.iter().enumerate().map(|(at, (problem, text, _))| Given {
        sample: at as u64,
        problem: *problem,
        completion: (*text).to_owned(),
        whole: false,
    });
    let mut seen = 0;
    run(&sandbox, &testables, &[], None, given, |record| {
        let (.., expected) = samples[record.sample as usize];
        assert_eq!(record.raw.verdict.name(), expected, "{}: {}", record.sample, record.raw.detail);
        if record.sample == 0 {
            assert_eq!(record.raw.partial, Partial::Counted { passed: 2, total: 2 });
        }
        seen += 1;
    });
    assert_eq!(seen, samples.len());
    assert!(references(&sandbox, &[&testables[1]])[0].is_ok());
}
