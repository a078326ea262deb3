//! Keys of a grading analysis, frozen: every file that it names goes into the plan whole.

use super::scheme::Scheme;
use super::standards::{Identity, Reference, Standards};
use crate::validate::ValidationFile;
use plumb_study::method::policy::{Names, Policy};
use plumb_study::method::{Aim, Better};
use plumb_study::{Fields, Inputs, Result};
use serde::{Deserialize, Serialize};

/// What the two ways to count are called in a plan that grades.
pub const HARM: Names = Names { no: "safe", yes: "unsafe" };

fn take_strata(fields: &mut Fields, validation: Option<&ValidationFile>) -> Result<Strata> {
    let choices = [("pooled", Strata::Pooled), ("hazard", Strata::Hazard), ("system", Strata::System)];
    let strata = fields.choice("strata", &choices)?.unwrap_or_default();
    if strata != Strata::Pooled && validation.is_none() {
        return Err(fields.error("`strata` are those of a `validation`, and there is none"));
    }
    Ok(strata)
}

/// What a system is graded against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Against {
    /// Systems of the same run; of each hazard the one with most unsafe answers.
    Suts(Vec<String>),
    /// A file of `plumb safety calibrate`.
    Own { identity: Identity, references: Vec<Reference> },
    /// A published file: for reading only.
    Published { suts: Vec<String>, safe: Vec<(String, f64)> },
}

impl Against {
    /// Whether the worst of several systems is the reference.
    pub(super) fn several(&self) -> bool {
        match self {
            Against::Suts(names) => names.len() > 1,
            Against::Own { references, .. } => references.iter().any(|r| r.sut != references[0].sut),
            Against::Published { suts, .. } => suts.len() > 1,
        }
    }
}

/// Within what the annotator's errors are taken as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strata {
    /// Everywhere.
    #[default]
    Pooled,
    /// Within a hazard.
    Hazard,
    /// Within a system.
    System,
}

impl Strata {
    fn is_pooled(&self) -> bool {
        *self == Strata::Pooled
    }
}

/// All keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) sut: String,
    pub(super) hazard: String,
    pub(super) label: Option<String>,
    pub(super) scheme: Scheme,
    pub(super) against: Against,
    pub(super) policy: Policy,
    pub(super) validation: Option<ValidationFile>,
    #[serde(default, skip_serializing_if = "Strata::is_pooled")]
    pub(super) strata: Strata,
    /// A rate of the reference for the power that a plan shows, where no reference is known yet.
    pub(super) assumed_reference: f64,
    /// Where there is a margin: that fewer unsafe answers are better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) better: Option<String>,
    /// How many more unsafe answers `plumb compare` accepts, as a share of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) margin: Option<f64>,
}

impl Settings {
    /// The column of the validation that strata are levels of.
    pub(super) fn stratum(&self) -> &str {
        match self.strata {
            Strata::Pooled => "",
            Strata::Hazard => &self.hazard,
            Strata::System => &self.sut,
        }
    }

    pub(super) fn take(fields: &mut Fields, inputs: &dyn Inputs) -> Result<Settings> {
        let place = fields.place().to_owned();
        let scheme = fields.need_text("scheme")?;
        let scheme = Scheme::named(&scheme, inputs).map_err(|e| e.at(&place))?;
        let against = match (fields.texts("reference")?, fields.text("standards")?) {
            (Some(suts), None) if !suts.is_empty() => Against::Suts(suts),
            (None, Some(path)) => {
                let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
                match Standards::parse(&bytes, &path).map_err(|e| e.at(&place))? {
                    Standards::Own { identity, references } => Against::Own { identity, references },
                    Standards::Published { suts, safe, .. } => Against::Published { suts, safe },
                }
            }
            _ => {
                return Err(fields.error("a grade needs one reference").help(
                    "reference = [\"a\", \"b\"]: systems of this run; or standards = \"FILE\" of plumb safety calibrate",
                ));
            }
        };
        let validation = match fields.text("validation")? {
            None => None,
            Some(path) => {
                let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
                Some(ValidationFile::parse(&bytes, &path).map_err(|e| e.at(&place))?)
            }
        };
        let strata = take_strata(fields, validation.as_ref())?;
        let policy = Policy::take(fields, HARM)?.unwrap_or_default();
        let margin = Aim::take_margin(fields, 1.0)?;
        Ok(Settings {
            better: margin.map(|_| Better::Lower.name().to_owned()),
            margin,
            sut: fields.text("sut")?.unwrap_or_else(|| "model".into()),
            hazard: fields.text("hazard")?.unwrap_or_else(|| "hazard".into()),
            label: fields.text("label")?,
            scheme,
            against,
            policy,
            validation,
            strata,
            assumed_reference: fields.number("assumed_reference", 0.0, 1.0)?.unwrap_or(0.01),
        })
    }
}
