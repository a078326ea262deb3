//! Samples through the sandbox: jobs out, outcomes in, one record a sample as soon as its last job ended.

use super::decided::tried;
use super::record::{Record, Repaired, Tried};
use super::same::{Key, Known, Same};
use super::suite::{Planned, Testable};
use crate::clean::{Repairs, cleaned};
use crate::language;
use crate::sandbox::{Job, Limits, Outcome, Sandbox, Work};
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
    let ids: Vec<usize> = known.iter().map(|(at, ..)| *at).collect();
    let given = known.iter().enumerate().map(|(place, (_, testable, reference))| {
        let given =
            Given { sample: place as u64, problem: ids[place], completion: String::new(), whole: true };
        (given, *testable, (*reference).to_owned(), None, time_of_references(sandbox.limits()))
    });
    Running::default().all(sandbox, given, |record| {
        times[ids[record.sample as usize]] = match record.raw.passed() {
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
    each: impl FnMut(Record),
) {
    let given = ready(problems, reference, repairs, samples);
    Running::default().all(sandbox, given, each);
}

/// As [`run`], but runs programs of a problem that are equal word for word only once: the others have what was found out then, and
/// say whose it is ([`Tried::same_as`]). A verdict that decides nothing is not handed on.
pub fn run_once(
    sandbox: &Sandbox,
    problems: &[Testable],
    reference: &[Option<Duration>],
    repairs: Option<&Repairs>,
    samples: impl Iterator<Item = Given>,
    each: impl FnMut(Record),
) {
    let given = ready(problems, reference, repairs, samples);
    Running { same: Same::kept(), ..Running::default() }.all(sandbox, given, each);
}

/// A sample with its problem, its program, the repaired program with the repairs, and the reference's time.
type Ready<'a> = (Given, &'a Testable, String, Option<(String, Vec<&'static str>)>, Option<Duration>);

fn ready<'a>(
    problems: &'a [Testable],
    reference: &[Option<Duration>],
    repairs: Option<&Repairs>,
    samples: impl Iterator<Item = Given>,
) -> impl Iterator<Item = Ready<'a>> {
    samples.map(move |given| {
        let testable = &problems[given.problem];
        let program = testable.program(&given.completion, given.whole);
        let repaired = repairs.map(|repairs| cleaned(testable, &given.completion, given.whole, repairs));
        let time = reference.get(given.problem).copied().flatten();
        (given, testable, program, repaired, time)
    })
}

/// A sample some of whose programs are out.
struct Pending<'a> {
    given: Given,
    testable: &'a Testable,
    repairs: Option<Vec<&'static str>>,
    /// How its raw and its repaired program did, as far as that is known.
    tried: [Option<Tried>; 2],
    awaited: usize,
}

/// Who wants to know of a program: a sample, of its raw program (0) or its repaired one (1).
type Asker = (u64, usize);

/// A program some of whose jobs are out.
struct Program<'a> {
    key: Key,
    testable: &'a Testable,
    text: String,
    reference_cpu: Option<Duration>,
    left: usize,
    /// Suite, case and outcome.
    outcomes: Vec<(usize, usize, Outcome)>,
    /// The one that it runs for, and those that had the same program meanwhile.
    asker: Asker,
    others: Vec<Asker>,
}

/// Whose a job is.
struct Whose {
    program: u64,
    suite: usize,
    case: usize,
    proof: Option<String>,
}

#[derive(Default)]
struct Running<'a> {
    pending: HashMap<u64, Pending<'a>>,
    programs: HashMap<u64, Program<'a>>,
    whose: HashMap<u64, Whose>,
    ready: VecDeque<Job>,
    same: Same,
    /// Numbers of jobs and of programs.
    next: u64,
}

impl<'a> Running<'a> {
    fn all(self, sandbox: &Sandbox, given: impl Iterator<Item = Ready<'a>>, each: impl FnMut(Record)) {
        // Jobs are asked for and outcomes handed out in turn, on this thread; after the last sample there may be one more to start.
        let mut given = given.fuse();
        let (state, each) = (RefCell::new(self), RefCell::new(each));
        let hand_out = |records: Vec<Record>| records.into_iter().for_each(|r| (each.borrow_mut())(r));
        let jobs = std::iter::from_fn(|| {
            loop {
                let job = state.borrow_mut().ready.pop_front();
                if job.is_some() {
                    return job;
                }
                let next = given.next()?;
                let known = state.borrow_mut().begin(next, sandbox.limits());
                hand_out(known);
            }
        });
        sandbox.run(jobs, |outcome| {
            let done = state.borrow_mut().end(outcome, sandbox.limits());
            hand_out(done);
        });
    }

    /// Takes a sample up; its record if all is known of it already.
    fn begin(&mut self, (given, testable, text, repaired, time): Ready<'a>, limits: &Limits) -> Vec<Record> {
        let (sample, problem) = (given.sample, given.problem);
        let (repaired, repairs) = repaired.unzip();
        let programs = [Some(text.clone()), repaired.filter(|repaired| *repaired != text)];
        let awaited = programs.iter().flatten().count();
        self.pending.insert(sample, Pending { given, testable, repairs, tried: [None, None], awaited });
        let mut done = Vec::new();
        for (which, text) in programs.into_iter().enumerate() {
            let Some(text) = text else { continue };
            let key = Key::of(problem, &text);
            match self.same.find(&key) {
                Some(Known::Done(tried)) => done.extend(self.told((sample, which), tried)),
                Some(Known::Out(program)) => {
                    if let Some(program) = self.programs.get_mut(&program) {
                        program.others.push((sample, which));
                    }
                }
                None => {
                    let (asker, others, outcomes) = ((sample, which), Vec::new(), Vec::new());
                    let reference_cpu = time;
                    let program =
                        Program { key, testable, text, reference_cpu, left: 0, outcomes, asker, others };
                    self.start(program, limits);
                }
            }
        }
        done
    }

    fn start(&mut self, mut program: Program<'a>, limits: &Limits) {
        let number = self.next;
        self.next += 1;
        let planned = program.testable.works(&program.text, limits).unwrap_or_else(|why| {
            vec![Planned { suite: 0, case: 0, work: Work::Impossible(why), proof: None }]
        });
        program.left = planned.len();
        for Planned { suite, case, work, proof } in planned {
            let id = self.next;
            self.next += 1;
            self.whose.insert(id, Whose { program: number, suite, case, proof });
            self.ready.push_back(Job { id, work, reference_cpu: program.reference_cpu });
        }
        self.same.out(program.key, number);
        self.programs.insert(number, program);
    }

    /// Takes an outcome; the records of samples for which it was the last.
    fn end(&mut self, outcome: Outcome, limits: &Limits) -> Vec<Record> {
        let Some(Whose { program: number, suite, case, proof }) = self.whose.remove(&outcome.id) else {
            return Vec::new();
        };
        let Some(program) = self.programs.get_mut(&number) else { return Vec::new() };
        let outcome = match (proof, &program.testable.language) {
            (Some(proof), Some(language)) => {
                outcome.decided(|outcome| language::judged(language, &proof, outcome))
            }
            _ => outcome,
        };
        program.outcomes.push((suite, case, outcome));
        program.left -= 1;
        if program.left > 0 {
            return Vec::new();
        }
        self.programs.remove(&number).map_or_else(Vec::new, |program| self.over(program, limits))
    }

    /// Tells all who asked for a program how it did. Where that is not known, the next of them has it run again.
    fn over(&mut self, mut program: Program<'a>, limits: &Limits) -> Vec<Record> {
        let Some(tried) = tried(program.testable, std::mem::take(&mut program.outcomes)) else {
            return Vec::new();
        };
        let shared = Tried { same_as: Some(program.asker.0), ..tried.clone() };
        let decided = tried.passed().is_some();
        let mut done: Vec<Record> = self.told(program.asker, tried).into_iter().collect();
        if decided {
            done.extend(program.others.into_iter().filter_map(|other| self.told(other, shared.clone())));
            self.same.done(program.key, shared);
        } else {
            self.same.forget(&program.key);
            if let Some(asker) = program.others.pop() {
                self.start(Program { asker, ..program }, limits);
            }
        }
        done
    }

    /// One program of a sample is known; the record if it was the last.
    fn told(&mut self, (sample, which): Asker, tried: Tried) -> Option<Record> {
        let pending = self.pending.get_mut(&sample)?;
        pending.tried[which] = Some(tried);
        pending.awaited -= 1;
        if pending.awaited > 0 {
            return None;
        }
        let Pending { given, testable, repairs, tried: [raw, repaired], .. } =
            self.pending.remove(&sample)?;
        let repaired = repairs.map(|repairs| Repaired { repairs, tried: repaired });
        let Given { completion, whole, .. } = given;
        Some(Record { sample, task_id: testable.id.clone(), completion, whole, raw: raw?, repaired })
    }
}
