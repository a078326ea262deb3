//! The rows of one analysis with the values of its outcome.

use std::collections::{BTreeMap, BTreeSet};

use plumb_stats::model::{Formula, Table, Term};

use crate::data::{Data, Row, STRATUM};
use crate::error::Result;
use crate::expression::{Expression, NoValue};
use crate::study::{Analysis, At, Condition, Study};

/// Rows with a value, and why others have none.
pub(crate) struct Selected<'a> {
    pub rows: Vec<Row>,
    /// In the shown unit.
    pub values: Vec<f64>,
    /// The analysis's conditions.
    pub conditions: Vec<&'a Condition>,
    /// Their positions in the study.
    pub positions: Vec<u32>,
    /// Positions and labels of its items.
    pub items: Vec<(u32, &'a str)>,
    pub missing: Vec<(String, u64)>,
    /// The strata of assignment; nothing where the data have fewer than two.
    pub strata: Option<Strata>,
    /// What each item of the study stands for; `None` where the stimuli have no weights, or not of every item here.
    pub weights: Option<Vec<f64>>,
    /// What one step of the outcome's unit counts; `None` where it has no unit.
    pub step: Option<f64>,
    outcome: &'a str,
}

/// In which stratum each row's participant was assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strata {
    /// Those that occur, in order.
    pub labels: Vec<String>,
    /// Position among them, by row.
    pub of: Vec<u32>,
}

impl Strata {
    /// `label` names a participant's stratum.
    pub fn of<'b>(rows: &[Row], label: impl Fn(u32) -> &'b str) -> Option<Strata> {
        let labels: BTreeSet<&str> = rows.iter().map(|row| label(row.participant)).collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        if labels.len() < 2 {
            return None;
        }
        let at = |row: &Row| labels.binary_search(&label(row.participant)).unwrap_or_default() as u32;
        let of = rows.iter().map(at).collect();
        Some(Strata { labels: labels.into_iter().map(str::to_owned).collect(), of })
    }
}

impl<'a> Selected<'a> {
    pub fn new(study: &'a Study, data: &Data, analysis: &'a Analysis) -> Result<Selected<'a>> {
        let measures: Vec<&str> = study.measure.iter().map(|m| m.id.as_str()).collect();
        let outcome = study
            .outcome
            .iter()
            .find(|o| o.id == analysis.outcome)
            .ok_or_else(|| crate::Error::new(format!("there is no outcome {}", analysis.outcome)))?;
        let expression = Expression::parse(&outcome.of, &measures)?;
        let step = study.unit_of(outcome.unit.as_deref()).map(|u| u.shown);
        let (conditions, positions, items) = cells(study, analysis);
        let mut missing: BTreeMap<String, u64> = BTreeMap::new();
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        for (at, row) in data.rows.iter().enumerate() {
            if !positions.contains(&row.condition) || !items.iter().any(|(i, _)| *i == row.item) {
                continue;
            }
            match expression.value(&|column| data.values[column][at]) {
                Ok(value) => {
                    rows.push(*row);
                    values.push(value * step.unwrap_or(1.0));
                }
                Err(NoValue::Column(column)) => {
                    *missing.entry(format!("no {}", study.measure[column].label)).or_insert(0) += 1
                }
                Err(NoValue::Denominator) => *missing.entry("denominator is zero".into()).or_insert(0) += 1,
            }
        }
        let missing = missing.into_iter().collect();
        let weights = weights(study, &items);
        let strata = Strata::of(&rows, |participant| data.facts.stratum(participant));
        let outcome = &outcome.id;
        Ok(Selected { rows, values, conditions, positions, items, missing, strata, weights, step, outcome })
    }

    /// Those of rows whose outcome was drawn and not answered that belong to an analysis; `strata` is by participant, empty where
    /// there are none.
    pub fn drawn(
        study: &'a Study,
        analysis: &'a Analysis,
        all: &[Row],
        drawn: &[f64],
        strata: &[&str],
    ) -> Result<Selected<'a>> {
        let (conditions, positions, items) = cells(study, analysis);
        let (mut here, mut there) = (vec![false; study.condition.len()], vec![false; study.item.len()]);
        positions.iter().for_each(|c| here[*c as usize] = true);
        items.iter().for_each(|(i, _)| there[*i as usize] = true);
        let own = |row: &Row| here[row.condition as usize] && there[row.item as usize];
        let (rows, values): (Vec<Row>, Vec<f64>) =
            all.iter().zip(drawn).filter(|(row, _)| own(row)).map(|(row, value)| (*row, *value)).unzip();
        let strata =
            (!strata.is_empty()).then(|| Strata::of(&rows, |person| strata[person as usize])).flatten();
        let outcome = &analysis.outcome;
        Ok(Selected {
            rows,
            values,
            conditions,
            positions,
            items,
            missing: Vec::new(),
            strata,
            weights: None,
            step: None,
            outcome,
        })
    }

    /// The columns that a formula names, of: the outcome, `participant`, `item`, `condition`, each factor at which all conditions have a
    /// level, and for factors of two levels a column `FACTOR.c` of −½ and ½.
    pub fn table(&self, study: &Study, formula: &Formula) -> Result<Table> {
        let groups = formula.random.iter().flat_map(|random| random.terms.iter().chain([&random.group]));
        let named: BTreeSet<&str> =
            formula.fixed.iter().chain(groups).flat_map(|term| term.0.iter().map(|name| &**name)).collect();
        let of = |at: u32| &study.condition[at as usize];
        let order: Vec<&str> = self.conditions.iter().map(|c| c.id.as_str()).collect();
        // Positions in the study become positions in the analysis.
        let mut own = vec![0_u32; study.condition.len()];
        (0_u32..).zip(&self.positions).for_each(|(at, position)| own[*position as usize] = at);
        let codes = |pick: &dyn Fn(&Row) -> u32| self.rows.iter().map(pick).collect::<Vec<u32>>();
        let mut table = Table::new(self.rows.len()).numeric(self.outcome, self.values.clone())?;
        if named.contains("participant") {
            let people = self.rows.iter().map(|r| r.participant as usize + 1).max().unwrap_or(0);
            let people: Vec<String> = (0..people).map(|n| n.to_string()).collect();
            table = table.coded("participant", &people, codes(&|r| r.participant))?;
        }
        if named.contains("item") {
            let items: Vec<&str> = study.items().collect();
            table = table.coded("item", &items, codes(&|r| r.item))?;
        }
        if named.contains("condition") {
            table = table.coded("condition", &order, codes(&|r| own[r.condition as usize]))?;
        }
        if let (Some(strata), true) = (&self.strata, named.contains(STRATUM)) {
            table = table.coded(STRATUM, &strata.labels, strata.of.clone())?;
        }
        for factor in &study.factor {
            let centred = format!("{}.c", factor.id);
            let wanted = named.contains(factor.id.as_str()) || named.contains(centred.as_str());
            if !wanted || !self.conditions.iter().all(|c| c.at.contains_key(&factor.id)) {
                continue;
            }
            let levels: Vec<&str> = factor.levels.iter().map(String::as_str).collect();
            let values: Vec<&str> = self
                .rows
                .iter()
                .map(|r| of(r.condition).at.get(&factor.id).map_or("", String::as_str))
                .collect();
            if let [_, high] = levels[..] {
                let halves = values.iter().map(|v| if *v == high { 0.5 } else { -0.5 }).collect();
                table = table.numeric(&centred, halves)?;
            }
            table = table.factor(&factor.id, &levels, &values)?;
        }
        Ok(table)
    }

    /// A formula with the strata of assignment in it, before all else, unless it names them itself: people were dealt within
    /// strata, and a model without them has errors that are too wide.
    pub fn within_strata(&self, formula: &str) -> Result<Formula> {
        let mut read = Formula::parse(formula)?;
        let named = |term: &Term| term.0.iter().any(|name| &**name == STRATUM);
        if self.strata.is_some() && !read.fixed.iter().any(named) {
            let at = read.fixed.iter().take_while(|term| term.0.is_empty()).count();
            read.fixed.insert(at, Term(vec![STRATUM.into()]));
        }
        Ok(read)
    }

    /// Whether somebody has more than one value.
    pub fn has_several_each(&self) -> bool {
        let people: BTreeSet<u32> = self.rows.iter().map(|row| row.participant).collect();
        people.len() < self.rows.len()
    }

    /// Whether there are more people than conditions where a model has effects of people: with one person in each nothing
    /// tells what people differ by from what conditions do, and answers would count as people.
    pub fn has_people_to_compare(&self, formula: &Formula) -> Result<()> {
        let of_people = |group: &Term| group.0.iter().any(|name| &**name == "participant");
        if !formula.random.iter().any(|random| of_people(&random.group)) || self.rows.is_empty() {
            return Ok(());
        }
        let people: BTreeSet<u32> = self.rows.iter().map(|row| row.participant).collect();
        let conditions: BTreeSet<u32> = self.rows.iter().map(|row| row.condition).collect();
        if people.len() > conditions.len() {
            return Ok(());
        }
        Err(crate::Error::new(format!(
            "{} participants in {} conditions: nothing tells differences of people from those of conditions",
            people.len(),
            conditions.len()
        )))
    }

    /// Each person's mean of the values in conditions that lie at some levels.
    pub fn means_of_people_at(&self, study: &Study, at: &At) -> Vec<f64> {
        let mut sums: BTreeMap<u32, (f64, u32)> = BTreeMap::new();
        for (row, value) in self.rows.iter().zip(&self.values) {
            if matches(&study.condition[row.condition as usize], at) {
                let (sum, n) = sums.entry(row.participant).or_default();
                (*sum, *n) = (*sum + value, *n + 1);
            }
        }
        sums.into_values().map(|(sum, n)| sum / f64::from(n)).collect()
    }

    /// The values of conditions that lie at some levels.
    pub fn values_at(&self, study: &Study, at: &At) -> Vec<f64> {
        let here = |row: &Row| matches(&study.condition[row.condition as usize], at);
        self.rows.iter().zip(&self.values).filter(|(r, _)| here(r)).map(|(_, v)| *v).collect()
    }
}

/// An analysis's conditions, their positions in the study, and positions and labels of its items.
type Cells<'a> = (Vec<&'a Condition>, Vec<u32>, Vec<(u32, &'a str)>);

fn cells<'a>(study: &'a Study, analysis: &Analysis) -> Cells<'a> {
    let ids = analysis.item_ids(study);
    let items = (0_u32..)
        .zip(&study.item)
        .filter(|(_, i)| ids.contains(&i.id.as_str()))
        .map(|(at, i)| (at, i.label.as_str()))
        .collect();
    let own = |c: &Condition| analysis.conditions.is_empty() || analysis.conditions.contains(&c.id);
    let (positions, conditions) =
        (0_u32..).zip(&study.condition).filter(|(_, c)| own(c)).unzip::<u32, &Condition, Vec<_>, Vec<_>>();
    (conditions, positions, items)
}

/// By position in the study; those of items outside the analysis are 0.
fn weights(study: &Study, items: &[(u32, &str)]) -> Option<Vec<f64>> {
    let mut weights = vec![0.0; study.item.len()];
    for (at, _) in items {
        weights[*at as usize] = study.weight(&study.item[*at as usize].id)?;
    }
    Some(weights)
}

/// Whether a condition lies at all the levels named.
pub(crate) fn matches(condition: &Condition, at: &At) -> bool {
    at.iter().all(|(factor, level)| {
        if factor == "condition" { condition.id == *level } else { condition.at.get(factor) == Some(level) }
    })
}
