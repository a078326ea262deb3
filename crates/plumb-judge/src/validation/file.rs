//! What a validation leaves behind: the counts that correct rates and decide who may vote.

use super::Roc;
use plumb_stats::{BinaryCounts, Proportion, Share, VerdictShares};
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

/// What a sample drawn by verdict says of all answers of a group: rates, and of how many labels that stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Truly yes among the flagged.
    pub found: (f64, f64),
    /// Truly yes among the unflagged.
    pub missed: (f64, f64),
}

impl From<&VerdictShares> for Weighted {
    fn from(shares: &VerdictShares) -> Weighted {
        let of = |share: Share| (share.rate().unwrap_or(0.0), share.trials());
        Weighted { found: of(shares.found), missed: of(shares.missed) }
    }
}

/// Counts of one group of answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Of a sample drawn by verdict within strata: what its labels say, each standing for as many answers as its stratum has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighted: Option<Weighted>,
}

impl GroupCounts {
    /// The two shares that a design tells: of the truly yes among flagged and unflagged answers, or recall and specificity.
    pub fn shares(&self, design: SampleDesign) -> Option<[Share; 2]> {
        let c = self.counts();
        let of = |x, n| Proportion::new(x, n).ok().map(Share::from);
        let weighted = |(rate, labels): (f64, f64)| Share::new(rate, labels).ok();
        let [a, b] = match (design, self.weighted) {
            (SampleDesign::ByVerdict, Some(w)) => [weighted(w.found), weighted(w.missed)],
            (SampleDesign::ByVerdict, None) => [of(c.true_yes, c.said_yes()), of(c.false_no, c.said_no())],
            (SampleDesign::WithoutRegard, _) => [of(c.true_yes, c.is_yes()), of(c.true_no, c.is_no())],
        };
        Some([a?, b?])
    }

    /// Labels of the two kinds that a design needs: flagged and unflagged, or truly yes and truly no.
    pub fn kinds(&self, design: SampleDesign) -> [u64; 2] {
        let c = self.counts();
        match design {
            SampleDesign::ByVerdict => [c.said_yes(), c.said_no()],
            SampleDesign::WithoutRegard => [c.is_yes(), c.is_no()],
        }
    }

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
    /// Who judged: the name of the measure, or of the column.
    pub annotator: String,
    /// Identity of the annotator's frozen spec, where the judgments came from a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotator_digest: Option<String>,
    /// The verdicts that count as a yes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yes: Vec<String>,
    /// `people` or `model`.
    pub labels_by: String,
    /// How the labelled answers were drawn.
    pub design: SampleDesign,
    /// Columns within whose levels they were drawn by verdict; empty where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn_within: Vec<String>,
    /// Whether the annotator may vote and correct.
    pub passed: bool,
    /// Why, in words.
    pub why: String,
    /// Youden's J and its bounds: (estimate, low, high); absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub youden: Option<(f64, f64, f64)>,
    /// The curve of its score, where the judge has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc: Option<Roc>,
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

    /// Whether it speaks of this judge: of the measure `name` of the judge whose frozen spec has this digest.
    ///
    /// # Errors
    /// What differs or is not told, and how to mend it.
    pub fn speaks_of(&self, name: &str, digest: &str) -> std::result::Result<(), Foreign> {
        speaks_of(&self.annotator, self.annotator_digest.as_deref(), name, digest)
    }

    /// All answers together.
    pub fn all(&self) -> Option<&GroupCounts> {
        self.groups.iter().find(|g| g.by.is_none())
    }

    /// The levels of `by`, with their names.
    pub fn of(&self, by: &str) -> Vec<(&str, &GroupCounts)> {
        let named = self.groups.iter().filter(|g| g.by.as_deref() == Some(by));
        named.filter_map(|g| Some((g.level.as_deref()?, g))).collect()
    }
}

/// Why a validation does not speak of a judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// In words, of the validation.
    pub why: String,
    /// How to mend it.
    pub help: String,
}

/// Whether a validation of the measure `called`, of a judge with the digest `of`, speaks of the judge of `name` and `digest`.
pub(crate) fn speaks_of(
    called: &str,
    of: Option<&str>,
    name: &str,
    digest: &str,
) -> std::result::Result<(), Foreign> {
    let why = match of {
        None => format!(
            "nothing in it tells which judge it is of (it was made from a table or from counts, of \"{called}\")"
        ),
        Some(_) if called != name => format!("it is of {called}, not of {name}"),
        Some(of) if of != digest => {
            "its template, model or settings have changed since it was validated".to_owned()
        }
        Some(_) => return Ok(()),
    };
    let help = format!(
        "hold {name} against labels of its own run: plumb safety validate --judgments RUN --verdict {name} …"
    );
    Err(Foreign { why, help })
}
