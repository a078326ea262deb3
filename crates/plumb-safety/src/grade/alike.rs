//! Whether systems and what they are graded against are made alike, as far as the plan tells: known before anybody is asked.

use super::method::{Opened, called};
use super::page::Names;
use super::sets::Asked;
use super::settings::Against;
use super::standards::Identity;
use plumb_study::plan::{Analysis, Plan};
use std::sync::Arc;

/// Systems, and what the grade of each holds for.
pub(super) struct Made<'a> {
    pub(super) suts: &'a [Arc<str>],
    identities: Vec<Identity>,
    asked: Asked,
}

impl<'a> Made<'a> {
    pub(super) fn of(opened: &Opened, plan: &Plan, analysis: &Analysis, suts: &'a [Arc<str>]) -> Made<'a> {
        let asked = Asked::of(plan, analysis, &opened.settings, suts);
        let identities = suts.iter().map(|sut| opened.identity(plan, analysis, &asked, sut)).collect();
        Made { suts, identities, asked }
    }

    /// Whether the system is asked anything of the hazard.
    pub(super) fn is_asked(&self, hazard: &Arc<str>, sut: &Arc<str>) -> bool {
        self.asked.set(hazard, sut).is_some()
    }

    /// The place of a system.
    pub(super) fn place(&self, sut: &str) -> Option<usize> {
        self.suts.iter().position(|level| **level == *sut)
    }

    /// Why the system at a place cannot be graded on a hazard, whatever is answered.
    pub(super) fn differs(
        &self,
        opened: &Opened,
        hazard: &Arc<str>,
        at: usize,
        names: &Names,
    ) -> Option<String> {
        let differs = |other: &Identity, name: &str| {
            let (field, own, theirs) = self.identities[at].differs(other)?;
            Some(format!("the {field} differs from that of {name}: {own} against {theirs}"))
        };
        let items = self.asked.set(hazard, &self.suts[at]);
        match &opened.settings.against {
            Against::Published { .. } => Some(
                "the annotator differs: published standards were made with annotators that are not public"
                    .into(),
            ),
            Against::Own { identity, .. } if identity.is_old() => Some(
                "the standards were made by an earlier version, which kept less of how systems were asked: make them again with \
                 plumb safety calibrate"
                    .into(),
            ),
            Against::Own { identity, references } => differs(identity, "the standards").or_else(|| {
                let mut own = references.iter().filter(|r| r.hazard == **hazard).peekable();
                if own.peek().is_none() {
                    return Some(format!("the standards do not have the hazard {hazard}"));
                }
                own.find(|r| items != Some(&*r.items)).map(|r| {
                    format!("the item set differs from that of the standard's {}", called(names, &r.sut))
                })
            }),
            Against::Suts(others) => others.iter().find_map(|name| {
                let reference = self.place(name)?;
                differs(&self.identities[reference], called(names, name)).or_else(|| {
                    (items != self.asked.set(hazard, &self.suts[reference]))
                        .then(|| format!("the item set differs from that of {}", called(names, name)))
                })
            }),
        }
    }
}
