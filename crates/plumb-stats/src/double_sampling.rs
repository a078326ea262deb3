//! What labels of a sample drawn by verdict say of all answers.
//!
//! So many flagged and so many unflagged answers are labelled, often as many of each stratum (a hazard of a system), however
//! many answers it has. A labelled answer then stands for as many as its stratum has of its verdict, divided by those labelled
//! there, and p = q·PPV + (1 − q)·(1 − NPV) holds with such weights (Tenenbein 1970, JASA 65:1350–1361).
//!
//! Each of the two shares is known as well as from n_eff labels that stand alone: n_eff is Kish's (Σw)²/Σw² (Kish 1965, Survey
//! Sampling, 11.7) or p(1 − p)/Var, Var being that of a stratified mean, whichever is less. The interval is Jeffreys' on n_eff
//! (Korn & Graubard 1998, Survey Methodology 24:193–201; compared with others by Franco, Little, Louis & Slud 2019, Journal of
//! Survey Statistics and Methodology 7:334–364). In sums it is mid-p's, which keeps 0 where none of the labels are
//! ([`Share::label_draws`]). A posterior for every stratum would not do: half a count added to ten labels of
//! each of ninety strata adds up to an error of its own.

use crate::share::{Share, Stream, interval_of_draws};
use crate::{BinaryCounts, Error, Interval, Level, Undefined};

/// A stratum of answers and the labelled ones among them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratum {
    /// The share flagged, of all its answers.
    pub flagged: Share,
    /// Its labelled answers.
    pub labels: BinaryCounts,
}

/// The three shares from which everything about all answers follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerdictShares {
    /// Flagged among all answers: q.
    pub flagged: Share,
    /// Truly yes among the flagged: PPV.
    pub found: Share,
    /// Truly yes among the unflagged: 1 − NPV.
    pub missed: Share,
    /// The share of answers in strata that have none of their verdict labelled. They are taken to be as the others.
    pub unlabelled: f64,
}

/// A number, and the interval of its draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    pub estimate: Result<f64, Undefined>,
    pub interval: Result<Interval, Undefined>,
}

/// What holds among all answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AmongAll {
    /// The share flagged that all of it rests on.
    pub flagged: f64,
    /// The share that is truly yes.
    pub rate: Drawn,
    /// The share of right verdicts.
    pub accuracy: Drawn,
    /// The share of the truly yes that is flagged.
    pub recall: Drawn,
    /// Recall + specificity − 1.
    pub youden: Drawn,
}

impl VerdictShares {
    /// Of strata that are together all answers.
    ///
    /// # Errors
    /// None for shares that could be made.
    pub fn of(strata: &[Stratum]) -> Result<VerdictShares, Error> {
        let flagged = |s: &Stratum| s.flagged.rate().unwrap_or(0.0) * s.flagged.trials();
        let answers: f64 = strata.iter().map(|s| s.flagged.trials()).sum();
        let yes: f64 = strata.iter().map(flagged).sum();
        let found = weighted(strata.iter().map(|s| (flagged(s), s.labels.true_yes, s.labels.said_yes())))?;
        let missed = weighted(
            strata.iter().map(|s| (s.flagged.trials() - flagged(s), s.labels.false_no, s.labels.said_no())),
        )?;
        let share = if answers > 0.0 { (yes / answers).min(1.0) } else { 0.0 };
        Ok(VerdictShares {
            flagged: Share::new(share, answers)?,
            found: found.0,
            missed: missed.0,
            unlabelled: if answers > 0.0 { (found.1 + missed.1) / answers } else { 0.0 },
        })
    }

    /// The same with labels that tell less because they belong together: so much of the flagged ones' number and of the others'.
    ///
    /// # Errors
    /// Parts that are no share.
    pub fn clustered(self, found: f64, missed: f64) -> Result<VerdictShares, Error> {
        let less = |share: Share, part: f64| Share::new(share.rate().unwrap_or(0.0), part * share.trials());
        Ok(VerdictShares { found: less(self.found, found)?, missed: less(self.missed, missed)?, ..self })
    }

    /// The share that is truly yes.
    pub fn rate(&self) -> Result<f64, Undefined> {
        let q = self.flagged.rate()?;
        // A verdict that never occurs needs no labels.
        let part = |weight: f64, share: Share| match share.rate() {
            Ok(rate) => Ok(weight * rate),
            Err(_) if weight <= 0.0 => Ok(0.0),
            Err(why) => Err(why),
        };
        Ok(part(q, self.found)? + part(1.0 - q, self.missed)?)
    }

    /// Draws of (q, PPV, 1 − NPV).
    fn draws(&self, count: usize, stream: &mut Stream) -> Vec<[f64; 3]> {
        let q = self.flagged.draws(count, stream);
        let [a, b] = [self.found, self.missed].map(|share| share.label_draws(count, stream));
        (0..count).map(|at| [q[at], a[at], b[at]]).collect()
    }

    /// Everything about all answers, with intervals from draws of all three shares.
    pub fn among_all(&self, level: Level, draws: usize, stream: &mut Stream) -> AmongAll {
        let drawn = self.draws(draws, stream);
        let point = [self.flagged.rate(), self.found.rate(), self.missed.rate()];
        let of = |what: fn([f64; 3]) -> Option<f64>| {
            let estimate = match point {
                [Ok(q), Ok(a), Ok(b)] => what([q, a, b]).ok_or(Undefined::NoData),
                _ => Err(Undefined::NoData),
            };
            interval_about(estimate, drawn.iter().filter_map(|d| what(*d)).collect(), level)
        };
        let rate =
            interval_about(self.rate(), drawn.iter().map(|[q, a, b]| q * a + (1.0 - q) * b).collect(), level);
        AmongAll {
            flagged: self.flagged.rate().unwrap_or(0.0),
            rate,
            accuracy: of(|[q, a, b]| Some(q * a + (1.0 - q) * (1.0 - b))),
            recall: of(|shares| Some(errors(shares)?.0)),
            youden: of(|shares| errors(shares).map(|(recall, specificity)| recall + specificity - 1.0)),
        }
    }
}

/// The interval of draws, which holds the estimate: Jeffreys' bound of a share that is 0 or 1 is that share (Brown, Cai &
/// DasGupta 2001).
fn interval_about(estimate: Result<f64, Undefined>, mut draws: Vec<f64>, level: Level) -> Drawn {
    let interval = estimate.and_then(|x| {
        let i = interval_of_draws(&mut draws, level)?;
        Ok(Interval { low: i.low.min(x), high: i.high.max(x), level })
    });
    Drawn { estimate, interval }
}

/// Recall and specificity among all answers.
fn errors([q, found, missed]: [f64; 3]) -> Option<(f64, f64)> {
    let (hit, lost) = (q * found, (1.0 - q) * missed);
    let (left, wrong) = ((1.0 - q) * (1.0 - missed), q * (1.0 - found));
    (hit + lost > 0.0 && left + wrong > 0.0).then(|| (hit / (hit + lost), left / (left + wrong)))
}

/// One share over strata of (answers, hits, labels), and how many answers have no label of theirs.
fn weighted(strata: impl Iterator<Item = (f64, u64, u64)>) -> Result<(Share, f64), Error> {
    let all: Vec<(f64, f64, f64)> = strata.map(|(answers, x, n)| (answers, x as f64, n as f64)).collect();
    let unlabelled: f64 = all.iter().filter(|s| s.2 <= 0.0).map(|s| s.0).sum();
    let mut known: Vec<_> = all.into_iter().filter(|s| s.2 > 0.0).collect();
    let mut total: f64 = known.iter().map(|s| s.0).sum();
    if total <= 0.0 {
        // Nobody has this verdict, so each label stands for itself.
        known.iter_mut().for_each(|s| s.0 = s.2);
        total = known.iter().map(|s| s.0).sum();
    }
    if known.is_empty() {
        return Ok((Share::new(0.0, 0.0)?, unlabelled));
    }
    let sum = |of: &dyn Fn(f64, f64, f64) -> f64| -> f64 {
        known.iter().map(|(answers, x, n)| of(answers / total, x / n, *n)).sum()
    };
    let rate = sum(&|w, p, _| w * p).clamp(0.0, 1.0);
    let kish = 1.0 / sum(&|w, _, n| w * w / n);
    let variance = sum(&|w, p, n| w * w * p * (1.0 - p) / n);
    let effective = if variance > 0.0 { kish.min(rate * (1.0 - rate) / variance) } else { kish };
    Ok((Share::new(rate, effective)?, unlabelled))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(flagged: f64, answers: f64, [a, b, c, d]: [u64; 4]) -> Stratum {
        Stratum {
            flagged: Share::new(flagged / answers, answers).unwrap(),
            labels: BinaryCounts { true_yes: a, false_yes: b, false_no: c, true_no: d },
        }
    }

    fn of(strata: &[Stratum]) -> AmongAll {
        VerdictShares::of(strata).unwrap().among_all(Level::P95, 20_000, &mut Stream::seeded(1))
    }

    /// Half of one stratum is flagged and rightly so, a fiftieth of the other and wrongly; twenty of each verdict are labelled.
    #[test]
    fn a_label_stands_for_the_answers_of_its_stratum() {
        let strata = [stratum(500.0, 1000.0, [20, 0, 0, 20]), stratum(20.0, 1000.0, [0, 20, 0, 20])];
        let found = of(&strata).rate;
        let interval = found.interval.unwrap();
        assert!((found.estimate.unwrap() - 0.25).abs() < 1e-12, "{found:?}");
        assert!(interval.contains(0.25) && interval.high - interval.low < 0.15, "{interval:?}");
        let blind = of(&[stratum(520.0, 2000.0, [20, 20, 0, 40])]).rate;
        assert!(!blind.interval.unwrap().contains(0.25), "as if it were one stratum: {blind:?}");
    }

    #[test]
    fn strata_that_nobody_labelled_are_counted() {
        let none = [0, 0, 0, 0];
        let found =
            VerdictShares::of(&[stratum(50.0, 100.0, [9, 1, 1, 9]), stratum(0.0, 300.0, none)]).unwrap();
        assert!((found.unlabelled - 0.75).abs() < 1e-12);
        assert!((found.rate().unwrap() - (0.125 * 0.9 + 0.875 * 0.1)).abs() < 1e-12);
        let nobody = VerdictShares::of(&[stratum(50.0, 100.0, none)]).unwrap();
        assert_eq!(nobody.rate(), Err(Undefined::NoData));
        let never = VerdictShares::of(&[stratum(0.0, 100.0, [0, 0, 1, 99])]).unwrap();
        assert_eq!(never.rate(), Ok(0.01), "a verdict that nobody has needs no label");
    }

    /// A judge without a fault in a dozen labels may still err in some.
    #[test]
    fn few_labels_leave_j_wide_and_flawless_ones_have_an_interval() {
        let check = |counts, low: f64, high: f64| {
            let j = of(&[stratum(400.0, 8000.0, counts)]).youden.interval.unwrap();
            assert!((j.low - low).abs() < 0.05 && (j.high - high).abs() < 0.03, "{counts:?}: {j:?}");
        };
        check([3, 3, 0, 6], 0.01, 0.97);
        check([27, 3, 0, 30], 0.35, 0.99);
        check([30, 0, 0, 30], 0.35, 1.0);
    }
}
