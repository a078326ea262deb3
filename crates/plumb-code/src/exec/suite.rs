//! From a problem to what the sandbox runs for one sample of it.

use super::{evalplus, function};
use crate::Error;
use crate::language::{Language, Languages};
use crate::problems::{Case, Problem, Statement, Tests as ProblemTests};
use crate::python;
use crate::sandbox::{Body, Calls, Judging, Level, Limits, Need, Stdio, Tests, Work};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// A problem made ready for running samples of it. Make one and share it: its tests are compiled once.
#[derive(Clone, Debug)]
pub struct Testable {
    /// The problem's name.
    pub id: String,
    /// What the set's own runner puts before every program; no part of the prompt.
    before: &'static str,
    /// What a solution goes behind.
    prompt: String,
    /// A right program, where the problem has one.
    pub reference: Option<String>,
    pub(super) entry_point: Option<String>,
    pub(super) suites: Vec<Suite>,
    /// How its programs are run; nothing of Python's, which needs no command.
    pub(super) language: Option<Arc<Language>>,
}

/// Tests that are reported under one name.
#[derive(Clone, Debug)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Calls(Arc<Tests>),
    Cases(Arc<[Case]>),
    /// Tests behind the sample in one program of another language, and the modules that they name.
    Text(Arc<str>, OnceLock<Vec<Arc<Need>>>),
}

impl Testable {
    /// Prepares a problem; `judging` says where tests of Python run. Those of other languages run behind the sample, in its
    /// own process, and are weak for that.
    ///
    /// # Errors
    /// A language that there is no way to run, a list of inputs that is none.
    pub fn of(problem: &Problem, judging: Judging, languages: &Languages) -> Result<Testable, Error> {
        let language = match problem.language.as_str() {
            "python" | "py" | "python3" => None,
            name => Some(languages.named(name).cloned().ok_or_else(|| {
                let known: Vec<&str> = std::iter::once("python").chain(languages.names()).collect();
                let what = format!(
                    "there is no way to run the language \"{name}\"; there are {}, and what a file of languages adds",
                    known.join(", ")
                );
                Error::file(&problem.place, what)
            })?),
        };
        let (prompt, entry_point) = match &problem.statement {
            Statement::Code { prompt, entry_point } => (prompt.clone(), Some(entry_point.clone())),
            Statement::Words(_) => (String::new(), None),
        };
        let reference = problem.solution.as_ref().map(|solution| format!("{prompt}{solution}"));
        let suites = match &language {
            None => suites(problem, &prompt, entry_point.as_deref(), reference.as_deref(), judging)?,
            Some(_) => vec![in_another_language(problem)?],
        };
        let before = match &problem.tests {
            ProblemTests::Function { .. } => function::BEFORE,
            _ => "",
        };
        Ok(Testable { id: problem.id.clone(), before, prompt, reference, entry_point, suites, language })
    }

    /// The language of its programs, as fences in answers name it.
    pub fn language(&self) -> &str {
        self.language.as_ref().map_or("python", |l| &l.name)
    }

    /// The language that its programs are run by, where that is not Python.
    pub fn other_language(&self) -> Option<&Arc<Language>> {
        self.language.as_ref()
    }

    /// Whether its programs can be run at that level.
    ///
    /// # Errors
    /// Another language than Python, and less than full isolation.
    pub fn runs_at(&self, level: Level) -> Result<(), Error> {
        match &self.language {
            Some(language) if level != Level::Full => Err(Error::sandbox(
                format!("programs in {} need full isolation ({} is one)", language.name, self.id),
                "plumb doctor says why this machine does not give it; only Python runs with less",
            )),
            _ => Ok(()),
        }
    }

    /// The program that a sample makes: what the problem gives, and the sample, or the sample alone if it is `whole`.
    pub fn program(&self, sample: &str, whole: bool) -> String {
        if whole { sample.to_owned() } else { format!("{}{sample}", self.prompt) }
    }

    /// What the problem gives before a sample; empty where a whole program is asked for.
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// The function that tests call, where the problem names one.
    pub fn entry_point(&self) -> Option<&str> {
        self.entry_point.as_deref()
    }

    /// The jobs of a program. A suite of calls is one job.
    ///
    /// # Errors
    /// Why such programs cannot be run on this machine.
    pub(super) fn works(&self, program: &str, limits: &Limits) -> Result<Vec<Planned>, String> {
        let mut works = Vec::new();
        let mut add = |suite, case, work, proof| works.push(Planned { suite, case, work, proof });
        for (at, suite) in self.suites.iter().enumerate() {
            match (&suite.kind, &self.language) {
                (Kind::Calls(tests), _) => {
                    // Nothing may come before an import from the future.
                    let before = if program.contains("from __future__") { "" } else { self.before };
                    let calls = Calls { tests: tests.clone(), source: format!("{before}{program}") };
                    add(at, 0, Work::Calls(calls), None);
                }
                (Kind::Cases(cases), None) => {
                    for (case, of) in cases.iter().enumerate() {
                        let stdin = of.input.clone().into_bytes();
                        add(at, case, Work::Stdio(Stdio { source: program.to_owned(), stdin }), None);
                    }
                }
                (Kind::Cases(cases), Some(language)) => {
                    // One build for all cases.
                    let first = language.commands(program, Vec::new(), true, limits)?;
                    for (case, of) in cases.iter().enumerate() {
                        let mut commands = first.clone();
                        commands.run.stdin = of.input.clone().into_bytes();
                        add(at, case, Work::Commands(commands), None);
                    }
                }
                (Kind::Text(text, needs), Some(language)) => {
                    let needs = needs.get_or_init(|| language.needs_of(text, limits)).clone();
                    let (text, proof) = language.with_tests(program, text);
                    add(at, 0, Work::Commands(language.commands(&text, needs, false, limits)?), Some(proof));
                }
                (Kind::Text(..), None) => {}
            }
        }
        Ok(works)
    }
}

/// A job of a program, and whose it is.
pub(super) struct Planned {
    pub(super) suite: usize,
    pub(super) case: usize,
    pub(super) work: Work,
    /// What a program of another language writes once all its tests have held.
    pub(super) proof: Option<String>,
}

fn in_another_language(problem: &Problem) -> Result<Suite, Error> {
    match &problem.tests {
        ProblemTests::Program(text) => {
            Ok(Suite { name: "tests", kind: Kind::Text(text.as_str().into(), OnceLock::new()) })
        }
        ProblemTests::Cases(cases) => Ok(Suite { name: "cases", kind: Kind::Cases(cases.clone().into()) }),
        ProblemTests::Asserts { .. } | ProblemTests::Inputs(_) | ProblemTests::Function { .. } => {
            Err(Error::file(
                &problem.place,
                format!(
                    "lists of assertions, of inputs and of calls are Python; write `test`, a text in {}",
                    problem.language
                ),
            ))
        }
    }
}

fn suites(
    problem: &Problem,
    prompt: &str,
    entry_point: Option<&str>,
    reference: Option<&str>,
    judging: Judging,
) -> Result<Vec<Suite>, Error> {
    let calls = |name, tests: Tests| Suite { name, kind: Kind::Calls(Arc::new(tests)) };
    Ok(match &problem.tests {
        ProblemTests::Program(check) => vec![calls(
            "tests",
            Tests {
                setup: prompt.to_owned(),
                body: Body::Check(check.clone()),
                entry_point: entry_point.map(str::to_owned),
                judging,
            },
        )],
        ProblemTests::Asserts { setup, asserts, .. } => vec![calls(
            "tests",
            Tests {
                setup: setup.clone(),
                body: Body::Asserts(asserts.clone()),
                entry_point: reference.and_then(|reference| called(reference, asserts)),
                judging,
            },
        )],
        ProblemTests::Function { name, cases } => {
            vec![calls("cases", function::tests(name, cases, judging))]
        }
        ProblemTests::Inputs(inputs) => {
            let missing =
                |what| Error::file(&problem.place, format!("{what} is missing, which right answers need"));
            let entry = entry_point.ok_or_else(|| missing("the entry point"))?;
            let reference = reference.ok_or_else(|| missing("the reference solution"))?;
            let of = |name, given: &str| {
                Ok::<_, Error>(calls(
                    name,
                    evalplus::tests(problem, entry, reference, inputs, given, judging)?,
                ))
            };
            let mut suites = vec![of("base", &inputs.base)?];
            if let Some(plus) = &inputs.plus {
                suites.push(of("plus", plus)?);
            }
            suites
        }
        ProblemTests::Cases(cases) => {
            vec![Suite { name: "cases", kind: Kind::Cases(cases.clone().into()) }]
        }
    })
}

/// The function of the reference solution that the assertions call, by which they mean the sample's even where it is called like one of the
/// language.
fn called(reference: &str, asserts: &[String]) -> Option<String> {
    let used: BTreeSet<String> = asserts.iter().flat_map(|text| python::identifiers(text).0).collect();
    python::functions(reference).into_iter().rev().find(|name| used.contains(name))
}
