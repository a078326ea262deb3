//! The table `[steer]` of a plan: which directions and latents are tried, how strongly and where, and what is measured on the
//! way.
//!
//! A sweep is a plan like any other: every setting becomes a subject (the direction's numbers are part of its identity), so
//! that it is frozen, journalled, resumed and judged as all plans are. Start with [`Sweep::take`].
//!
//! Not here: computing directions (`steer::direction`), choosing latents (`search`), the report (`frontier`).

mod gated;
mod latent;
mod made;
mod measure;
mod parts;

use gated::By;
pub use gated::{GateFrom, Gated};
pub use latent::{Best, Chosen, LatentFrom, WantedLatent};
pub use made::Made;
pub(crate) use measure::resolved;
pub use measure::{Measure, Role};
use parts::{fit_to_be_called, wanted};
pub(crate) use parts::{numbers, prompts};

use crate::search::Search;
use plumb_study::{Fields, Inputs, MeasureRef, Plan, Result};
use toml::{Table, Value};

/// Ids of the subjects that every sweep has.
pub const BASE: &str = "base";
/// The control with instructions instead of a direction.
pub const SYSTEM: &str = "safety-prompt";
/// The control with an autoencoder's reconstruction in place, and nothing clamped.
pub const SPLICED: &str = "spliced";

/// What a sweep tries.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The model, as a plan names it.
    pub model: String,
    sampling: Option<Value>,
    /// Directions, by id.
    pub directions: Vec<Wanted>,
    /// Latents, by id.
    pub latents: Vec<WantedLatent>,
    strengths: Vec<f64>,
    unit: String,
    mode: String,
    /// Whether rows that directions change get their length back.
    keep_norm: bool,
    positions: Vec<String>,
    /// Random directions beside each direction, matched in length.
    pub random: usize,
    /// Ids of the `[[items]]` that random controls are asked; all if nothing is said.
    pub random_items: Option<Vec<String>>,
    system: Option<String>,
    /// An autoencoder whose reconstruction is spliced in unchanged, as a control.
    splice: Option<String>,
    /// What decides per conversation whether it is steered, for settings of their own.
    pub gate: Option<Gated>,
    /// How latents are looked for, if they are.
    pub search: Option<Search>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// Ids of two measures whose items are contrasts of each other: what ought to be refused, and what not.
    pub contrast: Option<(String, String)>,
    /// `judge.measure` that says how surprising a reply is without its prompt.
    fluency: Option<String>,
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

impl Sweep {
    /// Takes the table.
    ///
    /// # Errors
    /// Keys that are missing or wrong, files of prompts that cannot be read.
    pub fn take(mut fields: Fields, inputs: &dyn Inputs) -> Result<Sweep> {
        let model = fields.need_text("model")?;
        let sampling = fields.value("sampling");
        let strengths = numbers(&mut fields, "strengths")?
            .ok_or_else(|| fields.error("`strengths` must be a list of numbers, such as [0.5, 1.0, 1.5]"))?;
        let unit = fields.choice("unit", &[("raw", "raw"), ("norm", "norm")])?.unwrap_or("raw").to_owned();
        let mode = fields.choice("mode", &[("add", "add"), ("set", "set")])?.unwrap_or("add").to_owned();
        let keep_norm = fields.flag("keep_norm")?.unwrap_or(false);
        let positions = fields.texts("positions")?.unwrap_or_else(|| vec!["all".into()]);
        let random = fields.whole("random", 0, 1_000)?.unwrap_or(3) as usize;
        let random_items = fields.texts("random_items")?;
        let splice = fields.text("splice")?;
        let system = fields.text("system")?;
        let fluency = fields.text("fluency")?;
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
        let latents =
            fields.inners("latent")?.into_iter().map(WantedLatent::take).collect::<Result<Vec<_>>>()?;
        let gate = fields.inner("gate")?.map(Gated::take).transpose()?;
        if let Some(Gated { by: By::Direction(id), .. }) = &gate
            && !directions.iter().any(|direction| direction.id == *id)
        {
            return Err(fields.error(format!("`gate` names \"{id}\", which is no [[steer.direction]]")));
        }
        let search = fields.inner("search")?.map(|inner| Search::take(inner, inputs)).transpose()?;
        if directions.is_empty() && latents.is_empty() && search.is_none() {
            return Err(fields.error("there is no [[steer.direction]] and no [[steer.latent]]"));
        }
        let ids: Vec<&String> =
            directions.iter().map(|d| &d.id).chain(latents.iter().map(|latent| &latent.id)).collect();
        if let Some((_, id)) = ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id)) {
            return Err(fields.error(format!("two directions or latents are called \"{id}\"")));
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
            latents,
            strengths,
            unit,
            mode,
            keep_norm,
            positions,
            random,
            random_items,
            system,
            splice,
            gate,
            search,
            measures,
            contrast,
            fluency,
        })
    }

    /// Whether a plan has all that the sweep names.
    ///
    /// # Errors
    /// Measures that no judge takes, and names of items that are none.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        for measure in &self.measures {
            measure.resolve(plan)?;
        }
        measure::known_items(
            plan,
            "[steer], `random_items`",
            self.random_items.as_deref().unwrap_or_default(),
        )?;
        self.fluency(plan).map(|_| ())
    }

    /// Where a plan says how surprising replies are, if the sweep asks for it.
    ///
    /// # Errors
    /// No judge of the plan says what the sweep names.
    pub fn fluency(&self, plan: &Plan) -> Result<Option<MeasureRef>> {
        self.fluency.as_ref().map(|of| measure::resolved("[steer], `fluency`", of, plan)).transpose()
    }

    /// The subjects' tables: the unsteered model first, then each direction or latent at each position and strength, then
    /// the controls without. Factors are `direction`, `strength`, `positions` and `role`.
    pub fn subjects(&self, made: &[Made]) -> Vec<Table> {
        let mut subjects = vec![self.base()];
        for one in made {
            let role = if one.like.is_some() { "random" } else { "steered" };
            for positions in &self.positions {
                for strength in &one.strengths {
                    subjects.push(self.steered(&one.id, role, one, (*strength, positions), None));
                }
            }
        }
        let probe = self.gate.as_ref().and_then(|gate| {
            let by: Value = match &gate.by {
                By::Direction(id) => made.iter().find(|one| one.id == *id).and_then(Made::file)?.into(),
                By::Table(table) => Value::Table(table.clone()),
            };
            Some((gate, by))
        });
        if let Some((gate, by)) = probe {
            for one in made.iter().filter(|one| one.like.is_none() && gate.covers(&one.id)) {
                let wanted =
                    |strength: &&f64| gate.strengths.as_ref().is_none_or(|list| list.contains(strength));
                for positions in &self.positions {
                    for strength in one.strengths.iter().filter(wanted) {
                        let id = format!("{}-gated", one.id);
                        subjects.push(self.steered(&id, "gated", one, (*strength, positions), Some(&by)));
                    }
                }
            }
        }
        if let Some(sae) = &self.splice {
            let mut table = self.subject(SPLICED, [("direction", "none"), ("role", "spliced")]);
            let steer = [("sae", sae.as_str()), ("rest", "dropped")];
            let steer: Table = steer.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
            table.insert("steer".into(), Value::Table(steer));
            subjects.push(table);
        }
        if let Some(system) = &self.system {
            let mut table = self.subject(SYSTEM, [("direction", "none"), ("role", "instructions")]);
            table.insert("system".into(), system.clone().into());
            subjects.push(table);
        }
        subjects
    }

    /// The unsteered model's table.
    pub fn base(&self) -> Table {
        self.subject(BASE, [("direction", "none"), ("role", "base")])
    }

    fn steered(
        &self,
        name: &str,
        role: &str,
        made: &Made,
        (strength, positions): (f64, &str),
        gate: Option<&Value>,
    ) -> Table {
        let id = format!("{name}-{positions}-{strength}");
        let mut table = self.subject(&id, [("direction", name), ("role", role)]);
        let mut steer = made.table(strength, positions);
        if let Some(gate) = gate {
            steer.insert("gate".into(), gate.clone());
        }
        table.insert("steer".into(), Value::Table(steer));
        if let Some(Value::Table(factors)) = table.get_mut("factors") {
            factors.insert("strength".into(), strength.to_string().into());
            factors.insert("positions".into(), positions.into());
        }
        table
    }

    fn subject(&self, id: &str, factors: [(&str, &str); 2]) -> Table {
        let factors: Table =
            factors.into_iter().map(|(name, level)| (name.to_owned(), level.into())).collect();
        let mut table = Table::new();
        table.insert("id".into(), id.into());
        table.insert("kind".into(), crate::LOCAL.into());
        table.insert("model".into(), self.model.clone().into());
        table.insert("factors".into(), Value::Table(factors));
        if let Some(sampling) = &self.sampling {
            table.insert("sampling".into(), sampling.clone());
        }
        table
    }
}
