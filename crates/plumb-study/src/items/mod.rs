//! Items: what is asked, of whom, and with which tags; and the readers that make them from files.

mod capability;
mod files;
mod garak;
mod inspect;
mod json;
pub mod modelbench;
mod near;
mod origin;
mod rows;
mod run;

pub use files::{csv_rows, no_rows, table_rows};
pub use near::Near;
pub use origin::Origin;
pub use rows::Row;

use crate::id::{Digest, ItemId, SourceIx, SubjectIx};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn register(registry: &mut crate::registry::Registry) {
    registry.reader("csv", files::Files { form: files::Form::Csv });
    registry.reader("jsonl", files::Files { form: files::Form::JsonLines });
    registry.reader("json", files::Files { form: files::Form::Json });
    registry.reader("inspect", inspect::Logs);
    registry.reader("garak", garak::Reports);
    registry.reader("modelbench-journal", modelbench::Journals);
    registry.reader("run", run::Runs);
    capability::register(registry);
}

/// Names and levels: an item's tags, a subject's factors.
pub type Levels = BTreeMap<Arc<str>, Arc<str>>;

/// Who speaks in a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Role {
    /// Instructions that come before the conversation.
    System,
    /// The side that asks.
    User,
    /// The side that is measured.
    Assistant,
}

impl Role {
    /// The name used by chat formats and files.
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Role> {
        [Role::System, Role::User, Role::Assistant].into_iter().find(|r| r.name() == name)
    }
}

/// One turn of a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: Arc<str>,
}

/// What is put to a model in one exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Prompt {
    /// A conversation to continue.
    Chat(Vec<Turn>),
    /// Text to continue as it stands.
    Completion(Arc<str>),
    /// A context and options whose log-probabilities are wanted; which one was chosen is for a judge to say.
    Choose {
        /// What precedes every option.
        context: Arc<str>,
        /// The options.
        options: Vec<Arc<str>>,
    },
}

impl Prompt {
    /// A conversation of one user turn.
    pub fn user(text: impl Into<Arc<str>>) -> Prompt {
        Prompt::Chat(vec![Turn { role: Role::User, text: text.into() }])
    }

    /// What a person reads: the last user turn, the text, or the context.
    pub fn headline(&self) -> &str {
        match self {
            Prompt::Chat(turns) => {
                turns.iter().rev().find(|t| t.role == Role::User).or(turns.last()).map_or("", |t| &t.text)
            }
            Prompt::Completion(text) => text,
            Prompt::Choose { context, .. } => context,
        }
    }
}

/// What a trial of this item consists of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Task {
    /// One exchange.
    Ask(Prompt),
    /// User turns put one after another, each after the answer to the one before.
    Ladder(Vec<Arc<str>>),
    /// What an attacker is to bring the subject to, by turns of its own; the subject never sees it.
    Goal(Arc<str>),
    /// An answer recorded elsewhere: nobody is asked. The prompt is what the recording says was asked.
    Recorded(Prompt),
    /// Shown to people, who are no subjects that the runner asks; the text is what the item is called.
    Shown(Arc<str>),
}

impl Task {
    /// The prompt, the first turn, or the goal.
    pub fn headline(&self) -> &str {
        match self {
            Task::Ask(prompt) | Task::Recorded(prompt) => prompt.headline(),
            Task::Ladder(turns) => turns.first().map_or("", |t| t),
            Task::Goal(text) | Task::Shown(text) => text,
        }
    }
}

/// An answer that came with the item instead of from a model, and the labels that people or other tools
/// gave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Who answered.
    pub subject: SubjectIx,
    /// Which repetition.
    pub rep: u16,
    /// Digest of the answer's text; of the recording's words where there is no answer.
    pub answer: Digest,
    /// How the recorded exchange ended.
    pub end: RecordedEnd,
    /// Labels by column name.
    pub labels: Levels,
    /// The answer of another run that this is.
    pub origin: Option<Origin>,
}

/// How a recorded exchange ended, as far as the recording says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RecordedEnd {
    /// With an answer.
    #[default]
    Whole,
    /// With an answer that a limit of tokens cut.
    Cut,
    /// A filter held the answer back.
    Withheld,
    /// It failed, and there is no answer.
    Failed,
}

impl RecordedEnd {
    /// Every end with its stored name; the first is not stored.
    pub(crate) const NAMES: [(RecordedEnd, &'static str); 4] = [
        (RecordedEnd::Whole, "whole"),
        (RecordedEnd::Cut, "cut"),
        (RecordedEnd::Withheld, "withheld"),
        (RecordedEnd::Failed, "failed"),
    ];
}

/// One test item of a frozen plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Unique name.
    pub id: ItemId,
    /// The source it came from.
    pub source: SourceIx,
    /// Tags that analyses may use (`kind`, `pair`, `hazard`, …).
    pub tags: Levels,
    /// What is asked.
    pub task: Task,
    /// The expected answer, for judges that need one.
    pub target: Option<Arc<str>>,
    /// Answers recorded elsewhere; empty for everything but [`Task::Recorded`].
    pub recorded: Vec<Recorded>,
    /// The answer of another run that this item shows, for someone to rate.
    pub origin: Option<Origin>,
    /// False for items whose text must not leave the journal (official prompt sets).
    pub shareable: bool,
}
