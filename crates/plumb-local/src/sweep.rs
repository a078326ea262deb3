//! The table `[steer]` of a plan: which directions are tried, how strongly and where, and what is measured on the way.
//!
//! A sweep is a plan like any other: every setting becomes a subject (the direction's numbers are part of its identity), so
//! that it is frozen, journalled, resumed and judged as all plans are. Start with [`Sweep::take`].
//!
//! Not here: computing directions (`steer::direction`), the report (`frontier`).

mod measure;

pub use measure::{Measure, Role};

use plumb_study::items::table_rows;
use plumb_study::{Error, Fields, Inputs, Result};
use toml::{Table, Value};

/// Ids of the subjects that every sweep has.
pub const BASE: &str = "base";
/// The control with instructions instead of a direction.
pub const SYSTEM: &str = "safety-prompt";

/// What a sweep tries.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The model, as a plan names it.
    pub model: String,
    sampling: Option<Value>,
    /// Directions, by id.
    pub directions: Vec<Wanted>,
    strengths: Vec<f64>,
    unit: String,
    mode: String,
    positions: Vec<String>,
    /// Random directions beside each, matched in length.
    pub random: usize,
    system: Option<String>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// Ids of two measures whose items are contrasts of each other: what ought to be refused, and what not.
    pub contrast: Option<(String, String)>,
}

/// A direction that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its id.
    pub id: String,
    /// Where it comes from.
    pub from: From,
}

/// Where a direction comes from.
#[derive(Clone, Debug)]
pub enum From {
    /// A control vector's file.
    File(String),
    /// The difference of means at the output of a block.
    Means {
        /// The block, from 0.
        layer: usize,
        /// Prompts that it points to.
        towards: Vec<String>,
        /// Prompts that it points away from.
        away: Vec<String>,
    },
}

/// A direction that is made, and where its file is.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its id, `random-1` for instance.
    pub id: String,
    /// The direction it is matched to, for a random one.
    pub like: Option<String>,
    /// Path of its file, whole or from the plan's folder.
    pub path: String,
}

impl Sweep {
    /// Takes the table.
    ///
    /// # Errors
    /// Keys that are missing or wrong, files of prompts that cannot be read.
    pub fn take(mut fields: Fields, inputs: &dyn Inputs) -> Result<Sweep> {
        let model = fields.need_text("model")?;
        let sampling = fields.value("sampling");
        let strengths = match fields.value("strengths") {
            Some(Value::Array(list)) => list.iter().map(number).collect::<Option<Vec<f64>>>(),
            _ => None,
        };
        let strengths = strengths
            .filter(|list| !list.is_empty())
            .ok_or_else(|| fields.error("`strengths` must be a list of numbers, such as [0.5, 1.0, 1.5]"))?;
        let unit = fields.choice("unit", &[("raw", "raw"), ("norm", "norm")])?.unwrap_or("raw").to_owned();
        let mode = fields.choice("mode", &[("add", "add"), ("set", "set")])?.unwrap_or("add").to_owned();
        let positions = fields.texts("positions")?.unwrap_or_else(|| vec!["all".into()]);
        let random = fields.whole("random", 0, 1_000)?.unwrap_or(3) as usize;
        let system = fields.text("system")?;
        let contrast = match fields.texts("contrast")? {
            None => None,
            Some(two) => match two.as_slice() {
                [unsafe_, safe] => Some((unsafe_.clone(), safe.clone())),
                _ => {
                    return Err(fields.error("`contrast` names two measures: unsafe prompts, then safe ones"));
                }
            },
        };
        let directions = fields
            .inners("direction")?
            .into_iter()
            .map(|inner| wanted(inner, inputs))
            .collect::<Result<Vec<_>>>()?;
        if directions.is_empty() {
            return Err(fields.error("there is no [[steer.direction]]"));
        }
        let measures =
            fields.inners("measure")?.into_iter().map(Measure::take).collect::<Result<Vec<_>>>()?;
        if measures.is_empty() {
            return Err(fields.error("there is no [[steer.measure]]"));
        }
        for name in contrast.iter().flat_map(|(a, b)| [a, b]) {
            if !measures.iter().any(|measure| measure.id == *name) {
                return Err(
                    fields.error(format!("`contrast` names \"{name}\", which is no [[steer.measure]]"))
                );
            }
        }
        fields.finish()?;
        Ok(Sweep {
            model,
            sampling,
            directions,
            strengths,
            unit,
            mode,
            positions,
            random,
            system,
            measures,
            contrast,
        })
    }

    /// The subjects' tables: the unsteered model first, then each direction at each position and strength, then the same
    /// with instructions. Factors are `direction`, `strength`, `positions` and `role`.
    pub fn subjects(&self, made: &[Made]) -> Vec<Table> {
        let mut subjects = vec![self.subject(BASE, [("direction", "none"), ("role", "base")])];
        for direction in made {
            let role = if direction.like.is_some() { "random" } else { "steered" };
            for positions in &self.positions {
                for strength in &self.strengths {
                    let id = format!("{}-{positions}-{strength}", direction.id);
                    let mut table = self.subject(&id, [("direction", &direction.id), ("role", role)]);
                    let mut steer = Table::new();
                    steer.insert("vector".into(), direction.path.clone().into());
                    steer.insert("mode".into(), self.mode.clone().into());
                    steer.insert("strength".into(), (*strength).into());
                    steer.insert("unit".into(), self.unit.clone().into());
                    steer.insert("positions".into(), positions.clone().into());
                    table.insert("steer".into(), Value::Table(steer));
                    if let Some(Value::Table(factors)) = table.get_mut("factors") {
                        factors.insert("strength".into(), strength.to_string().into());
                        factors.insert("positions".into(), positions.clone().into());
                    }
                    subjects.push(table);
                }
            }
        }
        if let Some(system) = &self.system {
            let mut table = self.subject(SYSTEM, [("direction", "none"), ("role", "instructions")]);
            table.insert("system".into(), system.clone().into());
            subjects.push(table);
        }
        subjects
    }

    fn subject(&self, id: &str, factors: [(&str, &str); 2]) -> Table {
        let factors: Table =
            factors.into_iter().map(|(name, level)| (name.to_owned(), level.into())).collect();
        let mut table = Table::new();
        table.insert("id".into(), id.into());
        table.insert("kind".into(), "local".into());
        table.insert("model".into(), self.model.clone().into());
        table.insert("factors".into(), Value::Table(factors));
        if let Some(sampling) = &self.sampling {
            table.insert("sampling".into(), sampling.clone());
        }
        table
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Integer(n) => *n as f64,
        Value::Float(x) => *x,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn wanted(mut fields: Fields, inputs: &dyn Inputs) -> Result<Wanted> {
    let id = fields.need_text("id")?;
    let from = match fields.text("vector")? {
        Some(path) => From::File(path),
        None => {
            let layer = fields.whole("layer", 1, 10_000)?.ok_or_else(|| {
                fields.error("`layer` is missing: at which block's output the direction is taken (or `vector`, a file)")
            })? as usize;
            From::Means {
                layer,
                towards: prompts(&mut fields, "toward", inputs)?,
                away: prompts(&mut fields, "away", inputs)?,
            }
        }
    };
    fields.finish()?;
    if id.is_empty() || id.starts_with("random-") || [BASE, SYSTEM].contains(&id.as_str()) || id.contains('/')
    {
        return Err(Error::plan(format!("a direction cannot be called \"{id}\"")));
    }
    Ok(Wanted { id, from })
}

/// The first `take` prompts of a table's file; the order of the file decides, so that a set can be told by its number.
fn prompts(fields: &mut Fields, key: &str, inputs: &dyn Inputs) -> Result<Vec<String>> {
    let mut inner =
        fields.inner(key)?.ok_or_else(|| fields.error(format!("`{key}` is missing: prompts of a file")))?;
    let path = inner.need_text("path")?;
    let column = inner.text("prompt")?.unwrap_or_else(|| "prompt".into());
    let take = inner.whole("take", 1, 100_000)?.unwrap_or(64) as usize;
    let place = inner.place().to_owned();
    inner.finish()?;
    let rows = table_rows(&inputs.read(&path).map_err(|error| error.at(&place))?, &path, None)?;
    let prompts = rows.iter().take(take).map(|row| {
        row.get(&column)
            .map(ToString::to_string)
            .ok_or_else(|| Error::plan(format!("{}: no column \"{column}\"", row.place)).at(&place))
    });
    prompts.collect()
}
