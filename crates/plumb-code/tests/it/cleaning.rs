//! Repairs: what each makes of an answer, and that right code is left alone.

use plumb_code::clean::{Repairs, cleaned};
use plumb_code::exec::Testable;
use plumb_code::problems::read_problems;
use plumb_code::sandbox::Judging;

const HEAD: &str = "from typing import List\n\n\ndef add(a, b):\n    \"\"\"Add.\"\"\"\n";

fn problem() -> Testable {
    let line = serde_json::json!({
        "task_id": "t/0", "prompt": HEAD, "entry_point": "add", "canonical_solution": "    return a + b\n",
        "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    });
    let problems = read_problems(line.to_string().as_bytes(), "t").unwrap();
    Testable::of(&problems[0], Judging::Tester, &plumb_code::language::Languages::built_in()).unwrap()
}

fn check(sample: &str, whole: bool, repairs: &[&str], program: &str) {
    let (found, applied) = cleaned(&problem(), sample, whole, &Repairs::all());
    assert_eq!((found.as_str(), applied.as_slice()), (program, repairs), "{sample:?}");
}

#[test]
fn each_repair_does_what_it_says() {
    let body = format!("{HEAD}    return a + b\n");
    let function = "from typing import List\n\n\ndef add(a, b):\n    return a + b\n";
    check("    return a + b\n", false, &[], &body);
    check("    return a + b\r\n", false, &["line-ends"], &body);
    check("    return a + b\n<|endoftext|>junk", false, &["end-marker"], &body);
    check("\treturn a + b\n", false, &["tabs"], &body);
    check("   return a + b\n", false, &["indent"], &body);
    check("return a + b\n", false, &["indent"], &body);
    check(
        "def g(x): return x\nif a: return g(a) + b\n",
        false,
        &["indent"],
        &format!("{HEAD}    def g(x): return x\n    if a: return g(a) + b\n"),
    );
    // Programs of their own, right or wrong, are no bodies.
    for own in [
        "add = lambda a, b: a + b\n",
        "class Solution:\n    def add(self, a, b):\n        return a + b\n",
        "def plus(a, b):\n    return a + b\n",
    ] {
        check(own, false, &[], &format!("{HEAD}{own}"));
    }
    check(
        "if a:\n        return a + b\n    return b\n",
        false,
        &["indent"],
        &format!("{HEAD}    if a:\n        return a + b\n    return b\n"),
    );
    check("    return a + b\n\nx = (", false, &["tail"], &format!("{HEAD}    return a + b\n\n"));
    // A body is no prose, though a function that was cut in the middle stands behind it.
    check("    return a + b\n\n\ndef sub(a, b", false, &["tail"], &format!("{HEAD}    return a + b\n\n\n"));
    check("   return a + b\n\ndef sub(a", false, &["indent", "tail"], &format!("{HEAD}    return a + b\n\n"));
    check(
        "\n Here is it:\n\ndef add(a, b):\n    return a + b\n\ndef sub(a",
        false,
        &["prose", "whole", "tail"],
        &format!("{function}\n"),
    );
    check(
        "    return math.floor(a + b)\n",
        false,
        &["imports"],
        &format!("import math\n{HEAD}    return math.floor(a + b)\n"),
    );
    check(
        "Sure:\n```python\ndef add(a, b):\n    return a + b\n```\nDone.",
        false,
        &["fence"],
        &format!("{HEAD}def add(a, b):\n    return a + b"),
    );
    check(
        "Here is it, as asked:\ndef add(a, b):\n    return a + b\n",
        false,
        &["prose"],
        &format!("{HEAD}def add(a, b):\n    return a + b\n"),
    );
    // A whole program: what the problem gives before the function is put before it, if it is not there.
    check("def add(a, b):\n    return a + b\n", true, &["whole"], function);
    check(function, true, &[], function);
    check("    return a + b\n", true, &["whole"], &body);
    check("    def add(a, b):\n        return a + b\n", true, &["whole"], function);
}

#[test]
fn repairs_are_switched_one_by_one() {
    let only = Repairs::named(["fence"]).unwrap();
    let (program, applied) = cleaned(&problem(), "```\n    return a + b\r\n```", false, &only);
    assert_eq!((program, applied), (format!("{HEAD}    return a + b"), vec!["fence"]));
    assert!(
        Repairs::named(["fences"])
            .unwrap_err()
            .starts_with("there is no repair \"fences\"; there are line-ends")
    );
}

#[test]
fn names_that_are_bound_need_no_import() {
    for sample in [
        "    math = a\n    return math\n",
        "    return a.math\n",
        "    return f(math=1)\n",
        "    import math\n    return math.e\n",
    ] {
        check(sample, false, &[], &format!("{HEAD}{sample}"));
    }
}
