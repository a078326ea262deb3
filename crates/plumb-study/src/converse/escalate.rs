//! One attempt, turn by turn.

use super::attacker::{Before, Side};
use super::{Check, Exchange, Holds, Strategy, Writer};
use crate::id::Trial;
use crate::items::{Item, Prompt, Role, Task, Turn};
use crate::judge::{Case, Judge};
use crate::observe::{Answer, Failure, FailureKind, Finish, Observation, Verdict, Withheld};
use crate::party::Outcome;
use crate::plan::Plan;
use crate::run::{Ctx, Party};
use std::collections::HashMap;
use std::sync::Arc;

/// Judges of a plan that are open.
pub(crate) type Judges = HashMap<crate::id::JudgeIx, Arc<dyn Judge>>;

/// What an attempt works with.
pub(crate) struct Scene<'a> {
    pub plan: &'a Plan,
    pub trial: Trial,
    pub judges: &'a Judges,
}

impl Scene<'_> {
    fn item(&self) -> &Item {
        self.plan.item(self.trial.item)
    }
}

/// Where the turns of an attempt come from.
enum Turns<'a> {
    Written(std::slice::Iter<'a, Arc<str>>),
    Attacker(Box<Side<'a>>),
}

/// The state of one attempt.
struct Attempt {
    /// What the subject has been told and has said.
    memory: Vec<Turn>,
    finish: Finish,
    turns: u16,
    backtracks: u16,
    withheld: Option<Withheld>,
}

/// Holds the conversation of a trial. `told` receives its exchanges, those that were taken back too, also when
/// the attempt ends in a failure.
pub(crate) async fn elicit(scene: &Scene<'_>, cx: &Ctx, told: &mut Vec<Exchange>) -> Observation {
    let item = scene.item();
    let plain =
        Strategy { writer: Writer::Item, refusal: None, success: None, turns: u16::MAX, backtracks: 0 };
    let strategy = scene.plan.source(item.source).strategy.as_ref().unwrap_or(&plain);
    let mut turns = match (&item.task, &strategy.writer) {
        (Task::Goal(goal), Writer::Attacker(attacker)) => {
            Turns::Attacker(Box::new(Side::new(attacker, goal, strategy.turns)))
        }
        (Task::Ladder(written), _) => Turns::Written(written.iter()),
        _ => {
            let words = "the item has no turns, and nobody writes any";
            return Observation::Failed(Failure::last(FailureKind::Unsupported, words));
        }
    };
    match go(scene, cx, strategy, &mut turns, told).await {
        Ok(observation) => observation,
        Err(failure) => Observation::Failed(failure),
    }
}

async fn go(
    scene: &Scene<'_>,
    cx: &Ctx,
    strategy: &Strategy,
    turns: &mut Turns<'_>,
    told: &mut Vec<Exchange>,
) -> Result<Observation, Failure> {
    let mut attempt =
        Attempt { memory: Vec::new(), finish: Finish::Other, turns: 0, backtracks: 0, withheld: None };
    while attempt.turns < strategy.turns {
        let Some(question) = question(scene, cx, &attempt, turns, told.last()).await? else { break };
        attempt.memory.push(Turn { role: Role::User, text: question.clone() });
        let reply = cx.ask(Party::Subject(scene.trial.subject), Prompt::Chat(attempt.memory.clone())).await?;
        let (text, withheld) = match reply.outcome {
            Outcome::Answered { answer, finish, .. } => {
                attempt.finish = finish;
                (answer.text().into(), None)
            }
            Outcome::Withheld(why) if strategy.refusal.is_none() => return Ok(Observation::Withheld(why)),
            Outcome::Withheld(why) => (why.name().into(), Some(why)),
        };
        let mut exchange = Exchange {
            question,
            answer: text,
            withheld: withheld.is_some(),
            refused: None,
            success: None,
            kept: true,
        };
        if let Some(why) = withheld {
            // A filter refuses as words do, and leaves nothing that could stay in memory.
            attempt.withheld = Some(why);
            attempt.memory.pop();
            exchange.refused = Some(true);
            exchange.kept = false;
        } else {
            attempt.memory.push(Turn { role: Role::Assistant, text: exchange.answer.clone() });
            exchange.refused = holds(scene, cx, strategy.refusal, &attempt).await?;
        }
        let take_back = exchange.refused == Some(true) && attempt.backtracks < strategy.backtracks;
        if take_back {
            attempt.backtracks += 1;
            if withheld.is_none() {
                attempt.memory.truncate(attempt.memory.len() - 2);
            }
            exchange.kept = false;
            told.push(exchange);
            continue;
        }
        if withheld.is_none() {
            exchange.success = holds(scene, cx, strategy.success, &attempt).await?;
        }
        attempt.turns += 1;
        let done = exchange.success == Some(true);
        told.push(exchange);
        if done {
            break;
        }
    }
    if attempt.memory.is_empty() {
        attempt.keep_last_refusal(told);
    }
    Ok(attempt.end())
}

impl Attempt {
    /// Where every turn was refused and taken back, there is nothing left to judge, and an attempt that failed for good
    /// would count as none. The last refusal is what it came to: it stays.
    fn keep_last_refusal(&mut self, told: &mut [Exchange]) {
        let Some(last) = told.iter_mut().rev().find(|e| !e.withheld) else { return };
        last.kept = true;
        let turn = |role, text: &Arc<str>| Turn { role, text: text.clone() };
        self.memory = vec![turn(Role::User, &last.question), turn(Role::Assistant, &last.answer)];
    }

    fn end(self) -> Observation {
        match (self.memory.is_empty(), self.withheld) {
            (true, Some(why)) => Observation::Withheld(why),
            (true, None) => {
                Observation::Failed(Failure::last(FailureKind::NoText, "the conversation has no turn"))
            }
            (false, _) => Observation::Answered {
                answer: Answer::Conversation(self.memory),
                reasoning: None,
                finish: self.finish,
            },
        }
    }
}

async fn question(
    scene: &Scene<'_>,
    cx: &Ctx,
    attempt: &Attempt,
    turns: &mut Turns<'_>,
    before: Option<&Exchange>,
) -> Result<Option<Arc<str>>, Failure> {
    match turns {
        Turns::Written(written) => Ok(written.next().cloned()),
        Turns::Attacker(side) => {
            let before = match before {
                None => Before::Nothing,
                Some(exchange) if exchange.kept => Before::Answered(&exchange.answer),
                Some(_) => Before::TakenBack,
            };
            side.turn(cx, scene.item().source, attempt.turns + 1, before).await.map(Some)
        }
    }
}

/// What a check finds in the conversation so far; nothing where its judge abstains.
async fn holds(
    scene: &Scene<'_>,
    cx: &Ctx,
    check: Option<Check>,
    attempt: &Attempt,
) -> Result<Option<bool>, Failure> {
    let Some(check) = check else { return Ok(None) };
    let name = &scene.plan.judge(check.of.judge).name;
    let Some(judge) = scene.judges.get(&check.of.judge) else {
        return Err(Failure::last(FailureKind::Internal, format!("the judge \"{name}\" is not open")));
    };
    let answer = Answer::Conversation(attempt.memory.clone());
    let case = Case {
        plan: scene.plan,
        trial: scene.trial,
        item: scene.item(),
        answer: &answer,
        reasoning: None,
        finish: attempt.finish,
        prior: &[],
    };
    let verdicts = judge.judge(&case, cx).await;
    match (verdicts.values.get(check.of.measure as usize), check.holds) {
        (Some(Verdict::Labelled(label)), Holds::Label(wanted)) => Ok(Some(*label == wanted)),
        (Some(Verdict::Scored(score)), Holds::AtLeast(least)) => Ok(Some(*score >= least)),
        (Some(Verdict::Failed(why)), _) => Err(Failure::passing(
            FailureKind::Internal,
            format!("the judge \"{name}\" of a turn failed: {why}"),
        )),
        _ => Ok(None),
    }
}
