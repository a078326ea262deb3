//! Samples through the sandbox: jobs out, outcomes in, one record a sample as soon as its last job ended.

use super::output::difference;
use super::record::{Record, Repaired, Tried};
use super::suite::{Kind, Planned, Testable};
use crate::clean::{Repairs, cleaned};
use crate::language;
use crate::sandbox::{Job, Limits, Outcome, Partial, Sandbox, Verdict, Work};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// A sample to run.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its place in its file, from 0.
    pub sample: u64,
    /// The place of its problem among the testables.
    pub problem: usize,
    /// What was generated.
    pub completion: String,
    /// Whether that is the whole program.
    pub whole: bool,
}

/// Seconds of processor time that a reference solution has, whatever samples have: theirs follows from what it takes.
const REFERENCE_S: f64 = 60.0;

/// What to give as the reference's time where a reference solution is itself run, so that it has a minute at least.
pub fn time_of_references(limits: &Limits) -> Option<Duration> {
    let factor = limits.cpu.factor;
    // A factor that is tiny would make a time that is no time; the floor then stands.
    (factor >= 1e-3).then(|| Duration::from_secs_f64(REFERENCE_S / factor))
}

/// Runs each problem's reference solution once; its processor time, where it passes. Others say why not. It has a minute, not
/// what samples have.
pub fn references(sandbox: &Sandbox, problems: &[&Testable]) -> Vec<Result<Duration, String>> {
    let mut times: Vec<Result<Duration, String>> = problems
        .iter()
        .map(|p| match p.reference {
            Some(_) => Err("it did not run".to_owned()),
            None => Err("there is no reference solution".to_owned()),
        })
        .collect();
    let known: Vec<(usize, &Testable, &str)> = problems
        .iter()
        .enumerate()
        .filter_map(|(at, p)| p.reference.as_deref().map(|reference| (at, *p, reference)))
        .collect();
    let mut running = Running::default();
    let ids: Vec<usize> = known.iter().map(|(at, ..)| *at).collect();
    let given = known.iter().enumerate().map(|(place, (_, testable, reference))| {
        let given = Given { sample: place as u64, problem: 0, completion: String::new(), whole: true };
        (given, *testable, (*reference).to_owned(), None, time_of_references(sandbox.limits()))
    });
    running.all(sandbox, given, |place, record| {
        times[ids[place as usize]] = match record.raw.passed() {
            Some(true) => Ok(record.raw.cpu),
            _ => Err(format!("{} {}", record.raw.verdict.name(), record.raw.detail)),
        };
    });
    times
}

/// Runs samples and hands out a record for each, as they end. `reference` is each problem's processor time, where it is
/// known. With `repairs` each sample is run as it stands and, where a repair applies, repaired.
pub fn run(
    sandbox: &Sandbox,
    problems: &[Testable],
    reference: &[Option<Duration>],
    repairs: Option<&Repairs>,
    samples: impl Iterator<Item = Given>,
    mut each: impl FnMut(Record),
) {
    let given = samples.map(|given| {
        let testable = &problems[given.problem];
        let program = testable.program(&given.completion, given.whole);
        let repaired = repairs.map(|repairs| cleaned(testable, &given.completion, given.whole, repairs));
        let time = reference.get(given.problem).copied().flatten();
        (given, testable, program, repaired, time)
    });
    Running::default().all(sandbox, given, |_, record| each(record));
}

/// A sample with its problem, its program, the repaired program with the repairs, and the reference's time.
type Ready<'a> = (Given, &'a Testable, String, Option<(String, Vec<&'static str>)>, Option<Duration>);

/// A sample some of whose jobs are out.
struct Pending<'a> {
    given: Given,
    testable: &'a Testable,
    repairs: Option<Vec<&'static str>>,
    left: usize,
    /// For each of the raw and the repaired program: suite, case and outcome.
    outcomes: [Vec<(usize, usize, Outcome)>; 2],
}

/// Whose a job is: of the raw program (0) or the repaired one (1) of a sample.
struct Whose {
    sample: u64,
    which: usize,
    suite: usize,
    case: usize,
    proof: Option<String>,
}

#[derive(Default)]
struct Running<'a> {
    pending: HashMap<u64, Pending<'a>>,
    whose: HashMap<u64, Whose>,
    ready: VecDeque<Job>,
    next: u64,
}

impl<'a> Running<'a> {
    fn all(
        &mut self,
        sandbox: &Sandbox,
        mut given: impl Iterator<Item = Ready<'a>>,
        mut each: impl FnMut(u64, Record),
    ) {
        // Jobs are asked for and outcomes handed out in turn, on this thread.
        let state = RefCell::new(std::mem::take(self));
        let jobs = std::iter::from_fn(|| {
            loop {
                let job = state.borrow_mut().ready.pop_front();
                if job.is_some() {
                    return job;
                }
                let next = given.next()?;
                state.borrow_mut().begin(next, sandbox.limits());
            }
        });
        sandbox.run(jobs, |outcome| {
            let done = state.borrow_mut().end(outcome);
            if let Some((sample, record)) = done {
                each(sample, record);
            }
        });
    }

    fn begin(&mut self, (given, testable, program, repaired, reference_cpu): Ready<'a>, limits: &Limits) {
        let sample = given.sample;
        let mut left = 0;
        let mut add = |which, text: &str| {
            let planned = testable.works(text, limits).unwrap_or_else(|why| {
                vec![Planned { suite: 0, case: 0, work: Work::Impossible(why), proof: None }]
            });
            for Planned { suite, case, work, proof } in planned {
                let id = self.next;
                (self.next, left) = (self.next + 1, left + 1);
                self.whose.insert(id, Whose { sample, which, suite, case, proof });
                self.ready.push_back(Job { id, work, reference_cpu });
            }
        };
        add(0, &program);
        let repairs = repaired.map(|(text, repairs)| {
            if text != program {
                add(1, &text);
            }
            repairs
        });
        let outcomes = [Vec::new(), Vec::new()];
        self.pending.insert(sample, Pending { given, testable, repairs, left, outcomes });
    }

    /// Takes an outcome; the record if it was the sample's last.
    fn end(&mut self, outcome: Outcome) -> Option<(u64, Record)> {
        let Whose { sample, which, suite, case, proof } = self.whose.remove(&outcome.id)?;
        let pending = self.pending.get_mut(&sample)?;
        let outcome = match (proof, &pending.testable.language) {
            (Some(proof), Some(language)) => {
                outcome.decided(|outcome| language::judged(language, &proof, outcome))
            }
            _ => outcome,
        };
        pending.outcomes[which].push((suite, case, outcome));
        pending.left -= 1;
        if pending.left > 0 {
            return None;
        }
        let Pending { given, testable, repairs, outcomes: [raw, repaired], .. } =
            self.pending.remove(&sample)?;
        let raw = tried(testable, raw)?;
        let repaired = repairs.map(|repairs| Repaired { repairs, tried: tried(testable, repaired) });
        let Given { completion, whole, .. } = given;
        Some((sample, Record { sample, task_id: testable.id.clone(), completion, whole, raw, repaired }))
    }
}

/// What the outcomes of one program say together; `None` of none.
fn tried(testable: &Testable, mut outcomes: Vec<(usize, usize, Outcome)>) -> Option<Tried> {
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
