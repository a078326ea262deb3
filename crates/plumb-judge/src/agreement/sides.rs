//! The sides of a comparison brought to the same labels.
//!
//! Why: a rule says no or yes, a person complied, partial or refused. How these meet decides the number, so the plan
//! says it, and nothing is matched silently: after `map` and `drop` every judge has exactly the reference's labels.
//!
//! - "a partial refusal counts as one": `map = { partial = "refused", yes = "refused", no = "complied" }`
//! - "partial refusals are left out": the same map without `partial`, and `drop = ["partial"]`
//!
//! `map` renames labels of all sides; an entry that is a table renames for one measure only:
//! `map = { "ours.grade" = { partial = "refused" } }`. `drop` takes labels of the reference, before `map`; a judge's
//! labels cannot be dropped, because then each judge would be measured on trials of its own choice.

use std::sync::Arc;

use plumb_study::method::{Cell, Missing};
use plumb_study::plan::Scale;
use plumb_study::{Error, Fields, Label, Result};
use serde::{Deserialize, Serialize};

/// Keys of the analysis, frozen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    map: Vec<Rename>,
    drop: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    /// `judge.measure`; `None` is every side.
    of: Option<String>,
    from: String,
    to: String,
}

impl Settings {
    /// Takes `map` and `drop`.
    pub(super) fn take(fields: &mut Fields) -> Result<Settings> {
        let mut map = Vec::new();
        let wrong = |fields: &Fields, key: &str| {
            fields
                .error(format!(
                    "`map` of \"{key}\" must be a label, or a table of labels for the measure \"{key}\""
                ))
                .help("map = { partial = \"refused\", \"ours.grade\" = { partial = \"refused\" } }")
        };
        match fields.value("map") {
            None => {}
            Some(toml::Value::Table(table)) => {
                for (key, value) in table {
                    match value {
                        toml::Value::String(to) => map.push(Rename { of: None, from: key, to }),
                        toml::Value::Table(inner) => {
                            for (from, to) in inner {
                                let toml::Value::String(to) = to else { return Err(wrong(fields, &key)) };
                                map.push(Rename { of: Some(key.clone()), from, to });
                            }
                        }
                        _ => return Err(wrong(fields, &key)),
                    }
                }
            }
            Some(_) => return Err(fields.error("`map` must be a table of labels")),
        }
        Ok(Settings { map, drop: fields.texts("drop")?.unwrap_or_default() })
    }

    /// The name that a label of a measure has in the comparison; what is said of the measure itself goes first.
    fn renamed<'a>(&'a self, measure: &str, label: &'a str) -> &'a str {
        let named = |of: Option<&str>| self.map.iter().find(|r| r.of.as_deref() == of && r.from == label);
        named(Some(measure)).or_else(|| named(None)).map_or(label, |r| &r.to)
    }
}

/// What one side says of one trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rating {
    /// One of the common labels.
    Category(usize),
    /// A label of the reference that the plan leaves out.
    Dropped,
    /// Nothing, and why.
    Missing(Missing),
}

/// Judges and, last, the reference, with common labels.
#[derive(Debug)]
pub(super) struct Sides {
    names: Vec<Arc<str>>,
    categories: Vec<String>,
    /// For each side and each of its labels the common label; `None` is left out.
    codes: Vec<Vec<Option<usize>>>,
    dropped: Vec<String>,
}

impl Sides {
    /// Brings measures to common labels.
    pub(super) fn new(settings: &Settings, measures: &[(Arc<str>, Scale)]) -> Result<Sides> {
        let [judges @ .., (reference, scale)] = measures else { return Err(too_few()) };
        if judges.is_empty() {
            return Err(too_few());
        }
        for (at, (name, scale)) in measures.iter().enumerate() {
            if *scale == Scale::Real {
                return Err(Error::plan(format!("{name} is a number; agreement is about labels")));
            }
            if measures[..at].iter().any(|(other, _)| other == name) {
                return Err(Error::plan(format!("`of` names {name} twice")));
            }
        }
        settings.all_used(measures)?;
        let mut categories: Vec<String> = Vec::new();
        for label in scale.labels() {
            let renamed = settings.renamed(reference, &label);
            if !settings.drop.iter().any(|d| **d == *label) && !categories.iter().any(|c| c == renamed) {
                categories.push(renamed.to_owned());
            }
        }
        if categories.len() < 2 {
            return Err(Error::plan(format!("after `map` and `drop` {reference} has fewer than two labels")));
        }
        let mut codes = Vec::new();
        for (name, scale) in judges {
            codes.push(judge_codes(settings, name, scale, reference, &categories)?);
        }
        let of_reference = |label: &Arc<str>| {
            let kept = !settings.drop.iter().any(|d| **d == **label);
            kept.then(|| categories.iter().position(|c| c == settings.renamed(reference, label))).flatten()
        };
        codes.push(scale.labels().iter().map(of_reference).collect());
        Ok(Sides {
            names: measures.iter().map(|(name, _)| name.clone()).collect(),
            categories,
            codes,
            dropped: settings.drop.clone(),
        })
    }

    /// How many common labels there are.
    pub(super) fn categories(&self) -> usize {
        self.categories.len()
    }

    /// How many judges there are; they are the sides from 0.
    pub(super) fn judges(&self) -> usize {
        self.names.len() - 1
    }

    /// The reference's side.
    pub(super) fn reference(&self) -> usize {
        self.names.len() - 1
    }

    /// `judge.measure` of a side.
    pub(super) fn name(&self, side: usize) -> &str {
        &self.names[side]
    }

    /// The labels that are left out, for people.
    pub(super) fn dropped(&self) -> String {
        self.dropped.join(" or ")
    }

    /// What a cell says in common labels.
    pub(super) fn rating(&self, side: usize, cell: &Cell) -> Rating {
        match cell {
            Cell::Missing(why) => Rating::Missing(*why),
            Cell::Label(Label(at)) => match self.codes[side].get(usize::from(*at)) {
                Some(Some(category)) => Rating::Category(*category),
                _ => Rating::Dropped,
            },
            // A measure of labels has no numbers.
            Cell::Number(_) => Rating::Missing(Missing::JudgeFailed),
        }
    }
}

fn too_few() -> Error {
    Error::plan("method \"agreement\" compares at least two measures")
        .help("of = [\"rule.refused\", \"human.label\"]: judges first, the reference last")
}

fn judge_codes(
    settings: &Settings,
    name: &str,
    scale: &Scale,
    reference: &str,
    categories: &[String],
) -> Result<Vec<Option<usize>>> {
    let labels = scale.labels();
    let renamed: Vec<&str> = labels.iter().map(|l| settings.renamed(name, l)).collect();
    let same = renamed.iter().all(|l| categories.iter().any(|c| c == l))
        && categories.iter().all(|c| renamed.iter().any(|l| c == l));
    if !same {
        let mut shown = renamed.clone();
        shown.dedup();
        return Err(Error::plan(format!(
            "the labels of {name} ({}) are not those of {reference} ({})",
            shown.join(", "),
            categories.join(", ")
        ))
        .help("rename with map = { partial = \"refused\" }; leave labels of the reference out with drop = [\"partial\"]"));
    }
    Ok(renamed.into_iter().map(|l| categories.iter().position(|c| c == l)).collect())
}

impl Settings {
    /// An entry that nothing has is a slip of the pen that would change the number.
    fn all_used(&self, measures: &[(Arc<str>, Scale)]) -> Result<()> {
        for rename in &self.map {
            if let Some(of) = &rename.of
                && !measures.iter().any(|(name, _)| **name == **of)
            {
                return Err(Error::plan(format!("`map` names the measure \"{of}\", which is not in `of`")));
            }
            let used = measures
                .iter()
                .filter(|(name, _)| rename.of.as_deref().is_none_or(|of| of == &**name))
                .any(|(_, scale)| scale.label(&rename.from).is_some());
            if !used {
                return Err(Error::plan(format!(
                    "`map` renames \"{}\", which is no label here",
                    rename.from
                )));
            }
        }
        if let Some((reference, scale)) = measures.last()
            && let Some(unknown) = self.drop.iter().find(|d| scale.label(d).is_none())
        {
            let labels: Vec<String> = scale.labels().iter().map(ToString::to_string).collect();
            return Err(Error::plan(format!("`drop` names \"{unknown}\", which is no label of {reference}"))
                .help(format!("its labels: {}", labels.join(", "))));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(keys: &str, measures: &[(&str, &[&str])]) -> Result<Sides> {
        let mut fields = Fields::new("test", keys.parse().unwrap());
        let settings = Settings::take(&mut fields)?;
        fields.finish()?;
        let measures: Vec<(Arc<str>, Scale)> = measures
            .iter()
            .map(|(name, labels)| {
                ((*name).into(), Scale::Nominal(labels.iter().map(|l| (*l).into()).collect()))
            })
            .collect();
        Sides::new(&settings, &measures)
    }

    const RULE: (&str, &[&str]) = ("rule.refused", &["no", "yes"]);
    const GRADE: (&str, &[&str]) = ("rule.grade", &["complied", "partial", "refused"]);
    const HUMAN: (&str, &[&str]) = ("human.label", &["complied", "refused", "partial"]);

    #[test]
    fn partial_counts_or_is_left_out() {
        let counted = "map = { no = 'complied', yes = 'refused', partial = 'refused' }";
        let found = sides(counted, &[RULE, GRADE, HUMAN]).unwrap();
        assert_eq!(found.categories, ["complied", "refused"]);
        assert_eq!(
            found.codes,
            [vec![Some(0), Some(1)], vec![Some(0), Some(1), Some(1)], vec![Some(0), Some(1), Some(1)]]
        );

        let left_out = "map = { no = 'complied', yes = 'refused' }\ndrop = ['partial']";
        let found = sides(left_out, &[RULE, HUMAN]).unwrap();
        assert_eq!(found.codes[1], [Some(0), Some(1), None]);
        assert_eq!(found.rating(1, &Cell::Label(Label(2))), Rating::Dropped);
        assert_eq!(found.rating(0, &Cell::Missing(Missing::Abstained)), Rating::Missing(Missing::Abstained));

        let one_side = "map = { 'rule.grade' = { partial = 'complied' } }\ndrop = ['partial']";
        assert_eq!(sides(one_side, &[GRADE, HUMAN]).unwrap().codes[0], [Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn what_does_not_meet_is_an_error() {
        for (keys, measures, words) in [
            ("", &[RULE, HUMAN][..], "the labels of rule.refused (no, yes) are not those of human.label"),
            ("drop = ['partial']", &[GRADE, HUMAN], "the labels of rule.grade (complied, partial, refused)"),
            ("map = { maybe = 'refused' }", &[GRADE, HUMAN], "`map` renames \"maybe\""),
            ("map = { 'x.y' = { no = 'complied' } }", &[GRADE, HUMAN], "`map` names the measure \"x.y\""),
            ("map = { no = 1 }", &[GRADE, HUMAN], "test: `map` of \"no\""),
            ("drop = ['perhaps']", &[GRADE, HUMAN], "`drop` names \"perhaps\""),
            (
                "map = { refused = 'complied', partial = 'complied' }",
                &[GRADE, HUMAN],
                "after `map` and `drop`",
            ),
            ("", &[HUMAN], "method \"agreement\" compares at least two"),
            ("", &[HUMAN, HUMAN], "`of` names human.label twice"),
        ] {
            let error = sides(keys, measures).unwrap_err().to_string();
            assert!(error.starts_with(words), "{keys}: {error}");
        }
        let number = [("n.value".into(), Scale::Real), ("h.label".into(), Scale::Binary)];
        let none = Settings { map: Vec::new(), drop: Vec::new() };
        assert!(Sides::new(&none, &number).unwrap_err().to_string().contains("n.value is a number"));
    }
}
