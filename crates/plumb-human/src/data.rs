//! Answers that were collected elsewhere, read by the study's `[import]`: one row a participant and item.
//!
//! Numbers become whole steps of their unit while they are read; a text that is no multiple of the step is an error with
//! its line, since a silent rounding would move every outcome. Codes for missing values become reasons.

mod exclude;
mod facts;

use std::collections::{BTreeMap, HashMap};

use plumb_study::written::record_line;

use crate::error::{Error, Result};
use crate::quantity::millionths;
use crate::study::{Import, Study};
pub use facts::Facts;
pub(crate) use facts::{MISSED, STRATUM};

/// One row's keys, as positions in the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub participant: u32,
    pub condition: u32,
    pub item: u32,
}

/// How often a measure is missing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The measure.
    pub measure: String,
    /// What its code means.
    pub reason: String,
    /// How many rows.
    pub count: u64,
}

/// What one participant answered for one item, from whatever collected it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Participants are numbered from 0, without gaps.
    pub participant: u32,
    /// Position among the study's conditions.
    pub condition: usize,
    /// Position among its items.
    pub item: usize,
    /// How often the participant had answered about the item before.
    pub repetition: u32,
    /// For each measure, in whole steps of its unit.
    pub values: Vec<Option<i64>>,
}

/// Rows in the order of the file.
#[derive(Debug, Clone)]
pub struct Data {
    pub(crate) rows: Vec<Row>,
    /// `values[measure][row]` in steps.
    pub(crate) values: Vec<Vec<Option<i64>>>,
    participants: u32,
    /// Whether they were collected by another program.
    imported: bool,
    missing: Vec<Missing>,
    /// (rule, participants it left out).
    excluded: Vec<(String, u64)>,
    /// Second answers about an item.
    pub(crate) repeats: Vec<Repeat>,
    /// What is known of participants beside their answers.
    pub(crate) facts: Facts,
    /// The same data before exclusions; `None` where nobody was left out.
    everyone: Option<Box<Data>>,
}

/// What a participant said of an item the second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeat {
    pub participant: u32,
    pub item: u32,
    /// For each measure, in steps.
    pub values: Vec<Option<i64>>,
}

impl Data {
    /// Reads CSV text; `name` is what errors call it. Participants that the study's exclusions name are left out and
    /// counted.
    ///
    /// # Errors
    /// The study has no `[import]`, a column is not there, a value is none of its kind (with its line), a participant is in
    /// two conditions, or has an item twice.
    pub fn read(study: &Study, csv: &[u8], name: &str) -> Result<Data> {
        Reader::new(study, csv, name)?.read().map(|data| data.exclude(study)).map_err(|e| e.at(name))
    }

    /// Data of rows that are already in the study's terms, with what else is known of the participants. Participants that
    /// the study's exclusions name are left out and counted.
    pub fn from_rows(study: &Study, rows: impl IntoIterator<Item = Collected>, facts: Facts) -> Data {
        let mut data = Data {
            rows: Vec::new(),
            values: vec![Vec::new(); study.measure.len()],
            participants: 0,
            imported: false,
            missing: Vec::new(),
            excluded: Vec::new(),
            repeats: Vec::new(),
            facts,
            everyone: None,
        };
        for row in rows {
            let (condition, item) = (row.condition as u32, row.item as u32);
            data.participants = data.participants.max(row.participant + 1);
            if row.repetition > 0 {
                data.repeats.push(Repeat { participant: row.participant, item, values: row.values });
                continue;
            }
            data.rows.push(Row { participant: row.participant, condition, item });
            let mut values = row.values.into_iter();
            data.values.iter_mut().for_each(|column| column.push(values.next().flatten()));
        }
        data.exclude(study)
    }

    /// Whether they were collected by another program, so that no registration is known of.
    pub fn is_imported(&self) -> bool {
        self.imported
    }

    /// Number of participants.
    pub fn participants(&self) -> u64 {
        u64::from(self.participants)
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Values that are missing by a code, by measure.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// Exclusion rules and how many participants each left out.
    pub fn excluded(&self) -> &[(String, u64)] {
        &self.excluded
    }

    /// All who were assigned, before any exclusion.
    pub(crate) fn everyone(&self) -> &Data {
        self.everyone.as_deref().unwrap_or(self)
    }

    /// People assigned to each condition: those without a single answer, too, where whoever collected the data knows of them.
    pub(crate) fn assigned(&self, conditions: usize) -> Vec<u64> {
        let with_rows = self.everyone().by_condition(conditions);
        let of = |at: usize| self.facts.assigned.get(at).copied().unwrap_or(0);
        with_rows.iter().enumerate().map(|(at, n)| (*n).max(of(at))).collect()
    }

    /// Participants by condition.
    pub(crate) fn by_condition(&self, conditions: usize) -> Vec<u64> {
        let mut counts = vec![0; conditions];
        let mut seen = vec![false; self.participants as usize];
        for row in &self.rows {
            if !std::mem::replace(&mut seen[row.participant as usize], true) {
                counts[row.condition as usize] += 1;
            }
        }
        counts
    }

    /// Items that each participant has, by participant.
    pub(crate) fn items_each(&self) -> Vec<(u32, usize)> {
        let mut counts = vec![(0, 0); self.participants as usize];
        for row in &self.rows {
            let (condition, count) = &mut counts[row.participant as usize];
            (*condition, *count) = (row.condition, *count + 1);
        }
        counts
    }
}

/// How a study's data are read: by its `[import]`, or, where it has none, by columns `participant`, `condition` and `item`,
/// measures by their ids, and an empty text where nobody was asked.
pub(crate) fn columns(study: &Study) -> Import {
    study.import.clone().unwrap_or_else(|| Import {
        participant: "participant".into(),
        condition: "condition".into(),
        item: "item".into(),
        conditions: BTreeMap::new(),
        columns: BTreeMap::new(),
        missing: BTreeMap::from([(String::new(), "not asked, or left empty".to_owned())]),
    })
}

/// The column that tells answers about an item that came twice apart; data without it have each item once.
pub(crate) const REPETITION: &str = "repetition";

/// The column of exports with a person's number.
const PERSON: &str = "person";

struct Reader<'a> {
    study: &'a Study,
    import: Import,
    text: &'a [u8],
    csv: csv::Reader<&'a [u8]>,
    /// Positions of participant, condition and item.
    keys: [usize; 3],
    /// Position of the repetition, from 1, where the file has that column.
    repetition: Option<usize>,
    /// Positions of missed checks and stratum, where the file has these columns.
    known: [Option<usize>; 2],
    /// For each measure: position (none for words) and step in millionths.
    columns: Vec<(Option<usize>, i64)>,
    conditions: HashMap<String, u32>,
    items: HashMap<&'a str, u32>,
}

impl<'a> Reader<'a> {
    fn new(study: &'a Study, text: &'a [u8], name: &str) -> Result<Reader<'a>> {
        let import = columns(study);
        let mut csv = csv::ReaderBuilder::new().from_reader(text);
        let header = csv.headers().map_err(|e| Error::new(format!("{name}: {e}")))?.clone();
        let position = |column: &str| {
            header.iter().position(|h| h == column).ok_or_else(|| {
                let there: Vec<&str> = header.iter().collect();
                Error::new(format!("{name}: there is no column {column}; there are {}", there.join(", ")))
            })
        };
        let columns = study
            .measure
            .iter()
            .map(|m| {
                let column = import.columns.get(&m.id);
                let wanted = m.is_number() || column.is_some();
                let at = wanted.then(|| position(column.unwrap_or(&m.id))).transpose()?;
                Ok((at, study.step_of(m.unit.as_deref())))
            })
            .collect::<Result<Vec<_>>>()?;
        let index = |id: &str| study.condition.iter().position(|c| c.id == id).map(|at| at as u32);
        let mut conditions: HashMap<String, u32> =
            import.conditions.iter().filter_map(|(code, id)| Some((code.clone(), index(id)?))).collect();
        for (at, condition) in study.condition.iter().enumerate() {
            if !import.conditions.values().any(|id| *id == condition.id) {
                conditions.insert(condition.id.clone(), at as u32);
            }
        }
        let items = study.item.iter().enumerate().map(|(at, i)| (i.id.as_str(), at as u32)).collect();
        // An export has people by their numbers.
        let there = |name: &str| header.iter().any(|column| column == name);
        let exported = study.import.is_none() && !there(&import.participant) && there(PERSON);
        let participant = if exported { PERSON } else { import.participant.as_str() };
        let keys = [position(participant)?, position(&import.condition)?, position(&import.item)?];
        let at = |column: &str| header.iter().position(|h| h == column);
        // A column of this name is a stratum of assignment only where the study has any.
        let (repetition, known) = (at(REPETITION), [at(MISSED), at(STRATUM).filter(|_| study.has_strata())]);
        Ok(Reader { study, import, text, csv, keys, repetition, known, columns, conditions, items })
    }

    fn read(mut self) -> Result<Data> {
        let mut people: HashMap<String, (u32, u32)> = HashMap::new();
        let mut seen: std::collections::HashSet<(u32, u32)> = std::collections::HashSet::new();
        let mut missing: BTreeMap<(usize, String), u64> = BTreeMap::new();
        let (mut rows, mut repeats) = (Vec::new(), Vec::new());
        let (mut missed, mut strata): (Vec<u32>, Vec<String>) = (Vec::new(), Vec::new());
        let mut values = vec![Vec::new(); self.columns.len()];
        let mut record = csv::StringRecord::new();
        while self.csv.read_record(&mut record).map_err(|e| Error::new(e.to_string()))? {
            let line = record.position().map_or(0, |p| record_line(self.text, p.byte(), p.line()));
            let wrong = |what: String| Error::new(format!("line {line}: {what}"));
            let [person, condition, item] = self.keys.map(|at| record.get(at).unwrap_or(""));
            if person.is_empty() {
                return Err(wrong("it names no participant".into()));
            }
            let condition = *self
                .conditions
                .get(condition)
                .ok_or_else(|| wrong(format!("{condition} is no condition of the study")))?;
            let item =
                *self.items.get(item).ok_or_else(|| wrong(format!("{item} is no item of the study")))?;
            let next = people.len() as u32;
            let (participant, first) = *people.entry(person.to_owned()).or_insert((next, condition));
            if participant == next {
                let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or("");
                missed.push(facts::missed(cell(self.known[0])).map_err(wrong)?);
                strata.push(cell(self.known[1]).to_owned());
            }
            if first != condition {
                return Err(wrong("this participant was in another condition on an earlier line".into()));
            }
            let repetition = self.repetition.and_then(|at| record.get(at)).unwrap_or("1");
            let again = repetition != "1";
            if again && !repetition.parse::<u32>().is_ok_and(|n| n > 1) {
                return Err(wrong(format!("{REPETITION} is \"{repetition}\": it counts from 1")));
            }
            if !again && !seen.insert((participant, item)) {
                return Err(wrong("this participant has this item on an earlier line, too".into()));
            }
            let mut own = Vec::with_capacity(self.columns.len());
            for (measure, (at, step)) in self.columns.iter().enumerate() {
                let text = at.and_then(|at| record.get(at));
                let value = text.map(|text| self.value(measure, text, *step, &mut missing));
                own.push(value.transpose().map_err(wrong)?.flatten());
            }
            if again {
                repeats.push(Repeat { participant, item, values: own });
                continue;
            }
            rows.push(Row { participant, condition, item });
            values.iter_mut().zip(own).for_each(|(column, value)| column.push(value));
        }
        let missing = missing
            .into_iter()
            .map(|((m, reason), count)| Missing { measure: self.study.measure[m].id.clone(), reason, count })
            .collect();
        Ok(Data {
            rows,
            values,
            participants: people.len() as u32,
            imported: true,
            missing,
            excluded: Vec::new(),
            repeats,
            facts: Facts { missed, strata, ..Facts::default() },
            everyone: None,
        })
    }

    fn value(
        &self,
        measure: usize,
        text: &str,
        step: i64,
        missing: &mut BTreeMap<(usize, String), u64>,
    ) -> std::result::Result<Option<i64>, String> {
        let meaning = self.import.missing.get(text);
        if let Some(reason) = meaning {
            *missing.entry((measure, reason.clone())).or_insert(0) += 1;
            return Ok(None);
        }
        let id = &self.study.measure[measure].id;
        let value = millionths(text).ok_or_else(|| {
            format!("{id} is \"{text}\", which is no number; a code for a missing value belongs into [import] missing")
        })?;
        if value % step != 0 {
            return Err(format!("{id} is {text}, which is no multiple of its unit's step"));
        }
        Ok(Some(value / step))
    }
}
