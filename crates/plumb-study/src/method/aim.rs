//! Which way is better, and how much worse is still acceptable: what a plan says of a rate or mean beforehand, so that
//! a later comparison of two runs is held to it (see [`crate::compare`]).

use crate::error::Result;
use crate::fields::Fields;
use crate::plan::{Analysis, Settings};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Larger values are better.
    Higher,
    /// Smaller values are better.
    Lower,
}

impl Better {
    /// Name in plans.
    pub fn name(self) -> &'static str {
        match self {
            Better::Higher => "higher",
            Better::Lower => "lower",
        }
    }

    /// 1 where higher is better, else −1: a difference times this is positive where things got better.
    pub fn sign(self) -> f64 {
        match self {
            Better::Higher => 1.0,
            Better::Lower => -1.0,
        }
    }
}

/// The aim of an analysis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    /// Which way is better.
    pub better: Better,
    /// The non-inferiority margin: a loss smaller than this is acceptable. In the unit of the measure; for rates a
    /// share of one.
    pub margin: Option<f64>,
}

impl Aim {
    /// Takes `better` and `margin` from an analysis' table into its settings. Absent keys leave no trace, so that
    /// plans without them keep their hash.
    pub(super) fn take(fields: &mut Fields, rate: bool, settings: &mut Settings) -> Result<()> {
        let better = fields.choice("better", &[("higher", Better::Higher), ("lower", Better::Lower)])?;
        let margin = Aim::take_margin(fields, if rate { 1.0 } else { 1e9 })?;
        if better.is_none() && margin.is_some() {
            return Err(fields
                .error("`margin` says how much worse is acceptable, but nothing says what is worse")
                .help("add better = \"higher\" or better = \"lower\""));
        }
        if let Some(better) = better {
            settings["better"] = better.name().into();
        }
        if let Some(margin) = margin {
            settings["margin"] = margin.into();
        }
        Ok(())
    }

    /// Takes `margin` alone, for a method that knows which way is better and writes it into its settings as `better`.
    ///
    /// # Errors
    /// A margin that is not above zero, or above `most`.
    pub fn take_margin(fields: &mut Fields, most: f64) -> Result<Option<f64>> {
        match fields.number("margin", 0.0, most)? {
            Some(margin) if margin <= 0.0 => Err(fields
                .error("`margin` must be above zero")
                .help("no loss can be shown to be exactly zero; write the smallest loss that would matter")),
            margin => Ok(margin),
        }
    }

    /// The aim of an analysis, if its plan states one.
    pub fn of(analysis: &Analysis) -> Option<Aim> {
        let better = match analysis.settings.get("better")?.as_str()? {
            "higher" => Better::Higher,
            _ => Better::Lower,
        };
        Some(Aim { better, margin: analysis.settings.get("margin").and_then(serde_json::Value::as_f64) })
    }
}
