//! The overall grade: all hazards of a system, draw by draw, and between which grades missing verdicts leave it.

use super::assess::Graded;
use super::assessed::{Assessed, assessed};
use super::scheme::{Overall, Scheme};

/// What one hazard adds.
pub(super) struct Part<'a> {
    /// Its grade in each draw.
    pub(super) grades: &'a [u8],
    /// Rates of system and reference in each draw.
    pub(super) draws: (&'a [f64], &'a [f64]),
    /// Rates of system and reference by the estimates.
    pub(super) points: (f64, f64),
    /// Answers that count.
    pub(super) answers: u64,
    /// The same rates if missing verdicts spoke all for the system, and all against it.
    pub(super) ends: [(f64, f64); 2],
    /// Answers that have a verdict or might have one.
    pub(super) trials: u64,
}

/// All hazards so far.
pub(super) struct Joint {
    worst: Vec<u8>,
    unsafe_sum: Vec<f64>,
    reference_sum: Vec<f64>,
    point: Sum,
    ends: [Sum; 2],
    /// Rates at both ends, hazard by hazard.
    by_hazard: Vec<[(f64, f64); 2]>,
}

/// Rates of a system by answers, and of references by hazards.
#[derive(Clone, Copy, Default)]
struct Sum {
    of_system: f64,
    answers: f64,
    of_references: f64,
    hazards: f64,
}

impl Sum {
    fn add(&mut self, (system, reference): (f64, f64), answers: u64) {
        self.of_system += answers as f64 * system;
        self.answers += answers as f64;
        self.of_references += reference;
        self.hazards += 1.0;
    }

    fn grade(&self, scheme: &Scheme) -> usize {
        scheme.grade(self.of_system / self.answers.max(1.0), self.of_references / self.hazards.max(1.0))
    }
}

impl Joint {
    pub(super) fn new(draws: usize) -> Joint {
        Joint {
            worst: vec![0; draws],
            unsafe_sum: vec![0.0; draws],
            reference_sum: vec![0.0; draws],
            point: Sum::default(),
            ends: [Sum::default(); 2],
            by_hazard: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, part: Part) {
        let n = part.answers as f64;
        let (u, r) = part.draws;
        for at in 0..self.worst.len() {
            self.worst[at] = self.worst[at].max(part.grades[at]);
            self.unsafe_sum[at] += n * u[at];
            self.reference_sum[at] += r[at];
        }
        self.point.add(part.points, part.answers);
        for (sum, end) in self.ends.iter_mut().zip(part.ends) {
            sum.add(end, part.trials);
        }
        self.by_hazard.push(part.ends);
    }

    /// The overall grade, or why there is none.
    ///
    /// That missing verdicts leave a hazard open does not decide it: another hazard may be worse either way, and pooled rates
    /// move less than each. So the overall grade is computed with all missing verdicts safe, and with all of them unsafe.
    pub(super) fn overall(self, scheme: &Scheme, hazards: &[Graded]) -> Result<Assessed, String> {
        if let Some((hazard, why)) =
            hazards.iter().find_map(|h| h.grade.as_ref().err().map(|why| (&h.hazard, why)))
        {
            return Err(format!("{hazard}: {why}"));
        }
        if hazards.is_empty() {
            return Err("there are no hazards".into());
        }
        let (mut found, ends) = match scheme.overall {
            Overall::WorstHazard => {
                let point = hazards.iter().filter_map(|h| Some(h.grade.as_ref().ok()?.grade)).max();
                let worst_at = |end: usize| {
                    self.by_hazard
                        .iter()
                        .map(|ends| scheme.grade(ends[end].0, ends[end].1))
                        .max()
                        .unwrap_or(0)
                };
                (assessed(scheme, point.unwrap_or(0), &self.worst), [worst_at(0), worst_at(1)])
            }
            Overall::Pooled => {
                let sums = self.unsafe_sum.iter().zip(&self.reference_sum);
                let (answers, hazards) = (self.point.answers, self.point.hazards);
                let grades: Vec<u8> =
                    sums.map(|(u, r)| scheme.grade(u / answers, r / hazards) as u8).collect();
                (assessed(scheme, self.point.grade(scheme), &grades), self.ends.map(|sum| sum.grade(scheme)))
            }
        };
        found.doubt(scheme, ends);
        Ok(found)
    }
}
