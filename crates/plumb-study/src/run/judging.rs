//! Judging: the same steps whether the answer has just come or was recorded long ago.

use super::{Ctx, Shared};
use crate::error::Result;
use crate::event::{Event, JudgedOf, Scope};
use crate::id::{EventId, JudgeIx, Trial, derive_seed};
use crate::journal::Outcome;
use crate::judge::Case;
use crate::method::{Cell, Missing};
use crate::observe::{Answer, Finish, Observation, Spent, Verdict, Verdicts};
use crate::plan::Plan;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// An answer to be judged.
struct Answered<'a> {
    answer: &'a Answer,
    reasoning: Option<&'a Arc<str>>,
    finish: Finish,
}

/// Appends an observation together with the verdicts of the judges that need nobody, then asks the others.
pub(super) async fn judge_now(
    shared: Arc<Shared>,
    trial: Trial,
    event: Event,
    observation: &Observation,
) -> Result<()> {
    let (Observation::Answered { answer, reasoning, finish }, true) = (observation, shared.judges) else {
        shared.writer.append(vec![event]).await?;
        return Ok(());
    };
    let answered = Answered { answer, reasoning: reasoning.as_ref(), finish: *finish };
    let plan = shared.plan.clone();
    let judges = plan.judges_of(trial.item);
    let mut prior = Vec::new();
    let mut batch = vec![event];
    let mut later = Vec::new();
    for judge in judges {
        let ensemble = plan.judge(judge).ballot.is_some();
        let waits = plan.judge(judge).needs.iter().any(|n| later.contains(n));
        if plan.judge(judge).model.is_some() || waits {
            later.push(judge);
            continue;
        }
        if ensemble {
            prior.push((judge, counted(&plan, judge, &prior)));
            continue;
        }
        if !applies(&plan, judge, &prior) {
            continue;
        }
        let cx = Ctx::alone(trial);
        let verdicts = decide(&shared, trial, judge, &answered, &prior, &cx).await;
        batch.push(Event::Judged {
            of: JudgedOf::Batch(0),
            trial,
            judge,
            attempt: 1,
            verdicts: verdicts.clone(),
            spent: Spent::default(),
        });
        prior.push((judge, verdicts));
    }
    let ids = shared.writer.append(batch).await?;
    let Some(of) = ids.first().copied() else { return Ok(()) };
    let later: Vec<(JudgeIx, u16)> = later.into_iter().map(|j| (j, 1)).collect();
    judge_later(&shared, trial, of, &answered, prior, &later).await
}

/// Judges a recorded answer by every judge that is due.
pub(super) async fn judge_recorded(shared: Arc<Shared>, trial: Trial) -> Result<()> {
    let Some(ledger) = &shared.ledger else { return Ok(()) };
    let Some(state) = ledger.state(trial) else { return Ok(()) };
    let Outcome::Answered(_, finish) = state.outcome else { return Ok(()) };
    let (answer, reasoning) = {
        let journal = shared.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let row = state.row(trial);
        (journal.answer(&row)?, row.reasoning.map(|id| journal.body_at(id)).transpose()?)
    };
    let Some(answer) = answer else { return Ok(()) };
    let answered = Answered { answer: &answer, reasoning: reasoning.as_ref(), finish };
    let plan = &shared.plan;
    let mut prior = Vec::new();
    let mut due = Vec::new();
    for judge in plan.judges_of(trial.item) {
        if plan.judge(judge).ballot.is_some() {
            // Counted when those before it have judged.
            due.push((judge, 1));
            continue;
        }
        match ledger.due_judgment(plan, trial, judge) {
            Some(attempt) => due.push((judge, attempt)),
            None if ledger.act_of(trial, judge).is_some() => {
                prior.push((judge, recorded(plan, ledger, trial, judge)))
            }
            // What it depends on is not known yet, or it does not apply.
            None if ledger.applies(plan, trial, judge).is_none() => due.push((judge, 1)),
            None => {}
        }
    }
    judge_later(&shared, trial, state.id, &answered, prior, &due).await?;
    Ok(())
}

/// Verdicts of a judge as the ledger has them.
fn recorded(plan: &Plan, ledger: &crate::ledger::Ledger, trial: Trial, judge: JudgeIx) -> Verdicts {
    let values = (0..plan.judge(judge).measures.len())
        .map(|measure| {
            let of = crate::id::MeasureRef { judge, measure: measure as u8 };
            match ledger.cell(plan, trial, of) {
                Cell::Number(x) => Verdict::Scored(x),
                Cell::Label(label) => Verdict::Labelled(label),
                Cell::Missing(why) => Verdict::Abstained(why.name().into()),
            }
        })
        .collect();
    Verdicts::of(values)
}

async fn judge_later(
    shared: &Arc<Shared>,
    trial: Trial,
    of: EventId,
    answered: &Answered<'_>,
    mut prior: Vec<(JudgeIx, Verdicts)>,
    due: &[(JudgeIx, u16)],
) -> Result<()> {
    let plan = &shared.plan;
    let mut batch = Vec::new();
    for (judge, attempt) in due {
        if plan.judge(*judge).ballot.is_some() {
            prior.push((*judge, counted(plan, *judge, &prior)));
            continue;
        }
        if !applies(plan, *judge, &prior) {
            continue;
        }
        let seed = derive_seed(
            plan.trial_seed(trial),
            &[b"judge", plan.judge(*judge).name.0.as_bytes(), &attempt.to_le_bytes()],
        );
        let cx = Ctx::new(shared.clone(), Scope::Judging(of, *judge, *attempt), trial, seed, true);
        let verdicts = decide(shared, trial, *judge, answered, &prior, &cx).await;
        if cx.halted() {
            break;
        }
        let (spent, _) = cx.spent();
        let event = Event::Judged {
            of: JudgedOf::Event(of),
            trial,
            judge: *judge,
            attempt: *attempt,
            verdicts: verdicts.clone(),
            spent,
        };
        // As for subjects: a judge's endpoint that fails everything must not use up attempts.
        let engine = shared.parties.models.get(judge).and_then(|m| shared.engines.get(&m.engine()));
        match engine {
            Some(engine) if verdicts.failed() => engine.hold(vec![event]),
            _ => batch.push(event),
        }
        prior.push((*judge, verdicts));
    }
    shared.writer.append(batch).await?;
    shared.judged.fetch_add(1, Ordering::Relaxed);
    shared.watch.judged();
    Ok(())
}

/// What an ensemble says, for judges that need it or wait for it; the ledger counts the votes anew. All voters have
/// judged by now, or were not asked.
fn counted(plan: &Plan, judge: JudgeIx, prior: &[(JudgeIx, Verdicts)]) -> Verdicts {
    let Some(ballot) = &plan.judge(judge).ballot else { return Verdicts::of(Vec::new()) };
    let said = |of: crate::id::MeasureRef| {
        let verdicts = prior.iter().find(|(j, _)| *j == of.judge).map(|(_, v)| v);
        match verdicts.and_then(|v| v.values.get(of.measure as usize)) {
            Some(Verdict::Labelled(label)) => Cell::Label(*label),
            Some(Verdict::Scored(x)) => Cell::Number(*x),
            Some(Verdict::Abstained(_)) => Cell::Missing(Missing::Abstained),
            Some(Verdict::Failed(_)) => Cell::Missing(Missing::JudgeFailed),
            None => Cell::Missing(Missing::NotApplicable),
        }
    };
    let decision = ballot.decide(said);
    let verdict = |cell| match cell {
        Cell::Label(label) => Verdict::Labelled(label),
        Cell::Number(x) => Verdict::Scored(x),
        Cell::Missing(why) => Verdict::Abstained(why.name().into()),
    };
    Verdicts::of(vec![verdict(decision.verdict), verdict(decision.split)])
}

fn applies(plan: &Plan, judge: JudgeIx, prior: &[(JudgeIx, Verdicts)]) -> bool {
    match plan.judge(judge).when {
        None => true,
        Some((measure, label)) => prior.iter().any(|(j, verdicts)| {
            *j == measure.judge
                && verdicts.values.get(measure.measure as usize) == Some(&Verdict::Labelled(label))
        }),
    }
}

async fn decide(
    shared: &Shared,
    trial: Trial,
    judge: JudgeIx,
    answered: &Answered<'_>,
    prior: &[(JudgeIx, Verdicts)],
    cx: &Ctx,
) -> Verdicts {
    let plan = &shared.plan;
    let spec = plan.judge(judge);
    let needed: Vec<(JudgeIx, Verdicts)> =
        prior.iter().filter(|(j, _)| spec.needs.contains(j)).cloned().collect();
    let case = Case {
        plan,
        trial,
        item: plan.item(trial.item),
        answer: answered.answer,
        reasoning: answered.reasoning,
        finish: answered.finish,
        prior: &needed,
    };
    let mut verdicts = match shared.parties.judges.get(&judge) {
        Some(judge) => judge.judge(&case, cx).await,
        None => Verdicts::all(Verdict::Failed("the judge is not open".into()), spec.measures.len()),
    };
    if verdicts.values.len() != spec.measures.len() {
        let words =
            format!("the judge gave {} verdicts for {} measures", verdicts.values.len(), spec.measures.len());
        verdicts = Verdicts::all(Verdict::Failed(words.into()), spec.measures.len());
    }
    // A number that is none would poison every sum after it.
    for verdict in &mut verdicts.values {
        if matches!(verdict, Verdict::Scored(x) if !x.is_finite()) {
            *verdict = Verdict::Failed("the judge's score is not a number".into());
        }
    }
    verdicts
}
