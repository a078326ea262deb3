//! What a recruiting platform says of its submissions, held against what was collected here.

use std::collections::BTreeMap;

use plumb_study::people::PersonIx;
use serde::{Deserialize, Serialize};

use super::state::Collection;
use crate::protocol::person::{End, Input, Screen};

/// What became of a submission, as Prolific's object "submission" names it (its API reference, read 2026-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A place is kept for the person, who has not begun.
    Reserved,
    /// Begun, and neither handed in nor given back.
    Active,
    /// Handed in, and waiting for approval.
    AwaitingReview,
    /// Approved, and paid.
    Approved,
    /// Not approved, and not paid.
    Rejected,
    /// Given back: not paid, and the place is another's.
    Returned,
    /// The platform's time ran out.
    TimedOut,
    /// Screened out by a code for that.
    ScreenedOut,
}

impl Status {
    const ALL: [Status; 8] = [
        Status::Reserved,
        Status::Active,
        Status::AwaitingReview,
        Status::Approved,
        Status::Rejected,
        Status::Returned,
        Status::TimedOut,
        Status::ScreenedOut,
    ];

    /// Reads a platform's word, whatever stands between its letters (`TIMED-OUT`, `Timed out`).
    pub fn read(text: &str) -> Option<Status> {
        let letters = |text: &str| {
            text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase()
        };
        let wanted = letters(text);
        Status::ALL.into_iter().find(|status| letters(status.name()) == wanted)
    }

    /// Its name in journals and exports.
    pub fn name(self) -> &'static str {
        match self {
            Status::Reserved => "reserved",
            Status::Active => "active",
            Status::AwaitingReview => "awaiting-review",
            Status::Approved => "approved",
            Status::Rejected => "rejected",
            Status::Returned => "returned",
            Status::TimedOut => "timed-out",
            Status::ScreenedOut => "screened-out",
        }
    }

    /// What it means for somebody who has not ended here.
    pub(super) fn input(self) -> Option<Input> {
        match self {
            Status::Returned | Status::ScreenedOut => Some(Input::Returned),
            Status::TimedOut => Some(Input::TimedOut),
            _ => None,
        }
    }

    /// Whether the platform ended the part before it was done.
    pub fn ends(self) -> bool {
        self.input().is_some()
    }

    /// Whether it was handed in as done.
    fn is_handed_in(self) -> bool {
        matches!(self, Status::AwaitingReview | Status::Approved | Status::Rejected)
    }
}

/// What a list of submissions comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Whose part ends here because it ended there, and with which status.
    pub ends: Vec<(String, Status)>,
    /// What is to be recorded, those who end among them: (person, identifier, status).
    pub news: Vec<(PersonIx, String, Status)>,
    /// Who completed here and waits for approval there.
    pub approve: Vec<(PersonIx, String)>,
    /// Who completed here and is not refused there.
    pub completed: Vec<(PersonIx, String)>,
    /// Who was screened out here.
    pub screened_out: Vec<String>,
    /// What does not fit together, in words.
    pub mismatches: Vec<String>,
}

/// A platform's submissions, by identifier.
#[derive(Clone, Debug, Default)]
pub struct Submissions {
    /// Their statuses.
    pub known: BTreeMap<String, Status>,
    /// Words that are no status that is known here: platforms add some.
    pub strange: BTreeMap<String, String>,
}

/// Holds a platform's submissions against the people of a study. `mark` is what an identifier leaves when it is
/// deleted: who had everything deleted has taken part all the same, and is to be paid.
pub fn reconcile(
    Submissions { known, strange }: &Submissions,
    people: &Collection,
    mark: impl Fn(&str) -> String,
) -> Reconciled {
    let mut found = Reconciled::default();
    for (id, &status) in known {
        if let Some(who) = people.by_id(id) {
            news(people, who, id, status, &mut found);
            one(people, who, id, status, &mut found);
        } else if let Some(who) = people.forgotten(&mark(id)) {
            one(people, who, id, status, &mut found);
        } else if !matches!(status, Status::Reserved | Status::Active) {
            let said = format!("{id}: {} on the platform, and never began here", status.name());
            found.mismatches.push(said);
        }
    }
    // For a person to look at: neither missing there nor anything that changes something here.
    for (id, status) in strange {
        let said = format!(
            "{id}: \"{status}\" on the platform, which is no status that is known here; left as it is"
        );
        found.mismatches.push(said);
    }
    for (id, who) in people.identifiers() {
        let there = known.contains_key(id) || strange.contains_key(id);
        if !there && ended(people, who) == Some(End::Completed) {
            found.mismatches.push(format!("{id}: completed here, and unknown to the platform"));
        }
    }
    found.mismatches.sort();
    found
}

fn ended(people: &Collection, who: PersonIx) -> Option<End> {
    match people.screen(who) {
        Some(Screen::End(end)) => Some(end),
        _ => None,
    }
}

fn news(people: &Collection, who: PersonIx, id: &str, status: Status, found: &mut Reconciled) {
    if people.person(who).and_then(|person| person.platform()) != Some(status.name()) {
        found.news.push((who, id.to_owned(), status));
    }
    if ended(people, who).is_none() && status.ends() {
        found.ends.push((id.to_owned(), status));
    }
}

fn one(people: &Collection, who: PersonIx, id: &str, status: Status, found: &mut Reconciled) {
    let here = ended(people, who);
    if here == Some(End::Completed) && matches!(status, Status::AwaitingReview | Status::Approved) {
        found.completed.push((who, id.to_owned()));
    }
    if here == Some(End::Completed) && status == Status::AwaitingReview {
        found.approve.push((who, id.to_owned()));
    }
    if here == Some(End::ScreenedOut) {
        found.screened_out.push(id.to_owned());
    }
    let fits = match here {
        Some(End::Completed) => !status.ends(),
        Some(End::ScreenedOut) => status != Status::Approved,
        // Codes of other ends are handed in, too, and approved by nobody.
        Some(_) => !matches!(status, Status::Approved | Status::AwaitingReview),
        None => !status.is_handed_in(),
    };
    if !fits {
        let here = here.map_or("still going on", End::name);
        found.mismatches.push(format!("{id}: {here} here, and {} on the platform", status.name()));
    }
}
