//! Problems in the forms of contests: programs that read standard input and write standard output (one's own `cases`, APPS,
//! LiveCodeBench), or a function that is called with values of JSON (the latter two).

use super::packed::text_in;
use super::raw::{elements_of, value_of};
use super::{Case, Line, Problem, Statement, Tests};
use crate::Error;
use serde_json::Value;

/// The problem of a line in one of these forms; `None` for the others.
pub(super) fn problem(line: &Line) -> Result<Option<Problem>, Error> {
    let (id, words, tests) = if line.has("cases") {
        (line.id("task_id")?, line.text("prompt")?, Tests::Cases(own(line)?))
    } else if line.has("input_output") {
        let id = line.id(if line.has("task_id") { "task_id" } else { "problem_id" })?;
        (id, with_starter(line, line.text("question")?)?, apps(line)?)
    } else if line.has("public_test_cases") {
        let words = with_starter(line, line.text("question_content")?)?;
        (line.id("question_id")?, words, livecodebench(line)?)
    } else {
        return Ok(None);
    };
    if let Tests::Cases(cases) | Tests::Function { cases, .. } = &tests
        && cases.is_empty()
    {
        return Err(Error::file(&line.place, "there is no case to test with"));
    }
    let solution = if line.has("solutions") { first_of(line)? } else { line.maybe_text("solution")? };
    Ok(Some(Problem {
        id,
        statement: Statement::Words(words),
        solution,
        tests,
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

/// The task with the code that an answer begins with, where the line has some.
fn with_starter(line: &Line, words: String) -> Result<String, Error> {
    Ok(match line.maybe_text("starter_code")? {
        Some(code) if !code.trim().is_empty() => format!("{words}\n\n```python\n{}\n```", code.trim_end()),
        _ => words,
    })
}

/// `input_output` is the text of an object with `inputs` and `outputs`; each a text, or a list of lines. With `fn_name` they are
/// lists of arguments and the answers, which some problems put into a list.
fn apps(line: &Line) -> Result<Tests, Error> {
    let tests = inner(line, "input_output")?;
    let list = |key: &str| {
        let list = tests.get(key).and_then(Value::as_array);
        list.ok_or_else(|| wrong(line, &format!("`input_output` has no list `{key}`")))
    };
    let (inputs, outputs) = (list("inputs")?, list("outputs")?);
    if inputs.len() != outputs.len() {
        return Err(wrong(line, "`input_output` has not as many outputs as inputs"));
    }
    if let Some(name) = tests.get("fn_name").and_then(Value::as_str) {
        if !inputs.iter().all(Value::is_array) {
            return Err(wrong(line, "with `fn_name`, each of `inputs` must be a list of arguments"));
        }
        // As they are written: numbers may be larger than any number type here.
        let text = line.text("input_output")?;
        let of = |key: &str| elements_of(value_of(&text, key).unwrap_or_default());
        let cases = of("inputs").into_iter().zip(of("outputs")).map(|(given, wanted)| {
            let right: Vec<&str> =
                std::iter::once(wanted).chain(elements_of(wanted).first().copied()).collect();
            Case { input: given.to_owned(), output: format!("[{}]", right.join(", ")) }
        });
        return Ok(Tests::Function { name: name.to_owned(), cases: cases.collect() });
    }
    let both = inputs.iter().zip(outputs);
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
            lines.map(|lines| lines.join("\n")).ok_or(())
        }
        _ => Err(()),
    };
    let cases = both.map(|(input, output)| Ok(Case { input: text(input)?, output: text(output)? }));
    let cases: Result<Vec<Case>, ()> = cases.collect();
    Ok(Tests::Cases(
        cases.map_err(|()| wrong(line, "`inputs` and `outputs` of `input_output` must hold texts"))?,
    ))
}

/// `public_test_cases` and `private_test_cases`: texts of lists of cases, the latter packed or not. Those of a function have an
/// argument a line, and its name in `metadata`.
fn livecodebench(line: &Line) -> Result<Tests, Error> {
    let (mut cases, mut called) = (Vec::new(), 0);
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
            let is_call = case.get("testtype").and_then(Value::as_str) == Some("functional");
            called += usize::from(is_call);
            let case = of_object(line, case)?;
            cases.push(if is_call { of_call(line, key, &case)? } else { case });
        }
    }
    if called == 0 {
        return Ok(Tests::Cases(cases));
    }
    if called < cases.len() {
        return Err(wrong(line, "some cases call a function and some read standard input"));
    }
    let metadata = match line.fields().get("metadata") {
        Some(Value::Object(fields)) => Value::Object(fields.clone()),
        _ => inner(line, "metadata")?,
    };
    let name = metadata.get("func_name").and_then(Value::as_str);
    let name =
        name.ok_or_else(|| wrong(line, "`metadata` does not say which function is called (`func_name`)"))?;
    Ok(Tests::Function { name: name.to_owned(), cases })
}

/// A case of a function: an argument a line, each JSON, and one answer; kept as they are written.
fn of_call(line: &Line, key: &str, case: &Case) -> Result<Case, Error> {
    let arguments: Vec<&str> = case.input.lines().filter(|text| !text.trim().is_empty()).collect();
    arguments.iter().chain([&case.output.as_str()]).try_for_each(|text| json(line, key, text).map(|_| ()))?;
    Ok(Case { input: format!("[{}]", arguments.join(", ")), output: format!("[{}]", case.output) })
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
