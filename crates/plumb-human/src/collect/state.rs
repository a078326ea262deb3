//! All people of a study while it is collected: what a server drives.
//!
//! Every change is decided here and given as events; whoever drives it submits them to the journal in the order in which
//! they come, and shows nothing before they are on disk. [`Collection::restore`] goes through the journal's events with the
//! same code, draws every arm again from the secret seed and compares, so a restart cannot change anybody's way.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use plumb_study::journal::{PersonRecord, PersonRow};
use plumb_study::people::{Arrival, PersonEvent, PersonIx, What};
use plumb_study::{Digest, EventId, ItemIx, SubjectIx};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::identity::{Identity, left_mark};
use super::platform::Status;
use super::record::{Paged, Record};
use crate::error::{Error, Result};
use crate::protocol::Due;
use crate::protocol::assign::{Allocation, Arm};
use crate::protocol::person::{Course, End, Event, Input, Person, Screen, Slot, Taken, step};
use crate::protocol::sequence::{sequence, sequence_where};
use crate::study::Study;

/// A study and its people.
#[derive(Debug)]
pub struct Collection {
    study: Study,
    course: Course,
    arms: Vec<String>,
    items: HashMap<String, u32>,
    seed: [u8; 32],
    allocation: Allocation,
    /// How many people there are to be in all, where arms have no places of their own.
    most: Option<usize>,
    /// How many people each arm ever got: decides rows of squares.
    enrolled: Vec<u64>,
    people: Vec<Being>,
    /// How many active or completed people of each arm have each item.
    holding: HashMap<(usize, String), usize>,
    links: HashMap<Digest, PersonIx>,
    ids: HashMap<String, PersonIx>,
    /// Marks of identifiers that were deleted, and whose they were: whoever had them cannot take part again.
    gone: HashMap<String, PersonIx>,
}

/// Who somebody is that comes by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nobody who began.
    No,
    /// This person, who goes on.
    Person(PersonIx),
    /// Somebody began with this identifier, and this link does not show that it is the same person.
    Unproven(PersonIx),
    /// Somebody with this identifier took part, and what told who it was is deleted.
    Gone,
}

/// One person with what the protocol does not know.
#[derive(Debug, Default)]
pub(super) struct Being {
    pub(super) person: Person,
    /// Events so far.
    n: u32,
    pub(super) arm: Option<usize>,
    stratum: String,
    id: Option<String>,
    /// What a platform made for this person's submission alone.
    session: Option<String>,
    /// What the link was made of; unknown once erased.
    nonce: Option<String>,
    erased: bool,
    /// When the person came, microseconds since 1970.
    pub(super) begun_us: i64,
    /// When the last of the person's events was decided or written.
    last_us: i64,
    /// The same of the end.
    pub(super) ended_us: Option<i64>,
}

/// Somebody who begins.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// Hash of the secret link.
    pub link: Digest,
    /// Random bytes of the system.
    pub salt: [u8; 32],
    /// What the link was made of; whoever has the server's key can make it again.
    pub nonce: String,
    /// What is known of who it is.
    pub identity: Identity,
}

impl Being {
    fn dated(&mut self, what: What, at_us: i64) {
        self.last_us = at_us;
        if what == What::Ended {
            self.ended_us.get_or_insert(at_us);
        }
    }
}

impl Collection {
    /// A study that nobody came to yet; `seed` is the secret that assignment is drawn from.
    ///
    /// # Errors
    /// The file does not say what people consent to, how they are assigned, or what they meet.
    pub fn new(study: Study, seed: [u8; 32]) -> Result<Collection> {
        let lacks = |table: &str, what: &str| {
            Err(Error::new(format!(
                "study {} cannot be shown to people: it does not say {what}; add {table}",
                study.name
            )))
        };
        if !study.consents() {
            return lacks("[consent]", "what they consent to");
        }
        let Some(allocation) = study.allocation(seed) else {
            return lacks("[assignment]", "how they come into conditions");
        };
        if study.conditions().any(|arm| sequence(&study, arm, 0, &seed).is_empty()) {
            return lacks("[[block]] and [[step]]", "what people of each condition meet");
        }
        let arms: Vec<String> = study.condition.iter().map(|c| c.id.clone()).collect();
        let items = study.item.iter().enumerate().map(|(at, i)| (i.id.clone(), at as u32)).collect();
        Ok(Collection {
            course: study.course(),
            allocation,
            most: study.people(),
            enrolled: vec![0; arms.len()],
            arms,
            items,
            seed,
            people: Vec::new(),
            holding: HashMap::new(),
            links: HashMap::new(),
            ids: HashMap::new(),
            gone: HashMap::new(),
            study,
        })
    }

    /// The state after a journal's events, in the order in which they were written; amendments stand among them by their ids.
    ///
    /// # Errors
    /// An event is none of this study's, an amendment fits it not, or an arm is not the one that the seed gives: then the seed is another one's.
    pub fn restore(
        study: Study,
        seed: [u8; 32],
        persons: &[PersonRecord],
        rows: &[PersonRow],
        amendments: Vec<(EventId, Study)>,
    ) -> Result<Collection> {
        let mut all = Collection::new(study, seed)?;
        for record in persons {
            let identity = record.identity.as_deref().map(Identity::read).unwrap_or_default();
            all.meet(record.person, record.link, &identity)?;
        }
        let mut amendments = amendments.into_iter().peekable();
        for row in rows {
            while let Some((_, study)) = amendments.next_if(|(id, _)| *id < row.id) {
                all.amend(study)?;
            }
            all.again(row)?;
        }
        amendments.try_for_each(|(_, study)| all.amend(study))?;
        Ok(all)
    }

    /// Goes on with a changed study: nobody's way changes, and how many people there are to be may.
    ///
    /// # Errors
    /// It is another study: other conditions or items.
    pub fn amend(&mut self, study: Study) -> Result<()> {
        let arms = study.conditions().eq(self.arms.iter().map(String::as_str));
        let items = study.items().eq(self.study.items());
        let places = study.allocation(self.seed).map(|a| a.arms().iter().map(|arm| arm.places).collect());
        let (true, true, Some(places)) = (arms, items, places) else {
            return Err(Error::new("an amendment has other conditions, items or no assignment"));
        };
        let places: Vec<Option<usize>> = places;
        self.allocation.set_places(&places, study.shares().is_some());
        self.most = study.people();
        self.study = study;
        Ok(())
    }

    /// The study.
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// A person's state.
    pub fn person(&self, who: PersonIx) -> Option<&Person> {
        self.people.get(who.0 as usize).map(|b| &b.person)
    }

    /// The screen that is due for a person.
    pub fn screen(&self, who: PersonIx) -> Option<Screen> {
        self.person(who).map(|person| person.screen(&self.course))
    }

    /// What is due for a person, for whoever may know it.
    pub fn due(&self, who: PersonIx) -> Option<Due> {
        Due::of(&self.course, self.person(who)?)
    }

    /// Whether a person's texts are erased.
    pub fn is_erased(&self, who: PersonIx) -> bool {
        self.people.get(who.0 as usize).is_some_and(|b| b.erased)
    }

    /// Who has the link of this hash.
    pub fn by_link(&self, link: Digest) -> Option<PersonIx> {
        self.links.get(&link).copied()
    }

    /// Who came with this identifier.
    pub fn by_id(&self, id: &str) -> Option<PersonIx> {
        self.ids.get(id).copied()
    }

    /// Whose deleted identifier left this mark.
    pub fn forgotten(&self, mark: &str) -> Option<PersonIx> {
        self.gone.get(mark).copied()
    }

    /// Who comes by a link with these parameters. An identifier is known to others than the person; so it takes the
    /// platform's session, too, unless the study says that identifiers are enough. `mark` is what the identifier leaves
    /// when it is deleted.
    pub fn known(&self, identity: &Identity, mark: Option<&str>) -> Known {
        let Some(who) = identity.id().and_then(|id| self.by_id(id)) else {
            return if mark.is_some_and(|mark| self.gone.contains_key(mark)) {
                Known::Gone
            } else {
                Known::No
            };
        };
        let began = self.people.get(who.0 as usize).and_then(|b| b.session.as_deref());
        let same = began.is_some() && began == identity.session();
        if same || self.study.resumes_by_id() { Known::Person(who) } else { Known::Unproven(who) }
    }

    /// The person with this number in exports, from 1.
    pub fn numbered(&self, number: u32) -> Option<PersonIx> {
        number.checked_sub(1).filter(|at| (*at as usize) < self.people.len()).map(PersonIx)
    }

    /// Everybody whose identifier is known, in the identifiers' order.
    pub fn identifiers(&self) -> std::collections::BTreeMap<&str, PersonIx> {
        self.ids.iter().map(|(id, who)| (id.as_str(), *who)).collect()
    }

    /// What a person's link was made of.
    pub fn nonce(&self, who: PersonIx) -> Option<&str> {
        self.people.get(who.0 as usize)?.nonce.as_deref()
    }

    /// How many people came.
    pub fn arrived(&self) -> usize {
        self.people.len()
    }

    /// Whether a place is open for somebody who comes now.
    pub fn has_room(&self) -> bool {
        let held: usize = self.allocation.arms().iter().map(Arm::held).sum();
        self.most.is_none_or(|most| held < most)
            && self.allocation.arms().iter().any(|arm| arm.places.is_none_or(|places| arm.held() < places))
    }

    /// When an event was decided: times of people are counted by it.
    pub fn dated(&mut self, event: &PersonEvent, at_us: i64) {
        if let Some(being) = self.people.get_mut(event.person.0 as usize) {
            being.dated(event.what, at_us);
        }
    }

    pub(super) fn beings(&self) -> &[Being] {
        &self.people
    }

    pub(super) fn course(&self) -> &Course {
        &self.course
    }

    pub(super) fn arms(&self) -> impl Iterator<Item = (&str, Arm)> {
        self.arms.iter().map(String::as_str).zip(self.allocation.arms().iter().copied())
    }

    /// Somebody begins: the first event. A link that is known gives who has it, and nothing happens.
    pub fn arrive(&mut self, newcomer: Newcomer, now_us: i64) -> (PersonIx, Vec<PersonEvent>) {
        if let Some(known) = self.by_link(newcomer.link) {
            return (known, Vec::new());
        }
        let who = PersonIx(self.people.len() as u32);
        let id = newcomer.identity.id().map(str::to_owned);
        let session = newcomer.identity.session().map(str::to_owned);
        let nonce = Some(newcomer.nonce.clone());
        self.people.push(Being {
            n: 1,
            id: id.clone(),
            session,
            nonce,
            begun_us: now_us,
            last_us: now_us,
            ..Being::default()
        });
        self.links.insert(newcomer.link, who);
        if let Some(id) = id {
            self.ids.insert(id, who);
        }
        let identity = (!newcomer.identity.is_empty()).then(|| newcomer.identity.write().into());
        let arrival = Arrival { link: newcomer.link, salt: newcomer.salt, identity };
        let body = json!({ "nonce": newcomer.nonce }).to_string().into();
        let event = PersonEvent { person: who, n: 0, what: What::Arrived, body, arrival: Some(arrival) };
        (who, vec![event])
    }

    /// Takes an input: what follows is applied already and comes back to be recorded. `None` where the input belongs to a
    /// screen that is not due.
    pub fn take(&mut self, who: PersonIx, input: &Input, paged: Option<Paged>) -> Option<Vec<PersonEvent>> {
        let (mut out, mut input, mut paged) = (Vec::new(), Cow::Borrowed(input), paged);
        loop {
            let being = self.people.get(who.0 as usize)?;
            match step(&self.course, &being.person, &input) {
                Taken::Stale if out.is_empty() => return None,
                Taken::Stale => break,
                Taken::Events(events) => {
                    for event in events {
                        let paged =
                            paged.take_if(|_| matches!(event, Event::Answered { .. } | Event::Missed { .. }));
                        self.record(who, event, paged, &mut out);
                    }
                }
            }
            if self.screen(who) != Some(Screen::Assigning) {
                break;
            }
            input = Cow::Owned(self.assign(who));
        }
        Some(out)
    }

    /// Takes what a platform says of a person's submission: recorded where it is news, and a part that ended there ends
    /// here, so that the place opens again.
    pub fn platform(&mut self, who: PersonIx, status: Status) -> Vec<PersonEvent> {
        let mut out = Vec::new();
        let known = self.person(who).and_then(|person| person.platform());
        if known != Some(status.name()) {
            let event = Event::Platform { status: status.name().to_owned() };
            self.record(who, event, None, &mut out);
        }
        if let Some(input) = status.input() {
            out.extend(self.take(who, &input, None).unwrap_or_default());
        }
        out
    }

    /// Deletes what is known of a person; one who has not ended withdraws first. `mark` gives what an identifier leaves.
    pub fn erase(&mut self, who: PersonIx, mark: impl Fn(&str) -> String) -> Vec<PersonEvent> {
        let mut out = self.take(who, &Input::Withdraw, None).unwrap_or_default();
        let Some(being) = self.people.get_mut(who.0 as usize).filter(|b| !b.erased) else { return out };
        being.erased = true;
        let body = self.part(who, mark);
        out.push(self.event(who, What::Erased, body));
        out
    }

    /// Deletes what tells who a person is; the answers stay. The time is over for one who has not ended.
    pub fn forget(&mut self, who: PersonIx, mark: impl Fn(&str) -> String) -> Vec<PersonEvent> {
        if self.nonce(who).is_none() {
            return Vec::new();
        }
        let mut out = self.take(who, &Input::TimedOut, None).unwrap_or_default();
        let body = self.part(who, mark);
        out.push(self.event(who, What::Parted, body));
        out
    }

    /// Forgets what tells who a person is. What the identifier leaves goes into the event's text.
    fn part(&mut self, who: PersonIx, mark: impl Fn(&str) -> String) -> String {
        let being = &mut self.people[who.0 as usize];
        being.nonce = None;
        being.session = None;
        let Some(id) = being.id.take() else { return "{}".to_owned() };
        self.ids.remove(&id);
        let mark = mark(&id);
        self.gone.insert(mark.clone(), who);
        json!({ "mark": mark }).to_string()
    }

    /// People whose part ended, or who came and left without a word, before `before_us`, and of whom it is still known
    /// who they are.
    pub fn to_forget(&self, before_us: i64) -> Vec<PersonIx> {
        let due = |being: &Being| being.last_us < before_us && being.nonce.is_some();
        (0..self.people.len() as u32).map(PersonIx).filter(|who| due(&self.people[who.0 as usize])).collect()
    }

    /// People who came before `before_us` and have not ended.
    pub fn begun_before(&self, before_us: i64) -> Vec<PersonIx> {
        (0..self.people.len() as u32)
            .map(PersonIx)
            .filter(|who| {
                let being = &self.people[who.0 as usize];
                being.begun_us < before_us && !matches!(being.person.screen(&self.course), Screen::End(_))
            })
            .collect()
    }

    fn meet(&mut self, who: PersonIx, link: Digest, identity: &Identity) -> Result<()> {
        if who.0 as usize != self.people.len() {
            return Err(Error::new(format!("person {} is missing in the journal", self.people.len() + 1)));
        }
        let own = |text: Option<&str>| text.map(str::to_owned);
        self.people.push(Being {
            id: own(identity.id()),
            session: own(identity.session()),
            ..Being::default()
        });
        self.links.insert(link, who);
        if let Some(id) = identity.id() {
            self.ids.insert(id.to_owned(), who);
        }
        Ok(())
    }

    /// One recorded event again.
    fn again(&mut self, row: &PersonRow) -> Result<()> {
        let wrong = |what: &str| Error::new(format!("person {}: {what}", row.person.0 + 1));
        let at = row.person.0 as usize;
        let being = self.people.get_mut(at).ok_or_else(|| wrong("has events but never arrived"))?;
        being.n = row.n + 1;
        being.dated(row.what, row.at_us);
        let record = match (&row.body, row.what) {
            (Some(body), What::Arrived) => {
                being.begun_us = row.at_us;
                let body: serde_json::Value =
                    serde_json::from_str(body).map_err(|e| wrong(&e.to_string()))?;
                being.nonce = body["nonce"].as_str().map(str::to_owned);
                return Ok(());
            }
            (_, What::Arrived | What::Observed(..)) | (None, What::Step) => return Ok(()),
            (_, What::Erased | What::Parted) => {
                being.erased |= row.what == What::Erased;
                being.nonce = None;
                self.gone.extend(left_mark(row).map(|mark| (mark, row.person)));
                return Ok(());
            }
            (None, _) => return Err(wrong("an event that decides places has no text")),
            (Some(body), _) => Record::read(body)?,
        };
        if let What::Enrolled(arm) = row.what {
            let stratum = record.stratum.clone().unwrap_or_default();
            if self.allocation.assign(&stratum) != Some(usize::from(arm.0)) {
                return Err(wrong(
                    "the secret seed gives another arm than was recorded; it is not this study's",
                ));
            }
            let being = &mut self.people[at];
            being.arm = Some(usize::from(arm.0));
            being.stratum = stratum;
            self.enrolled[usize::from(arm.0)] += 1;
        }
        self.people[at].person.apply(&record.event);
        if matches!(record.event, Event::Enrolled { .. }) {
            self.hold(row.person, true);
        }
        if let Event::Ended { end } = record.event {
            self.end(row.person, end);
        }
        Ok(())
    }

    /// An arm and a sequence for a person whom the protocol waits for.
    fn assign(&mut self, who: PersonIx) -> Input {
        let stratum = self.study.stratum(&self.people[who.0 as usize].person);
        if !self.has_room() {
            return Input::Full;
        }
        let Some(arm) = self.allocation.assign(&stratum) else { return Input::Full };
        let nth = self.enrolled[arm];
        self.enrolled[arm] += 1;
        // Orders are drawn from the seed and the person's number, so that they need not be stored to be drawn again.
        let own: [u8; 32] = Sha256::new()
            .chain_update(b"order")
            .chain_update(self.seed)
            .chain_update(who.0.to_le_bytes())
            .finalize()
            .into();
        let being = &mut self.people[who.0 as usize];
        being.arm = Some(arm);
        being.stratum = stratum;
        let name = self.arms[arm].clone();
        let holding = |item: &str| self.holding.get(&(arm, item.to_owned())).copied().unwrap_or(0);
        let sequence = sequence_where(&self.study, &name, nth, &own, &holding);
        Input::Assign { sequence, arm: name }
    }

    /// Counts a person's items in, or out where the person has left.
    fn hold(&mut self, who: PersonIx, comes: bool) {
        let being = &self.people[who.0 as usize];
        let Some(arm) = being.arm else { return };
        let items: BTreeSet<&String> = being
            .person
            .sequence()
            .iter()
            .filter_map(|slot| match slot {
                Slot::Trial { item, .. } => Some(item),
                Slot::Page { .. } => None,
            })
            .collect();
        for item in items {
            let count = self.holding.entry((arm, item.clone())).or_insert(0);
            *count = if comes { *count + 1 } else { count.saturating_sub(1) };
        }
    }

    /// Applies an event of the protocol and writes it down; with the last answer about an item, also what closes it.
    fn record(&mut self, who: PersonIx, event: Event, paged: Option<Paged>, out: &mut Vec<PersonEvent>) {
        let at = who.0 as usize;
        let being = &mut self.people[at];
        being.person.apply(&event);
        let (enrolled, being) = (matches!(event, Event::Enrolled { .. }), &self.people[at]);
        let what = match (&event, being.arm) {
            (Event::Enrolled { .. }, Some(arm)) => What::Enrolled(SubjectIx(arm as u16)),
            (Event::Ended { .. }, _) => What::Ended,
            _ => What::Step,
        };
        if enrolled {
            self.hold(who, true);
        }
        let being = &self.people[at];
        let stratum = matches!(what, What::Enrolled(_)).then(|| being.stratum.clone());
        let closed = match &event {
            Event::Answered { slot, .. } => self.closed(who, slot),
            _ => None,
        };
        if let Event::Ended { end } = event {
            self.end(who, end);
        }
        let body = Record { event, stratum, paged }.write();
        out.push(self.event(who, what, body));
        if let Some((item, repetition, body)) = closed {
            out.push(self.event(who, What::Observed(ItemIx(item), repetition), body));
        }
    }

    fn event(&mut self, who: PersonIx, what: What, body: String) -> PersonEvent {
        let being = &mut self.people[who.0 as usize];
        let n = being.n;
        being.n += 1;
        PersonEvent { person: who, n, what, body: body.into(), arrival: None }
    }

    /// The places of an arm follow how its people end.
    fn end(&mut self, who: PersonIx, end: End) {
        let being = &self.people[who.0 as usize];
        let Some(arm) = being.arm else { return };
        match end {
            End::Completed => {
                self.allocation.complete(arm);
            }
            _ => {
                self.allocation.leave(arm, &being.stratum.clone());
                self.hold(who, false);
            }
        }
    }

    /// Item, repetition and all answers about it, if this slot was the last of an item's.
    fn closed(&self, who: PersonIx, slot: &Slot) -> Option<(u32, u16, String)> {
        let Slot::Trial { block, item, repetition, .. } = slot else { return None };
        let person = &self.people[who.0 as usize].person;
        let same = |other: &Slot| matches!(other, Slot::Trial { block: b, item: i, repetition: r, .. } if b == block && i == item && r == repetition);
        let answers: Vec<_> = person.answers().filter(|(slot, _)| same(slot)).collect();
        if answers.len() < person.sequence().iter().filter(|slot| same(slot)).count() {
            return None;
        }
        let answers: serde_json::Map<String, serde_json::Value> = answers
            .iter()
            .flat_map(|(_, values)| values.iter())
            .map(|(measure, text)| (measure.clone(), text.as_str().into()))
            .collect();
        let body = json!({ "block": block, "answers": answers }).to_string();
        Some((self.items.get(item).copied()?, *repetition as u16, body))
    }
}
