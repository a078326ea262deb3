//! Everything a report shows, as plain data: a function of plan and journal, of nothing else.
//!
//! `plumb-report` writes it as terminal text, JSON and HTML. No clock and no machine enters here, so a
//! replay gives the same bytes as the live run.

use crate::converse::Exchange;
use crate::error::Result;
use crate::estimate::{Estimate, Tested, estimate, test};
use crate::event::Stop;
use crate::id::{Digest, MeasureRef, Trial, derive_seed};
use crate::items::{Prompt, Role, Task, Turn};
use crate::journal::{Amended, Journal, Outcome, Strings};
use crate::ledger::{Counts, Ledger};
use crate::method::{Cell, Missing};
use crate::observe::{Answer, Finish, Spent};
use crate::plan::{JudgeSpec, Plan};
use crate::registry::Registry;
use crate::vote::Standing;
use rand_core::Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a report shows.
#[derive(Clone, Debug)]
pub struct Results {
    /// The plan in force.
    pub plan: Arc<Plan>,
    /// Digest of the journal's state.
    pub state: Digest,
    /// Whether a lock file with the plan's hash was there before the first trial.
    pub locked: bool,
    /// Amendments and their reasons.
    pub amendments: Vec<Amended>,
    /// Programs that wrote the journal.
    pub programs: Vec<String>,
    /// Models that endpoints said they served, by subject.
    pub served: Vec<(Arc<str>, Arc<str>, u64)>,
    /// States of trials.
    pub counts: Counts,
    /// States of trials by subject, in plan order.
    pub by_subject: Vec<SubjectCounts>,
    /// Why trials have no answer: (outcome, reason, an example of the message, how many).
    pub missing: Vec<MissingReason>,
    /// What everything cost.
    pub total: Spent,
    /// What judging cost of it.
    pub judging: Spent,
    /// The analyses.
    pub estimates: Vec<Estimate>,
    /// The hypotheses.
    pub tested: Vec<Tested>,
    /// What a reader must know before the numbers.
    pub warnings: Vec<String>,
    /// A seeded, stratified choice of transcripts.
    pub transcripts: Vec<Transcript>,
    /// How many trials could have been chosen.
    pub transcripts_of: u64,
}

/// States of one subject's trials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectCounts {
    /// The subject.
    pub subject: Arc<str>,
    /// Planned.
    pub planned: u64,
    /// Answered.
    pub answered: u64,
    /// Withheld.
    pub withheld: u64,
    /// Failed.
    pub failed: u64,
    /// Answered with an empty text.
    pub empty: u64,
    /// Cut by the token limit.
    pub truncated: u64,
}

/// Trials without an answer for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingReason {
    /// `withheld` or `failed`.
    pub outcome: &'static str,
    /// Kind.
    pub why: &'static str,
    /// A message of that kind.
    pub example: Option<Arc<str>>,
    /// How many.
    pub count: u64,
}

/// One trial to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// The item.
    pub item: Arc<str>,
    /// Its tags.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// The subject.
    pub subject: Arc<str>,
    /// Repetition, from 1.
    pub repetition: u16,
    /// What was said, the answer last; system text left out where the item has none of its own.
    pub turns: Vec<Turn>,
    /// In a conversation, its exchanges one after another, those that were taken back too.
    pub exchanges: Vec<Exchange>,
    /// Reasoning that the provider reported apart.
    pub reasoning: Option<Arc<str>>,
    /// `answered`, or why there is no answer.
    pub outcome: Arc<str>,
    /// True when the token limit cut the answer.
    pub truncated: bool,
    /// What judges said: (judge.measure, value, note).
    pub verdicts: Vec<Said>,
}

/// What a judge said of one measure: `judge.measure`, the value or the reason why there is none, and the
/// judge's note.
pub type Said = (Arc<str>, Arc<str>, Option<Arc<str>>);

/// How large the choice of transcripts may be.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Most transcripts.
    pub transcripts: usize,
    /// Most bytes of text in them.
    pub bytes: usize,
}

impl Default for Limit {
    fn default() -> Limit {
        Limit { transcripts: 400, bytes: 1_500_000 }
    }
}

/// Folds a journal and computes all that the plan asks for.
pub fn results(journal: &Journal, registry: &Registry, limit: Limit) -> Result<Results> {
    let plan = Arc::new(journal.plan()?);
    let ledger = Ledger::fold(&plan, journal)?;
    results_of(&plan, &ledger, journal, registry, limit)
}

/// The same of a journal that was folded already.
pub fn results_of(
    plan: &Arc<Plan>,
    ledger: &Ledger,
    journal: &Journal,
    registry: &Registry,
    limit: Limit,
) -> Result<Results> {
    let strings = journal.strings()?;
    let counts = ledger.counts(plan);
    let empty = journal.empty_body()?;
    let by_subject = by_subject(plan, ledger, empty);
    let (chosen, transcripts_of) = choose(plan, journal, ledger, &strings, limit)?;
    let transcripts = with_exchanges(plan, journal, ledger, registry, chosen)?;
    Ok(Results {
        state: journal.state()?,
        locked: journal.was_locked()?,
        amendments: journal.amendments()?,
        programs: journal.programs()?,
        served: served(plan, ledger, &strings),
        missing: missing(plan, ledger, &strings),
        total: ledger.total,
        judging: ledger.judging,
        estimates: estimate(plan, ledger, registry)?,
        tested: test(plan, ledger, registry)?,
        warnings: warnings(plan, &by_subject, &counts, journal.last_stop()?.as_ref()),
        by_subject,
        counts,
        transcripts,
        transcripts_of,
        plan: plan.clone(),
    })
}

fn by_subject(plan: &Plan, ledger: &Ledger, empty: Option<i64>) -> Vec<SubjectCounts> {
    let mut list: Vec<SubjectCounts> = plan
        .subjects
        .iter()
        .map(|s| SubjectCounts {
            subject: s.id.0.clone(),
            planned: 0,
            answered: 0,
            withheld: 0,
            failed: 0,
            empty: 0,
            truncated: 0,
        })
        .collect();
    for trial in plan.trials() {
        let counts = &mut list[trial.subject.0 as usize];
        counts.planned += 1;
        match ledger.state(trial) {
            None => {}
            Some(o) => match o.outcome {
                Outcome::Answered(_, finish) => {
                    counts.answered += 1;
                    counts.truncated += u64::from(finish == Finish::Length);
                    counts.empty += u64::from(empty.is_some() && o.answer() == empty);
                }
                Outcome::Withheld(_) => counts.withheld += 1,
                Outcome::Failed(_) => counts.failed += 1,
            },
        }
    }
    list
}

fn served(plan: &Plan, ledger: &Ledger, strings: &Strings) -> Vec<(Arc<str>, Arc<str>, u64)> {
    let mut counts: BTreeMap<(u16, Arc<str>), u64> = BTreeMap::new();
    for trial in plan.trials() {
        if let Some(model) = ledger.state(trial).and_then(|o| strings.get(o.served())) {
            *counts.entry((trial.subject.0, model)).or_insert(0) += 1;
        }
    }
    counts
        .into_iter()
        .map(|((subject, model), n)| (plan.subjects[subject as usize].id.0.clone(), model, n))
        .collect()
}

fn missing(plan: &Plan, ledger: &Ledger, strings: &Strings) -> Vec<MissingReason> {
    // By outcome and kind: how many, and one message.
    type Reasons = BTreeMap<(&'static str, &'static str), (u64, Option<Arc<str>>)>;
    let mut reasons = Reasons::new();
    for trial in plan.trials() {
        let Some(o) = ledger.state(trial) else { continue };
        let key = match o.outcome {
            Outcome::Answered(..) => continue,
            Outcome::Withheld(why) => ("withheld", why.name()),
            Outcome::Failed(kind) => ("failed", kind.name()),
        };
        let entry = reasons.entry(key).or_insert((0, None));
        entry.0 += 1;
        if entry.1.is_none() && plan.item(trial.item).shareable {
            entry.1 = strings.get(o.reason());
        }
    }
    reasons
        .into_iter()
        .map(|((outcome, why), (count, example))| MissingReason { outcome, why, example, count })
        .collect()
}

fn warnings(plan: &Plan, by_subject: &[SubjectCounts], counts: &Counts, stop: Option<&Stop>) -> Vec<String> {
    let mut warnings = plan.marks();
    let share = plan.limits.warn_share;
    for s in by_subject {
        let asked = s.answered + s.withheld + s.failed;
        let mut warn = |n: u64, of: u64, what: &str| {
            if n > 0 && n as f64 > share * of as f64 {
                let percent = 100.0 * n as f64 / of as f64;
                warnings.push(format!("{}: {n} of {of} {what} ({percent:.0} %)", s.subject));
            }
        };
        warn(s.failed, asked, "trials failed; rates leave them out");
        warn(s.withheld, asked, "trials were withheld by the provider's filter; rates leave them out");
        warn(s.empty, s.answered, "answers are empty");
        warn(s.truncated, s.answered, "answers were cut by the token limit");
    }
    warnings.extend(plan.judges.iter().filter_map(|judge| standing_words(plan, judge)));
    if counts.judgments_failed() > 0 {
        warnings.push(format!("{} judgments failed", counts.judgments_failed()));
    }
    if counts.not_asked > 0 {
        match stop {
            // An endpoint may repeat what it was asked.
            Some(Stop::Broken(_)) if plan.items.iter().any(|i| !i.shareable) => warnings
                .push("the last session stopped, since the endpoint failed everything it was asked".into()),
            Some(Stop::Broken(words)) => warnings.push(format!(
                "the last session stopped, since the endpoint failed everything it was asked; its words: {words}"
            )),
            Some(Stop::Interrupted) => warnings.push("the last session was interrupted".into()),
            Some(Stop::Done) | None => {}
        }
        warnings.push(format!(
            "{} of {} trials are not asked yet: every estimate that needs them is partial",
            counts.not_asked, counts.planned
        ));
    }
    warnings
}

/// What a reader must know of an ensemble's voters.
fn standing_words(plan: &Plan, judge: &JudgeSpec) -> Option<String> {
    let ballot = judge.ballot.as_ref()?;
    let of = |standing: Standing| {
        let voters = ballot.voters.iter().filter(|v| v.standing == standing);
        voters.map(|v| plan.measure_name(v.of)).collect::<Vec<_>>().join(", ")
    };
    match (of(Standing::Failed), of(Standing::Untested)) {
        (failed, untested) if failed.is_empty() && untested.is_empty() => None,
        (failed, untested) if untested.is_empty() => {
            Some(format!("{}: no vote, since they did not pass their validation: {failed}", judge.name))
        }
        (failed, untested) if failed.is_empty() => Some(format!(
            "{}: votes of judges that were not held against people count: {untested}",
            judge.name
        )),
        (failed, untested) => Some(format!(
            "{}: no vote, since they did not pass their validation: {failed}; not held against people, and count: \
             {untested}",
            judge.name
        )),
    }
}

/// A choice of trials to show: all if they fit; else, in a seeded order, in turn from each stratum (subject,
/// outcome, first verdict), until the limit is reached. Shown in trial order.
fn choose(
    plan: &Plan,
    journal: &Journal,
    ledger: &Ledger,
    strings: &Strings,
    limit: Limit,
) -> Result<(Vec<(Trial, Transcript)>, u64)> {
    let mut strata: BTreeMap<(u16, u8, u64), Vec<Trial>> = BTreeMap::new();
    let mut all = 0;
    for trial in plan.trials() {
        let Some(o) = ledger.state(trial) else { continue };
        if !plan.item(trial.item).shareable {
            continue;
        }
        all += 1;
        let outcome = match o.outcome {
            Outcome::Answered(..) => 0,
            Outcome::Withheld(_) => 1,
            Outcome::Failed(_) => 2,
        };
        let first = plan.judges_of(trial.item).first().map(|judge| {
            match ledger.cell(plan, trial, MeasureRef { judge: *judge, measure: 0 }) {
                Cell::Label(label) => u64::from(label.0),
                Cell::Number(_) => 1000,
                Cell::Missing(_) => 1001,
            }
        });
        strata.entry((trial.subject.0, outcome, first.unwrap_or(1002))).or_default().push(trial);
    }
    let mut queues: Vec<Vec<Trial>> = strata.into_values().collect();
    if all > limit.transcripts as u64 {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(derive_seed(plan.seed, &[b"transcripts"]));
        for queue in &mut queues {
            for at in (1..queue.len()).rev() {
                queue.swap(at, (rng.next_u64() % (at as u64 + 1)) as usize);
            }
        }
    } else {
        queues.iter_mut().for_each(|q| q.reverse());
    }
    let mut chosen: Vec<(Trial, Transcript)> = Vec::new();
    let mut bytes = 0;
    while chosen.len() < limit.transcripts && bytes < limit.bytes && queues.iter().any(|q| !q.is_empty()) {
        for queue in &mut queues {
            let Some(trial) = queue.pop() else { continue };
            if chosen.len() >= limit.transcripts || bytes >= limit.bytes {
                break;
            }
            let transcript = transcript(plan, journal, ledger, strings, trial)?;
            bytes += transcript.turns.iter().map(|t| t.text.len()).sum::<usize>();
            chosen.push((trial, transcript));
        }
    }
    chosen.sort_by_key(|(trial, _)| *trial);
    Ok((chosen, all))
}

/// The transcripts, those of conversations with all that happened in them.
fn with_exchanges(
    plan: &Plan,
    journal: &Journal,
    ledger: &Ledger,
    registry: &Registry,
    chosen: Vec<(Trial, Transcript)>,
) -> Result<Vec<Transcript>> {
    let mut told =
        crate::converse::replay::exchanges(plan, journal, ledger, registry, chosen.iter().map(|(t, _)| *t))?;
    Ok(chosen
        .into_iter()
        .map(|(trial, transcript)| Transcript {
            exchanges: told.remove(&trial).unwrap_or_default(),
            ..transcript
        })
        .collect())
}

/// One trial as a person reads it.
pub fn transcript(
    plan: &Plan,
    journal: &Journal,
    ledger: &Ledger,
    strings: &Strings,
    trial: Trial,
) -> Result<Transcript> {
    let item = plan.item(trial.item);
    let state = ledger.state(trial);
    let turn = |role, text: &Arc<str>| Turn { role, text: text.clone() };
    let mut turns: Vec<Turn> = match &item.task {
        Task::Ask(prompt) | Task::Recorded(prompt) => match prompt {
            Prompt::Chat(turns) => turns.clone(),
            Prompt::Completion(text) => vec![turn(Role::User, text)],
            Prompt::Choose { context, .. } => vec![turn(Role::User, context)],
        },
        Task::Ladder(_) | Task::Goal(_) | Task::Shown(_) => Vec::new(),
    };
    let mut reasoning = None;
    let mut truncated = false;
    let outcome: Arc<str> = match state.map(|s| s.outcome) {
        None => Missing::NotAsked.name().into(),
        Some(Outcome::Withheld(why)) => why.name().into(),
        Some(Outcome::Failed(kind)) => match state.and_then(|s| strings.get(s.reason())) {
            Some(message) => format!("{}: {message}", kind.name()).into(),
            None => kind.name().into(),
        },
        Some(Outcome::Answered(_, finish)) => {
            truncated = finish == Finish::Length;
            "answered".into()
        }
    };
    if let Some(state) = state {
        let row = state.row(trial);
        reasoning = row.reasoning.map(|id| journal.body_at(id)).transpose()?;
        match journal.answer(&row)? {
            Some(Answer::Text(text)) => turns.push(turn(Role::Assistant, &text)),
            Some(Answer::Conversation(all)) => turns = all,
            Some(Answer::Options(options)) => {
                let scores: Vec<String> = options.iter().map(|o| format!("{:.3}", o.logprob)).collect();
                turns
                    .push(turn(Role::Assistant, &format!("log-probabilities: {}", scores.join(", ")).into()));
            }
            None => {}
        }
    }
    Ok(Transcript {
        item: item.id.0.clone(),
        tags: item.tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        subject: plan.subject(trial.subject).id.0.clone(),
        repetition: trial.rep + 1,
        turns,
        exchanges: Vec::new(),
        reasoning,
        outcome,
        truncated,
        verdicts: verdicts(plan, ledger, strings, trial),
    })
}

/// What judges said of a trial: (judge.measure, value or reason, note).
pub fn verdicts(plan: &Plan, ledger: &Ledger, strings: &Strings, trial: Trial) -> Vec<Said> {
    let mut said = Vec::new();
    for judge in plan.judges_of(trial.item) {
        for (measure, spec) in plan.judge(judge).measures.iter().enumerate() {
            let of = MeasureRef { judge, measure: measure as u8 };
            let (note, reason) = ledger.said_why(trial, of);
            let value: Arc<str> = match ledger.cell(plan, trial, of) {
                Cell::Number(x) => format!("{x}").into(),
                Cell::Label(label) => spec
                    .scale
                    .labels()
                    .get(label.0 as usize)
                    .cloned()
                    .unwrap_or_else(|| "(unknown label)".into()),
                Cell::Missing(why) => match strings.get(reason) {
                    Some(reason) => format!("{}: {reason}", why.name()).into(),
                    None => why.name().into(),
                },
            };
            let note = match (measure, ledger.votes(plan, trial, judge)) {
                (0, Some(votes)) => Some(votes.into()),
                (0, None) => strings.get(note),
                _ => None,
            };
            said.push((plan.measure_name(of).into(), value, note));
        }
    }
    said
}
