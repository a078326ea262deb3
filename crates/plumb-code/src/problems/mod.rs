//! Problems of the common sets, and samples for them, from JSON lines.
//!
//! Why: HumanEval, MBPP and their translations say the same things under different names and with different fields left
//! out. Here they become one [`Problem`]; what a file does not have is `None`, never an empty text.
//!
//! Where to start: [`read_problems`], [`read_samples`]. Both take bytes (gzip or not) and name file and line in every
//! error. Not here: running tests, and what a problem is asked as (`reader`).

mod lines;
pub(crate) mod reader;

use crate::Error;
pub(crate) use lines::{Line, lines_of, text_of};
use std::collections::HashMap;

/// One problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The set's own name for it: `HumanEval/0`; MBPP's numbers as text.
    pub id: String,
    /// What is asked.
    pub statement: Statement,
    /// A right solution, where the file has one: of [`Statement::Code`] what follows the prompt, of
    /// [`Statement::Words`] the whole program. Line ends are the file's.
    pub solution: Option<String>,
    /// How a solution is tested.
    pub tests: Tests,
    /// The programming language, as the file calls it; Python where it does not say.
    pub language: String,
    /// File and line, for messages.
    pub place: String,
}

/// How a problem is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// The beginning of a program, to be continued (HumanEval and sets in its form).
    Code {
        /// The beginning, up to where a solution goes on.
        prompt: String,
        /// The function that tests call.
        entry_point: String,
    },
    /// A task in words (MBPP).
    Words(String),
}

/// How a solution is tested. Nothing here is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tests {
    /// One program text; in Python it defines `check(candidate)`.
    Program(String),
    /// Single assertions (MBPP).
    Asserts {
        /// What goes before them; empty where nothing does.
        setup: String,
        /// The assertions.
        asserts: Vec<String>,
        /// Harder ones that are not part of the usual score.
        challenge: Vec<String>,
    },
}

/// A generated solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Which problem.
    pub id: String,
    /// What was generated; of [`Statement::Code`] what follows the prompt.
    pub completion: String,
    /// File and line, for messages.
    pub place: String,
}

/// Reads problems in the form of HumanEval (`task_id`, `prompt`, `entry_point`, `test`, perhaps `canonical_solution` and
/// `language`) or of MBPP (`task_id`, `text` or `prompt`, `code`, `test_list`, perhaps `test_setup_code` or
/// `test_imports`, `challenge_test_list`). Each line tells its form by whether it has `test_list`. `name` is the file's,
/// for messages; fields that are not named here are not read.
///
/// # Errors
/// Damaged gzip, text that is not UTF-8, a line that is no JSON object, a field that is missing or of another type, two
/// problems of one name, no problem at all.
pub fn read_problems(bytes: &[u8], name: &str) -> Result<Vec<Problem>, Error> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut known: HashMap<String, String> = HashMap::new();
    for line in lines_of(bytes, name)? {
        let problem = problem(&line?)?;
        if let Some(other) = known.insert(problem.id.clone(), problem.place.clone()) {
            return Err(Error::file(
                &problem.place,
                format!("the problem {} is at {other} already", problem.id),
            ));
        }
        problems.push(problem);
    }
    if problems.is_empty() {
        return Err(Error::file(name, "there is no problem in it"));
    }
    Ok(problems)
}

/// Reads samples: `task_id` and `completion` in each line. Several of one problem are several samples.
///
/// # Errors
/// As [`read_problems`], but samples may repeat and a file may be empty.
pub fn read_samples(bytes: &[u8], name: &str) -> Result<Vec<Sample>, Error> {
    lines_of(bytes, name)?
        .map(|line| {
            let line = line?;
            Ok(Sample { id: line.id("task_id")?, completion: line.text("completion")?, place: line.place })
        })
        .collect()
}

fn problem(line: &Line) -> Result<Problem, Error> {
    let id = line.id("task_id")?;
    let language = line.maybe_text("language")?.unwrap_or_else(|| "python".to_owned());
    let place = line.place.clone();
    if line.has("test_list") {
        let words = if line.has("text") { line.text("text")? } else { line.text("prompt")? };
        let setup = match line.maybe_text("test_setup_code")? {
            Some(setup) => setup,
            None => line.maybe_texts("test_imports")?.unwrap_or_default().join("\n"),
        };
        return Ok(Problem {
            id,
            statement: Statement::Words(words),
            solution: line.maybe_text("code")?,
            tests: Tests::Asserts {
                setup,
                asserts: line.texts("test_list")?,
                challenge: line.maybe_texts("challenge_test_list")?.unwrap_or_default(),
            },
            language,
            place,
        });
    }
    Ok(Problem {
        id,
        statement: Statement::Code { prompt: line.text("prompt")?, entry_point: line.text("entry_point")? },
        solution: line.maybe_text("canonical_solution")?,
        tests: Tests::Program(line.text("test")?),
        language,
        place,
    })
}
