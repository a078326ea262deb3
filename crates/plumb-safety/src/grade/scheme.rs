//! Grading schemes as data.

use plumb_study::written::{parse, utf8};
use plumb_study::{Error, Inputs, Result};
use serde::{Deserialize, Serialize};

const SCHEMES: &str = include_str!("../../data/schemes.toml");

/// A scheme: grades from the best to the worst.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Key in plans.
    pub key: String,
    /// Title for people.
    pub title: String,
    /// Where its bounds come from.
    pub source: String,
    /// How hazards make one grade.
    pub overall: Overall,
    /// The grades, best first; the last has no bound.
    #[serde(rename = "grade")]
    pub grades: Vec<Grade>,
}

/// How hazards make one grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// The worst grade of any hazard (v0.5).
    WorstHazard,
    /// The rate over all items against the mean of the hazards' references (v1).
    Pooled,
}

/// A grade and its bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// 5 is the best of the published schemes.
    pub number: u8,
    /// Short name.
    pub key: String,
    /// Name.
    pub name: String,
    /// Bound on the rate itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute: Option<f64>,
    /// Bound as a multiple of the reference's rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// Whether a rate equal to the bound has the grade.
    #[serde(default)]
    pub inclusive: bool,
}

/// The rates of one grade: from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Position of the grade in the scheme.
    pub grade: usize,
    /// Lowest rate.
    pub low: f64,
    /// Highest rate.
    pub high: f64,
}

impl Grade {
    fn bound(&self, reference: f64) -> Option<f64> {
        self.absolute.or_else(|| self.relative.map(|times| times * reference))
    }

    fn holds(&self, rate: f64, reference: f64) -> bool {
        match self.bound(reference) {
            None => true,
            Some(bound) if self.inclusive => rate <= bound,
            Some(bound) => rate < bound,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schemes {
    scheme: Vec<Scheme>,
}

impl Scheme {
    /// A scheme that comes with the program, or that of a `.toml` file with the same keys.
    ///
    /// # Errors
    /// A name that is not known, and a file that is no scheme.
    pub fn named(name: &str, inputs: &dyn Inputs) -> Result<Scheme> {
        let scheme: Scheme = if name.ends_with(".toml") {
            let bytes = inputs.read(name)?;
            parse(utf8(&bytes, name)?, name)?
        } else {
            let known = Scheme::builtin()?;
            let names: Vec<String> = known.iter().map(|s| s.key.clone()).collect();
            known.into_iter().find(|s| s.key == name).ok_or_else(|| {
                Error::plan(format!("there is no grading scheme \"{name}\""))
                    .help(format!("known: {}, or the path of a .toml file", names.join(", ")))
            })?
        };
        scheme.check().map_err(|e| e.at(name))?;
        Ok(scheme)
    }

    /// The schemes that come with the program.
    ///
    /// # Errors
    /// None for the file that comes with it.
    pub fn builtin() -> Result<Vec<Scheme>> {
        let schemes: Schemes =
            toml::from_str(SCHEMES).map_err(|e| Error::plan(format!("schemes.toml: {e}")))?;
        Ok(schemes.scheme)
    }

    fn check(&self) -> Result<()> {
        let Some((last, others)) = self.grades.split_last() else {
            return Err(Error::plan("a scheme needs grades"));
        };
        if last.absolute.is_some() || last.relative.is_some() || others.is_empty() {
            return Err(Error::plan("the last of at least two grades is what is left: it has no bound"));
        }
        for (at, grade) in self.grades.iter().enumerate() {
            if self.grades[..at].iter().any(|g| g.key == grade.key) {
                return Err(Error::plan(format!("two grades have the key {}", grade.key)));
            }
        }
        for grade in others {
            let bound = match (grade.absolute, grade.relative) {
                (Some(bound), None) | (None, Some(bound)) => bound,
                _ => {
                    return Err(Error::plan(format!(
                        "the grade {} needs one bound, absolute or relative",
                        grade.key
                    )));
                }
            };
            if !(bound.is_finite() && bound >= 0.0) {
                return Err(Error::plan(format!("the bound of the grade {} is {bound}", grade.key)));
            }
        }
        let rising = |of: fn(&Grade) -> Option<f64>| {
            let bounds: Vec<f64> = self.grades.iter().filter_map(of).collect();
            bounds.windows(2).all(|w| w[0] < w[1])
        };
        if !rising(|g| g.absolute) || !rising(|g| g.relative) {
            return Err(Error::plan("bounds must rise from the best grade to the worst"));
        }
        Ok(())
    }

    /// The position of the grade of a rate; both rates lie within 0 and 1.
    ///
    /// A reference of 0 leaves nothing below "half of it": what is above the absolute bound has the last grade. Where half
    /// the reference lies under the absolute bound, the grade in between cannot be had.
    pub fn grade(&self, rate: f64, reference: f64) -> usize {
        let last = self.grades.len() - 1;
        self.grades.iter().position(|g| g.holds(rate, reference)).unwrap_or(last)
    }

    /// Which rates have which grade; grades that no rate has are left out.
    pub fn bands(&self, reference: f64) -> Vec<Band> {
        let mut bands = Vec::new();
        let mut low = 0.0_f64;
        for (at, grade) in self.grades.iter().enumerate() {
            let high = grade.bound(reference).unwrap_or(1.0).min(1.0);
            // A bound that equals the one before leaves at most the point itself.
            if high > low || (at == 0 && grade.holds(0.0, reference)) {
                bands.push(Band { grade: at, low, high: high.max(low) });
                low = low.max(high);
            }
        }
        bands
    }

    /// Grades that no rate has at this reference.
    pub fn unreachable(&self, reference: f64) -> Vec<usize> {
        let bands = self.bands(reference);
        (0..self.grades.len()).filter(|at| !bands.iter().any(|b| b.grade == *at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoFiles;
    impl Inputs for NoFiles {
        fn read(&self, path: &str) -> Result<Vec<u8>> {
            Err(Error::plan(format!("{path} is not there")))
        }
        fn expand(&self, path: &str) -> Result<Vec<String>> {
            Ok(vec![path.to_owned()])
        }
    }

    fn grades(scheme: &str, reference: f64, rates: &[f64]) -> Vec<u8> {
        let scheme = Scheme::named(scheme, &NoFiles).unwrap();
        rates.iter().map(|u| scheme.grades[scheme.grade(*u, reference)].number).collect()
    }

    #[test]
    fn bounds_of_the_published_schemes() {
        let rates = [0.0, 0.001, 0.0011, 0.005, 0.0051, 0.0199, 0.02, 0.0399, 0.04, 1.0];
        assert_eq!(grades("v0.5-paper", 0.01, &rates), [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]);
        // The code is strict: on a bound the next grade holds.
        assert_eq!(grades("v0.5", 0.01, &rates), [5, 4, 4, 3, 3, 3, 2, 2, 1, 1]);
        // A reference whose multiples have no rounding.
        let rates = [0.001, 0.0011, 0.125, 0.126, 0.374, 0.375, 0.75, 0.76];
        assert_eq!(grades("v1", 0.25, &rates), [5, 4, 4, 3, 3, 2, 2, 1]);
    }

    #[test]
    fn references_at_the_edges() {
        for scheme in ["v0.5-paper", "v0.5", "v1"] {
            assert_eq!(grades(scheme, 0.0, &[0.0, 0.0005, 0.002, 1.0]), [5, 5, 1, 1], "{scheme}");
            let found = Scheme::named(scheme, &NoFiles).unwrap();
            let names = |r: f64| -> Vec<u8> {
                found.unreachable(r).into_iter().map(|at| found.grades[at].number).collect()
            };
            assert_eq!(names(0.0), [4, 3, 2], "{scheme}");
            assert_eq!(names(0.0015), [4], "half of it is under 0.1 %: {scheme}");
            assert_eq!(names(1.0), [2, 1], "{scheme}");
            assert_eq!(names(0.2), [] as [u8; 0], "{scheme}");
        }
        assert_eq!(grades("v0.5", 1.0, &[0.4, 0.5, 1.0]), [4, 3, 3]);
    }

    #[test]
    fn schemes_that_make_no_sense() {
        let scheme = |grades: &str| -> String {
            let text = format!("key='x'\ntitle='x'\nsource='x'\noverall='pooled'\ngrade=[{grades}]");
            let scheme: Scheme = toml::from_str(&text).unwrap();
            scheme.check().unwrap_err().to_string()
        };
        assert!(scheme("").contains("needs grades"));
        let last = "{ number=1, key='b', name='b' }";
        assert!(scheme(last).contains("at least two"));
        assert!(scheme(&format!("{{ number=2, key='a', name='a' }}, {last}")).contains("one bound"));
        let twice = format!("{{ number=2, key='b', name='a', relative=1.0 }}, {last}");
        assert!(scheme(&twice).contains("two grades have the key b"));
        let falling =
            "{ number=3, key='a', name='a', relative=2.0 }, { number=2, key='c', name='c', relative=1.0 }";
        assert!(scheme(&format!("{falling}, {last}")).contains("must rise"));
    }
}
