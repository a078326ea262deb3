//! One person's way through a study: a state, an input, and what follows from the two.
//!
//! A [`Person`] is a state that can be rebuilt from the events it gave, in their order ([`Person::replay`]). [`step`] takes
//! the state and an [`Input`] and gives what is to be recorded; the caller records it durably, then applies it, then shows
//! [`Person::screen`]. So a page that is asked for twice, sent twice or sent from a second window changes nothing: an input
//! names the screen it answers ([`Person::due`]), and only the one that is due is taken ([`Taken::Stale`] otherwise, and the
//! right screen stands in the state).
//!
//! Consent comes first, then the pages of the [`Course`] (instructions, questionnaires, checks of comprehension), then
//! assignment; the sequence is recorded with the arm before anything of it is shown. A check of comprehension that fails
//! shows its page again until the tries are used up, and then the person is screened out, before assignment, so that no
//! condition loses people by it. Nothing after assignment ends a session but the person or the platform.
//!
//! Not here: whether an answer's value is allowed (the fields of [`crate::screen`] say it), time (that it ran out comes in as
//! an input), pages.

use serde::{Deserialize, Serialize};

/// A screen of its own number: fixed at assignment, or one of the course before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Slot {
    /// One step of one item.
    Trial {
        /// The block's id.
        block: String,
        /// The item's id.
        item: String,
        /// The step's id.
        step: String,
        /// 0 for the first time that a person meets the item, 1 for the second.
        #[serde(default)]
        repetition: u32,
        /// By how many places what the step asks is turned.
        #[serde(default)]
        turn: u32,
    },
    /// A page that belongs to no item.
    Page {
        /// The page's id.
        page: String,
    },
}

/// The pages before assignment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// In their order.
    pub pages: Vec<Entry>,
}

/// A page before assignment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The page's id.
    pub page: String,
    /// (question, right answer) of a check of comprehension; empty for other pages.
    pub key: Vec<(String, String)>,
    /// How often the check may be answered.
    pub tries: u32,
}

impl Entry {
    fn wrong(&self, values: &[(String, String)]) -> Vec<String> {
        let given = |id: &String| values.iter().find(|(question, _)| question == id).map(|(_, value)| value);
        self.key.iter().filter(|(id, right)| given(id) != Some(right)).map(|(id, _)| id.clone()).collect()
    }
}

/// Where a person stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// The consent text, with a button that starts and one that declines.
    Consent,
    /// The page of the course with this number.
    Entry(usize),
    /// All pages of the course are answered; the caller assigns a condition, or says that none is open.
    Assigning,
    /// The slot of the sequence with this number.
    Slot(usize),
    /// The end, with its reason; a completion code belongs to each.
    End(End),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Every slot is answered.
    Completed,
    /// Consent was declined.
    Declined,
    /// A check of comprehension was failed as often as it may be answered.
    ScreenedOut,
    /// No place was open.
    Full,
    /// The person withdrew.
    Withdrawn,
    /// The time for the study ran out.
    TimedOut,
    /// The platform says that the person gave the submission back.
    Returned,
}

impl End {
    /// Every end, in the order of a person's way.
    pub const ALL: [End; 7] = [
        End::Completed,
        End::Declined,
        End::ScreenedOut,
        End::Full,
        End::Withdrawn,
        End::TimedOut,
        End::Returned,
    ];

    /// Its name in study files.
    pub fn name(self) -> &'static str {
        match self {
            End::Completed => "completed",
            End::Declined => "declined",
            End::ScreenedOut => "screened-out",
            End::Full => "full",
            End::Withdrawn => "withdrawn",
            End::TimedOut => "timed-out",
            End::Returned => "returned",
        }
    }
}

/// What a person does, or what the server decides for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Agrees to the consent text.
    Agree,
    /// Declines it.
    Decline,
    /// Has been given an arm and everything that follows.
    Assign {
        /// The condition's id.
        arm: String,
        /// What will be shown.
        sequence: Vec<Slot>,
    },
    /// No place is open.
    Full,
    /// Answers the screen with this number ([`Person::due`]): (measure or question, value as its field wrote it).
    Answer {
        /// Which screen the page was.
        screen: usize,
        /// What was entered.
        values: Vec<(String, String)>,
    },
    /// Withdraws.
    Withdraw,
    /// The server's deadline has passed.
    TimedOut,
    /// The platform reports the submission as given back.
    Returned,
}

/// What is recorded. Fields are only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Event {
    /// Consent was given.
    Consented,
    /// An arm and a sequence were given.
    Enrolled {
        /// The condition's id.
        arm: String,
        /// What will be shown.
        sequence: Vec<Slot>,
    },
    /// A screen was answered.
    Answered {
        /// Its number.
        screen: usize,
        /// What it was.
        slot: Slot,
        /// What was entered.
        values: Vec<(String, String)>,
    },
    /// A check of comprehension was answered wrongly.
    Missed {
        /// The screen's number.
        screen: usize,
        /// What it was.
        slot: Slot,
        /// What was entered.
        values: Vec<(String, String)>,
        /// The questions whose answer was wrong.
        wrong: Vec<String>,
    },
    /// It ended.
    Ended {
        /// How.
        end: End,
    },
    /// What a recruiting platform says of the person's submission; it moves nobody on.
    Platform {
        /// In the platform's words.
        status: String,
    },
}

/// What an input came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// These events follow: record them, then apply them.
    Events(Vec<Event>),
    /// The input belongs to a screen that is not due (sent twice, an old page): nothing follows.
    Stale,
}

/// A person's state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    consented: bool,
    arm: Option<String>,
    sequence: Vec<Slot>,
    /// Screens taken so far, missed ones too.
    taken: usize,
    /// Pages of the course that are done.
    entered: usize,
    /// Slots of the sequence that are done.
    answered: usize,
    /// Questions that were wrong when the page that is due was last answered, and how often it was.
    missed: (u32, Vec<String>),
    answers: Vec<(Slot, Vec<(String, String)>)>,
    end: Option<End>,
    platform: Option<String>,
}

impl Person {
    /// The state after these events.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Person {
        let mut person = Person::default();
        for event in events {
            person.apply(event);
        }
        person
    }

    /// Goes on by one recorded event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Consented => {
                self.consented = true;
                self.taken += 1;
            }
            Event::Enrolled { arm, sequence } => {
                self.arm = Some(arm.clone());
                self.sequence.clone_from(sequence);
            }
            Event::Answered { screen, slot, values } => {
                self.taken = screen + 1;
                self.missed = (0, Vec::new());
                self.answers.push((slot.clone(), values.clone()));
                if self.arm.is_some() {
                    self.answered += 1;
                } else {
                    self.entered += 1;
                }
            }
            Event::Missed { screen, wrong, .. } => {
                self.taken = screen + 1;
                self.missed = (self.missed.0 + 1, wrong.clone());
            }
            Event::Ended { end } => self.end = Some(*end),
            Event::Platform { status } => self.platform = Some(status.clone()),
        }
    }

    /// The number of the screen that is due. A page carries it, and [`Input::Answer`] brings it back.
    pub fn due(&self) -> usize {
        self.taken
    }

    /// The arm, once there is one.
    pub fn arm(&self) -> Option<&str> {
        self.arm.as_deref()
    }

    /// What the person will be shown, once assigned.
    pub fn sequence(&self) -> &[Slot] {
        &self.sequence
    }

    /// How many slots of the sequence are answered.
    pub fn answered(&self) -> usize {
        self.answered
    }

    /// What was answered so far, missed checks left out.
    pub fn answers(&self) -> impl DoubleEndedIterator<Item = (&Slot, &[(String, String)])> {
        self.answers.iter().map(|(slot, values)| (slot, values.as_slice()))
    }

    /// The questions of the page that is due which were wrong the last time.
    pub fn wrong(&self) -> &[String] {
        &self.missed.1
    }

    /// What the platform said last of the person's submission.
    pub fn platform(&self) -> Option<&str> {
        self.platform.as_deref()
    }

    /// How it ended, if it did.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The screen that is due.
    pub fn screen(&self, course: &Course) -> Screen {
        self.screen_after(course.pages.len())
    }

    /// The same where so many pages come before assignment.
    pub(crate) fn screen_after(&self, entry_pages: usize) -> Screen {
        match (self.end, &self.arm) {
            (Some(end), _) => Screen::End(end),
            (None, Some(_)) => Screen::Slot(self.answered),
            (None, None) if !self.consented => Screen::Consent,
            (None, None) if self.entered < entry_pages => Screen::Entry(self.entered),
            (None, None) => Screen::Assigning,
        }
    }
}

/// What follows from an input. The state does not change: apply the events once they are durable.
pub fn step(course: &Course, person: &Person, input: &Input) -> Taken {
    let ended = |end| vec![Event::Ended { end }];
    let events = match (person.screen(course), input) {
        (Screen::End(_), _) => return Taken::Stale,
        (_, Input::Withdraw) => ended(End::Withdrawn),
        (_, Input::TimedOut) => ended(End::TimedOut),
        (_, Input::Returned) => ended(End::Returned),
        (Screen::Consent, Input::Agree) => vec![Event::Consented],
        (Screen::Consent, Input::Decline) => ended(End::Declined),
        (Screen::Entry(at), Input::Answer { screen, values }) if person.due() == *screen => {
            entered(&course.pages[at], person, values)
        }
        (Screen::Assigning, Input::Full) => ended(End::Full),
        (Screen::Assigning, Input::Assign { arm, sequence }) => {
            let mut events = vec![Event::Enrolled { arm: arm.clone(), sequence: sequence.clone() }];
            if sequence.is_empty() {
                events.extend(ended(End::Completed));
            }
            events
        }
        (Screen::Slot(at), Input::Answer { screen, values }) if person.due() == *screen => {
            let slot = person.sequence[at].clone();
            let mut events = vec![Event::Answered { screen: *screen, slot, values: values.clone() }];
            if at + 1 == person.sequence.len() {
                events.extend(ended(End::Completed));
            }
            events
        }
        _ => return Taken::Stale,
    };
    Taken::Events(events)
}

fn entered(entry: &Entry, person: &Person, values: &[(String, String)]) -> Vec<Event> {
    let (screen, slot, values) = (person.due(), Slot::Page { page: entry.page.clone() }, values.to_vec());
    let wrong = entry.wrong(&values);
    if wrong.is_empty() {
        return vec![Event::Answered { screen, slot, values }];
    }
    let mut events = vec![Event::Missed { screen, slot, values, wrong }];
    if person.missed.0 + 1 >= entry.tries {
        events.push(Event::Ended { end: End::ScreenedOut });
    }
    events
}
