//! From a journal to outcomes by measure, setting and item.

use super::degenerate::{Bounds, repetition};
use super::letters::{self, Letters};
use super::outcomes::{self, Outcomes};
use super::overlap::{self, Overlap};
use crate::sweep::{BASE, Measure, Role, SPLICED, SYSTEM, Sweep};
use plumb_study::items::{Prompt, Task};
use plumb_study::method::Cell;
use plumb_study::{Answer, ItemIx, Journal, Ledger, Plan, Result, Trial};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What a setting is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The model as it is.
    Base,
    /// Steered along a direction, or by a latent, that was looked for.
    Steered,
    /// Steered along a random direction of the same length, or by a random latent.
    Random,
    /// Told in words.
    Instructions,
    /// With an autoencoder's reconstruction in place and nothing clamped.
    Spliced,
    /// Steered where a gate on the prompt opens.
    Gated,
}

/// A setting.
#[derive(Clone, PartialEq, Debug)]
pub struct Arm {
    /// Its subject's id.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The direction's id, for steered ones.
    pub direction: String,
    /// The strength, for steered ones.
    pub strength: Option<f64>,
}

/// Outcomes of one setting on one measure.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Row {
    /// By item: 0 or 1, or a number. A degenerate reply is no refusal and no right answer, so it is 0.
    pub values: BTreeMap<u32, f64>,
    /// Items whose replies were degenerate.
    pub degenerate: BTreeSet<u32>,
    /// Trials without a verdict.
    pub missing: u64,
    /// Trials that are not asked yet.
    pub unasked: u64,
}

impl Row {
    /// Replies that are known: with a verdict, or degenerate without one.
    pub(super) fn replies(&self) -> u64 {
        self.values.len() as u64
            + self.degenerate.iter().filter(|item| !self.values.contains_key(item)).count() as u64
    }
}

/// All outcomes.
#[derive(Clone, PartialEq, Debug)]
pub struct Gathered {
    /// Settings, the base first.
    pub arms: Vec<Arm>,
    /// By measure, then by setting.
    pub rows: Vec<Vec<Row>>,
    /// Whether a measure is of yes and no.
    pub binary: Vec<bool>,
    /// Whether its answers are texts (which can be degenerate) and not likelihoods; answered or not.
    pub texts: Vec<bool>,
    /// What lies beyond is degenerate.
    pub bounds: Bounds,
    /// By measure: which options were chosen, where a judge says it.
    pub letters: Vec<Option<Letters>>,
    /// By measure: what became of questions answered in words, where a judge of refusals saw the answers, too.
    pub outcomes: Vec<Option<Outcomes>>,
    /// By measure: in which form its questions are put.
    pub forms: Vec<String>,
    /// By measure: the level of its tag `by`, by item.
    pub groups: Vec<BTreeMap<u32, String>>,
    /// Which items are each other's contrasts: by item, the pair.
    pub pairs: BTreeMap<u32, String>,
    /// Trials that are not asked yet, and all.
    pub unasked: (u64, u64),
    /// Directions that were made of what is measured.
    pub overlaps: Vec<Overlap>,
}

/// The tag of items that are each other's contrasts.
const PAIR: &str = "pair";

/// Folds a sweep's journal.
///
/// # Errors
/// A measure that the plan does not have, or a journal that cannot be read.
pub fn gather(plan: &Plan, journal: &Journal, sweep: &Sweep) -> Result<Gathered> {
    let ledger = Ledger::fold(plan, journal)?;
    let arms: Vec<Arm> =
        plan.subjects.iter().map(|subject| arm(subject.id.as_str(), &subject.factors)).collect();
    let texts = texts(plan, journal, &ledger)?;
    let fluency = sweep.fluency(plan)?;
    let surprise = |trial: Trial| match ledger.cell(plan, trial, fluency?) {
        Cell::Number(nats) => Some(nats),
        _ => None,
    };
    // Programs and the like repeat themselves and surprise without being broken.
    let prose = |trial: &Trial| !sweep.measures.iter().any(|one| !one.prose && one.covers(plan, trial.item));
    let of_base =
        texts.iter().filter(|(trial, _)| arms[trial.subject.0 as usize].kind == Kind::Base && prose(trial));
    let bounds = Bounds::of(
        of_base.clone().map(|(_, text)| repetition(text)).collect(),
        of_base.filter_map(|(trial, _)| surprise(*trial)).collect(),
    );
    let broken = |(trial, text): &(&Trial, &String)| prose(trial) && bounds.broken(text, surprise(**trial));
    let degenerate: HashSet<Trial> = texts.iter().filter(broken).map(|(trial, _)| *trial).collect();
    let mut gathered = Gathered {
        arms,
        rows: Vec::new(),
        binary: Vec::new(),
        texts: Vec::new(),
        bounds,
        letters: Vec::new(),
        outcomes: Vec::new(),
        forms: Vec::new(),
        groups: Vec::new(),
        pairs: tagged(plan, PAIR, 0..plan.items.len() as u32),
        unasked: {
            let counts = ledger.counts(plan);
            (counts.not_asked, counts.planned)
        },
        overlaps: overlap::of(plan, sweep),
    };
    let refusal = outcomes::refusal(plan, sweep)?;
    for measure in &sweep.measures {
        let of = measure.resolve(plan)?;
        let mut rows = vec![Row::default(); gathered.arms.len()];
        let mut parted = vec![BTreeMap::new(); gathered.arms.len()];
        for trial in plan.trials().filter(|trial| {
            measure.covers(plan, trial.item) && plan.judges_of(trial.item).contains(&of.judge)
        }) {
            let row = &mut rows[trial.subject.0 as usize];
            let refuses = matches!(measure.role, Role::Safety | Role::OverRefusal);
            let empty = degenerate.contains(&trial);
            if empty {
                row.degenerate.insert(trial.item.0);
            }
            if let Some(refusal) = refusal
                && measure.role == Role::Capability
                && plan.judges_of(trial.item).contains(&refusal.judge)
                && let Some(outcome) = outcomes::of(plan, &ledger, trial, (of, refusal), empty)
            {
                parted[trial.subject.0 as usize].insert(trial.item.0, outcome);
            }
            match ledger.cell(plan, trial, of) {
                Cell::Label(_) if empty && (refuses || measure.role == Role::Capability) => {
                    add(row, trial.item, 0.0)
                }
                Cell::Label(label) => add(row, trial.item, f64::from(label.0)),
                Cell::Number(number) => add(row, trial.item, number),
                // What was not asked yet is no answer that lacks a verdict.
                Cell::Missing(_) if ledger.state(trial).is_none() => row.unasked += 1,
                Cell::Missing(_) => row.missing += 1,
            }
        }
        gathered.binary.push(plan.measure(of).scale == plumb_study::plan::Scale::Binary);
        gathered.texts.push(in_words(plan, measure));
        gathered.outcomes.push(parted.iter().any(|items| !items.is_empty()).then_some(parted));
        gathered.forms.push(form(plan, measure));
        gathered.groups.push(groups(plan, measure, &rows));
        gathered.letters.push(letters::count(plan, &ledger, measure, of, gathered.arms.len()));
        gathered.rows.push(rows);
    }
    Ok(gathered)
}

/// The levels of a measure's tag, of the items that were answered.
fn groups(plan: &Plan, measure: &Measure, rows: &[Row]) -> BTreeMap<u32, String> {
    let Some(tag) = &measure.by else { return BTreeMap::new() };
    let items: BTreeSet<u32> = rows.iter().flat_map(|row| row.values.keys().copied()).collect();
    tagged(plan, tag, items)
}

/// The levels of a tag.
fn tagged(plan: &Plan, tag: &str, items: impl IntoIterator<Item = u32>) -> BTreeMap<u32, String> {
    let level = |item: u32| Some((item, plan.item(ItemIx(item)).tags.get(tag)?.to_string()));
    items.into_iter().filter_map(level).collect()
}

/// Whether a measure's questions are answered in words: options are weighed by likelihood.
fn in_words(plan: &Plan, measure: &Measure) -> bool {
    let items = (0..plan.items.len() as u32).map(ItemIx);
    let mut covered = items.filter(|item| measure.covers(plan, *item));
    covered.any(|item| !matches!(plan.item(item).task, Task::Ask(Prompt::Choose { .. })))
}

/// In which form a measure's questions are put, by the first of them: all that one reader makes are alike.
fn form(plan: &Plan, measure: &Measure) -> String {
    /// Longer options are answers, and are not quoted.
    const SHORT: usize = 4;
    let first = (0..plan.items.len() as u32).map(ItemIx).find(|item| measure.covers(plan, *item));
    match first.map(|item| &plan.item(item).task) {
        Some(Task::Ask(Prompt::Chat(_))) => "chat".into(),
        Some(Task::Ask(Prompt::Completion(_))) => "plain text".into(),
        Some(Task::Ask(Prompt::Choose { options, .. })) => match options.first() {
            Some(option) if option.len() <= SHORT => format!("plain text, options like “{option}”"),
            _ => "plain text, options in full".into(),
        },
        Some(_) => "conversation".into(),
        None => "no items".into(),
    }
}

/// Repetitions of an item would be averaged; a sweep has one each.
fn add(row: &mut Row, item: ItemIx, value: f64) {
    row.values.insert(item.0, value);
}

fn arm(id: &str, factors: &plumb_study::items::Levels) -> Arm {
    let level = |name: &str| factors.get(name).map(ToString::to_string).unwrap_or_default();
    let kind = match (id, level("role").as_str()) {
        (BASE, _) => Kind::Base,
        (SYSTEM, _) => Kind::Instructions,
        (SPLICED, _) => Kind::Spliced,
        (_, "random") => Kind::Random,
        (_, "gated") => Kind::Gated,
        _ => Kind::Steered,
    };
    Arm { id: id.to_owned(), kind, direction: level("direction"), strength: level("strength").parse().ok() }
}

/// Answers in words, by trial.
fn texts(plan: &Plan, journal: &Journal, ledger: &Ledger) -> Result<HashMap<Trial, String>> {
    let mut texts = HashMap::new();
    for trial in plan.trials() {
        let Some(observed) = ledger.state(trial) else { continue };
        if let Some(answer) = journal.answer(&observed.row(trial))?
            && !matches!(answer, Answer::Options(_))
        {
            texts.insert(trial, answer.text().to_owned());
        }
    }
    Ok(texts)
}
