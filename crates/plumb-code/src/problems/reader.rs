//! Reader `problems`: sets of programming problems as items of a plan.
//!
//! A problem is asked either as a text to continue, as base models are, or in words with the code in a fence. The
//! reference solution becomes the item's target in the form in which the answer will come: what follows the prompt, or
//! the whole program. With `samples`, nobody is asked: the items carry what was generated before.

use super::{Problem, Statement, Tests, read_problems, read_samples};
use plumb_study::items::{Levels, Prompt, RecordedEnd, Task};
use plumb_study::{DraftAnswer, DraftItem, Error, Fields, Inputs, Reader, Result};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Keys: `path` (a file or a list; `.jsonl` or packed with gzip), `as = "chat" | "completion"` (default chat; samples are
/// completions), `samples` (a file or a list), `answers_of` (who generated them, default `samples`).
pub(crate) struct Problems;

#[derive(Clone, Copy, PartialEq)]
enum As {
    Chat,
    Completion,
}

impl Reader for Problems {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let paths =
            fields.texts("path")?.ok_or_else(|| fields.error("`path` is missing (the file to read)"))?;
        let asked = fields.choice("as", &[("chat", As::Chat), ("completion", As::Completion)])?;
        let samples = fields.texts("samples")?;
        let answers_of = fields.text("answers_of")?;
        if samples.is_none() && answers_of.is_some() {
            return Err(fields.error("`answers_of` says who generated `samples`, and there are none"));
        }
        if samples.is_some() && asked == Some(As::Chat) {
            return Err(fields.error("samples are completions; leave out as = \"chat\""));
        }
        let asked = match asked {
            Some(asked) => asked,
            None if samples.is_some() => As::Completion,
            None => As::Chat,
        };
        let mut problems = Vec::new();
        for (path, bytes) in files(&paths, inputs, &place)? {
            problems.extend(read_problems(&bytes, &path).map_err(|e| Error::plan(e.to_string()))?);
        }
        let known: HashSet<&str> = problems.iter().map(|p| p.id.as_str()).collect();
        let mut answers: HashMap<String, Vec<DraftAnswer>> = HashMap::new();
        let subject = answers_of.unwrap_or_else(|| "samples".to_owned());
        for (path, bytes) in files(samples.as_deref().unwrap_or_default(), inputs, &place)? {
            for sample in read_samples(&bytes, &path).map_err(|e| Error::plan(e.to_string()))? {
                if !known.contains(sample.id.as_str()) {
                    return Err(Error::plan(format!("{}: there is no problem {}", sample.place, sample.id))
                        .help(format!("the problems are those of {}", paths.join(", "))));
                }
                answers.entry(sample.id).or_default().push(DraftAnswer {
                    subject: subject.clone(),
                    text: sample.completion.into(),
                    end: RecordedEnd::Whole,
                    labels: Levels::new(),
                    factors: Levels::new(),
                    origin: None,
                });
            }
        }
        if samples.is_some() {
            problems.retain(|p| answers.contains_key(&p.id));
        }
        problems
            .iter()
            .map(|problem| item(problem, asked, samples.is_some(), answers.remove(&problem.id)))
            .collect()
    }
}

fn files(paths: &[String], inputs: &dyn Inputs, place: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for path in paths {
        let found = inputs.expand(path).map_err(|e| e.at(place))?;
        if found.is_empty() {
            return Err(Error::plan(format!("{place}: no file is called {path}")));
        }
        for path in found {
            let bytes = inputs.read(&path).map_err(|e| e.at(place))?;
            files.push((path, bytes));
        }
    }
    Ok(files)
}

fn item(
    problem: &Problem,
    asked: As,
    recorded: bool,
    answers: Option<Vec<DraftAnswer>>,
) -> Result<DraftItem> {
    let prompt = match (asked, &problem.statement) {
        (As::Completion, Statement::Code { prompt, .. }) => Prompt::Completion(prompt.as_str().into()),
        (As::Completion, Statement::Words(words)) if recorded => Prompt::Completion(words.as_str().into()),
        (As::Completion, Statement::Words(_)) => {
            return Err(Error::plan(format!(
                "{}: {} is a task in words, with no code to continue",
                problem.place, problem.id
            ))
            .help("leave out as = \"completion\""));
        }
        (As::Chat, _) => Prompt::user(in_words(problem)),
    };
    let target = problem.solution.as_ref().map(|solution| match (asked, &problem.statement) {
        (As::Chat, Statement::Code { prompt, .. }) => format!("{prompt}{solution}").into(),
        _ => Arc::from(solution.as_str()),
    });
    let mut tags = Levels::new();
    tags.insert("language".into(), problem.language.as_str().into());
    let task = if recorded { Task::Recorded(prompt) } else { Task::Ask(prompt) };
    Ok(DraftItem {
        id: problem.id.clone(),
        tags,
        task,
        target,
        recorded: answers.unwrap_or_default(),
        origin: None,
    })
}

/// What a model is asked in a conversation.
fn in_words(problem: &Problem) -> String {
    let language = &problem.language;
    match (&problem.statement, &problem.tests) {
        (Statement::Code { prompt, .. }, _) => format!(
            "Complete this {language} code. Answer with all of it, the given part included, in one code block.\n\n\
             ```{language}\n{}\n```",
            prompt.trim_end()
        ),
        (Statement::Words(words), Tests::Asserts { asserts, .. }) => format!(
            "{words}\n\nThe {language} code must pass these tests:\n\n```{language}\n{}\n```\n\n\
             Answer with the code in one code block.",
            asserts.join("\n")
        ),
        (Statement::Words(words), Tests::Cases(_)) => format!(
            "{words}\n\nWrite a whole {language} program that reads standard input and writes standard output. Answer with \
             the code in one code block."
        ),
        (Statement::Words(words), Tests::Function { name, .. }) => format!(
            "{words}\n\nAnswer with {language} code in one code block: a class `Solution` that has the method `{name}`."
        ),
        (Statement::Words(words), Tests::Program(_) | Tests::Inputs(_)) => {
            format!("{words}\n\nAnswer with the {language} code in one code block.")
        }
    }
}
