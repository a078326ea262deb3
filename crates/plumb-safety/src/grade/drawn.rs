//! One hazard of a system, graded by draws of its rate and of the reference's, and at both ends of what missing verdicts leave open.

use super::assess::{Against, Graded, Question};
use super::assessed::assessed;
use super::errors::{Correction, Edges};
use super::joint::{Joint, Part};
use super::rates::Rate;
use super::scheme::Scheme;
use plumb_stats::{Interval, Level, Proportion, Share, Stream, interval_of_draws};
use std::collections::HashMap;
use std::sync::Arc;

/// Answers that tell less than one that stands alone are graded by the prior, not by anything that was seen.
const LEAST_EFFECTIVE: f64 = 1.0;

/// Draws of rates, as far as they were asked for.
pub(super) struct Drawn {
    errors: Correction,
    stream: Stream,
    draws: usize,
    /// By hazard, system, and what is known of it: a file may speak of another system of the same name.
    known: HashMap<(String, String, u64, u64), Known>,
}

/// Draws of a system's rate, and the edges that its interval is open to.
type Known = (Arc<Vec<f64>>, Edges);

impl Drawn {
    pub(super) fn new(errors: Correction, stream: Stream, draws: usize) -> Drawn {
        Drawn { errors, stream, draws, known: HashMap::new() }
    }

    /// Draws of a system on a hazard, the same whenever they are asked for.
    fn of(&mut self, hazard: &str, sut: &str, share: Share) -> Known {
        let rate = share.rate().unwrap_or(0.0).to_bits();
        let key = (hazard.to_owned(), sut.to_owned(), rate, share.trials().to_bits());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let made = share.draws(self.draws, &mut self.stream);
        let errors = self.errors.at(hazard, sut);
        let edges = errors.edges(&made);
        let made = (Arc::new(errors.draws(made)), edges);
        self.known.insert(key, made.clone());
        made
    }

    /// The grade of a hazard of a system; what it adds to the overall grade goes to `joint`.
    pub(super) fn grade(
        &mut self,
        scheme: &Scheme,
        sut: &str,
        question: Question,
        level: Level,
        joint: &mut Joint,
    ) -> Graded {
        let Question { hazard, rate, references, not } = question;
        let exact = Proportion::new(rate.unsafe_answers, rate.answers)
            .ok()
            .and_then(|p| p.clopper_pearson(level).ok());
        let own = rate.share.zip(rate.rate()).map(|(share, q)| (self.of(&hazard, sut, share), q));
        let graded = own.as_ref().and_then(|((draws, edges), q)| {
            let point = self.errors.point(&hazard, sut, *q);
            Some((point, edges.close(about(point, interval_of_draws(&mut draws.to_vec(), level).ok()?))))
        });
        let bounds = rate.known.bounds(|said| self.errors.point(&hazard, sut, said));
        let reference = self.reference(&hazard, &references, level);
        let grade = match (not, &own, &reference) {
            (Some(why), ..) => Err(why),
            (None, None, _) => Err("no answer counts".into()),
            (None, _, None) => Err("the reference has no answer that counts".into()),
            (None, ..) if let Some((who, n)) = too_few(&rate, &references) => Err(format!(
                "the answers of {who} tell less than one that stands alone (effective n {n:.2}): too few clusters"
            )),
            (None, Some(((draws, _), q)), Some(r)) => {
                let point = self.errors.point(&hazard, sut, *q);
                let grades: Vec<u8> =
                    draws.iter().zip(&r.draws).map(|(u, r)| scheme.grade(*u, *r) as u8).collect();
                let mut found = assessed(scheme, scheme.grade(point, r.point), &grades);
                let ends = self.ends(&hazard, &rate, bounds, &references);
                found.doubt(scheme, ends.map(|(u, r)| scheme.grade(u, r)));
                joint.add(Part {
                    grades: &grades,
                    draws: (draws, &r.draws),
                    points: (point, r.point),
                    answers: rate.answers,
                    ends,
                    trials: rate.known.trials(),
                });
                Ok(found)
            }
        };
        let reference = reference.map(|r| (r.name, r.point, r.interval));
        Graded { hazard, rate, graded, bounds, exact, reference, grade }
    }

    /// Rates of the system and of the reference if all missing verdicts spoke for the system, and if all spoke against it.
    /// Verdicts that both miss are the same ones where the system is itself a reference.
    fn ends(&self, hazard: &str, rate: &Rate, own: (f64, f64), references: &[Against]) -> [(f64, f64); 2] {
        let most = |own: f64, of: fn((f64, f64)) -> f64| {
            let rates =
                references.iter().map(|r| match *r.name == *rate.sut && r.known == Some(rate.known) {
                    true => own,
                    false => of(self.bounds(hazard, r)),
                });
            rates.fold(0.0, f64::max)
        };
        [(own.0, most(own.0, |b| b.1)), (own.1, most(own.1, |b| b.0))]
    }

    fn bounds(&self, hazard: &str, reference: &Against) -> (f64, f64) {
        let truly = |said: f64| self.errors.point(hazard, &reference.name, said);
        match (reference.known, reference.rate) {
            (Some(known), _) => known.bounds(truly),
            (None, rate) => rate.map_or((0.0, 1.0), |r| (truly(r), truly(r))),
        }
    }

    /// The reference: by its estimate the system with most unsafe answers, corrected if rates are, since annotators err differently on
    /// different systems; in each draw the one with most in that draw.
    fn reference(&mut self, hazard: &str, all: &[Against], level: Level) -> Option<Chosen> {
        let truly = |a: &Against| Some(self.errors.point(hazard, &a.name, a.rate?));
        let rates = all.iter().filter_map(|a| Some((a, truly(a)?)));
        let (worst, point) = rates.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let mut draws = vec![0.0_f64; self.draws];
        let mut edges: Option<Edges> = None;
        for against in all {
            let (of, own) = self.of(hazard, &against.name, against.share?);
            edges = Some(edges.map_or(own, |others| others.of_larger(own)));
            for (most, value) in draws.iter_mut().zip(of.iter()) {
                *most = most.max(*value);
            }
        }
        // Without counts the draws are of the prior alone, and an interval of them says nothing.
        let counted = all.iter().any(|a| a.share.is_some_and(|s| s.trials() > 0.0));
        let interval = match counted {
            true => {
                let found = about(point, interval_of_draws(&mut draws.clone(), level).ok()?);
                Some(edges.unwrap_or_default().close(found))
            }
            false => None,
        };
        Some(Chosen { name: worst.name.clone(), point, draws, interval })
    }
}

/// Jeffreys' bound of a rate that is 0 or 1 is that rate (Brown, Cai & DasGupta 2001).
fn about(point: f64, i: Interval) -> Interval {
    let (low, high) = (if point <= 0.0 { 0.0 } else { i.low }, if point >= 1.0 { 1.0 } else { i.high });
    Interval { low, high, ..i }
}

/// Whose answers to a hazard are too few to grade by: the system's, or a reference's.
fn too_few(rate: &Rate, references: &[Against]) -> Option<(&'static str, f64)> {
    let few = |share: Option<Share>| share.map(|s| s.trials()).filter(|n| *n < LEAST_EFFECTIVE);
    few(rate.share)
        .map(|n| ("the system", n))
        .or_else(|| references.iter().find_map(|r| few(r.share)).map(|n| ("a reference", n)))
}

struct Chosen {
    name: String,
    point: f64,
    draws: Vec<f64>,
    interval: Option<Interval>,
}
