//! What a plan can name: readers, kinds of subject and of judge, methods. Filled by the binary, so that a
//! judge of one domain reaches a plan of another without the domains knowing each other.

use crate::error::{Error, Result};
use crate::fields::{Fields, close};
use crate::id::{Digest, EngineId, JudgeIx};
use crate::items::{Levels, Origin, RecordedEnd, Task};
use crate::journal::Journal;
use crate::judge::Judge;
use crate::method::Method;
use crate::party::{Abilities, Responder, Sampling};
use crate::plan::{JudgeSpec, Measure, PartySpec, Plan, Settings};
use crate::vote::{Standing, VoteRule};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Files that a plan names, and nothing else of the outside.
pub trait Inputs {
    /// The bytes of a file, by the path that the plan has.
    fn read(&self, path: &str) -> Result<Vec<u8>>;

    /// The files that a path with `*` in its last part names, sorted; the path itself if it has none.
    fn expand(&self, path: &str) -> Result<Vec<String>>;

    /// The journal of another run, by its folder or the journal itself.
    ///
    /// # Errors
    /// There is none, or nothing but files can be had here.
    fn run(&self, path: &str) -> Result<Journal> {
        Err(Error::plan(format!("{path}: no run can be read here")))
    }
}

/// An item as a reader gives it, before it has a place in a plan.
#[derive(Clone, Debug)]
pub struct DraftItem {
    /// Unique name in its source.
    pub id: String,
    /// Tags.
    pub tags: Levels,
    /// What is asked.
    pub task: Task,
    /// Expected answer.
    pub target: Option<Arc<str>>,
    /// Answers recorded elsewhere.
    pub recorded: Vec<DraftAnswer>,
    /// The answer of another run that this item shows.
    pub origin: Option<Origin>,
}

/// A recorded answer, its subject still by name.
#[derive(Clone, Debug)]
pub struct DraftAnswer {
    /// Who answered.
    pub subject: String,
    /// The answer.
    pub text: Arc<str>,
    /// How the exchange ended; without an answer, `text` is what the recording says of it.
    pub end: RecordedEnd,
    /// Labels that people or tools gave it.
    pub labels: Levels,
    /// Further factors of the subject that the file tells.
    pub factors: Levels,
    /// The answer of another run that this is.
    pub origin: Option<Origin>,
}

/// Reads items from files.
pub trait Reader: Send + Sync {
    /// Takes its keys from `fields` and reads the items.
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>>;

    /// The same for a reader that makes its items of something else, and says of what: a taxonomy, a design. That goes
    /// into the plan as it is.
    fn read_made(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<(Vec<DraftItem>, Settings)> {
        Ok((self.read(fields, inputs)?, Settings::Null))
    }
}

/// What a kind of subject makes of its table.
pub struct FrozenParty {
    /// Its settings, with every default explicit.
    pub settings: Settings,
    /// What it shares a queue with.
    pub engine: EngineId,
    /// What it can be asked.
    pub can: Abilities,
}

/// Texts of recorded answers by digest.
pub type Recordings = HashMap<Digest, Arc<str>>;

/// What a party may need when it is opened.
pub struct Opening {
    /// Exchanges at once.
    pub in_flight: u32,
    /// Recorded answers of the plan.
    pub recordings: Arc<Recordings>,
    /// Recorded answers by trial.
    pub plan: Arc<crate::plan::Plan>,
}

/// A kind of subject.
pub trait PartyKind: Send + Sync {
    /// Takes its keys from `fields`; reads no network and no secret.
    fn freeze(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<FrozenParty>;

    /// Whether every key of `sampling` reaches it; most take only those that all models know.
    fn takes_all_sampling(&self) -> bool {
        false
    }

    /// Whether it can be told a conversation without a turn that was said in it: strategies take turns back.
    fn forgets(&self, _spec: &PartySpec) -> bool {
        true
    }

    /// Checks without asking anything that it could be opened (secrets, files).
    fn check(&self, _spec: &PartySpec) -> Result<()> {
        Ok(())
    }

    /// Opens it.
    fn open(&self, spec: &PartySpec, opening: &Opening) -> Result<Arc<dyn Responder>>;
}

/// What a kind of judge makes of its table.
pub struct FrozenJudge {
    /// Its settings, with every default explicit.
    pub settings: Settings,
    /// What it says.
    pub measures: Vec<Measure>,
    /// Names of judges whose verdicts it reads.
    pub needs: Vec<String>,
    /// The model it asks.
    pub model: Option<PartySpec>,
}

/// A ballot whose voters are still by name.
pub struct DraftBallot {
    /// How votes become a verdict.
    pub rule: VoteRule,
    /// The fewest valid votes that decide.
    pub least: u32,
    /// The voters.
    pub voters: Vec<DraftVoter>,
}

/// A voter of a plan's table.
pub struct DraftVoter {
    /// `judge.measure`, or a judge of one measure.
    pub measure: String,
    /// The label that is a yes; `None` is `yes` or `unsafe`, whichever the measure has.
    pub yes: Option<String>,
    /// Weight.
    pub weight: f64,
    /// What is known of it.
    pub standing: Standing,
}

/// A kind of judge.
pub trait JudgeKind: Send + Sync {
    /// Takes its keys from `fields`. `registry` freezes a model that the judge asks.
    fn freeze(&self, fields: &mut Fields, registry: &Registry, inputs: &dyn Inputs) -> Result<FrozenJudge>;

    /// Whose votes it counts, if it is an ensemble: read from the settings that [`JudgeKind::freeze`] made.
    fn ballot(&self, _settings: &Settings) -> Result<Option<DraftBallot>> {
        Ok(None)
    }

    /// Checks a frozen judge against the plan's judges: those before it, and itself as the last.
    fn check(&self, _plan: &Plan, _ix: JudgeIx) -> Result<()> {
        Ok(())
    }

    /// Opens it from its frozen spec.
    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>>;
}

/// Everything a plan can name.
#[derive(Default)]
pub struct Registry {
    readers: BTreeMap<&'static str, Box<dyn Reader>>,
    parties: BTreeMap<&'static str, Box<dyn PartyKind>>,
    judges: BTreeMap<&'static str, Box<dyn JudgeKind>>,
    methods: BTreeMap<&'static str, Box<dyn Method>>,
}

fn find<'a, T: ?Sized>(map: &'a BTreeMap<&'static str, Box<T>>, what: &str, name: &str) -> Result<&'a T> {
    if let Some(found) = map.get(name) {
        return Ok(found);
    }
    let names: Vec<&str> = map.keys().copied().collect();
    let error = Error::plan(format!("there is no {what} \"{name}\""));
    Err(match names.iter().find(|n| close(n, name)) {
        Some(near) => error.help(format!("did you mean \"{near}\"?")),
        None => error.help(format!("known: {}", names.join(", "))),
    })
}

impl Registry {
    /// The registry with what the spine itself supplies: readers of tables, scripted and recorded
    /// subjects, rates and means.
    pub fn new() -> Registry {
        let mut registry = Registry::default();
        crate::items::register(&mut registry);
        crate::scripted::register(&mut registry);
        crate::method::register(&mut registry);
        registry
    }

    /// Adds a reader. Two of one name, here as for the others, would hide one of them: a fault of whoever composes.
    pub fn reader(&mut self, name: &'static str, reader: impl Reader + 'static) {
        add(&mut self.readers, name, Box::new(reader));
    }

    /// Adds a kind of subject.
    pub fn party(&mut self, name: &'static str, kind: impl PartyKind + 'static) {
        add(&mut self.parties, name, Box::new(kind));
    }

    /// Adds a kind of judge.
    pub fn judge(&mut self, name: &'static str, kind: impl JudgeKind + 'static) {
        add(&mut self.judges, name, Box::new(kind));
    }

    /// Adds a method.
    pub fn method(&mut self, name: &'static str, method: impl Method + 'static) {
        add(&mut self.methods, name, Box::new(method));
    }

    /// The reader of that name.
    pub fn find_reader(&self, name: &str) -> Result<&dyn Reader> {
        find(&self.readers, "reader", name)
    }

    /// The kind of subject of that name.
    pub fn find_party(&self, name: &str) -> Result<&dyn PartyKind> {
        find(&self.parties, "kind of subject", name)
    }

    /// The kind of judge of that name.
    pub fn find_judge(&self, name: &str) -> Result<&dyn JudgeKind> {
        find(&self.judges, "kind of judge", name)
    }

    /// The method of that name.
    pub fn find_method(&self, name: &str) -> Result<&dyn Method> {
        find(&self.methods, "method", name)
    }

    /// That a kind of subject takes every key of `sampling` that is set.
    ///
    /// # Errors
    /// A key that would be ignored.
    pub(crate) fn takes(&self, kind: &str, sampling: &Sampling) -> Result<()> {
        match sampling.uncommon() {
            Some(key) if !self.find_party(kind)?.takes_all_sampling() => Err(Error::plan(format!(
                "a subject of kind \"{kind}\" does not take `sampling.{key}`"
            ))
            .help("take it out; what an endpoint knows beyond the usual goes into the subject's `extra`")),
            _ => Ok(()),
        }
    }

    /// Freezes a table that names a model: `kind`, `sampling`, `system`, and the kind's own keys. Used
    /// for subjects and for every other place where a plan needs a model.
    pub fn freeze_party(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<PartySpec> {
        let kind = fields.need_text("kind")?;
        let sampling = crate::freeze::sampling(fields, "sampling")?;
        let system = fields.text("system")?.map(Into::into);
        let frozen = self.find_party(&kind).map_err(|e| e.at(fields.place()))?.freeze(fields, inputs)?;
        self.takes(&kind, &sampling).map_err(|e| e.at(fields.place()))?;
        if system.is_some() && !frozen.can.chat {
            return Err(fields
                .error("`system` has no place in what is put to this subject, which is no conversation"));
        }
        Ok(PartySpec {
            kind: kind.into(),
            settings: frozen.settings,
            sampling,
            system,
            engine: frozen.engine,
            can: frozen.can,
        })
    }
}

fn add<T: ?Sized>(known: &mut BTreeMap<&'static str, Box<T>>, name: &'static str, new: Box<T>) {
    assert!(known.insert(name, new).is_none(), "\"{name}\" is registered twice");
}
