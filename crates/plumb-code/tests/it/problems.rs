//! Problem files, real ones where they are, and plans that read them.

use crate::support::{Files, data, frozen, ran, shown};
use plumb_code::problems::{Problem, Statement, Tests, read_problems, read_samples};
use plumb_study::items::{Prompt, Task};
use std::io::Write as _;

const HUMAN: &str = r#"{"task_id": "T/0", "prompt": "def f(x):\n", "entry_point": "f", "canonical_solution": "    return x\n", "test": "def check(c):\n    assert c(1) == 1\n"}

{"task_id": "T/1", "prompt": "function g() {", "entry_point": "g", "canonical_solution": null, "test": "g()", "language": "javascript"}
"#;
const WORDS: &str = r#"{"task_id": 7, "text": "Say one.", "code": "def one():\r\n\treturn 1", "test_setup_code": "", "test_list": ["assert one() == 1"], "challenge_test_list": []}
{"task_id": 8, "prompt": "Say two.", "code": "def two(): return 2", "test_imports": ["import math"], "test_list": ["assert two() == 2"]}
"#;

fn packed(text: &str) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    gz.finish().unwrap()
}

#[test]
fn both_forms_are_read_packed_or_not() {
    let problems = read_problems(HUMAN.as_bytes(), "h.jsonl").unwrap();
    assert_eq!(problems, read_problems(&packed(HUMAN), "h.jsonl").unwrap());
    assert_eq!((problems[1].place.as_str(), problems[1].language.as_str()), ("h.jsonl:3", "javascript"));
    assert_eq!((&problems[1].solution, problems[0].solution.as_deref()), (&None, Some("    return x\n")));
    let words = read_problems(WORDS.as_bytes(), "w.jsonl").unwrap();
    assert_eq!(words[0].id, "7");
    assert_eq!(words[0].solution.as_deref(), Some("def one():\r\n\treturn 1"), "line ends are the file's");
    let Tests::Asserts { setup, asserts, .. } = &words[1].tests else { panic!() };
    assert_eq!((setup.as_str(), asserts.len()), ("import math", 1));
}

#[test]
fn faults_name_file_and_line() {
    let first = HUMAN.lines().next().unwrap();
    for (text, words) in [
        (String::new(), "p: there is no problem in it"),
        ("{}".into(), "p:1: `task_id` is missing (a name: a text or a whole number)"),
        ("[]".into(), "p:1: a JSON object is expected"),
        (format!("{first}\n\n{{"), "p:3: not JSON"),
        (format!("{first}\n{first}"), "p:2: the problem T/0 is at p:1 already"),
        (
            first.replace("\"prompt\"", "\"Prompt\""),
            "p:1: `prompt` is missing (a text); fields here: task_id",
        ),
        (first.replace("\"f\"", "3"), "p:1: `entry_point` must be a text"),
        (WORDS.replace("[\"assert one() == 1\"]", "[1]"), "p:1: `test_list` must be a list of texts"),
    ] {
        let error = read_problems(text.as_bytes(), "p").unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
    let error = |bytes: &[u8]| read_problems(bytes, "p").unwrap_err().to_string();
    assert_eq!(error(b"{}\n\xff"), "p:2: not UTF-8");
    assert!(error(&packed(HUMAN)[..30]).starts_with("p: gzip: "));
    let error = read_samples(b"{\"task_id\": \"T/0\"}", "s").unwrap_err().to_string();
    assert!(error.starts_with("s:1: `completion` is missing"), "{error}");
}

fn plan(items: &str) -> String {
    format!(
        "name = 'p'\nseed = 1\n[[items]]\nreader = 'problems'\npath = 'h.jsonl'\n{items}\n\
         [[judge]]\nid = 'near'\nkind = 'similarity'\nmetric = ['exact', 'edit']\n\
         [[analysis]]\nid = 'a'\nof = 'near.edit'\nby = ['language']\n"
    )
}

const SUBJECT: &str =
    "[[subject]]\nid = 's'\nkind = 'scripted'\notherwise = \"```python\\ndef f(x):\\n    return x\\n```\"";

#[test]
fn a_plan_asks_problems_and_compares_with_solutions() {
    let files = Files::of([("h.jsonl", HUMAN.as_bytes())]);
    let chat = frozen(&plan(SUBJECT), &files).unwrap().plan;
    assert_eq!(chat.items[0].target.as_deref(), Some("def f(x):\n    return x\n"));
    assert!(chat.items[0].task.headline().contains("```python\ndef f(x):\n```"));
    assert_eq!(chat.items[1].target, None);
    let shown = shown(&ran(&plan(SUBJECT), &files));
    assert!(shown.contains(&"T/0 near.exact = 1 [code: block 1 of 1]".to_owned()), "{shown:#?}");
    assert!(shown.contains(&"T/1 near.edit = judge abstained: the item has no target".to_owned()));

    let text = frozen(&plan(&format!("as = 'completion'\n{SUBJECT}")), &files).unwrap().plan;
    assert!(matches!(&text.items[0].task, Task::Ask(Prompt::Completion(p)) if &**p == "def f(x):\n"));
    assert_eq!(text.items[0].target.as_deref(), Some("    return x\n"));
}

#[test]
fn samples_are_recorded_answers() {
    let samples = "{\"task_id\": \"T/0\", \"completion\": \"    return x\"}\n{\"task_id\": \"T/0\", \"completion\": \"    return 1\"}\n";
    let files = Files::of([("h.jsonl", HUMAN.as_bytes()), ("s.jsonl", samples.as_bytes())]);
    let results = ran(&plan("samples = 's.jsonl'\nanswers_of = 'codex'"), &files);
    assert_eq!(results.by_subject[0].subject.to_string(), "codex");
    let exact: Vec<String> = shown(&results).into_iter().filter(|l| l.contains("exact")).collect();
    assert_eq!(exact.len(), 2, "{exact:?}");
    assert!(exact[0].contains("= 0") && exact[1].contains("= 1"), "{exact:?}");

    let unknown = Files::of([
        ("h.jsonl", HUMAN.as_bytes()),
        ("s.jsonl", b"{\"task_id\": \"T/9\", \"completion\": \"\"}"),
    ]);
    for (items, files, words) in [
        ("samples = 's.jsonl'", &unknown, "s.jsonl:1: there is no problem T/9"),
        ("samples = 's.jsonl'\nas = 'chat'", &files, "samples are completions"),
        ("answers_of = 'x'", &files, "and there are none"),
        ("samples = 't.jsonl'", &files, "there is no file t.jsonl"),
    ] {
        let error = frozen(&plan(items), files).err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn private_cases_of_livecodebench_are_opened() {
    let line = |private: &str| {
        let public = r#"[{\"input\": \"1\", \"output\": \"2\", \"testtype\": \"stdin\"}]"#;
        format!(
            "{{\"question_id\": \"q\", \"question_content\": \"Double.\", \"public_test_cases\": \"{public}\", \
             \"private_test_cases\": \"{private}\"}}"
        )
    };
    // base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))), one case.
    let packed = "eJxrYJlqwwABPRbR1UqZeQWlJUpWCkpGMXlKOgpK+aUlUAETiEBJanFJSWVBKkiouCQlM0+pNnaKHgCVcRRJ";
    let problems = read_problems(line(packed).as_bytes(), "l.jsonl").unwrap();
    let Tests::Cases(cases) = &problems[0].tests else { panic!() };
    assert_eq!((cases.len(), cases[1].input.as_str(), cases[1].output.as_str()), (2, "2\n", "4\n"));
    let error = read_problems(line("gASVAA==").as_bytes(), "l.jsonl").unwrap_err().to_string();
    assert!(error.contains("l.jsonl:1") && error.contains("it is not packed by zlib"), "{error}");
}

/// Task 596 of MBPP compares with `sys.getsizeof(…)`; a name that only ends like the module's is none of it.
#[test]
fn modules_that_assertions_name_come_from_the_reference_solution() {
    let line = r#"{"task_id": 596, "text": "Size.", "code": "import sys \r\nimport os\nimport re\ndef size(x):\n  return sys.getsizeof(x)", "test_list": ["assert size(1) == sys.getsizeof(1)", "assert size(2) == my_os.x + a.re.x"]}"#;
    let problems = read_problems(line.as_bytes(), "m.jsonl").unwrap();
    let Tests::Asserts { setup, .. } = &problems[0].tests else { panic!() };
    assert_eq!(setup, "import sys\n");
}

fn real(file: &str) -> Option<Vec<Problem>> {
    let path = data(file)?;
    Some(read_problems(&std::fs::read(path).unwrap(), file).unwrap())
}

#[test]
fn real_sets_are_read_whole() {
    for (file, count, solved) in [
        ("humaneval/HumanEval.jsonl.gz", 164, 164),
        ("mbpp/mbpp.jsonl.gz", 974, 974),
        ("mbpp/mbpp_sanitized_check_style.jsonl.gz", 427, 427),
        ("mbpp/mxeval_mbpp_release_v1.jsonl.gz", 974, 974),
        ("multilingual/HumanEval_go_v1.jsonl.gz", 160, 0),
        ("multilingual/HumanEval_java_v1.1.jsonl.gz", 161, 0),
        ("multilingual/HumanEval_javascript_v1.1.jsonl.gz", 161, 0),
        ("multilingual/HumanEval_perl_v1.1.jsonl.gz", 161, 0),
        ("multilingual/HumanEval_php_v1.1.jsonl.gz", 161, 0),
        ("multilingual/HumanEval_ruby_v1.1.jsonl.gz", 161, 0),
        ("multilingual/HumanEval_typescript_v1.jsonl.gz", 161, 0),
        ("multilingual/mbcpp_release_v1.2.jsonl.gz", 848, 773),
    ] {
        let Some(problems) = real(file) else { return };
        let found = problems.iter().filter(|p| p.solution.is_some()).count();
        println!("{file}: {} problems, {found} with a solution", problems.len());
        assert_eq!(problems.len(), count, "{file}");
        assert_eq!(found, solved, "{file}");
        let words = problems.iter().filter(|p| matches!(p.statement, Statement::Words(_))).count();
        assert_eq!(words > 0, file == "mbpp/mbpp.jsonl.gz", "{file}");
    }
    for file in ["mbcpp_samples", "mbjsp_samples", "mbjp_samples"] {
        let file = format!("multilingual/{file}.jsonl.gz");
        let Some(path) = data(&file) else { return };
        let samples = read_samples(&std::fs::read(path).unwrap(), &file).unwrap();
        println!("{file}: {} samples", samples.len());
        assert!(samples.len() > 100);
    }
}
