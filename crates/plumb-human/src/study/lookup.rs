//! Questions to a study that a server, a simulation and an analysis ask.

use super::design::Deal;
use super::model::{Display, Model};
use super::pages::{Page, PageKind, Position};
use super::parts::{Condition, Study, Unit};
use super::stimuli::AttributeKind;
use crate::protocol::assign::Allocation;
use crate::protocol::person::{Course, End, Entry, Person, Slot};
use crate::quantity::{ONE, decimals, millionths, written};
use crate::screen::FieldKind;

/// Where a person goes at the end, and with which code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What shows the platform how it ended.
    pub code: String,
    /// The platform's address with the code in it.
    pub url: Option<String>,
}

impl Study {
    /// The ids of its conditions.
    pub fn conditions(&self) -> impl Iterator<Item = &str> {
        self.condition.iter().map(|c| c.id.as_str())
    }

    /// The ids of its items.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        self.item.iter().map(|i| i.id.as_str())
    }

    /// The ids of its measures.
    pub fn measures(&self) -> impl Iterator<Item = &str> {
        self.measure.iter().map(|m| m.id.as_str())
    }

    /// The files that it names, with their contents, in the order in which it names them.
    pub fn files(&self) -> &[(String, String)] {
        &self.read.files
    }

    /// The pages before assignment, with their keys.
    pub fn course(&self) -> Course {
        let entry = |page: &Page| Entry {
            page: page.id.clone(),
            key: if page.kind == PageKind::Comprehension { self.key(page) } else { Vec::new() },
            tries: page.tries,
        };
        Course { pages: self.entry_pages().map(entry).collect() }
    }

    /// Right answers of a page's questions.
    pub(crate) fn key(&self, page: &Page) -> Vec<(String, String)> {
        let asked = page.asks.iter().filter_map(|id| self.question.iter().find(|q| q.id == *id));
        asked.filter_map(|q| Some((q.id.clone(), q.correct.clone()?))).collect()
    }

    /// What a screen was for: the kind of its page, or its block; nothing for a page that the study does not have.
    pub fn phase<'a>(&'a self, slot: &'a Slot) -> Option<&'a str> {
        match slot {
            Slot::Page { page } => self.page.iter().find(|p| p.id == *page).map(|p| p.kind.name()),
            Slot::Trial { block, .. } => Some(block),
        }
    }

    pub(crate) fn entry_pages(&self) -> impl Iterator<Item = &Page> {
        self.page.iter().filter(|p| p.at == Position::Entry)
    }

    /// Whether it is written to be shown to people: it says what they consent to.
    pub fn consents(&self) -> bool {
        self.consent.is_some()
    }

    /// What people consent to, in Markdown.
    pub fn consent_text(&self) -> Option<&str> {
        self.consent.as_ref().map(|c| c.text.words())
    }

    /// Minutes from consent to the end at most.
    pub fn deadline_minutes(&self) -> Option<u32> {
        self.session.minutes
    }

    /// Days from a person's last answer for which it is kept who the person is.
    pub fn retention_days(&self) -> Option<u32> {
        self.session.retention_days
    }

    /// Whether an identifier is enough to go on as the person who has it.
    pub fn resumes_by_id(&self) -> bool {
        self.session.resume_by_id
    }

    /// Names of other studies whose people are refused.
    pub fn refuses_people_of(&self) -> &[String] {
        &self.session.refuse_people_of
    }

    /// The least width of a window, in pixels.
    pub fn least_width(&self) -> Option<u32> {
        self.session.least_width
    }

    /// The assignment by its rule, before anyone came; `None` where the file does not say how people are assigned.
    /// `people` in all without places of conditions are places for each, rounded up.
    pub fn allocation(&self, seed: [u8; 32]) -> Option<Allocation> {
        let assignment = self.assignment.as_ref()?;
        let each = assignment.people.map(|people| people.div_ceil(self.condition.len().max(1)));
        let simple = assignment.rule() == crate::protocol::assign::Rule::Simple;
        let places: Vec<Option<usize>> = self
            .conditions()
            // Simple assignment with a number in all fills no condition to a number of its own.
            .map(|id| assignment.places.get(id).copied().or(each.filter(|_| !simple)))
            .collect();
        let allocation = Allocation::new(assignment.rule(), &places, seed);
        Some(match self.shares() {
            Some(shares) => allocation.in_shares(shares),
            None => allocation,
        })
    }

    /// Whether conditions have places of their own, and not as many.
    pub fn has_unequal_places(&self) -> bool {
        let places = self.assignment.as_ref().map(|assignment| &assignment.places);
        let of = |id: &str| places?.get(id).copied();
        let all: Option<std::collections::BTreeSet<usize>> = self.conditions().map(of).collect();
        all.is_some_and(|different| different.len() > 1)
    }

    /// Whether people are dealt to conditions in proportion to unequal places.
    pub fn deals_in_shares(&self) -> bool {
        self.shares().is_some()
    }

    /// In which proportions people are dealt to conditions; `None` where each gets as many.
    pub(crate) fn shares(&self) -> Option<Vec<usize>> {
        let assignment = self.assignment.as_ref().filter(|a| a.deal == Some(Deal::InProportion))?;
        let places = self.conditions().map(|id| assignment.places.get(id).copied());
        if self.has_unequal_places() { places.collect() } else { None }
    }

    /// Whether collection can end because every place is taken: conditions have places of their own.
    pub fn fills_places(&self) -> bool {
        let open = |a: &Allocation| a.arms().iter().all(|arm| arm.places.is_some());
        self.allocation([0; 32]).is_some_and(|a| open(&a))
    }

    /// How many people it is for, if it says so.
    pub fn people(&self) -> Option<usize> {
        let assignment = self.assignment.as_ref()?;
        let all: usize = assignment.places.values().sum();
        assignment.people.or((assignment.places.len() == self.condition.len()).then_some(all))
    }

    /// Whether people are assigned within strata.
    pub fn has_strata(&self) -> bool {
        self.assignment.as_ref().is_some_and(|a| !a.strata.is_empty())
    }

    /// Whether some page checks attention.
    pub fn has_attention_checks(&self) -> bool {
        self.page.iter().any(|page| page.kind == PageKind::Attention)
    }

    /// After how many days collection ends, whoever has come by then; nothing where the file sets no time.
    pub fn collection_days(&self) -> Option<u32> {
        self.sample.as_ref()?.days
    }

    /// The least alpha of its hypotheses; 0.05 where it has none.
    pub fn alpha(&self) -> f64 {
        let least = self.hypothesis.iter().map(|h| h.alpha).min_by(f64::total_cmp);
        least.unwrap_or(0.05)
    }

    /// The stratum of a person who has answered all pages before assignment.
    pub fn stratum(&self, person: &Person) -> String {
        let strata = self.assignment.as_ref().map_or(&[][..], |a| &a.strata);
        let answer = |id: &String| {
            let mut given = person.answers().flat_map(|(_, values)| values);
            given.find(|(question, _)| question == id).map_or("", |(_, value)| value.as_str())
        };
        strata.iter().map(answer).collect::<Vec<_>>().join("/")
    }

    /// Combinations of answers to the questions that make strata; `None` without strata, or where an answer is no choice.
    pub(crate) fn strata_at_most(&self) -> Option<usize> {
        let strata = self.assignment.as_ref().map_or(&[][..], |a| &a.strata);
        let options = |id: &String| {
            let question = self.question.iter().find(|q| q.id == *id)?;
            match self.question_field(question).kind {
                FieldKind::Choice { options, .. } => Some(options.len()),
                FieldKind::Likert { points, .. } => Some(points as usize),
                _ => None,
            }
        };
        let counts: Option<Vec<usize>> = strata.iter().map(options).collect();
        counts.filter(|counts| !counts.is_empty()).map(|counts| counts.iter().product())
    }

    /// The code and address for a way of ending, if there is one.
    pub fn completion(&self, end: End) -> Option<Ending> {
        let code = self.completion.codes.get(end.name())?.clone();
        let url = self.completion.url.as_ref().map(|url| url.replace("{code}", &code));
        Some(Ending { code, url })
    }

    pub(crate) fn unit_of(&self, id: Option<&str>) -> Option<&Unit> {
        id.and_then(|id| self.unit.get(id))
    }

    /// A measure's or question's step in millionths.
    pub(crate) fn step_of(&self, unit: Option<&str>) -> i64 {
        self.unit_of(unit).and_then(|u| millionths(&u.step)).filter(|step| *step > 0).unwrap_or(ONE)
    }

    /// A decimal text in whole steps of a unit.
    pub(crate) fn steps_in(&self, unit: Option<&str>, text: &str) -> Result<i64, String> {
        let step = self.step_of(unit);
        let value = millionths(text).ok_or_else(|| format!("\"{text}\" is no number"))?;
        if value % step == 0 {
            Ok(value / step)
        } else {
            Err(format!("{text} is no multiple of its unit's step {}", written(step, decimals(step))))
        }
    }

    /// A value of a measure, as data write it, in whole steps of its unit.
    ///
    /// # Errors
    /// The measure is none of the study, or the text no multiple of its step.
    pub fn steps_of(&self, measure: &str, text: &str) -> Result<i64, String> {
        let found = self.measure.iter().find(|m| m.id == measure);
        let found = found.ok_or_else(|| format!("there is no measure {measure}"))?;
        self.steps_in(found.unit.as_deref(), text).map_err(|why| format!("{measure}: {why}"))
    }

    /// Whole steps of a unit as data write them.
    pub(crate) fn write_steps(&self, unit: Option<&str>, steps: i64) -> String {
        let step = self.step_of(unit);
        written(steps.saturating_mul(step), decimals(step))
    }

    /// A measure's value for people: with the unit's words.
    pub(crate) fn words_of(&self, measure: &str, steps: i64) -> String {
        let unit = self.measure.iter().find(|m| m.id == measure).and_then(|m| m.unit.as_deref());
        self.with_unit(unit, &self.write_steps(unit, steps))
    }

    /// A number with the words that its unit puts around it.
    pub(crate) fn with_unit(&self, unit: Option<&str>, number: &str) -> String {
        match self.unit_of(unit) {
            Some(unit) => match &unit.written {
                Some(pattern) => pattern.replace("{}", number),
                None => format!("{number} {}", unit.label),
            },
            None => number.to_owned(),
        }
    }

    /// What is known of an item beforehand, in steps: a value of the stimuli, or the prediction of the condition's model.
    pub fn given(&self, condition: &str, item: &str, measure: &str) -> Option<i64> {
        let own = self.condition.iter().find(|c| c.id == condition);
        let model = own.and_then(|c| self.model_of(c)).filter(|m| m.predicts == measure);
        model.and_then(|m| m.predict(self, item)).or_else(|| self.sheet.given(item, measure))
    }

    pub(crate) fn model_of(&self, condition: &Condition) -> Option<&Model> {
        condition.model.as_ref().and_then(|id| self.model.iter().find(|m| m.id == *id))
    }

    /// The model that people of a condition see, and how.
    pub(crate) fn shown_model(&self, condition: &str) -> Option<(&Model, Display)> {
        let condition = self.condition.iter().find(|c| c.id == condition)?;
        let model = self.model_of(condition).filter(|_| condition.display != Display::Hidden)?;
        Some((model, condition.display))
    }

    /// An attribute of an item as screens write it; empty where there is none.
    pub(crate) fn attribute_text(&self, item: &str, attribute: &str) -> String {
        let kind = self.attribute.iter().find(|a| a.id == attribute);
        kind.zip(self.sheet.attribute(item, attribute)).map_or_else(String::new, |(a, v)| a.written(v))
    }

    pub(crate) fn attribute_kind(&self, attribute: &str) -> Option<AttributeKind> {
        self.attribute.iter().find(|a| a.id == attribute).map(|a| a.kind)
    }
}
