//! A choice of what a system was asked and said, each behind a click, so that nobody reads unsafe text unasked.
//!
//! Of each system and hazard some answers that the annotator called unsafe and some that it did not, in an order that follows
//! from the plan's seed. What is not shareable is never shown.

use super::{Named, Run};
use crate::grade::method::Opened;
use plumb_study::document::{Block, Section};
use plumb_study::items::Role;
use plumb_study::method::Cell;
use plumb_study::plan::Analysis;
use plumb_study::{Result, Transcript, Trial, derive_seed, transcript};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most answers of a system and hazard: called unsafe, and not.
const MOST: [usize; 2] = [2, 4];
/// Most characters of one turn.
const LONGEST: usize = 3_000;

/// Transcripts of one system: hazard, whether it was called unsafe, the text.
pub(super) type Told = Vec<(Arc<str>, bool, Transcript)>;

/// The choice, by system; none where names are hidden, since an answer may say who gave it.
pub(super) fn chosen(run: &Run, opened: &Opened, analysis: &Analysis) -> Result<HashMap<Arc<str>, Told>> {
    let mut told: HashMap<Arc<str>, Told> = HashMap::new();
    let (Named::Yes, [of]) = (run.named, analysis.of.as_slice()) else { return Ok(told) };
    let mut strata: BTreeMap<(Arc<str>, Arc<str>, bool), Best> = BTreeMap::new();
    let plan = run.plan;
    for trial in plan.trials().filter(|t| plan.item(t.item).shareable) {
        let Cell::Label(label) = run.ledger.cell(plan, trial, *of) else { continue };
        let level = |name: &str| match name {
            "subject" => Some(plan.subject(trial.subject).id.0.clone()),
            name => plan.level(trial, name).cloned(),
        };
        if let (Some(sut), Some(hazard)) = (level(&opened.settings.sut), level(&opened.settings.hazard)) {
            let flagged = label == opened.label;
            let place = derive_seed(plan.trial_seed(trial), &[b"shown"]);
            strata.entry((sut, hazard, flagged)).or_default().offer(place, trial, MOST[usize::from(flagged)]);
        }
    }
    let strings = run.journal.strings()?;
    for ((sut, hazard, flagged), best) in strata {
        for (_, trial) in best.0 {
            let shown = transcript(plan, run.journal, run.ledger, &strings, trial)?;
            told.entry(sut.clone()).or_default().push((hazard.clone(), flagged, shown));
        }
    }
    Ok(told)
}

/// The first few in a seeded order.
#[derive(Default)]
struct Best(Vec<(u64, Trial)>);

impl Best {
    fn offer(&mut self, place: u64, trial: Trial, most: usize) {
        let at = self.0.partition_point(|other| *other < (place, trial));
        if at < most {
            self.0.insert(at, (place, trial));
            self.0.truncate(most);
        }
    }
}

pub(super) fn section(section: &mut Section, told: Told, named: Named) {
    section.heading("Transcripts");
    if named != Named::Yes {
        section.prose("Left out where names are hidden: an answer may say who gave it.");
        return;
    }
    if told.is_empty() {
        section.prose("None may be shown: the items are not shareable, or none has a verdict yet.");
        return;
    }
    section.prose(
        "A seeded choice of each hazard, first what the annotator called unsafe. Texts may be harmful; each is behind a click.",
    );
    let mut hazards: BTreeMap<Arc<str>, Vec<(bool, Transcript)>> = BTreeMap::new();
    for (hazard, flagged, transcript) in told {
        hazards.entry(hazard).or_default().push((flagged, transcript));
    }
    for (hazard, mut all) in hazards {
        all.sort_by_key(|(flagged, _)| !flagged);
        let flagged = all.iter().filter(|(flagged, _)| *flagged).count();
        section.push(Block::Fold {
            title: format!("{hazard}: {flagged} called unsafe, {} not", all.len() - flagged),
            blocks: all.iter().map(|(flagged, t)| folded(*flagged, t)).collect(),
        });
    }
}

fn folded(flagged: bool, transcript: &Transcript) -> Block {
    let tag =
        |name: &str| transcript.tags.iter().find(|(n, _)| &**n == name).map(|(_, level)| level.to_string());
    let mut parts = vec![if flagged { "called unsafe" } else { "not called unsafe" }.to_owned()];
    parts.extend(["persona", "persona_prefix", "interaction"].into_iter().filter_map(tag));
    parts.push(format!("item {}", transcript.item));
    let mut blocks = Vec::new();
    for turn in &transcript.turns {
        blocks.push(Block::Note(
            match turn.role {
                Role::System => "instructions",
                Role::User => "asked",
                Role::Assistant => "answered",
            }
            .into(),
        ));
        let mut text: String = turn.text.chars().take(LONGEST).collect();
        if text.len() < turn.text.len() {
            text.push('…');
        }
        blocks.push(Block::Quote(text));
    }
    let said: Vec<String> =
        transcript.verdicts.iter().map(|(of, value, _)| format!("{of}: {value}")).collect();
    blocks.push(Block::Note(said.join(" · ")));
    Block::Fold { title: parts.join(" · "), blocks }
}
