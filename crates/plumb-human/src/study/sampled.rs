//! Stimuli drawn from the outputs of a run: which of them people rate, and how many outputs each stands for.
//!
//! Why here and pure: what is drawn is frozen with the study, so the draw must follow from the run's outputs, the file and
//! its seed alone. Identical texts about one item are one stimulus (people would rate the same words twice); as many are drawn
//! from each stratum, so that rare kinds are seen, and each stimulus has the number of outputs of the run that it stands
//! for as its weight (its stratum's texts over those drawn, times how often its own text came), since without it no share of
//! the drawn says anything of the run.
//!
//! What comes out is the text of a CSV file that `stimuli` reads like any other. Not here: reading the run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use plumb_study::items::{Origin, Row};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::parts::Study;
use crate::error::{Error, Result};
use crate::protocol::draw::shuffle;

/// Which outputs of a run people rate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// The run's folder or journal, as commands name it.
    pub run: String,
    /// How many; all where it is left out.
    #[serde(default)]
    take: Option<usize>,
    /// Columns whose values make strata.
    #[serde(default)]
    by: Vec<By>,
    /// What the draw follows from.
    #[serde(default)]
    seed: u64,
    /// The set that the items belong to.
    #[serde(default = "rated")]
    set: String,
    /// Columns that the study's attributes and given measures need.
    #[serde(skip)]
    also: Vec<String>,
}

fn rated() -> String {
    "rated".into()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a column, or { column = \"NAME\", cuts = [0.5] }")]
enum By {
    Values(String),
    Cuts(Cuts),
}

/// A column of numbers, cut into stretches: below the first, from the first on, and so on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cuts {
    column: String,
    cuts: Vec<f64>,
}

/// The columns of every table of drawn outputs, before those that the study names and those of the origin.
const COLUMNS: [&str; 12] = [
    "id",
    "label",
    "set",
    "item",
    "subject",
    "repetition",
    "prompt",
    "target",
    "answer",
    "stratum",
    "weight",
    "stands_for",
];

/// Columns that are taken from the run as they are.
const TAKEN: std::ops::Range<usize> = 3..9;

/// A text about an item, with how often it came.
struct Unit<'a> {
    row: &'a Row,
    origin: Origin,
    stratum: String,
    times: usize,
}

impl Study {
    /// Which run a study file's stimuli are drawn from, if they are.
    ///
    /// # Errors
    /// The text is no TOML, or its `from` is none.
    pub fn sampled(text: &str, name: &str) -> Result<Option<Sampled>> {
        let table: toml::Table = text.parse().map_err(|e| Error::new(format!("{name}: {e}")))?;
        let stimuli = table.get("stimuli");
        let Some(from) = stimuli.and_then(|stimuli| stimuli.get("from")) else { return Ok(None) };
        let sampled: std::result::Result<Sampled, toml::de::Error> = from.clone().try_into();
        let mut sampled =
            sampled.map_err(|e| Error::new(format!("{name}: stimuli: from: {}", e.message())))?;
        let attributes = table.get("attribute").and_then(|list| list.as_array()).into_iter().flatten();
        let given = stimuli.and_then(|s| s.get("given")).and_then(|g| g.as_table()).into_iter().flatten();
        let named = attributes.filter_map(|a| a.get("id")).chain(given.map(|(_, column)| column));
        sampled.also = named.filter_map(|value| value.as_str()).map(str::to_owned).collect();
        Ok(Some(sampled))
    }
}

impl Sampled {
    /// Draws stimuli from a run's outputs and writes them as CSV text. `rows` are the run's trials in its own order, as
    /// tables of runs have them; those without a text are passed over.
    ///
    /// # Errors
    /// A column is not there, an output has no origin, or there are not as many texts as the file asks for.
    pub fn draw(&self, rows: &[Row]) -> Result<String> {
        let units = self.units(rows)?;
        let chosen = self.choose(&units)?;
        let mut extra: Vec<&str> = Vec::new();
        for name in self.also.iter().map(String::as_str).chain(self.by.iter().map(By::column)) {
            if !COLUMNS.contains(&name) && !Origin::COLUMNS.contains(&name) && !extra.contains(&name) {
                extra.push(name);
            }
        }
        let mut csv = csv::Writer::from_writer(Vec::new());
        let head = COLUMNS.iter().chain(&extra).chain(&Origin::COLUMNS);
        csv.write_record(head).map_err(|e| Error::new(e.to_string()))?;
        let digits = chosen.len().to_string().len().max(3);
        for (at, (unit, weight)) in chosen.iter().enumerate() {
            let id = format!("o{:0digits$}", at + 1);
            let value = |name: &str| unit.row.get(name).map_or("", |v| v).to_owned();
            let mut record = vec![id.clone(), id, self.set.clone()];
            record.extend(COLUMNS[TAKEN].iter().map(|name| value(name)));
            record.extend([unit.stratum.clone(), format!("{weight}"), unit.times.to_string()]);
            for name in &extra {
                let there = unit.row.get(name).ok_or_else(|| self.lacks(unit.row, name))?;
                record.push(there.to_string());
            }
            record.extend(unit.origin.values());
            csv.write_record(&record).map_err(|e| Error::new(e.to_string()))?;
        }
        let bytes = csv.into_inner().map_err(|e| Error::new(e.to_string()))?;
        String::from_utf8(bytes).map_err(|e| Error::new(e.to_string()))
    }

    /// The columns whose values make its strata.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.by.iter().map(By::column)
    }

    fn lacks(&self, row: &Row, name: &str) -> Error {
        let there: Vec<&str> = row.columns().collect();
        Error::new(format!("run {}: there is no column {name}; there are {}", self.run, there.join(", ")))
    }

    /// Every text that an item got, once, in the run's order.
    fn units<'a>(&self, rows: &'a [Row]) -> Result<Vec<Unit<'a>>> {
        let mut units: Vec<Unit<'a>> = Vec::new();
        let mut known: HashMap<(&str, &str), usize> = HashMap::new();
        for row in rows {
            let Some(answer) = row.get("answer").filter(|a| !a.trim().is_empty()) else { continue };
            let item = row.get("item").ok_or_else(|| self.lacks(row, "item"))?;
            if let Some(at) = known.get(&(&**item, &**answer)) {
                units[*at].times += 1;
                continue;
            }
            let origin = row.origin().map_err(|e| Error::new(e.to_string()))?;
            let origin = origin.ok_or_else(|| {
                Error::new(format!(
                    "run {}: an output of item {item} does not say where it comes from",
                    self.run
                ))
            })?;
            let parts = self.by.iter().map(|by| by.of(row).ok_or_else(|| self.lacks(row, by.column())));
            let stratum = parts.collect::<Result<Vec<String>>>()?.join(", ");
            known.insert((item, answer), units.len());
            units.push(Unit { row, origin, stratum, times: 1 });
        }
        if units.is_empty() {
            return Err(Error::new(format!("run {} has no answer that is a text", self.run)));
        }
        Ok(units)
    }

    /// As many of each stratum, in the run's order, each with its weight.
    fn choose<'u, 'a>(&self, units: &'u [Unit<'a>]) -> Result<Vec<(&'u Unit<'a>, f64)>> {
        let take = self.take.unwrap_or(units.len());
        if take == 0 || take > units.len() {
            return Err(Error::new(format!(
                "run {} has {} different texts, so {take} cannot be taken: give take from 1 to {0}",
                self.run,
                units.len()
            )));
        }
        let mut strata: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, unit) in units.iter().enumerate() {
            strata.entry(&unit.stratum).or_default().push(at);
        }
        let sizes: Vec<usize> = strata.values().map(Vec::len).collect();
        let mut chosen: Vec<(usize, f64)> = Vec::new();
        for ((name, members), own) in strata.into_iter().zip(shares(&sizes, take)) {
            let seed: [u8; 32] = Sha256::new()
                .chain_update(b"stimuli")
                .chain_update(self.seed.to_be_bytes())
                .chain_update(name.as_bytes())
                .finalize()
                .into();
            let mut cards = members.clone();
            shuffle(&mut ChaCha20Rng::from_seed(seed), &mut cards);
            let each = members.len() as f64 / own as f64;
            chosen.extend(cards.into_iter().take(own).map(|at| (at, each * units[at].times as f64)));
        }
        chosen.sort_unstable_by_key(|(at, _)| *at);
        Ok(chosen.into_iter().map(|(at, weight)| (&units[at], weight)).collect())
    }
}

/// As many from each stratum; what small ones cannot give, the others do, the first ones first.
fn shares(sizes: &[usize], take: usize) -> Vec<usize> {
    let mut own = vec![0; sizes.len()];
    let mut left = take;
    while left > 0 {
        let open: Vec<usize> = (0..sizes.len()).filter(|s| own[*s] < sizes[*s]).collect();
        if open.is_empty() {
            break;
        }
        let each = (left / open.len()).max(1);
        for stratum in open {
            let more = each.min(sizes[stratum] - own[stratum]).min(left);
            own[stratum] += more;
            left -= more;
        }
    }
    own
}

impl By {
    fn column(&self) -> &str {
        match self {
            By::Values(column) => column,
            By::Cuts(cuts) => &cuts.column,
        }
    }

    /// The name of a row's stretch or value; nothing where the row lacks the column.
    fn of(&self, row: &Row) -> Option<String> {
        let value: &Arc<str> = row.get(self.column())?;
        Some(match self {
            By::Values(column) => format!("{column} {value}"),
            By::Cuts(Cuts { column, cuts }) => match value.parse::<f64>() {
                Ok(number) => match cuts.iter().rev().find(|cut| number >= **cut) {
                    Some(cut) => format!("{column} from {cut}"),
                    None => format!("{column} below {}", cuts.first().copied().unwrap_or(f64::INFINITY)),
                },
                Err(_) => format!("{column} {value}"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plumb_study::{Digest, PlanId};

    fn output(item: &str, subject: &str, answer: &str, pass: &str) -> Row {
        let values =
            [("item", item), ("subject", subject), ("repetition", "1"), ("answer", answer), ("pass", pass)];
        let values = values.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Row::new("run".into(), values).about(&Origin {
            plan: PlanId(Digest::of(b"plan")),
            item: item.into(),
            subject: subject.into(),
            rep: 0,
            answer: Digest::of(answer.as_bytes()),
        })
    }

    fn sampled(toml: &str) -> Sampled {
        let text = format!("attribute = [{{ id = \"pass\" }}]\n[stimuli]\nfrom = {toml}");
        Study::sampled(&text, "a.toml").unwrap().unwrap()
    }

    fn drawn(text: &str) -> Vec<BTreeMap<String, String>> {
        let mut csv = csv::Reader::from_reader(text.as_bytes());
        csv.deserialize().collect::<std::result::Result<_, _>>().unwrap()
    }

    #[test]
    fn weights_add_up_to_the_outputs_of_the_run() {
        // 12 outputs: 9 fail (one text twice, so 8 texts), 3 pass.
        let mut rows: Vec<Row> = (0..8).map(|n| output(&format!("i{n}"), "a", "x", "0")).collect();
        rows.push(output("i0", "b", "x", "0"));
        rows.extend((0..3).map(|n| output(&format!("p{n}"), "a", "y", "1")));
        rows.push(output("p0", "c", " ", "1"));
        let text = sampled("{ run = \"r\", take = 6, by = [\"pass\"], seed = 3 }").draw(&rows).unwrap();
        let list = drawn(&text);
        let of = |stratum: &str| list.iter().filter(|r| r["stratum"] == stratum).count();
        assert_eq!((list.len(), of("pass 0"), of("pass 1")), (6, 3, 3));
        for row in &list {
            let texts = if row["pass"] == "0" { 8.0 / 3.0 } else { 1.0 };
            let times = if row["item"] == "i0" { 2.0 } else { 1.0 };
            assert_eq!(row["weight"].parse::<f64>().unwrap(), texts * times, "{row:?}");
        }
        // All of them: each stands for its own outputs.
        let all = drawn(&sampled("{ run = \"r\" }").draw(&rows).unwrap());
        assert_eq!(all.iter().map(|r| r["weight"].parse::<f64>().unwrap()).sum::<f64>(), 12.0);
        assert_eq!(all[0]["stands_for"], "2");
        assert_eq!(all.iter().map(|r| r["id"].as_str()).next(), Some("o001"));
    }

    #[test]
    fn strata_are_values_or_stretches_of_numbers_and_small_ones_give_all_they_have() {
        assert_eq!(shares(&[2, 10, 10], 15), [2, 7, 6]);
        assert_eq!(shares(&[1, 1], 2), [1, 1]);
        assert_eq!(shares(&[5, 5, 5], 4), [2, 1, 1]);
        let by = By::Cuts(Cuts { column: "pass".into(), cuts: vec![0.2, 0.75] });
        let name = |pass| by.of(&output("i", "a", "x", pass)).unwrap();
        assert_eq!(
            ["0.1", "0.2", "0.74", "0.9", "(no answer)"].map(name),
            ["pass below 0.2", "pass from 0.2", "pass from 0.2", "pass from 0.75", "pass (no answer)"]
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        let rows = [output("i", "a", "x", "1")];
        for (from, wanted) in [
            ("{ run = \"r\", take = 2 }", "has 1 different texts, so 2 cannot be taken"),
            ("{ run = \"r\", by = [\"grade\"] }", "there is no column grade; there are item"),
            ("{ run = \"r\" }\ngiven = { truth = \"target\", high = \"top\" }", "there is no column top"),
        ] {
            let error = sampled(from).draw(&rows).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert!(Study::sampled("[stimuli]\nfrom = { runs = 1 }", "a.toml").is_err());
    }
}
