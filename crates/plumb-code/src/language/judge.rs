//! What the end of a command says about a sample: its proof, its code, and what it wrote to standard error.

use super::Language;
use crate::sandbox::{Outcome, Partial, Verdict};

/// Longest detail, in characters.
const LONG: usize = 300;

/// Decides about a program with tests that has come to an end; `proof` is what it writes once all of them have held.
pub(crate) fn judged(language: &Language, proof: &str, mut outcome: Outcome) -> Outcome {
    // The sample's own process ran the tests and could have written the proof without them.
    outcome.weak = true;
    let stdout = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let proven = stdout.trim_end().strip_suffix(proof);
    match (&outcome.verdict, proven) {
        (Verdict::Ran, Some(rest)) => {
            outcome.stdout = rest.trim_end().as_bytes().to_vec();
            outcome.verdict = Verdict::Passed;
        }
        (Verdict::Ran, None) => {
            outcome.verdict = Verdict::ExitedEarly(0);
            outcome.detail = "ended with code 0 before the tests did".to_owned();
        }
        _ => outcome = explained(language, outcome),
    }
    outcome.partial = Partial::Missing(format!("tests of {} run as one program", language.name));
    outcome
}

/// The kind of failure of a program that ended with a code or a signal.
pub(crate) fn explained(language: &Language, mut outcome: Outcome) -> Outcome {
    if matches!(outcome.verdict, Verdict::ExitedEarly(_) | Verdict::Signal(_))
        && let Some((verdict, detail)) = told(language, &outcome)
    {
        outcome.verdict = verdict;
        outcome.detail = detail;
    }
    outcome
}

/// What standard error says. Only which kind of failure it is depends on it.
fn told(language: &Language, outcome: &Outcome) -> Option<(Verdict, String)> {
    let text = String::from_utf8_lossy(&outcome.stderr);
    let line_with = |marks: &[String]| {
        text.lines().find(|line| marks.iter().any(|mark| line.contains(mark.as_str()))).map(short)
    };
    let kinds = [(&language.wrong, Verdict::WrongAnswer), (&language.syntax, Verdict::SyntaxError)];
    for (marks, verdict) in kinds {
        if let Some(line) = line_with(marks) {
            return Some((verdict, line));
        }
    }
    // A plain exit with a code and no word is no exception; neither is a crash.
    let last = text.lines().rev().find(|line| line.contains("rror") || line.contains("xception"));
    match outcome.verdict {
        Verdict::ExitedEarly(_) | Verdict::Signal(libc::SIGABRT) => {
            last.map(|line| (Verdict::Exception, short(line)))
        }
        _ => None,
    }
}

fn short(line: &str) -> String {
    line.trim().chars().take(LONG).collect()
}
