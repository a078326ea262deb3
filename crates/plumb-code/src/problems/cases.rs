//! Problems whose programs read standard input and write standard output: one's own `cases`, APPS, LiveCodeBench.
//!
//! APPS and LiveCodeBench hold some problems with a function to call instead; those are refused by name.

use super::packed::text_in;
use super::{Case, Line, Problem, Statement, Tests};
use crate::Error;
use serde_json::Value;

/// The problem of a line in one of these forms; `None` for the others.
pub(super) fn problem(line: &Line) -> Result<Option<Problem>, Error> {
    let (id, words, cases) = if line.has("cases") {
        (line.id("task_id")?, line.text("prompt")?, own(line)?)
    } else if line.has("input_output") {
        let id = line.id(if line.has("task_id") { "task_id" } else { "problem_id" })?;
        (id, line.text("question")?, apps(line)?)
    } else if line.has("public_test_cases") {
        (line.id("question_id")?, line.text("question_content")?, livecodebench(line)?)
    } else {
        return Ok(None);
    };
    if cases.is_empty() {
        return Err(Error::file(&line.place, "there is no case to test with"));
    }
    let solution = if line.has("solutions") { first_of(line)? } else { line.maybe_text("solution")? };
    Ok(Some(Problem {
        id,
        statement: Statement::Words(words),
        solution,
        tests: Tests::Cases(cases),
        language: line.maybe_text("language")?.unwrap_or_else(|| "python".to_owned()),
        place: line.place.clone(),
    }))
}

fn wrong(line: &Line, problem: &str) -> Error {
    Error::file(&line.place, problem)
}

/// JSON within a text of the line.
fn inner(line: &Line, key: &str) -> Result<Value, Error> {
    json(line, key, &line.text(key)?)
}

fn json(line: &Line, key: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|e| wrong(line, &format!("`{key}` is no JSON: {e}")))
}

/// `cases = [{ input, output }, …]`.
fn own(line: &Line) -> Result<Vec<Case>, Error> {
    line.list("cases")?.iter().map(|case| of_object(line, case)).collect()
}

fn of_object(line: &Line, case: &Value) -> Result<Case, Error> {
    let text = |key: &str| {
        let text = case.get(key).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| wrong(line, &format!("a case needs `{key}`, a text")))
    };
    Ok(Case { input: text("input")?, output: text("output")? })
}

/// `input_output` is the text of an object with `inputs` and `outputs`; each a text, or a list of lines.
fn apps(line: &Line) -> Result<Vec<Case>, Error> {
    let tests = inner(line, "input_output")?;
    if tests.get("fn_name").is_some_and(|name| !name.is_null()) {
        return Err(wrong(
            line,
            "this problem calls a function (`fn_name`), which is not read in this form; leave it out, or write it with \
             `entry_point` and `test` as HumanEval does",
        ));
    }
    let texts = |key: &str| -> Result<Vec<String>, Error> {
        let list = tests.get(key).and_then(Value::as_array);
        let list = list.ok_or_else(|| wrong(line, &format!("`input_output` has no list `{key}`")))?;
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Array(lines) => {
                let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
                lines.map(|lines| lines.join("\n"))
            }
            _ => None,
        };
        let texts: Option<Vec<String>> = list.iter().map(text).collect();
        texts.ok_or_else(|| wrong(line, &format!("`{key}` of `input_output` must hold texts")))
    };
    let (inputs, outputs) = (texts("inputs")?, texts("outputs")?);
    if inputs.len() != outputs.len() {
        return Err(wrong(line, "`input_output` has not as many outputs as inputs"));
    }
    Ok(inputs.into_iter().zip(outputs).map(|(input, output)| Case { input, output }).collect())
}

/// `public_test_cases` and `private_test_cases`: texts of lists of cases, the latter packed or not.
fn livecodebench(line: &Line) -> Result<Vec<Case>, Error> {
    let mut cases = Vec::new();
    for key in ["public_test_cases", "private_test_cases"] {
        if !line.has(key) {
            continue;
        }
        let text = line.text(key)?;
        let text = if key.starts_with("private") && !text.trim_start().starts_with('[') {
            text_in(&text).map_err(|why| {
                let what = format!(
                    "`{key}` is neither JSON nor packed as LiveCodeBench packs it: {why}; leave the field out to test with the \
                     public ones"
                );
                wrong(line, &what)
            })?
        } else {
            text
        };
        let Value::Array(list) = json(line, key, &text)? else {
            return Err(wrong(line, &format!("`{key}` must be a list")));
        };
        for case in &list {
            if case.get("testtype").and_then(Value::as_str) == Some("functional") {
                return Err(wrong(
                    line,
                    "this problem calls a function, which is not read in this form; write it in the form of HumanEval, with \
                     `prompt`, `entry_point` and `test`",
                ));
            }
            cases.push(of_object(line, case)?);
        }
    }
    Ok(cases)
}

/// The first of `solutions`, the text of a list of programs; `None` where it is empty.
fn first_of(line: &Line) -> Result<Option<String>, Error> {
    match line.maybe_text("solutions")? {
        None => Ok(None),
        Some(text) if text.trim().is_empty() => Ok(None),
        Some(_) => {
            let list = inner(line, "solutions")?;
            Ok(list.as_array().and_then(|l| l.first()).and_then(Value::as_str).map(str::to_owned))
        }
    }
}
