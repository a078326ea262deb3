//! What labelled answers say of all answers: the share flagged, for how many answers each label stands, and what is truly so.

use super::validated::Truly;
use crate::cli::SafetyValidate as Args;
use crate::exit::Problem;
use plumb_judge::validation::Validation;
use plumb_safety::validate::{Columns, Group, GroupCounts, Joined, SampleDesign, Weighted, strata};
use plumb_stats::{
    BinaryCounts, BinaryRows, LabelledSample, Level, Prior, Priors, Proportion, Share, Stratum, Stream,
    Undefined, VerdictShares, rogan_gladen, rogan_gladen_bayes,
};
use plumb_study::items::Row;

/// The random numbers of a corrected rate; fixed, so that the same table gives the same output.
const SEED: u64 = 1;
/// Draws for a corrected rate.
const DRAWS: usize = 20_000;

/// The share of all answers that is flagged, as it was typed. Without a number of answers so many that the share's error is
/// nothing beside that of the labels.
pub(super) fn typed(args: &Args) -> Result<Option<Share>, Problem> {
    let answers = args.answers.map_or(1e12, |n| n as f64);
    Ok(args.flagged.map(|share| Share::new(share, answers)).transpose()?)
}

/// The same as the judgments say, if more answers have one than a label.
pub(super) fn counted(judgments: &[Row], columns: &Columns, labelled: usize) -> Option<Share> {
    let read = |row: &Row| columns.reads(row.get(&columns.verdict)?);
    let said: Vec<bool> = judgments.iter().filter_map(read).collect();
    let flagged = said.iter().filter(|yes| **yes).count() as u64;
    let share = Proportion::new(flagged, said.len() as u64).ok()?;
    (said.len() > labelled).then(|| share.into())
}

/// What is truly so among all answers, if the share flagged is known: double sampling where the labelled answers were
/// drawn by verdict, the posterior of Rogan and Gladen's model where they were not, whose estimate leaves 0 to 1.
pub(super) fn truly(found: &Validation, flagged: Option<Share>) -> Result<Option<Truly>, Problem> {
    if let Some((_, all)) = &found.among {
        let (estimate, interval) = (all.rate.estimate, all.rate.interval);
        return Ok(Some(Truly { by: "double sampling", estimate, interval }));
    }
    let Some(flagged) = flagged.filter(|_| !found.by_verdict) else { return Ok(None) };
    undisturbed(found, flagged)?;
    let by = "Rogan-Gladen, posterior";
    let counts = found.counts;
    if counts.is_yes() == 0 || counts.is_no() == 0 {
        let none = Undefined::NoData;
        return Ok(Some(Truly { by, estimate: Err(none), interval: Err(none) }));
    }
    // Of a million answers a share is known as well as labels can use it.
    let answers = flagged.trials().min(1e6).round();
    let share = Proportion::new((flagged.rate().unwrap_or(0.0) * answers).round() as u64, answers as u64)?;
    let priors = Priors { rate: Prior::FLAT, recall: Prior::JEFFREYS, specificity: Prior::JEFFREYS };
    let sample = LabelledSample::WithoutRegard(counts);
    let posterior = rogan_gladen_bayes(share, sample, priors, DRAWS, &mut Stream::seeded(SEED))?;
    let formula = rogan_gladen(share.into(), sample, DRAWS, &mut Stream::seeded(SEED))?;
    let interval = match formula {
        Ok(formula) => posterior.interval_with(&formula, Level::P95),
        Err(_) => posterior.interval(Level::P95),
    };
    Ok(Some(Truly { by, estimate: Ok(posterior.estimate), interval }))
}

/// A sample drawn without regard to the verdict has as many flagged as all answers have, but for chance (one in a thousand).
fn undisturbed(found: &Validation, flagged: Share) -> Result<(), Problem> {
    let (Ok(q), all) = (flagged.rate(), flagged.trials()) else { return Ok(()) };
    let (rows, n) = (found.counts.total() as f64, found.clusters as f64);
    if rows == 0.0 {
        return Ok(());
    }
    let own = found.counts.said_yes() as f64 / rows;
    let both = (own * n + q * all) / (n + all);
    let error = (both * (1.0 - both) * (1.0 / n + 1.0 / all)).sqrt();
    if (own - q).abs() <= 3.29 * error {
        return Ok(());
    }
    Err(Problem::usage(format!(
        "{:.1} % of the labelled answers are flagged, but {:.1} % of all: they were not drawn without regard to the verdict",
        100.0 * own,
        100.0 * q
    ))
    .help("--by-verdict, if so many flagged and so many unflagged ones were drawn (--by-verdict=hazard,subject: of each hazard and subject)"))
}

/// What says for how many answers each label stands.
pub(super) struct Drawing<'a> {
    pub judgments: &'a [Row],
    pub joined: &'a Joined,
    pub columns: &'a Columns,
    pub within: &'a [String],
    pub design: SampleDesign,
}

impl Drawing<'_> {
    /// The shares of a group among all its answers; a share that was typed is that of all groups together.
    pub fn shares(&self, group: &Group, typed: Option<Share>) -> Result<Option<VerdictShares>, Problem> {
        if self.design != SampleDesign::ByVerdict {
            return Ok(None);
        }
        let of = group.of.as_ref().map(|(column, level)| (column.as_str(), level.as_str()));
        let found = match (typed, of) {
            (Some(_), Some(_)) => None,
            (Some(flagged), None) => {
                let labels = counts_of(group, None)?.0;
                Some(vec![Stratum { flagged, labels }])
            }
            (None, of) => strata(self.judgments, self.joined, self.columns, self.within, of),
        };
        Ok(found.map(|strata| VerdictShares::of(&strata)).transpose()?)
    }
}

/// A group's table, and its shares with labels that tell as much as their clusters let them.
pub(super) fn counts_of(
    group: &Group,
    shares: Option<VerdictShares>,
) -> Result<(BinaryCounts, Option<VerdictShares>), Problem> {
    let mut rows = BinaryRows::new();
    for row in &group.rows {
        if let Some(verdict) = row.verdict {
            rows.add(row.cluster, verdict, row.truth)?;
        }
    }
    let sums = rows.build()?;
    let (found, missed) = sums.worth()?;
    Ok((sums.counts(), shares.map(|shares| shares.clustered(found, missed)).transpose()?))
}

pub(super) fn kept(
    of: Option<(String, String)>,
    c: BinaryCounts,
    shares: Option<&VerdictShares>,
) -> GroupCounts {
    let (by, level) = of.unzip();
    GroupCounts {
        by,
        level,
        true_yes: c.true_yes,
        false_yes: c.false_yes,
        false_no: c.false_no,
        true_no: c.true_no,
        weighted: shares.map(Weighted::from),
    }
}
