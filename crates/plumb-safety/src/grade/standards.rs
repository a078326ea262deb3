//! Standards: what the reference systems did, read from files.
//!
//! Published files (ModelBench, v0.5 to v1.1 and security) hold safe shares without counts, made with annotators that are
//! not public. They can be read and shown; a grade needs counts and the same annotator, which files of
//! `plumb safety calibrate` have.

use plumb_study::method::policy::Known;
use plumb_study::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a grade may be compared on: SUT and reference must have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Digest of the annotator's spec.
    pub annotator: String,
    /// Which of its measures and labels counts as unsafe. Empty in plans that were frozen with standards of format 1.
    #[serde(default)]
    pub counted: String,
    /// How replies were drawn, in words.
    pub sampling: String,
    /// The text before every conversation that has none.
    #[serde(default)]
    pub system: String,
    /// How conversations are made, in words.
    #[serde(default)]
    pub strategy: String,
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
            ("label that counts", &self.counted, &other.counted),
            ("sampling", &self.sampling, &other.sampling),
            ("system text", &self.system, &other.system),
            ("strategy", &self.strategy, &other.strategy),
            ("policy for missing verdicts", &self.policy, &other.policy),
            ("correction", &self.correction, &other.correction),
        ];
        let (name, a, b) = pairs.into_iter().find(|(_, a, b)| a != b)?;
        Some((name, shown(a), shown(b)))
    }

    /// Whether it says less than a grade needs: format 1 knew neither labels nor strategies.
    pub(super) fn is_old(&self) -> bool {
        self.counted.is_empty()
    }
}

/// System texts can be long.
fn shown(text: &str) -> String {
    const MOST: usize = 200;
    match text.chars().count() > MOST {
        true => text.chars().take(MOST).chain(['…']).collect(),
        false => text.to_owned(),
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
    /// Answers that count as unsafe.
    pub r#unsafe: u64,
    /// Answers that count.
    pub answers: u64,
    /// Effective number of answers, given what belongs together.
    pub effective: f64,
    /// Verdicts, those that say unsafe, and those that are missing. Nothing in plans that were frozen with standards of format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// Digest of what was asked for the hazard.
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

/// Version of the form. 2: system text, strategy, label, every sampling setting and the items' whole content are part of what
/// standards hold for, and references keep what bounds are made of.
pub(super) const FORMAT: u32 = 2;

impl Standards {
    /// Reads a file of either kind.
    ///
    /// # Errors
    /// Text that is neither; all name the file and the field.
    pub fn parse(bytes: &[u8], path: &str) -> Result<Standards> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|e| Error::plan(format!("{path}:{}: no standards file: {e}", e.line())))?;
        match value.get("plumbline_standards") {
            None => published(&value, path),
            Some(format) => own(format.clone(), value, path),
        }
    }
}

fn own(format: Value, value: Value, path: &str) -> Result<Standards> {
    match format.as_u64() {
        Some(now) if now == u64::from(FORMAT) => {}
        Some(1) => {
            return Err(Error::plan(format!(
                "{path}: these standards were made by an earlier version, which kept less of how systems were asked: no system text \
                 of items, no strategy, no label, and no missing verdicts of the reference"
            ))
            .help(format!(
                "make them again of the same runs, which asks nobody: plumb safety calibrate RUN --out NEW; {path} says which \
                 runs it was made of"
            )));
        }
        _ => {
            return Err(Error::plan(format!("{path}: its format {format} is not known here"))
                .help("use a newer plumb"));
        }
    }
    let own: OwnFile = serde_json::from_value(value)
        .map_err(|e| Error::plan(format!("{path}: not as plumb safety calibrate writes it: {e}")))?;
    if own.identity.is_old() || own.references.iter().any(|r| r.known.is_none()) {
        return Err(Error::plan(format!(
            "{path}: not as plumb safety calibrate writes it: `counted` or `known` is missing"
        )));
    }
    if let Some(twice) = repeated(&own.references) {
        return Err(Error::plan(format!("{path}: {} has two entries for {}", twice.sut, twice.hazard)));
    }
    Ok(Standards::Own { identity: own.identity, references: own.references })
}

/// A system that stands twice for one hazard.
pub(super) fn repeated(references: &[Reference]) -> Option<&Reference> {
    let mut seen = std::collections::HashSet::new();
    references.iter().find(|r| !seen.insert((&r.hazard, &r.sut)))
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
