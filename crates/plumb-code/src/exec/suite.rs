//! From a problem to what the sandbox runs for one sample of it.

use super::evalplus;
use crate::Error;
use crate::problems::{Case, Problem, Statement, Tests as ProblemTests};
use crate::sandbox::{Body, Calls, Judging, Stdio, Tests, Work};
use std::sync::Arc;

/// A problem made ready for running samples of it. Make one and share it: its tests are compiled once.
#[derive(Clone, Debug)]
pub struct Testable {
    /// The problem's name.
    pub id: String,
    /// What a solution goes behind.
    prompt: String,
    /// A right program, where the problem has one.
    pub reference: Option<String>,
    pub(super) entry_point: Option<String>,
    pub(super) suites: Vec<Suite>,
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
}

impl Testable {
    /// Prepares a problem; `judging` says where tests run.
    ///
    /// # Errors
    /// A language that there is no way to run, a list of inputs that is none.
    pub fn of(problem: &Problem, judging: Judging) -> Result<Testable, Error> {
        if !matches!(problem.language.as_str(), "python" | "py" | "python3") {
            return Err(Error::file(
                &problem.place,
                format!("there is no way to run the language \"{}\"", problem.language),
            ));
        }
        let (prompt, entry_point) = match &problem.statement {
            Statement::Code { prompt, entry_point } => (prompt.clone(), Some(entry_point.clone())),
            Statement::Words(_) => (String::new(), None),
        };
        let reference = problem.solution.as_ref().map(|solution| format!("{prompt}{solution}"));
        let suites = suites(problem, &prompt, entry_point.as_deref(), reference.as_deref(), judging)?;
        Ok(Testable { id: problem.id.clone(), prompt, reference, entry_point, suites })
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

    /// The jobs of a program: suite, case, work. A suite of calls is one job.
    pub(super) fn works(&self, program: &str) -> Vec<(usize, usize, Work)> {
        let mut works = Vec::new();
        for (at, suite) in self.suites.iter().enumerate() {
            match &suite.kind {
                Kind::Calls(tests) => {
                    let calls = Calls { tests: tests.clone(), source: program.to_owned() };
                    works.push((at, 0, Work::Calls(calls)));
                }
                Kind::Cases(cases) => works.extend(cases.iter().enumerate().map(|(case, of)| {
                    let stdin = of.input.clone().into_bytes();
                    (at, case, Work::Stdio(Stdio { source: program.to_owned(), stdin }))
                })),
            }
        }
        works
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
            Tests { setup: setup.clone(), body: Body::Asserts(asserts.clone()), entry_point: None, judging },
        )],
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
