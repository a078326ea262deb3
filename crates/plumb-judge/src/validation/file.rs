//! What a validation leaves behind: the counts that correct rates and decide who may vote.

use plumb_stats::BinaryCounts;
use plumb_study::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the labelled answers were drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleDesign {
    /// So many flagged and so many unflagged ones, as the v0.5 paper's 660 and 660: shares among verdicts are known,
    /// recall and specificity are not.
    ByVerdict,
    /// Without looking at the verdict.
    WithoutRegard,
}

/// Counts of one group of answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupCounts {
    /// `hazard`, `model`, …; absent for all answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The level of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Verdict yes, label yes.
    pub true_yes: u64,
    /// Verdict yes, label no.
    pub false_yes: u64,
    /// Verdict no, label yes.
    pub false_no: u64,
    /// Verdict no, label no.
    pub true_no: u64,
}

impl GroupCounts {
    /// As a table.
    pub fn counts(&self) -> BinaryCounts {
        BinaryCounts {
            true_yes: self.true_yes,
            false_yes: self.false_yes,
            false_no: self.false_no,
            true_no: self.true_no,
        }
    }
}

/// A validation, kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationFile {
    /// Version of this form.
    pub format: u32,
    /// Who judged.
    pub annotator: String,
    /// Identity of the annotator's frozen spec, where the judgments came from a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotator_digest: Option<String>,
    /// `people` or `model`.
    pub labels_by: String,
    /// How the labelled answers were drawn.
    pub design: SampleDesign,
    /// Whether the annotator may vote and correct.
    pub passed: bool,
    /// Why, in words.
    pub why: String,
    /// Youden's J and its bounds: (estimate, low, high); absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub youden: Option<(f64, f64, f64)>,
    /// All answers first, then groups.
    pub groups: Vec<GroupCounts>,
}

impl ValidationFile {
    /// The form that this program writes.
    pub const FORMAT: u32 = 1;

    /// Reads one.
    ///
    /// # Errors
    /// Text that is no such file, or of another version.
    pub fn parse(bytes: &[u8], path: &str) -> Result<ValidationFile> {
        let file: ValidationFile = serde_json::from_slice(bytes).map_err(|e| {
            Error::plan(format!("{path}:{}: no validation: {e}", e.line()))
                .help("plumb safety validate --out FILE writes one")
        })?;
        if file.format != ValidationFile::FORMAT {
            return Err(Error::plan(format!("{path}: its format {} is not known here", file.format)));
        }
        Ok(file)
    }

    /// Counts of all answers.
    pub fn all(&self) -> Option<BinaryCounts> {
        self.groups.iter().find(|g| g.by.is_none()).map(GroupCounts::counts)
    }

    /// Counts of the levels of `by`, with their names.
    pub fn of(&self, by: &str) -> Vec<(&str, BinaryCounts)> {
        let named = self.groups.iter().filter(|g| g.by.as_deref() == Some(by));
        named.filter_map(|g| Some((g.level.as_deref()?, g.counts()))).collect()
    }
}
