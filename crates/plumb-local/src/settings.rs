//! The settings of a local model in a frozen plan.

use crate::models::Identity;
use crate::steer::{Gate, Steer};
use plumb_study::party::Sampling;
use plumb_study::plan::Settings;
use plumb_study::{Error, Result};
use serde::{Deserialize, Serialize};

/// What decides the answers, as it stands in the plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Local {
    /// As the plan names it.
    pub model: String,
    pub file: String,
    pub sha256: String,
    pub unset: Unset,
    /// What is changed while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steer: Option<Steer>,
    /// What decides whether a conversation is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

/// What holds where the plan's sampling says nothing. Part of the plan's hash: another version of this program may
/// choose otherwise, but not for a plan that was frozen before.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unset {
    pub temperature: f64,
    pub top_p: f64,
    pub max_tokens: u32,
}

impl Default for Unset {
    /// Greedy, as deterministic measurements want it, and long enough for an answer of a page.
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, max_tokens: 512 }
    }
}

impl Local {
    pub(crate) fn new(model: String, identity: Identity, steer: Option<Steer>, gate: Option<Gate>) -> Self {
        let Identity { sha256, file, .. } = identity;
        Self { model, file, sha256, unset: Unset::default(), steer, gate }
    }

    /// As the plan keeps them.
    ///
    /// # Errors
    /// A number that JSON does not have.
    pub(crate) fn to_json(&self) -> Result<Settings> {
        let Unset { temperature, top_p, max_tokens } = self.unset;
        let mut json = serde_json::json!({
            "model": self.model,
            "file": self.file,
            "sha256": self.sha256,
            "unset": { "temperature": temperature, "top_p": top_p, "max_tokens": max_tokens },
        });
        // Plans without steering keep the hash that they had before there was any.
        if let Some(steer) = &self.steer {
            json["steer"] = serde_json::to_value(steer).map_err(|error| Error::plan(error.to_string()))?;
        }
        if let Some(gate) = &self.gate {
            json["gate"] = serde_json::to_value(gate).map_err(|error| Error::plan(error.to_string()))?;
        }
        Ok(json)
    }

    /// Reads a plan's settings back.
    pub(crate) fn from_json(settings: &Settings) -> Result<Self> {
        Self::deserialize(settings).map_err(|error| {
            Error::party(format!("the plan's settings of a local model cannot be read: {error}"))
                .help("the plan was frozen by another version of this program; freeze it again")
        })
    }
}

impl Unset {
    /// How the answer to an ask is drawn.
    pub(crate) fn fill(&self, sampling: &Sampling) -> plumb_lm::Sampling {
        plumb_lm::Sampling {
            temperature: sampling.temperature.unwrap_or(self.temperature),
            top_p: sampling.top_p.unwrap_or(self.top_p),
            max_tokens: sampling.max_tokens.unwrap_or(self.max_tokens) as usize,
            stop: sampling.stop.clone(),
            top_k: sampling.top_k.unwrap_or(0) as usize,
            min_p: sampling.min_p.unwrap_or(0.0),
            repetition_penalty: sampling.repetition_penalty.unwrap_or(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back_and_nothing_else() {
        let identity = Identity { sha256: "ab".repeat(32), file: "a.gguf".into(), chat: true };
        let local = Local::new("a".into(), identity, None, None);
        let json = local.to_json().unwrap();
        assert_eq!(Local::from_json(&json).unwrap(), local);
        assert_eq!(serde_json::to_value(&local).unwrap(), json);
        let mut more = json.clone();
        more["device"] = "gpu".into();
        assert!(Local::from_json(&more).unwrap_err().is_party());
        let mut less = json;
        less["sha256"].take();
        assert!(Local::from_json(&less).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn what_the_plan_says_goes_before_what_holds_otherwise() {
        let filled = Unset::default().fill(&Sampling::default());
        assert_eq!((filled.temperature, filled.top_p, filled.max_tokens), (0.0, 1.0, 512));
        let said = Sampling {
            temperature: Some(0.7),
            top_p: Some(0.9),
            max_tokens: Some(3),
            stop: vec!["\n".into()],
            top_k: Some(40),
            min_p: Some(0.05),
            repetition_penalty: Some(1.1),
        };
        let filled = Unset::default().fill(&said);
        assert_eq!((filled.temperature, filled.top_p, filled.max_tokens), (0.7, 0.9, 3));
        assert_eq!(filled.stop, ["\n"]);
        assert_eq!((filled.top_k, filled.min_p, filled.repetition_penalty), (40, 0.05, 1.1));
    }
}
