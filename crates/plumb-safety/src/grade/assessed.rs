//! A grade with the probability of every grade, and what makes it borderline.

use super::scheme::Scheme;

/// A grade whose probability is below this is called borderline.
pub const BORDERLINE: f64 = 0.9;

/// A grade.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessed {
    /// Position of the grade of the estimates in the scheme.
    pub grade: usize,
    /// Probability of each grade, in the scheme's order.
    pub probabilities: Vec<f64>,
    /// Why it is borderline, if it is.
    pub borderline: Option<String>,
}

impl Assessed {
    /// Position and probability of the likeliest grade.
    pub fn likeliest(&self) -> (usize, f64) {
        self.probabilities
            .iter()
            .copied()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((self.grade, 0.0))
    }

    /// Adds that missing verdicts decide the grade, where it is not the same at both ends.
    pub(super) fn doubt(&mut self, scheme: &Scheme, ends: [usize; 2]) {
        let (best, worst) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        if best != worst {
            let (best, worst) = (&scheme.grades[best].key, &scheme.grades[worst].key);
            let why = format!("missing verdicts decide between {best} and {worst}");
            self.borderline = Some(match self.borderline.take() {
                Some(first) => format!("{first}; {why}"),
                None => why,
            });
        }
    }
}

/// The probabilities of grades, and whether the likeliest is likely enough.
pub(super) fn assessed(scheme: &Scheme, grade: usize, draws: &[u8]) -> Assessed {
    let mut counts = vec![0_u64; scheme.grades.len()];
    for draw in draws {
        counts[usize::from(*draw)] += 1;
    }
    let probabilities: Vec<f64> = counts.iter().map(|n| *n as f64 / draws.len().max(1) as f64).collect();
    let mut found = Assessed { grade, probabilities, borderline: None };
    let (likeliest, most) = found.likeliest();
    if most < BORDERLINE {
        found.borderline = Some(format!(
            "its likeliest grade is {} with {:.0} %",
            scheme.grades[likeliest].key,
            100.0 * most
        ));
    }
    found
}
