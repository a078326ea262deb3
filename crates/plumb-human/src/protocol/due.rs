//! What is due for a person, for whoever may know it: a rehearsal's simulated people, who answer by item and condition as the
//! file's behaviours do. Participants see pages and never this.

use serde::{Deserialize, Serialize};

use super::person::{Course, End, Person, Screen, Slot};

/// What a person meets next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "due")]
pub enum Due {
    /// A page before assignment.
    Entry {
        /// Its id.
        page: String,
    },
    /// A slot of the sequence.
    Slot {
        /// The condition's id.
        arm: String,
        /// The slot.
        slot: Slot,
    },
    /// Nothing more.
    Ended {
        /// How it ended.
        end: End,
        /// The condition's id, if it was assigned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arm: Option<String>,
    },
}

impl Due {
    /// What is due for a person; nothing before consent, and while a condition is drawn.
    pub fn of(course: &Course, person: &Person) -> Option<Due> {
        match person.screen(course) {
            Screen::Entry(at) => Some(Due::Entry { page: course.pages[at].page.clone() }),
            Screen::Slot(at) => {
                Some(Due::Slot { arm: person.arm()?.to_owned(), slot: person.sequence()[at].clone() })
            }
            Screen::End(end) => Some(Due::Ended { end, arm: person.arm().map(str::to_owned) }),
            Screen::Consent | Screen::Assigning => None,
        }
    }
}
