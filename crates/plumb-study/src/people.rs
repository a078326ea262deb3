//! People in a study: who came, which arm each got, what every screen brought, how it ended.
//!
//! A plan with people has arms as subjects of the kind [`KIND`]; persons come while it runs, and nobody but the server
//! that shows the pages drives them. What a domain records of a person is a text that the spine keeps and never reads.
//! Start at [`PersonEvent`]. Answers are rows of their person, apart from all other texts of a journal, so that they can
//! be erased: [`What::Erased`] takes texts, identity and salt away, and leaves that there was such a person. Not here:
//! what a person is shown (`plumb-human`), pages (`plumb-web`), tables ([`crate::journal`]).

use crate::format;
use crate::id::{Digest, EngineId, ItemId, ItemIx, PlanId, SourceIx, SubjectId, SubjectIx};
use crate::items::{Item, Levels, Origin, Task};
use crate::party::{Abilities, Sampling};
use crate::plan::{Limits, PartySpec, Plan, Rooted, Settings, Source, SubjectSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kind of a subject that stands for an arm of a study.
pub const KIND: &str = "people";

/// Position of a person in a journal, in the order in which they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PersonIx(pub u32);

/// What happened to a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Somebody began.
    Arrived,
    /// An arm was given, and with it everything that will be shown.
    Enrolled(SubjectIx),
    /// A screen was answered, or something else moved the person on.
    Step,
    /// All that is asked about an item (with its repetition, from 0) is answered.
    Observed(ItemIx, u16),
    /// It ended.
    Ended,
    /// The person's texts and identity were deleted.
    Erased,
    /// The person's identity was deleted; the answers stay, and nobody can tell any more whose they are.
    Parted,
}

/// An event of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonEvent {
    /// Whose.
    pub person: PersonIx,
    /// Which of this person's events, from 0 without gaps: a journal takes each number once.
    pub n: u32,
    /// What happened.
    pub what: What,
    /// What the domain says of it.
    pub body: Arc<str>,
    /// With [`What::Arrived`], and only there.
    pub arrival: Option<Arrival>,
}

/// What is kept of a person apart from all answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Hash of the person's secret link.
    pub link: Digest,
    /// Key of the marks that tell whether this person's texts are as they were written. From the system's randomness.
    pub salt: [u8; 32],
    /// What tells who it is, such as a platform's identifier; the domain's text.
    pub identity: Option<Arc<str>>,
}

/// Something that concerns a whole study while it is collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collecting {
    /// A server began to collect, or went on; with the hash of the secret seed of assignment.
    Opened {
        /// The hash, in hexadecimal digits.
        commitment: Arc<str>,
        /// Whether it was to try the study: nothing that is found in it counts.
        pilot: bool,
    },
    /// New people are let in, or not for the time being.
    Enrolment {
        /// Whether they are.
        open: bool,
    },
    /// Outcomes were looked at.
    Looked {
        /// What was computed.
        analysis: Arc<str>,
        /// How many people had ended by then.
        people: u32,
        /// Who looked, as far as is known.
        who: Arc<str>,
        /// Whether the study's own rule of stopping was met.
        after_stopping: bool,
        /// How many people had completed; unknown in older journals.
        completed: Option<u32>,
    },
    /// A person is left out of an analysis although no rule of the plan names the person.
    Excluded {
        /// Whom.
        person: PersonIx,
        /// Why.
        because: Arc<str>,
        /// Who decided it, as far as is known.
        who: Arc<str>,
    },
    /// The plan was changed while people came.
    Amended {
        /// The domain's text of the changed study.
        study: Arc<str>,
        /// The changed plan's hash, in hexadecimal digits.
        digest: Arc<str>,
        /// Why.
        because: Arc<str>,
        /// How many people had come by then.
        people: u32,
    },
}

/// Something that people of a study are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhibit {
    /// Its name.
    pub id: ItemId,
    /// What analyses may compare.
    pub tags: Levels,
    /// What stands for it in tables.
    pub label: Arc<str>,
    /// The answer of a run that it shows, if it is one.
    pub origin: Option<Origin>,
}

impl Plan {
    /// A root plan of a study: its arms, its items, and the domain's own settings under the name of its section, which
    /// the spine hashes and keeps. Nothing in it is run by [`crate::run`]: people have no responder.
    pub fn of_people(
        name: &str,
        about: Option<&str>,
        arms: Vec<(SubjectId, Levels)>,
        items: Vec<Exhibit>,
        section: (&str, Settings),
    ) -> Plan {
        let subjects: Vec<SubjectSpec> =
            arms.into_iter().map(|(id, factors)| SubjectSpec { id, factors, party: nobody() }).collect();
        let items: Vec<Item> = items
            .into_iter()
            .map(|Exhibit { id, tags, label, origin }| Item {
                id,
                source: SourceIx(0),
                tags,
                task: Task::Shown(label),
                target: None,
                recorded: Vec::new(),
                shareable: true,
                origin,
            })
            .collect();
        let rooted =
            Rooted { items: items.len() as u32, subjects: subjects.len() as u32, judges: 0, analyses: 0 };
        let mut plan = Plan {
            root: PlanId(Digest([0; 32])),
            digest: Digest([0; 32]),
            name: name.into(),
            about: about.map(Into::into),
            // People come into arms by a secret seed that is drawn when collecting starts.
            seed: 0,
            sources: vec![Source {
                id: section.0.into(),
                reader: section.0.into(),
                repeat: 1,
                sampling: Sampling::default(),
                subjects: None,
                judges: None,
                strategy: None,
                made: Settings::Null,
            }],
            items,
            subjects,
            judges: Vec::new(),
            analyses: Vec::new(),
            hypotheses: Vec::new(),
            limits: Limits::default(),
            sections: BTreeMap::from([(section.0.into(), section.1)]),
            benchmark: None,
            skipped: Vec::new(),
            rooted,
        };
        format::seal(&mut plan);
        plan
    }

    /// Whether people are its subjects.
    pub fn is_of_people(&self) -> bool {
        self.subjects.iter().any(|s| &*s.party.kind == KIND)
    }
}

/// The party of an arm: it can be asked nothing by the runner.
fn nobody() -> PartySpec {
    PartySpec {
        kind: KIND.into(),
        settings: Settings::Object(serde_json::Map::new()),
        sampling: Sampling::default(),
        system: None,
        engine: EngineId::from(KIND),
        can: Abilities {
            chat: false,
            completion: false,
            choose: false,
            deterministic: false,
            most_in_flight: None,
        },
    }
}
