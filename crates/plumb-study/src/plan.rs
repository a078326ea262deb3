//! The frozen plan: everything that decides what is asked, how it is judged and what will be reported.
//!
//! A [`Plan`] is made by [`crate::freeze`] or read back from a journal by [`crate::format`]; it is never
//! changed. [`Plan::trials`] is the one place that enumerates trials.

use crate::error::{Error, Result};
use crate::id::{
    AnalysisId, Digest, EngineId, ItemIx, JudgeIx, JudgeName, MeasureRef, PlanId, SourceIx, SubjectId,
    SubjectIx, Trial, trial_seed,
};
use crate::items::{Item, Levels, Origin, Task};
use crate::observe::Label;
use crate::party::{Abilities, Sampling};
use crate::vote::Ballot;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Settings of a kind, as canonical JSON: the spine hashes and stores them, only the kind reads them.
pub type Settings = serde_json::Value;

/// A plan with every default explicit.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Hash of the first plan; the identity of the run.
    pub root: PlanId,
    /// Hash of this plan; equal to `root` until amended.
    pub digest: Digest,
    /// Name of the plan and of the run's folder.
    pub name: Arc<str>,
    /// What it is for, in the author's words.
    pub about: Option<Arc<str>>,
    /// Seed of all randomness except people's assignment.
    pub seed: u64,
    /// Where the items came from.
    pub sources: Vec<Source>,
    /// The items.
    pub items: Vec<Item>,
    /// Who is measured.
    pub subjects: Vec<SubjectSpec>,
    /// Who judges.
    pub judges: Vec<JudgeSpec>,
    /// What is computed.
    pub analyses: Vec<Analysis>,
    /// What is claimed beforehand.
    pub hypotheses: Vec<Hypothesis>,
    /// Limits of the run.
    pub limits: Limits,
    /// What domains keep in the plan, by name: the spine hashes it and never reads it.
    pub sections: BTreeMap<Arc<str>, Settings>,
    /// Which benchmark it is, if it says so.
    pub benchmark: Option<Benchmark>,
    /// What the plan's file lists and this plan lacks, since files were not there when it was frozen.
    pub skipped: Vec<Skipped>,
    /// How many of each list the root plan had: what comes after was added by amendment.
    pub rooted: Rooted,
}

/// A plan that others are to run, too: what it is for, and whether it still is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Benchmark {
    /// Its version.
    pub version: Arc<str>,
    /// Why it should not be used any more, and what takes its place. An amendment may add it.
    pub deprecated: Option<Arc<str>>,
    /// What its results may be used for.
    pub intended_use: Option<Arc<str>>,
    /// What they cannot show.
    pub limits: Vec<Arc<str>>,
}

/// Something that a plan's file lists and the plan lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// `items`, `analysis` or `hypothesis`.
    pub what: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Why.
    pub why: Arc<str>,
}

impl Skipped {
    /// For people.
    pub fn words(&self) -> String {
        format!("{} \"{}\" skipped: {}", self.what, self.name, self.why)
    }
}

/// Lengths of the root plan's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rooted {
    /// Items.
    pub items: u32,
    /// Subjects.
    pub subjects: u32,
    /// Judges.
    pub judges: u32,
    /// Analyses.
    pub analyses: u32,
}

/// Where items come from and what is special about all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Name.
    pub id: Arc<str>,
    /// The reader that read it.
    pub reader: Arc<str>,
    /// Repetitions of each item.
    pub repeat: u16,
    /// Overrides the subject's sampling.
    pub sampling: Sampling,
    /// Which subjects are asked; `None` is all.
    pub subjects: Option<Vec<SubjectIx>>,
    /// Which judges judge; `None` is all.
    pub judges: Option<Vec<JudgeIx>>,
    /// How an item's exchanges are made, unless each has one or only the turns that stand in it.
    pub strategy: Option<crate::converse::Strategy>,
    /// What the items were made of, as their reader says: a taxonomy, a design; `warnings`, what a reader of any report
    /// must know of the files. Nothing where it says nothing.
    pub made: Settings,
}

/// A party of a plan: a model to be opened by its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct PartySpec {
    /// Kind, a name in the registry.
    pub kind: Arc<str>,
    /// The kind's settings.
    pub settings: Settings,
    /// How text is drawn.
    pub sampling: Sampling,
    /// Instructions put before every conversation that has none.
    pub system: Option<Arc<str>>,
    /// What it shares a queue with.
    pub engine: EngineId,
    /// What it can be asked.
    pub can: Abilities,
}

impl PartySpec {
    /// Identity of what answers: all of the spec that decides an answer.
    pub fn digest(&self) -> Digest {
        Digest::of_parts(&[
            self.kind.as_bytes(),
            self.settings.to_string().as_bytes(),
            format!("{:?}", self.sampling).as_bytes(),
            self.system.as_deref().unwrap_or("").as_bytes(),
        ])
    }
}

impl PartySpec {
    /// Whether it is a model that is changed while it runs (`steer` of a local model).
    pub fn is_steered(&self) -> bool {
        self.settings.get("steer").is_some()
    }

    /// Whether asking the same again may give another answer: an endpoint may, and a local model that draws at random.
    pub fn may_vary(&self) -> bool {
        !self.can.deterministic || self.sampling.temperature.is_some_and(|t| t > 0.0)
    }
}

/// A subject: a party with factors.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectSpec {
    /// Name.
    pub id: SubjectId,
    /// What analyses may compare.
    pub factors: Levels,
    /// Who answers.
    pub party: PartySpec,
}

/// What the values of a measure are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Labels `no` and `yes`, in this order.
    Binary,
    /// Unordered labels.
    Nominal(Vec<Arc<str>>),
    /// Numbers.
    Real,
}

impl Scale {
    /// The labels; empty for numbers.
    pub fn labels(&self) -> Vec<Arc<str>> {
        match self {
            Scale::Binary => vec!["no".into(), "yes".into()],
            Scale::Nominal(labels) => labels.clone(),
            Scale::Real => Vec::new(),
        }
    }

    /// The label of that name.
    pub fn label(&self, name: &str) -> Option<Label> {
        self.labels().iter().position(|l| &**l == name).map(|at| Label(at as u8))
    }
}

/// One thing that a judge says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Name; `judge.measure` names it in a plan.
    pub name: Arc<str>,
    /// Its values.
    pub scale: Scale,
}

/// A judge as the plan has it.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgeSpec {
    /// Name.
    pub name: JudgeName,
    /// Kind, a name in the registry.
    pub kind: Arc<str>,
    /// The kind's settings.
    pub settings: Settings,
    /// What it says.
    pub measures: Vec<Measure>,
    /// Judges whose verdicts it reads; all of them come before it in the plan.
    pub needs: Vec<JudgeIx>,
    /// Judge only trials for which this measure has this label.
    pub when: Option<(MeasureRef, Label)>,
    /// The model it asks, if it asks one.
    pub model: Option<PartySpec>,
    /// The votes that it is made of, if it is an ensemble: then it asks nobody and no event holds its verdicts.
    pub ballot: Option<Ballot>,
}

impl JudgeSpec {
    /// The settings as the kind's own type.
    ///
    /// # Errors
    /// They were written by another version of the program.
    pub fn settings_as<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.settings).map_err(|why| self.unreadable(why))
    }

    /// The error for settings of which `why` says that they cannot be read.
    pub fn unreadable(&self, why: impl std::fmt::Display) -> Error {
        Error::plan(format!("judge \"{}\": its frozen settings cannot be read: {why}", self.name))
            .help("the plan was frozen by another version of this program")
    }
}

/// What an analysis resamples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// Items: repetitions and subjects of one item belong together.
    Item,
    /// The level of an item's tag: all items of one pair, topic, … belong together.
    Tag(Arc<str>),
}

/// An analysis of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Name.
    pub id: AnalysisId,
    /// Method, a name in the registry.
    pub method: Arc<str>,
    /// The measures it reads.
    pub of: Vec<MeasureRef>,
    /// Subject factors and item tags whose combinations it reports.
    pub by: Vec<Arc<str>>,
    /// What belongs together.
    pub cluster: Cluster,
    /// Confidence level of intervals, such as 0.95.
    pub level: f64,
    /// Only trials with these levels.
    pub only: Levels,
    /// The method's settings.
    pub settings: Settings,
}

/// One term of a contrast: cells that match `at`, averaged with equal weight, times `weight`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Levels of some of the analysis' `by`; unnamed ones are averaged over.
    pub at: Levels,
    /// Weight.
    pub weight: f64,
}

/// The direction that a hypothesis claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The contrast is above zero.
    Greater,
    /// The contrast is below zero.
    Less,
    /// The contrast is not zero.
    TwoSided,
}

/// When a hypothesis counts as supported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SupportedIf {
    /// The interval lies on the claimed side of zero.
    ExcludesZero,
    /// The interval lies inside these bounds.
    Inside {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
}

/// A claim made beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Name.
    pub id: Arc<str>,
    /// The analysis whose cells it contrasts.
    pub analysis: AnalysisId,
    /// The contrast.
    pub contrast: Vec<Term>,
    /// Its direction.
    pub direction: Direction,
    /// Error rate.
    pub alpha: f64,
    /// Hypotheses of one family share `alpha`.
    pub family: Arc<str>,
    /// Holm's correction within the family; false only if the plan writes `correction = "none"`.
    pub holm: bool,
    /// Decision rule.
    pub supported_if: SupportedIf,
}

/// Limits of a run. Changing them is an amendment, since a deadline can decide an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Exchanges at once at an endpoint.
    pub in_flight: u32,
    /// Deadline of one exchange, in milliseconds.
    pub deadline_ms: u64,
    /// Requests for one exchange, retries included.
    pub tries: u32,
    /// Attempts at a trial that failed, each in another run of the command.
    pub attempts: u16,
    /// Longest wait that a server may ask for, in milliseconds; a longer one ends the retries.
    pub retry_after_cap_ms: u64,
    /// Consecutive failures without any answer that stop the run.
    pub breaker: u32,
    /// Share of empty, failed or truncated answers above which the report warns.
    pub warn_share: f64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            in_flight: 8,
            deadline_ms: 120_000,
            tries: 6,
            attempts: 3,
            retry_after_cap_ms: 60_000,
            breaker: 20,
            warn_share: 0.05,
        }
    }
}

/// A part of the trials: `index` of `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// At least 1.
    pub count: u32,
}

impl Plan {
    /// What a reader of any report must know of the plan itself: that it is deprecated, what it lacks, what readers of its
    /// items warn of, and that an attacker is weak.
    pub fn marks(&self) -> Vec<String> {
        let deprecated = self.benchmark.as_ref().and_then(|b| b.deprecated.as_ref());
        let deprecated = deprecated.map(|why| format!("{}: deprecated benchmark: {why}", self.name));
        let warned = self.sources.iter().filter_map(|source| source.made["warnings"].as_array()).flatten();
        let weak = self.sources.iter().filter_map(|s| s.strategy.as_ref()?.attacker()?.weakness(&s.id));
        let warned = warned.filter_map(|warning| warning.as_str().map(str::to_owned));
        deprecated
            .into_iter()
            .chain(self.skipped.iter().map(Skipped::words))
            .chain(warned)
            .chain(weak)
            .collect()
    }

    /// The item at `ix`.
    pub fn item(&self, ix: ItemIx) -> &Item {
        &self.items[ix.0 as usize]
    }

    /// The source of an item.
    pub fn source(&self, ix: SourceIx) -> &Source {
        &self.sources[ix.0 as usize]
    }

    /// The subject at `ix`.
    pub fn subject(&self, ix: SubjectIx) -> &SubjectSpec {
        &self.subjects[ix.0 as usize]
    }

    /// The judge at `ix`.
    pub fn judge(&self, ix: JudgeIx) -> &JudgeSpec {
        &self.judges[ix.0 as usize]
    }

    /// Who a judge is: everything that decides its verdicts, as one digest; not its name. A changed template, threshold,
    /// model, rule or voter is another judge.
    pub fn judge_digest(&self, ix: JudgeIx) -> Digest {
        let judge = self.judge(ix);
        let Some(ballot) = &judge.ballot else {
            let settings = judge.settings.to_string();
            let model = judge.model.as_ref().map_or(String::new(), |m| m.digest().hex());
            return Digest::of_parts(&[
                b"annotator",
                judge.kind.as_bytes(),
                settings.as_bytes(),
                model.as_bytes(),
            ]);
        };
        // How the votes count, not what is known of the voters beside it.
        let mut parts =
            vec![b"ensemble".to_vec(), format!("{:?} {}", ballot.rule, ballot.least).into_bytes()];
        for voter in &ballot.voters {
            let of = self.judge(voter.of.judge);
            parts.push(self.judge_digest(voter.of.judge).0.to_vec());
            parts.push(vec![voter.of.measure, voter.yes.0, u8::from(voter.counts())]);
            parts.push(voter.weight.to_le_bytes().to_vec());
            if let Some((measure, label)) = of.when {
                parts.push(self.judge_digest(measure.judge).0.to_vec());
                parts.push(vec![measure.measure, label.0]);
            }
        }
        Digest::of_parts(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// The measure that `of` names.
    pub fn measure(&self, of: MeasureRef) -> &Measure {
        &self.judge(of.judge).measures[of.measure as usize]
    }

    /// `judge.measure`, for people.
    pub fn measure_name(&self, of: MeasureRef) -> String {
        format!("{}.{}", self.judge(of.judge).name, self.measure(of).name)
    }

    /// What `judge.measure` names, if it is there.
    pub fn measure_named(&self, name: &str) -> Option<MeasureRef> {
        self.judges.iter().enumerate().find_map(|(at, judge)| {
            let own = name.strip_prefix(&*judge.name.0)?.strip_prefix('.')?;
            let measure = judge.measures.iter().position(|measure| &*measure.name == own)?;
            Some(MeasureRef { judge: JudgeIx(at as u16), measure: measure as u8 })
        })
    }

    /// The seed of a trial.
    pub fn trial_seed(&self, trial: Trial) -> u64 {
        trial_seed(self.seed, &self.item(trial.item).id, &self.subject(trial.subject).id, trial.rep)
    }

    /// The output of another run that a trial is about: its recorded answer, or what its item shows.
    pub fn shown(&self, trial: Trial) -> Option<&Origin> {
        let item = self.item(trial.item);
        let recorded = item.recorded.iter().find(|r| r.subject == trial.subject && r.rep == trial.rep);
        recorded.and_then(|r| r.origin.as_ref()).or(item.origin.as_ref())
    }

    /// Subjects asked for an item.
    pub fn subjects_of(&self, item: ItemIx) -> Vec<SubjectIx> {
        let item = self.item(item);
        let mut subjects = match &self.source(item.source).subjects {
            Some(subjects) => subjects.clone(),
            None => (0..self.subjects.len() as u16).map(SubjectIx).collect(),
        };
        match item.task {
            Task::Recorded(_) => subjects.retain(|s| item.recorded.iter().any(|r| r.subject == *s)),
            // People come while a study runs: see `crate::people`.
            Task::Shown(_) => subjects.clear(),
            _ => subjects.retain(|s| &*self.subject(*s).party.kind != crate::scripted::RECORDED),
        }
        subjects
    }

    /// Repetitions of an item.
    pub fn repeats(&self, item: ItemIx) -> u16 {
        let item = self.item(item);
        let recorded = item.recorded.iter().map(|r| r.rep + 1).max().unwrap_or(0);
        self.source(item.source).repeat.max(recorded)
    }

    /// Judges of an item, in plan order.
    pub fn judges_of(&self, item: ItemIx) -> Vec<JudgeIx> {
        match &self.source(self.item(item).source).judges {
            // Judges added by amendment judge every item.
            Some(judges) => judges
                .iter()
                .copied()
                .chain((self.rooted.judges as u16..self.judges.len() as u16).map(JudgeIx))
                .collect(),
            None => (0..self.judges.len() as u16).map(JudgeIx).collect(),
        }
    }

    /// Every trial: items in order, repetitions within an item, subjects within a repetition.
    pub fn trials(&self) -> impl Iterator<Item = Trial> + '_ {
        (0..self.items.len() as u32).map(ItemIx).flat_map(move |item| {
            let subjects = self.subjects_of(item);
            let recorded = matches!(self.item(item).task, Task::Recorded(_));
            (0..self.repeats(item)).flat_map(move |rep| {
                let it = self.item(item);
                subjects
                    .clone()
                    .into_iter()
                    .filter(move |s| !recorded || it.recorded.iter().any(|r| r.subject == *s && r.rep == rep))
                    .map(move |subject| Trial { item, subject, rep })
            })
        })
    }

    /// The level of a factor or tag in a trial, if it has one. Subject factors come first; freezing has
    /// made sure that a name used by an analysis means one thing.
    pub fn level(&self, trial: Trial, name: &str) -> Option<&Arc<str>> {
        self.subject(trial.subject).factors.get(name).or_else(|| self.item(trial.item).tags.get(name))
    }

    /// Whether a trial was in the root plan, as opposed to added by amendment.
    pub fn is_rooted_trial(&self, trial: Trial) -> bool {
        trial.item.0 < self.rooted.items && u32::from(trial.subject.0) < self.rooted.subjects
    }

    /// Whether amendments added items or subjects.
    pub fn has_added_trials(&self) -> bool {
        self.items.len() > self.rooted.items as usize || self.subjects.len() > self.rooted.subjects as usize
    }

    /// Whether an analysis was in the root plan, as opposed to added by amendment.
    pub fn is_rooted(&self, analysis: &AnalysisId) -> bool {
        self.analyses
            .iter()
            .position(|a| a.id == *analysis)
            .is_some_and(|at| at < self.rooted.analyses as usize)
    }
}

impl Shard {
    /// Whether the group (item, repetition, engine) belongs to this shard. By hash of names, so that a
    /// shard keeps its groups when items are added.
    pub fn holds(self, plan: &Plan, trial: Trial) -> bool {
        if self.count <= 1 {
            return true;
        }
        let engine = &plan.subject(trial.subject).party.engine;
        let key = Digest::of_parts(&[
            b"shard",
            plan.item(trial.item).id.0.as_bytes(),
            &trial.rep.to_le_bytes(),
            engine.0.as_bytes(),
        ]);
        let mut first = [0; 8];
        first.copy_from_slice(&key.0[..8]);
        u64::from_le_bytes(first) % u64::from(self.count) == u64::from(self.index)
    }
}
