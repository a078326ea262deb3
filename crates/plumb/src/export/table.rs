//! Which columns a run's table has, and its rows.

use super::{Column, Kind, Value};
use crate::exit::Problem;
use plumb_study::items::Origin;
use plumb_study::journal::Outcome;
use plumb_study::method::Cell;
use plumb_study::{Answer, EventId, Journal, JudgeIx, Ledger, MeasureRef, Plan, Scope, Spent, Trial};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A run, ready to be read row by row.
pub struct Table<'a> {
    journal: &'a Journal,
    plan: Plan,
    ledger: Ledger,
    spent: HashMap<EventId, Spent>,
    /// What the exchanges of a conversation cost, by trial and attempt; its own event has none.
    turns: HashMap<(Trial, u16), Spent>,
    strings: plumb_study::journal::Strings,
    tags: Vec<Arc<str>>,
    factors: Vec<Arc<str>>,
    measures: Vec<MeasureRef>,
    columns: Vec<Column>,
}

const BEFORE: [(&str, Kind); 4] =
    [("item", Kind::Text), ("subject", Kind::Text), ("repetition", Kind::Whole), ("outcome", Kind::Text)];

const AFTER: [(&str, Kind); 14] = [
    ("why", Kind::Text),
    ("message", Kind::Text),
    ("prompt", Kind::Text),
    ("target", Kind::Text),
    ("answer", Kind::Text),
    ("reasoning", Kind::Text),
    ("finish", Kind::Text),
    ("attempt", Kind::Whole),
    ("served", Kind::Text),
    ("tokens_in", Kind::Whole),
    ("tokens_out", Kind::Whole),
    ("cost_nano", Kind::Whole),
    ("elapsed_us", Kind::Whole),
    ("requests", Kind::Whole),
];

impl<'a> Table<'a> {
    pub fn of(journal: &'a Journal) -> Result<Table<'a>, Problem> {
        let plan = journal.plan()?;
        let ledger = Ledger::fold(&plan, journal)?;
        let mut spent = HashMap::new();
        journal.observed(|row| {
            spent.insert(row.id, row.spent);
            Ok(())
        })?;
        let mut turns: HashMap<(Trial, u16), Spent> = HashMap::new();
        journal.steps(|row| {
            if let Scope::Trial(trial, attempt) = row.scope {
                turns.entry((trial, attempt)).or_default().add(row.spent);
            }
            Ok(())
        })?;
        let tags: BTreeSet<Arc<str>> = plan.items.iter().flat_map(|i| i.tags.keys().cloned()).collect();
        let factors: BTreeSet<Arc<str>> =
            plan.subjects.iter().flat_map(|s| s.factors.keys().cloned()).collect();
        let measures = (0..plan.judges.len() as u16)
            .map(JudgeIx)
            .flat_map(|judge| {
                let count = plan.judge(judge).measures.len();
                (0..count as u8).map(move |measure| MeasureRef { judge, measure })
            })
            .collect();
        let mut table = Table {
            strings: journal.strings()?,
            journal,
            plan,
            ledger,
            spent,
            turns,
            tags: tags.into_iter().collect(),
            factors: factors.into_iter().collect(),
            measures,
            columns: Vec::new(),
        };
        table.columns = table.name_columns();
        Ok(table)
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn name_columns(&self) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        // A tag may be called like a column of ours, or like a factor: the later one gets a prefix.
        let mut add = |name: String, prefix: &str, kind: Kind| {
            let taken = columns.iter().any(|c| c.name == name);
            columns.push(Column { name: if taken { format!("{prefix}.{name}") } else { name }, kind });
        };
        for (name, kind) in BEFORE.into_iter().chain(AFTER) {
            add(name.into(), "", kind);
        }
        self.factors.iter().for_each(|name| add(name.to_string(), "factor", Kind::Text));
        self.tags.iter().for_each(|name| add(name.to_string(), "tag", Kind::Text));
        for of in &self.measures {
            let real = self.plan.measure(*of).scale.labels().is_empty();
            let name = self.plan.measure_name(*of);
            add(format!("{name}.why"), "judge", Kind::Text);
            add(name, "judge", if real { Kind::Number } else { Kind::Text });
        }
        for name in Origin::COLUMNS {
            add(name.to_owned(), "run", Kind::Text);
        }
        columns
    }

    /// Calls `each` with every row.
    pub fn each(&self, mut each: impl FnMut(Vec<Value>) -> Result<(), Problem>) -> Result<(), Problem> {
        self.plan.trials().try_for_each(|trial| each(self.row(trial)?))
    }

    fn row(&self, trial: Trial) -> Result<Vec<Value>, Problem> {
        let (item, subject) = (self.plan.item(trial.item), self.plan.subject(trial.subject));
        let text = |t: &str| Value::Text(t.into());
        let maybe = |t: Option<Arc<str>>| t.map_or(Value::None, Value::Text);
        let whole = |n: Option<i64>| n.map_or(Value::None, Value::Whole);
        let state = self.ledger.state(trial);
        let (mut outcome, mut why, mut finish) = ("not asked", None, None);
        let (mut answer, mut reasoning) = (None, None);
        if let Some(state) = state {
            (outcome, why, finish) = match state.outcome {
                Outcome::Answered(_, finish) => ("answered", None, Some(finish.name())),
                Outcome::Withheld(why) => ("withheld", Some(why.name()), None),
                Outcome::Failed(kind) => ("failed", Some(kind.name()), None),
            };
            let row = state.row(trial);
            if item.shareable {
                answer = self.journal.answer(&row)?.map(as_text);
                reasoning = row.reasoning.map(|id| self.journal.body_at(id)).transpose()?;
            }
        }
        let spent = state.and_then(|s| {
            let mut spent = *self.spent.get(&s.id)?;
            self.turns.get(&(trial, s.attempt)).into_iter().for_each(|turns| spent.add(*turns));
            Some(spent)
        });
        let mut row = vec![
            text(item.id.as_str()),
            text(subject.id.as_str()),
            Value::Whole(i64::from(trial.rep) + 1),
            text(outcome),
            why.map_or(Value::None, text),
            maybe(state.and_then(|s| self.strings.get(s.reason())).filter(|_| item.shareable)),
            Some(item.task.headline()).filter(|_| item.shareable).map_or(Value::None, text),
            maybe(item.target.clone().filter(|_| item.shareable)),
            maybe(answer),
            maybe(reasoning),
            finish.map_or(Value::None, text),
            whole(state.map(|s| i64::from(s.attempt))),
            maybe(state.and_then(|s| self.strings.get(s.served()))),
            whole(spent.and_then(|s| s.tokens_in).map(|n| n as i64)),
            whole(spent.and_then(|s| s.tokens_out).map(|n| n as i64)),
            whole(spent.and_then(|s| s.cost_nano).map(|n| n as i64)),
            whole(spent.map(|s| s.elapsed_us as i64)),
            whole(spent.map(|s| s.requests as i64)),
        ];
        row.extend(self.factors.iter().map(|name| maybe(subject.factors.get(name).cloned())));
        row.extend(self.tags.iter().map(|name| maybe(item.tags.get(name).cloned())));
        for of in &self.measures {
            row.extend(self.verdict(trial, *of));
        }
        let origin = state.map(|s| self.journal.origin(&self.plan, &s.row(trial))).transpose()?.flatten();
        match origin {
            Some(origin) => row.extend(origin.values().map(|value| Value::Text(value.into()))),
            None => row.extend(Origin::COLUMNS.map(|_| Value::None)),
        }
        Ok(row)
    }

    /// Why there is no value, and the value.
    fn verdict(&self, trial: Trial, of: MeasureRef) -> [Value; 2] {
        match self.ledger.cell(&self.plan, trial, of) {
            Cell::Number(x) => [Value::None, Value::Number(x)],
            Cell::Label(label) => {
                let name = self.plan.measure(of).scale.labels().get(label.0 as usize).cloned();
                [Value::None, name.map_or(Value::None, Value::Text)]
            }
            Cell::Missing(why) => {
                // A judge's words may quote the answer.
                let shareable = self.plan.item(trial.item).shareable;
                let reason = self.strings.get(self.ledger.said_why(trial, of).1).filter(|_| shareable);
                let why = match reason {
                    Some(reason) => format!("{}: {reason}", why.name()).into(),
                    None => why.name().into(),
                };
                [Value::Text(why), Value::None]
            }
        }
    }
}

/// An answer in one text; a conversation or scores of options as JSON.
fn as_text(answer: Answer) -> Arc<str> {
    match answer {
        Answer::Text(text) => text,
        Answer::Options(options) => {
            let list: Vec<_> = options
                .iter()
                .map(|o| serde_json::json!({ "logprob": o.logprob, "tokens": o.tokens, "bytes": o.bytes }))
                .collect();
            serde_json::Value::Array(list).to_string().into()
        }
        Answer::Conversation(turns) => {
            let list: Vec<_> = turns
                .iter()
                .map(|t| serde_json::json!({ "role": t.role.name(), "text": &*t.text }))
                .collect();
            serde_json::Value::Array(list).to_string().into()
        }
    }
}
