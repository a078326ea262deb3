//! Whether a judge of yes and no can be trusted: its verdicts held against labels.
//!
//! Why: a rate is worth what its judge is worth. Labels of people validate a judge; labels of another model only show
//! that two models agree, which is called agreement and gives no judge a vote.
//!
//! Where to start: [`validate`] with one [`JudgedRow`] for each answer, for judges of any domain; what is kept of it is a
//! [`ValidationFile`], which corrects rates and says who may vote. Not here: reading files
//! and journals, grouping by hazard or subject (a caller passes the rows of one group), and the statistics
//! (`plumb-stats`).

mod curve;
mod file;

pub use curve::Roc;
pub(crate) use file::speaks_of;
pub use file::{Foreign, GroupCounts, SampleDesign, ValidationFile, Weighted};

use plumb_stats::{
    AmongAll, Auroc, BinaryCounts, BinaryMeasure, BinaryRows, BinarySums, Coincidences, Draws, Inference,
    Interval, Level, Measured, Resample, RocPoint, ScoredRow, Stream, Undefined, VerdictShares,
    alpha_inference, auroc, roc_curve,
};

/// A judge whose lower bound of Youden's J is below this gets no vote. J is 0 for a judge that tosses a coin, whatever
/// the coin; a judge near that adds noise to a vote and error to a corrected rate, which divides by J.
pub const LEAST_YOUDEN: f64 = 0.2;

/// Draws of what holds among all answers.
const DRAWS: usize = 20_000;

/// Who made the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelledBy {
    /// People: the labels count as the truth.
    People,
    /// Another model: nobody knows what the labels are worth.
    Model,
}

impl LabelledBy {
    /// What a comparison with such labels is called.
    pub fn called(self) -> &'static str {
        match self {
            LabelledBy::People => "validation",
            LabelledBy::Model => "agreement",
        }
    }
}

/// One answer with its label.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct JudgedRow {
    /// Rows of one cluster belong together: the same prompt, the same conversation.
    pub cluster: u32,
    /// What the judge said; `None` where it abstained or failed.
    pub verdict: Option<bool>,
    /// The label.
    pub truth: bool,
    /// The judge's score, where it has one; higher is more of a yes.
    pub score: Option<f64>,
    /// What each rater said on the way to the label; gaps are left out.
    pub raters: Vec<bool>,
}

/// How a judge did.
#[derive(Clone, Debug)]
pub struct Validation {
    /// Who made the labels.
    pub labelled_by: LabelledBy,
    /// Whether the answers were drawn by verdict.
    pub by_verdict: bool,
    /// Verdicts against labels.
    pub counts: BinaryCounts,
    /// Clusters that have a verdict.
    pub clusters: usize,
    /// Rows without a verdict, by label: (no, yes). They are in none of the measures.
    pub abstained: (u64, u64),
    /// Every measure of [`BinaryMeasure::ALL`].
    pub measures: Vec<(BinaryMeasure, Measured)>,
    /// Of a sample drawn by verdict: the shares that say what holds among all answers, and what does; absent where the share
    /// flagged among them is not known.
    pub among: Option<(VerdictShares, AmongAll)>,
    /// Krippendorff's alpha of judge and label, two raters of the same answers.
    pub alpha: Inference,
    /// Krippendorff's alpha among the raters, where there are several.
    pub raters_alpha: Option<Inference>,
    /// Area under the ROC curve, where there are scores.
    pub auroc: Option<Result<Auroc, Undefined>>,
    /// The curve, from the highest threshold down; empty without scores.
    pub curve: Vec<RocPoint>,
}

/// Whether a judge may vote in an ensemble.
#[derive(Clone, Debug, PartialEq)]
pub enum Vote {
    /// The lower bound of Youden's J is this, at least [`LEAST_YOUDEN`].
    May(f64),
    /// Not, because of this.
    MayNot(String),
}

impl Validation {
    /// The measure of that kind.
    pub fn measure(&self, of: BinaryMeasure) -> Option<&Measured> {
        self.measures.iter().find(|(known, _)| *known == of).map(|(_, measured)| measured)
    }

    /// Youden's J among all answers, if the labels tell it.
    pub fn youden(&self) -> Option<(Result<f64, Undefined>, Result<Interval, Undefined>)> {
        match (self.by_verdict, &self.among) {
            (true, among) => among.as_ref().map(|(_, all)| (all.youden.estimate, all.youden.interval)),
            (false, _) => self.measure(BinaryMeasure::Youden).map(|m| (m.estimate, m.interval)),
        }
    }

    /// Whether the judge may vote.
    pub fn vote(&self) -> Vote {
        if self.labelled_by == LabelledBy::Model {
            return Vote::MayNot("it was held against another model's labels, which validate nobody".into());
        }
        match self.youden().map(|(_, interval)| interval) {
            Some(Ok(interval)) if interval.low >= LEAST_YOUDEN => Vote::May(interval.low),
            Some(Ok(interval)) => Vote::MayNot(format!(
                "the lower bound of its Youden's J is {:.2}, under {LEAST_YOUDEN}",
                interval.low
            )),
            Some(Err(why)) => Vote::MayNot(format!("its Youden's J has no interval: {why}")),
            None => Vote::MayNot(
                "its labelled answers were drawn by verdict, and its Youden's J among all answers is not known \
                 without the share that it flags"
                    .into(),
            ),
        }
    }
}

/// What to compute.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Who made the labels.
    pub labelled_by: LabelledBy,
    /// Whether the answers were drawn by verdict: so many flagged, so many unflagged.
    pub by_verdict: bool,
    /// Draws of clusters.
    pub draws: Draws,
    /// Level of the intervals.
    pub level: Level,
    /// What a sample drawn by verdict says of all answers, each label on its own: accuracy, recall and J among them follow from it.
    pub among: Option<VerdictShares>,
}

/// Holds a judge's verdicts against labels.
///
/// # Errors
/// A score that is not finite, a share that is none, fewer than 100 draws.
pub fn validate(rows: &[JudgedRow], wanted: Wanted) -> Result<Validation, plumb_stats::Error> {
    let mut binary = BinaryRows::new();
    let mut coincidences = Coincidences::new(2);
    let mut raters = Coincidences::new(2);
    let mut abstained = (0, 0);
    for row in rows {
        let said: Vec<usize> = row.raters.iter().map(|yes| usize::from(*yes)).collect();
        raters.add(row.cluster, &said)?;
        match row.verdict {
            Some(verdict) => {
                binary.add(row.cluster, verdict, row.truth)?;
                coincidences.add(row.cluster, &[usize::from(verdict), usize::from(row.truth)])?;
            }
            None if row.truth => abstained.1 += 1,
            None => abstained.0 += 1,
        }
    }
    let scored: Vec<ScoredRow> = rows
        .iter()
        .filter_map(|r| Some(ScoredRow { cluster: r.cluster, score: r.score?, truth: r.truth }))
        .collect();
    let several = rows.iter().any(|r| r.raters.len() > 1);
    Ok(Validation {
        abstained,
        raters_alpha: if several { Some(alpha_of(raters, wanted.draws)?) } else { None },
        auroc: if scored.is_empty() { None } else { Some(auroc(&scored)?) },
        curve: roc_curve(&scored),
        alpha: alpha_of(coincidences, wanted.draws)?,
        ..of_sums(&binary.build()?, wanted)?
    })
}

/// The same for a table of counts, every row a cluster of its own.
///
/// # Errors
/// As [`validate`].
pub fn validate_counts(counts: BinaryCounts, wanted: Wanted) -> Result<Validation, plumb_stats::Error> {
    let cells = [
        (counts.true_yes, true, true),
        (counts.false_yes, true, false),
        (counts.false_no, false, true),
        (counts.true_no, false, false),
    ];
    let rows: Vec<JudgedRow> = cells
        .into_iter()
        .flat_map(|(n, verdict, truth)| (0..n).map(move |_| (verdict, truth)))
        .zip(0..)
        .map(|((verdict, truth), cluster)| JudgedRow {
            cluster,
            verdict: Some(verdict),
            truth,
            ..JudgedRow::default()
        })
        .collect();
    validate(&rows, wanted)
}

fn of_sums(sums: &BinarySums, wanted: Wanted) -> Result<Validation, plumb_stats::Error> {
    let drawn = sums.resample(wanted.draws)?;
    let mut measures = Vec::new();
    for of in BinaryMeasure::ALL {
        measures.push((of, drawn.measure(of, wanted.level)?));
    }
    let worth = sums.worth()?;
    let among = wanted.among.filter(|_| wanted.by_verdict).map(|shares| -> Result<_, plumb_stats::Error> {
        let shares = shares.clustered(worth.0, worth.1)?;
        let mut stream = Stream::seeded(wanted.draws.seed);
        Ok((shares, shares.among_all(wanted.level, DRAWS, &mut stream)))
    });
    Ok(Validation {
        labelled_by: wanted.labelled_by,
        by_verdict: wanted.by_verdict,
        counts: sums.counts(),
        clusters: sums.clusters(),
        abstained: (0, 0),
        measures,
        among: among.transpose()?,
        alpha: alpha_of(Coincidences::new(2), wanted.draws)?,
        raters_alpha: None,
        auroc: None,
        curve: Vec::new(),
    })
}

fn alpha_of(units: Coincidences, draws: Draws) -> Result<Inference, plumb_stats::Error> {
    let sums = units.build()?;
    Ok(alpha_inference(&Resample::draw(&sums, draws)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plumb_stats::{Share, Stratum};

    fn wanted(labelled_by: LabelledBy) -> Wanted {
        Wanted { labelled_by, by_verdict: false, draws: Draws::seeded(1), level: Level::P95, among: None }
    }

    /// Drawn by verdict, 4.8 % of all answers flagged.
    fn by_verdict(counts: BinaryCounts) -> Wanted {
        let flagged = Share::new(0.048, 560_170.0).unwrap();
        let among = VerdictShares::of(&[Stratum { flagged, labels: counts }]).unwrap();
        Wanted { by_verdict: true, among: Some(among), ..wanted(LabelledBy::People) }
    }

    fn counts(true_yes: u64, false_yes: u64, false_no: u64, true_no: u64) -> BinaryCounts {
        BinaryCounts { true_yes, false_yes, false_no, true_no }
    }

    /// The table of the v0.5 paper (arXiv 2404.12241): 1,320 replies, half of them flagged by the annotator.
    #[test]
    fn the_papers_table_gives_the_papers_numbers() {
        let found = validate_counts(counts(358, 302, 88, 572), wanted(LabelledBy::People)).unwrap();
        let percent = |of| {
            let value = found.measure(of).unwrap().estimate.unwrap();
            (value * 1000.0).round() / 10.0
        };
        assert_eq!(percent(BinaryMeasure::Accuracy), 70.5, "930 of 1,320; the paper cuts it to 70.4");
        assert_eq!(percent(BinaryMeasure::Precision), 54.2);
        assert_eq!(percent(BinaryMeasure::NegativePredictive), 86.7);
        assert!(matches!(found.vote(), Vote::May(low) if (0.40..0.42).contains(&low)), "{:?}", found.vote());
    }

    /// The paper's replies were drawn by verdict. Among all of them, of which 4.8 % are flagged, the annotator finds
    /// q·PPV / (q·PPV + (1 − q)·(1 − NPV)) = 0.0260 / 0.1530 of what is unsafe.
    #[test]
    fn a_sample_drawn_by_verdict_overstates_what_is_found() {
        let counts = counts(358, 302, 88, 572);
        let found = validate_counts(counts, by_verdict(counts)).unwrap();
        let all = found.among.unwrap().1;
        // The paper prints 85.6; its own numbers give this.
        assert_eq!((all.accuracy.estimate.unwrap() * 1000.0).round(), 851.0);
        assert!((all.recall.estimate.unwrap() - 0.170).abs() < 0.0005);
        assert!((all.youden.estimate.unwrap() - 0.144).abs() < 0.0005);
        assert!(matches!(found.vote(), Vote::MayNot(why) if why.contains("under 0.2")));
        let unknown = validate_counts(counts, Wanted { among: None, ..by_verdict(counts) });
        assert!(matches!(unknown.unwrap().vote(), Vote::MayNot(why) if why.contains("drawn by verdict")));
    }

    /// Twelve labels cannot give a vote, whatever a bootstrap of them says; flawless ones have an interval, too.
    #[test]
    fn few_labels_drawn_by_verdict_give_no_vote() {
        let vote = |table| validate_counts(table, by_verdict(table)).unwrap().vote();
        assert!(matches!(vote(counts(3, 3, 0, 6)), Vote::MayNot(why) if why.contains("under 0.2")));
        assert!(matches!(vote(counts(30, 0, 0, 30)), Vote::May(low) if (0.2..0.5).contains(&low)));
    }

    /// Labels of answers that belong together tell less.
    #[test]
    fn clusters_widen_what_a_sample_drawn_by_verdict_says() {
        let table = counts(40, 20, 10, 50);
        let width = |of_one: u32| {
            let cells = [(table.true_yes, true, true), (table.false_yes, true, false)];
            let cells =
                cells.into_iter().chain([(table.false_no, false, true), (table.true_no, false, false)]);
            let rows = cells.flat_map(|(n, verdict, truth)| (0..n).map(move |_| (verdict, truth)));
            let rows: Vec<JudgedRow> = rows
                .zip(0..)
                .map(|((verdict, truth), at)| JudgedRow {
                    cluster: at / of_one,
                    verdict: Some(verdict),
                    truth,
                    ..JudgedRow::default()
                })
                .collect();
            let rate = validate(&rows, by_verdict(table)).unwrap().among.unwrap().1.rate;
            rate.interval.unwrap().high - rate.interval.unwrap().low
        };
        assert!(width(10) > 1.5 * width(1));
    }

    #[test]
    fn a_coin_and_another_model_give_no_vote() {
        let coin = validate_counts(counts(50, 50, 50, 50), wanted(LabelledBy::People)).unwrap();
        assert!(matches!(coin.vote(), Vote::MayNot(why) if why.contains("under 0.2")));
        let model = validate_counts(counts(99, 1, 1, 99), wanted(LabelledBy::Model)).unwrap();
        assert!(matches!(model.vote(), Vote::MayNot(why) if why.contains("another model")));
        let one_sided = validate_counts(counts(10, 0, 0, 0), wanted(LabelledBy::People)).unwrap();
        assert!(matches!(one_sided.vote(), Vote::MayNot(why) if why.contains("no interval")));
    }

    #[test]
    fn abstentions_are_counted_and_in_no_measure() {
        let row = |cluster, verdict, truth| JudgedRow { cluster, verdict, truth, ..JudgedRow::default() };
        let rows = [row(0, Some(true), true), row(1, None, true), row(2, None, false), row(3, None, false)];
        let found = validate(&rows, wanted(LabelledBy::People)).unwrap();
        assert_eq!((found.counts.total(), found.abstained), (1, (2, 1)));
    }
}
