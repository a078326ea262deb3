//! The draft: a plan as a person writes it in TOML, split into its tables, each with its line.

use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::written::{line_of, parse};
use serde::Deserialize;
use toml::{Spanned, Table};

/// A parsed, unfrozen plan.
pub struct Draft {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) about: Option<String>,
    pub(crate) seed: u64,
    pub(crate) items: Vec<Fields>,
    pub(crate) subjects: Vec<Fields>,
    pub(crate) judges: Vec<Fields>,
    pub(crate) analyses: Vec<Fields>,
    pub(crate) hypotheses: Vec<Fields>,
    pub(crate) limits: Option<Fields>,
    pub(crate) benchmark: Option<Fields>,
    pub(crate) steer: Option<Fields>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    about: Option<String>,
    seed: Option<u64>,
    #[serde(default)]
    items: Vec<Spanned<Table>>,
    #[serde(default)]
    subject: Vec<Spanned<Table>>,
    #[serde(default)]
    judge: Vec<Spanned<Table>>,
    #[serde(default)]
    analysis: Vec<Spanned<Table>>,
    #[serde(default)]
    hypothesis: Vec<Spanned<Table>>,
    limits: Option<Spanned<Table>>,
    benchmark: Option<Spanned<Table>>,
    steer: Option<Spanned<Table>>,
}

impl Draft {
    /// Parses the text of a plan. `path` is for messages.
    pub fn parse(text: &str, path: &str) -> Result<Draft> {
        let written = written(text, path)?;
        let name = written.name.ok_or_else(|| {
            Error::plan(format!("{path}: `name` is missing"))
                .help("give the plan a name, such as name = \"refusal\"; the run's folder is called by it")
        })?;
        if name.is_empty()
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            || name.starts_with('.')
        {
            return Err(Error::plan(format!("{path}: the name \"{name}\" cannot be a folder's"))
                .help("use letters, digits, '-', '_' and '.', not beginning with '.'"));
        }
        let seed = written.seed.ok_or_else(|| {
            Error::plan(format!("{path}: `seed` is missing"))
                .help("write seed = 1 (any whole number): all randomness of the run comes from it")
        })?;
        let tables = |what: &str, list| placed(text, path, what, list);
        Ok(Draft {
            path: path.to_owned(),
            name,
            about: written.about,
            seed,
            items: tables("[[items]]", written.items),
            subjects: tables("[[subject]]", written.subject),
            judges: tables("[[judge]]", written.judge),
            analyses: tables("[[analysis]]", written.analysis),
            hypotheses: tables("[[hypothesis]]", written.hypothesis),
            limits: tables("[limits]", written.limits.into_iter().collect()).pop(),
            benchmark: tables("[benchmark]", written.benchmark.into_iter().collect()).pop(),
            steer: tables("[steer]", written.steer.into_iter().collect()).pop(),
        })
    }

    /// Parses a file of judges and analyses to be added to a run. It may have nothing else.
    pub fn parse_judges(text: &str, path: &str) -> Result<Draft> {
        let written = written(text, path)?;
        if !(written.items.is_empty() && written.subject.is_empty() && written.hypothesis.is_empty())
            || written.limits.is_some()
            || written.benchmark.is_some()
            || written.steer.is_some()
        {
            return Err(Error::plan(format!(
                "{path}: only [[judge]] and [[analysis]] can be added to a run here"
            ))
            .help("hypotheses belong into the plan that comes before the data"));
        }
        if written.judge.is_empty() && written.analysis.is_empty() {
            return Err(Error::plan(format!("{path}: holds no [[judge]] and no [[analysis]]")));
        }
        Ok(Draft {
            path: path.to_owned(),
            name: written.name.unwrap_or_default(),
            about: written.about,
            seed: 0,
            items: Vec::new(),
            subjects: Vec::new(),
            judges: placed(text, path, "[[judge]]", written.judge),
            analyses: placed(text, path, "[[analysis]]", written.analysis),
            hypotheses: Vec::new(),
            limits: None,
            benchmark: None,
            steer: None,
        })
    }

    /// The plan's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plan's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Takes the table `[steer]`, from which subjects are made before the plan is frozen.
    pub fn take_steer(&mut self) -> Option<Fields> {
        self.steer.take()
    }

    /// Asks the items of all tables but those called `all` of these subjects only. Tables that name subjects stay as they are.
    pub fn ask_only(&mut self, subjects: &[String], all: &[String]) {
        for items in &mut self.items {
            items.give_subjects(subjects, all);
        }
    }

    /// Adds a subject; `from` says what made it, for messages.
    pub fn add_subject(&mut self, from: &str, table: Table) {
        self.subjects.push(Fields::new(format!("{}: {from}", self.path), table));
    }
}

fn written(text: &str, path: &str) -> Result<Written> {
    parse(text, path).map_err(|error| {
        let said = error.to_string();
        if said.contains("invalid type: map, expected a sequence") {
            return error.help("write it with two brackets, such as [[items]]: there may be several");
        }
        if said.contains("expected u64") {
            return error.help("seed = 1 (a whole number from 0)");
        }
        error
    })
}

fn placed(text: &str, path: &str, what: &str, list: Vec<Spanned<Table>>) -> Vec<Fields> {
    list.into_iter()
        .map(|t| {
            let line = line_of(text, t.span().start);
            Fields::new(format!("{path}:{line}: {what}"), t.into_inner())
        })
        .collect()
}
