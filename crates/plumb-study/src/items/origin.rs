//! Which answer of which run an item shows.
//!
//! Why: people, or other judges, rate what an earlier run produced. Their ratings stay in a journal of their own; what brings
//! them together with the metrics of the earlier run is this name of an output, which is more than its item and subject: two
//! plans may call different things alike.
//!
//! Not here: joining (`plumb-judge::align`), reading an earlier run as items ([`super::run`]).

use crate::error::{Error, Result};
use crate::id::{Digest, ItemId, PlanId, SubjectId};

/// An answer of a run.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Origin {
    /// The run's root plan.
    pub plan: PlanId,
    /// What was asked.
    pub item: ItemId,
    /// Who answered.
    pub subject: SubjectId,
    /// Which repetition, from 0.
    pub rep: u16,
    /// Digest of the answer's text: what was rated is what had been answered.
    pub answer: Digest,
}

impl Origin {
    /// Columns of a table whose rows show outputs; repetitions count from 1 there, as in all tables.
    pub const COLUMNS: [&str; 5] =
        ["origin_plan", "origin_item", "origin_subject", "origin_repetition", "origin_answer"];

    /// The values of [`Origin::COLUMNS`].
    pub fn values(&self) -> [String; 5] {
        [
            self.plan.0.hex(),
            self.item.as_str().to_owned(),
            self.subject.as_str().to_owned(),
            (u32::from(self.rep) + 1).to_string(),
            self.answer.hex(),
        ]
    }

    /// What is said of this output is about the text that the other one had.
    ///
    /// # Errors
    /// The digests of the two texts differ.
    pub fn same_answer(&self, other: &Origin) -> Result<()> {
        if self.answer == other.answer {
            return Ok(());
        }
        Err(Error::plan(format!(
            "it is about another text than the answer of {} to {} here (digest {}, not {})",
            other.subject,
            other.item,
            self.answer.short(),
            other.answer.short()
        ))
        .help("was the answer changed after it was exported?"))
    }

    /// Reads the columns of a row; `None` where it has none of them, or all are empty.
    ///
    /// # Errors
    /// Some of them are there and others are not, or one is not what it should be.
    pub fn of<'a>(column: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Origin>> {
        let given = Origin::COLUMNS.map(|name| column(name).filter(|value| !value.is_empty()));
        if given.iter().all(Option::is_none) {
            return Ok(None);
        }
        let value = |at: usize| {
            given[at].ok_or_else(|| {
                Error::plan(format!("`{}` is missing or empty", Origin::COLUMNS[at]))
                    .help("the five columns origin_… name an output together; plumb export writes them")
            })
        };
        let digest = |at: usize| {
            Digest::from_hex(value(at)?).ok_or_else(|| {
                Error::plan(format!("`{}` is no digest (64 hexadecimal digits)", Origin::COLUMNS[at]))
            })
        };
        let rep = value(3)?.parse().ok().and_then(|n: u16| n.checked_sub(1));
        let rep =
            rep.ok_or_else(|| Error::plan(format!("`{}` is no number from 1 on", Origin::COLUMNS[3])))?;
        Ok(Some(Origin {
            plan: PlanId(digest(0)?),
            item: value(1)?.into(),
            subject: value(2)?.into(),
            rep,
            answer: digest(4)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin {
            plan: PlanId(Digest::of(b"plan")),
            item: "add".into(),
            subject: "coder".into(),
            rep: 2,
            answer: Digest::of(b"return a + b"),
        }
    }

    fn read(values: &[String; 5]) -> Result<Option<Origin>> {
        let at = |name: &str| Origin::COLUMNS.iter().position(|c| *c == name);
        Origin::of(|name| at(name).map(|at| values[at].as_str()))
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&origin().values()).unwrap(), Some(origin()));
        assert_eq!(Origin::of(|_| None).unwrap(), None);
        assert_eq!(read(&[const { String::new() }; 5]).unwrap(), None);
    }

    #[test]
    fn half_an_origin_is_an_error_that_names_the_column() {
        for (at, wrong, expected) in [
            (1, "", "`origin_item` is missing or empty"),
            (0, "abc", "`origin_plan` is no digest"),
            (3, "0", "`origin_repetition` is no number from 1 on"),
            (4, "?", "`origin_answer` is no digest"),
        ] {
            let mut values = origin().values();
            values[at] = wrong.to_owned();
            let error = read(&values).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
