//! From the outcomes of a program's jobs to what is known of the program.

use super::output::difference;
use super::record::Tried;
use super::suite::{Kind, Testable};
use crate::language;
use crate::sandbox::{Outcome, Partial, Verdict};
use std::time::Duration;

/// What the outcomes of one program say together; `None` of none.
pub(super) fn tried(testable: &Testable, mut outcomes: Vec<(usize, usize, Outcome)>) -> Option<Tried> {
    outcomes.sort_by_key(|(suite, case, _)| (*suite, *case));
    let level = outcomes.first()?.2.level;
    let mut all = Tried {
        verdict: Verdict::Passed,
        detail: String::new(),
        suites: testable.suites.iter().map(|suite| (suite.name, Verdict::Passed)).collect(),
        written: Default::default(),
        partial: Partial::Counted { passed: 0, total: 0 },
        cpu: Duration::ZERO,
        wall: Duration::ZERO,
        level,
        weak: false,
        rerun: false,
        same_as: None,
    };
    for (suite, case, outcome) in outcomes {
        let outcome = judged(testable, suite, case, outcome);
        let name = testable.suites[suite].name;
        let decides = worse(&all.verdict, &outcome.verdict);
        if decides || all.verdict == Verdict::Passed {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            all.written = (text(&outcome.stdout), text(&outcome.stderr));
        }
        if worse(&all.suites[suite].1, &outcome.verdict) {
            all.suites[suite].1 = outcome.verdict.clone();
        }
        if decides {
            let named = testable.suites.len() > 1 && !outcome.detail.is_empty();
            all.verdict = outcome.verdict;
            all.detail = if named { format!("{name}: {}", outcome.detail) } else { outcome.detail };
        }
        all.partial = sum(all.partial, outcome.partial);
        all.cpu += outcome.cpu;
        all.wall += outcome.wall;
        all.level = all.level.min(outcome.level);
        all.weak |= outcome.weak;
        all.rerun |= outcome.rerun;
    }
    Some(all)
}

/// Whether a verdict takes the place of what was found before it: the first fail stands, and before any the first about which
/// nothing is known. A program that fails one case fails, whatever is known of the others.
fn worse(held: &Verdict, new: &Verdict) -> bool {
    *new != Verdict::Passed && (*held == Verdict::Passed || !held.decides() && new.decides())
}

/// Decides about a program that ran, by what it wrote.
fn judged(testable: &Testable, suite: usize, case: usize, outcome: Outcome) -> Outcome {
    let Kind::Cases(cases) = &testable.suites[suite].kind else { return outcome };
    let mut outcome = outcome.decided(|mut outcome| {
        if let Some(language) = &testable.language {
            outcome = language::explained(language, outcome);
        }
        if outcome.verdict == Verdict::Ran {
            let found = String::from_utf8_lossy(&outcome.stdout);
            let differs = difference(&cases[case].output, &found);
            outcome.verdict = if differs.is_none() { Verdict::Passed } else { Verdict::WrongAnswer };
            outcome.detail = differs.unwrap_or_default();
        }
        outcome
    });
    if outcome.verdict != Verdict::Passed {
        let why = if outcome.detail.is_empty() { outcome.verdict.name().to_owned() } else { outcome.detail };
        outcome.detail = format!("case {}: {why}", case + 1);
    }
    let passed = u32::from(outcome.verdict == Verdict::Passed);
    outcome.partial = Partial::Counted { passed, total: 1 };
    outcome
}

fn sum(a: Partial, b: Partial) -> Partial {
    match (a, b) {
        (Partial::Counted { passed, total }, Partial::Counted { passed: p, total: t }) => {
            Partial::Counted { passed: passed + p, total: total + t }
        }
        (missing @ Partial::Missing(_), _) | (_, missing) => missing,
    }
}

#[cfg(test)]
mod tests {
    use super::worse;
    use crate::sandbox::Verdict::{CpuLimit, Infrastructure, Passed, Unstable, WrongAnswer};

    #[test]
    fn a_fail_stands_before_what_is_not_known() {
        let lost = Infrastructure("the sandbox".into());
        for (held, new, takes) in [
            (&Passed, &Unstable, true),
            (&Passed, &CpuLimit, true),
            (&Unstable, &WrongAnswer, true),
            (&lost, &WrongAnswer, true),
            (&WrongAnswer, &Unstable, false),
            (&WrongAnswer, &CpuLimit, false),
            (&Unstable, &lost, false),
            (&Unstable, &Passed, false),
            (&Passed, &Passed, false),
        ] {
            assert_eq!(worse(held, new), takes, "{held:?} {new:?}");
        }
    }
}
