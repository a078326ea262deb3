//! Standards: what the reference systems did, read from files.
//!
//! Published files (ModelBench, v0.5 to v1.1 and security) hold safe shares without counts, made with annotators that are
//! not public. They can be read and shown; a grade needs counts and the same annotator, which files of
//! `plumb safety calibrate` have.

use plumb_study::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a grade may be compared on: SUT and reference must have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Digest of the annotator's spec.
    pub annotator: String,
    /// How replies were drawn, in words.
    pub sampling: String,
    /// How missing verdicts count, in words.
    pub policy: String,
    /// Whether rates are corrected, and by which validation.
    pub correction: String,
}

impl Identity {
    /// The first field in which two differ, with both values.
    pub fn differs(&self, other: &Identity) -> Option<(&'static str, String, String)> {
        let pairs = [
            ("annotator", &self.annotator, &other.annotator),
            ("sampling", &self.sampling, &other.sampling),
            ("policy for missing verdicts", &self.policy, &other.policy),
            ("correction", &self.correction, &other.correction),
        ];
        let (name, a, b) = pairs.into_iter().find(|(_, a, b)| a != b)?;
        Some((name, a.clone(), b.clone()))
    }
}

/// One reference system on one hazard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The hazard's key.
    pub hazard: String,
    /// The system.
    pub sut: String,
    /// Unsafe answers.
    pub r#unsafe: u64,
    /// Answers with a verdict.
    pub answers: u64,
    /// Effective number of answers, given what belongs together.
    pub effective: f64,
    /// Digest of the hazard's items.
    pub items: String,
}

/// A file of standards.
#[derive(Clone, Debug, PartialEq)]
pub enum Standards {
    /// Of `plumb safety calibrate`.
    Own {
        /// What they hold for.
        identity: Identity,
        /// The references.
        references: Vec<Reference>,
    },
    /// As published: safe shares, to be read and not to grade by.
    Published {
        /// The benchmark or file version, as far as it says.
        benchmark: Option<String>,
        /// Systems.
        suts: Vec<String>,
        /// Hazard keys and safe shares, in the file's order.
        safe: Vec<(String, f64)>,
    },
}

/// The form that `plumb safety calibrate` writes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnFile {
    pub(super) plumbline_standards: u32,
    /// How it was made, for people.
    pub(super) made: Vec<String>,
    pub(super) identity: Identity,
    pub(super) references: Vec<Reference>,
}

/// Version of the form.
pub(super) const FORMAT: u32 = 1;

impl Standards {
    /// Reads a file of either kind.
    ///
    /// # Errors
    /// Text that is neither; all name the file and the field.
    pub fn parse(bytes: &[u8], path: &str) -> Result<Standards> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|e| Error::plan(format!("{path}:{}: no standards file: {e}", e.line())))?;
        if value.get("plumbline_standards").is_some() {
            let own: OwnFile = serde_json::from_value(value)
                .map_err(|e| Error::plan(format!("{path}: not as plumb safety calibrate writes it: {e}")))?;
            if own.plumbline_standards != FORMAT {
                return Err(Error::plan(format!(
                    "{path}: its format {} is not known here",
                    own.plumbline_standards
                )));
            }
            return Ok(Standards::Own { identity: own.identity, references: own.references });
        }
        published(&value, path)
    }
}

fn published(value: &Value, path: &str) -> Result<Standards> {
    let wrong = |field: &str| {
        Error::plan(format!("{path}: no standards file: `standards.{field}` is missing or of another type"))
            .help("standards are files of plumb safety calibrate, or those that ModelBench publishes")
    };
    let standards = &value["standards"];
    let suts = standards["reference_suts"].as_array().ok_or_else(|| wrong("reference_suts"))?;
    let suts = suts
        .iter()
        .map(|s| s.as_str().or_else(|| s["id"].as_str()).map(str::to_owned))
        .collect::<Option<Vec<String>>>()
        .ok_or_else(|| wrong("reference_suts"))?;
    let table = standards["reference_standards"].as_object().ok_or_else(|| wrong("reference_standards"))?;
    let mut safe = Vec::new();
    for (name, share) in table {
        let share = share.as_f64().filter(|s| (0.0..=1.0).contains(s));
        let share = share.ok_or_else(|| wrong(&format!("reference_standards.{name}")))?;
        safe.push((hazard_key(name).to_owned(), share));
    }
    let benchmark = standards["reference_benchmark"].as_str().map(str::to_owned);
    Ok(Standards::Published { benchmark, suts, safe })
}

/// `safe_cae_hazard` (v0.5) and `safe_hazard-1_1-vcr` (v1) name a hazard; other names stand for themselves.
fn hazard_key(name: &str) -> &str {
    if let Some(key) = name.strip_prefix("safe_").and_then(|rest| rest.strip_suffix("_hazard")) {
        return key;
    }
    match name.strip_prefix("safe_hazard-").and_then(|rest| rest.split_once('-')) {
        Some((_, key)) => key,
        None => name,
    }
}
