//! Problems of the common sets and of one's own, and samples for them, from JSON lines.
//!
//! Why: HumanEval, MBPP and their translations say the same things under different names and with different fields left
//! out. Here they become one [`Problem`]; what a file does not have is `None`, never an empty text.
//!
//! Where to start: [`read_problems`], [`read_samples`]. Both take bytes (gzip or not) and name file and line in every
//! error. Not here: running tests, and what a problem is asked as (`reader`).

mod cases;
mod lines;
mod packed;
mod raw;
pub(crate) mod reader;

use crate::Error;
pub(crate) use lines::{Line, lines_of, text_of};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

/// One problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Inputs whose right answers are those of the reference solution (EvalPlus).
    Inputs(Inputs),
    /// The whole program reads and writes (APPS, LiveCodeBench).
    Cases(Vec<Case>),
    /// A function is called, or the method of a class `Solution` (the same sets).
    Function {
        /// Its name.
        name: String,
        /// Inputs and outputs as JSON: a list of arguments, and a list of answers of which each is right.
        cases: Vec<Case>,
    },
}

/// Inputs of a function, as the JSON text that the file has: a list of lists of arguments. Numbers in them may be larger
/// than any number type here, so the text is not read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// Those of the original set.
    pub base: String,
    /// More of them, where the file has some.
    pub plus: Option<String>,
    /// How far a number may be from the right one; 0 where they must be equal.
    pub tolerance: f64,
}

/// What a program reads and what it shall write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Standard input.
    pub input: String,
    /// Standard output, compared by [`crate::exec::same_output`].
    pub output: String,
}

/// A generated solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Which problem.
    pub id: String,
    /// What was generated: what follows the problem's beginning, or the whole program.
    pub completion: String,
    /// Whether it is the whole program (`solution`, as EvalPlus has it) and not what follows the beginning (`completion`).
    pub whole: bool,
    /// File and line, for messages.
    pub place: String,
}

/// Reads problems in the form of HumanEval (`task_id`, `prompt`, `entry_point`, `test`, perhaps `canonical_solution` and
/// `language`) or of MBPP (`task_id`, `text` or `prompt`, `code`, `test_list`, perhaps `test_setup_code` or
/// `test_imports`, `challenge_test_list`), of EvalPlus (`task_id`, `prompt`, `entry_point`, `canonical_solution`,
/// `base_input`, perhaps `plus_input`, `atol`), of programs that read and write (`cases`, APPS' `input_output` or
/// LiveCodeBench's `public_test_cases`). Each line tells its form by what it has. `name` is the file's, for messages;
/// fields that are not named here are not read.
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

/// Reads samples: `task_id` and `completion`, or `solution` for a whole program, in each line. Several of one problem are several samples.
///
/// # Errors
/// As [`read_problems`], but samples may repeat and a file may be empty.
pub fn read_samples(bytes: &[u8], name: &str) -> Result<Vec<Sample>, Error> {
    lines_of(bytes, name)?.map(|line| sample(line?)).collect()
}

/// Reads samples one after another from a file that may be packed with gzip; only one is held at a time.
///
/// # Errors
/// The file cannot be read. Each sample may have the errors of [`read_samples`].
pub fn sample_lines<R: Read + 'static>(
    file: R,
    name: &str,
) -> std::io::Result<impl Iterator<Item = Result<Sample, Error>> + use<R>> {
    let mut file = BufReader::new(file);
    let packed = file.fill_buf()?.starts_with(&lines::GZIP);
    let reader: Box<dyn BufRead> = if packed {
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    let name = name.to_owned();
    let numbered = reader.lines().enumerate().map(move |(at, line)| {
        let place = || format!("{name}:{}", at + 1);
        let line = line.map_err(|error| Error::file(&place(), error.to_string()))?;
        let line = line.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(line);
        if line.trim().is_empty() { Ok(None) } else { sample(Line::read(&name, at + 1, line)?).map(Some) }
    });
    Ok(numbered.filter_map(Result::transpose))
}

fn sample(line: Line) -> Result<Sample, Error> {
    let whole = line.has("solution") && !line.has("completion");
    let completion = line.text(if whole { "solution" } else { "completion" })?;
    Ok(Sample { id: line.id("task_id")?, completion, whole, place: line.place })
}

fn problem(line: &Line) -> Result<Problem, Error> {
    if let Some(problem) = cases::problem(line)? {
        return Ok(problem);
    }
    let id = line.id("task_id")?;
    let language = line.maybe_text("language")?.unwrap_or_else(|| "python".to_owned());
    let place = line.place.clone();
    if line.has("test_list") {
        let words = if line.has("text") { line.text("text")? } else { line.text("prompt")? };
        let setup = match line.maybe_text("test_setup_code")? {
            Some(setup) => setup,
            None => line.maybe_texts("test_imports")?.unwrap_or_default().join("\n"),
        };
        let (solution, asserts) = (line.maybe_text("code")?, line.texts("test_list")?);
        let setup = imports(solution.as_deref().unwrap_or_default(), &asserts) + &setup;
        return Ok(Problem {
            id,
            statement: Statement::Words(words),
            solution,
            tests: Tests::Asserts {
                setup,
                asserts,
                challenge: line.maybe_texts("challenge_test_list")?.unwrap_or_default(),
            },
            language,
            place,
        });
    }
    let tests = if line.has("base_input") {
        // The right answers are computed with it.
        line.text("canonical_solution")?;
        Tests::Inputs(Inputs {
            base: line.raw_list("base_input")?,
            plus: line.has("plus_input").then(|| line.raw_list("plus_input")).transpose()?,
            tolerance: line.maybe_number("atol")?.unwrap_or(0.0),
        })
    } else {
        Tests::Program(line.text("test")?)
    };
    Ok(Problem {
        id,
        statement: Statement::Code { prompt: line.text("prompt")?, entry_point: line.text("entry_point")? },
        solution: line.maybe_text("canonical_solution")?,
        tests,
        language,
        place,
    })
}

/// Imports of the reference solution whose modules assertions name (`sys.getsizeof` in task 596): a name that nothing else explains
/// is taken for the sample's, which may import it elsewhere or not at all.
fn imports(solution: &str, asserts: &[String]) -> String {
    let named = |module: &str| {
        let used = format!("{module}.");
        let ends = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        asserts.iter().any(|assert| assert.match_indices(&used).any(|(at, _)| !assert[..at].ends_with(ends)))
    };
    let plain = |line: &&str| line.strip_prefix("import ").is_some_and(|module| named(module.trim()));
    solution.lines().filter(plain).map(|line| format!("{}\n", line.trim())).collect()
}
