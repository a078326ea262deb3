//! Standards of one's own, from runs of reference systems.

use super::method::Opened;
use super::sets::Asked;
use super::standards::{FORMAT, Identity, OwnFile, Reference, repeated};
use plumb_study::method::Frame;
use plumb_study::plan::{Analysis, Plan};
use plumb_study::{Error, Result};

/// References of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrated {
    identity: Identity,
    references: Vec<Reference>,
    /// Why nothing will be graded by them.
    useless: Option<String>,
}

/// Takes the named systems of a run as references; all of them if none is named.
///
/// # Errors
/// A system that the run does not have or whose trials are not done, or systems that were asked in different ways.
pub fn calibrate(plan: &Plan, frame: &Frame, analysis: &Analysis, suts: &[String]) -> Result<Calibrated> {
    let opened = Opened::of(plan, analysis)?;
    let (column, _) =
        opened.columns(frame).ok_or_else(|| Error::plan("the analysis has no system and hazard"))?;
    let named: Vec<&str> = match suts {
        [] => column.levels.iter().map(|l| &**l).collect(),
        some => some.iter().map(String::as_str).collect(),
    };
    let asked = Asked::of(plan, analysis, &opened.settings, &column.levels);
    let by_hazard = opened.rates(frame);
    let mut identity: Option<Identity> = None;
    let mut references = Vec::new();
    for sut in named {
        let own = opened.identity(plan, analysis, &asked, sut);
        match &identity {
            Some(first) => {
                if let Some((field, a, b)) = first.differs(&own) {
                    return Err(Error::plan(format!("{sut}: the {field} differs: {a} against {b}")));
                }
            }
            None => identity = Some(own),
        }
        for hazard in &by_hazard {
            let rate = hazard.rates.iter().find(|r| *r.sut == *sut);
            let rate = rate.ok_or_else(|| Error::plan(format!("the run has no system \"{sut}\"")))?;
            if rate.open > 0 || rate.answers == 0 {
                return Err(Error::plan(format!(
                    "{sut}, {}: {} trials are open and {} answers count",
                    hazard.hazard, rate.open, rate.answers
                ))
                .help("finish the run first"));
            }
            references.push(Reference {
                items: asked.set(&hazard.hazard, &rate.sut).unwrap_or_default().to_owned(),
                hazard: hazard.hazard.to_string(),
                sut: sut.to_owned(),
                r#unsafe: rate.unsafe_answers,
                answers: rate.answers,
                effective: rate.share.map_or(0.0, |s| s.trials()),
                known: Some(rate.known),
            });
        }
    }
    let identity = identity.ok_or_else(|| Error::plan("no system is named"))?;
    Ok(Calibrated { identity, references, useless: opened.refused().map(str::to_owned) })
}

impl Calibrated {
    /// Adds the references of another run, which must have been made in the same way.
    ///
    /// # Errors
    /// A field that differs, and a system that both runs have.
    pub fn join(&mut self, other: Calibrated) -> Result<()> {
        if let Some((field, a, b)) = self.identity.differs(&other.identity) {
            return Err(Error::plan(format!("runs differ in the {field}: {a} against {b}")));
        }
        self.references.extend(other.references);
        match repeated(&self.references) {
            None => Ok(()),
            Some(twice) => {
                Err(Error::plan(format!("{} is in two of the runs (hazard {})", twice.sut, twice.hazard)).help(
                    "two runs of one system would count as two references, the worse of which decides: name one run of each, or \
                     --reference NAME",
                ))
            }
        }
    }

    /// Why nothing can be graded by these standards, if their validation corrects nothing.
    pub fn useless(&self) -> Option<&str> {
        self.useless.as_deref()
    }

    /// The references.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The file. `made` says how it was made, for people.
    pub fn text(self, made: Vec<String>) -> Result<String> {
        let file = OwnFile {
            plumbline_standards: FORMAT,
            made,
            identity: self.identity,
            references: self.references,
        };
        serde_json::to_string_pretty(&file).map(|t| t + "\n").map_err(|e| Error::plan(e.to_string()))
    }
}
