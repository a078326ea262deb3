//! One person's way through a study: a state, an input, and what follows from the two.
//!
//! A [`Person`] is a state that can be rebuilt from the events it gave, in their order ([`Person::replay`]). [`step`] takes
//! the state and an [`Input`] and gives what is to be recorded; the caller records it durably, then applies it, then shows
//! [`Person::screen`]. So a page that is asked for twice, sent twice or sent from a second window changes nothing: an input
//! names the screen it answers, and only the one that is due is taken ([`Taken::Stale`] otherwise, and the right screen
//! stands in the state).
//!
//! Consent comes before assignment, and the sequence is recorded with the arm before anything of it is shown. Not here:
//! whether an answer's value is allowed (the screen's fields say it), time, pages.

/// What is fixed at assignment: everything this person will be shown, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The item's id.
    pub item: String,
    /// The step's id.
    pub step: String,
}

/// Where a person stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// The consent text, with a button that starts and one that declines.
    Consent,
    /// Consent was given; the caller assigns a condition, or says that none is open.
    Assigning,
    /// The slot with this number.
    Trial(usize),
    /// The end, with its reason; a completion code belongs to each.
    End(End),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every slot is answered.
    Completed,
    /// Consent was declined.
    Declined,
    /// No place was open.
    Full,
    /// The person withdrew.
    Withdrawn,
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
    /// Answers the slot with this number: (measure, value as typed).
    Answer {
        /// Which slot the page belonged to.
        slot: usize,
        /// What was entered.
        values: Vec<(String, String)>,
    },
    /// Withdraws.
    Withdraw,
}

/// What is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A slot was answered.
    Answered {
        /// Which.
        slot: usize,
        /// What was entered.
        values: Vec<(String, String)>,
    },
    /// It ended.
    Ended(End),
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
    answered: usize,
    end: Option<End>,
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
            Event::Consented => self.consented = true,
            Event::Enrolled { arm, sequence } => {
                self.arm = Some(arm.clone());
                self.sequence.clone_from(sequence);
            }
            Event::Answered { slot, .. } => self.answered = self.answered.max(slot + 1),
            Event::Ended(end) => self.end = Some(*end),
        }
    }

    /// The arm, once there is one.
    pub fn arm(&self) -> Option<&str> {
        self.arm.as_deref()
    }

    /// What the person will be shown, once assigned.
    pub fn sequence(&self) -> &[Slot] {
        &self.sequence
    }

    /// The screen that is due.
    pub fn screen(&self) -> Screen {
        match (self.end, self.consented, &self.arm) {
            (Some(end), _, _) => Screen::End(end),
            (None, false, _) => Screen::Consent,
            (None, true, None) => Screen::Assigning,
            (None, true, Some(_)) => Screen::Trial(self.answered),
        }
    }
}

/// What follows from an input. The state does not change: apply the events once they are durable.
pub fn step(person: &Person, input: &Input) -> Taken {
    let events = match (person.screen(), input) {
        (Screen::End(_), _) => return Taken::Stale,
        (_, Input::Withdraw) => vec![Event::Ended(End::Withdrawn)],
        (Screen::Consent, Input::Agree) => vec![Event::Consented],
        (Screen::Consent, Input::Decline) => vec![Event::Ended(End::Declined)],
        (Screen::Assigning, Input::Full) => vec![Event::Ended(End::Full)],
        (Screen::Assigning, Input::Assign { arm, sequence }) => {
            let enrolled = Event::Enrolled { arm: arm.clone(), sequence: sequence.clone() };
            if sequence.is_empty() { vec![enrolled, Event::Ended(End::Completed)] } else { vec![enrolled] }
        }
        (Screen::Trial(due), Input::Answer { slot, values }) if due == *slot => {
            let mut events = vec![Event::Answered { slot: *slot, values: values.clone() }];
            if due + 1 == person.sequence.len() {
                events.push(Event::Ended(End::Completed));
            }
            events
        }
        _ => return Taken::Stale,
    };
    Taken::Events(events)
}
