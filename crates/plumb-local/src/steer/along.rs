//! What is done with a direction.

use super::span::{Span, Tokens, sink_norm};
use super::{ControlVector, Done, Steering};
use plumb_lm::{Config, Direction, Operation, Site};
use plumb_study::{Error, Fields, Inputs, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a direction is used. The names are those of the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// `x + s v`, as llama.cpp does.
    Add,
    /// The part of `x` along `v` becomes `s`.
    Set,
    /// The part of `x` along `v` is taken away; there is no strength.
    Ablate,
}

/// In which unit the strength is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// For `add` a multiple of the vector as it is; for `set` the projection.
    Raw,
    /// A multiple of the median norm of the residual stream at the layer, which the vector's file must hold.
    Norm,
}

/// Steering along a direction: part of a subject's identity, the direction's numbers included, so that the plan stands alone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Along {
    /// Name of the file that the direction came from; for people.
    pub vector: String,
    /// What is done.
    pub mode: Mode,
    /// How strongly, in `unit`; negative goes the other way. 0 for `ablate`.
    pub strength: f64,
    /// The unit of `strength`.
    pub unit: Unit,
    /// Which tokens.
    pub positions: Span,
    /// Whether the first token is changed, too.
    pub first: bool,
    /// Whether a changed row gets back the length that it had.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_norm: bool,
    /// By block, the length from which rows are attention sinks and left alone; none where the vector's file does not say the
    /// median, or sinks are to be changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sinks: BTreeMap<usize, f32>,
    /// By block, the direction as f32 in hexadecimal digits, little-endian.
    directions: BTreeMap<usize, String>,
    /// By block, the median norm, where `unit` needs it.
    norms: BTreeMap<usize, f32>,
}

impl Along {
    /// A use of a direction.
    ///
    /// # Errors
    /// A strength in units that the vector does not hold, one that is not finite, or a vector without direction.
    pub fn new(
        name: &str,
        vector: &ControlVector,
        (mode, strength, unit): (Mode, f64, Unit),
        positions: Span,
    ) -> Result<Along> {
        if !strength.is_finite() {
            return Err(Error::plan(format!("the strength {strength} is no finite number")));
        }
        let mut norms = BTreeMap::new();
        for (layer, values) in &vector.layers {
            if Direction::new(values).is_none() && mode != Mode::Add {
                return Err(Error::plan(format!("{name}: the direction of layer {layer} is zero")));
            }
            if unit == Unit::Norm {
                let norm = vector.norms.get(layer).ok_or_else(|| {
                    Error::plan(format!("{name}: does not say the median norm at layer {layer}"))
                        .help("give the strength as unit = \"raw\", or make the vector with `plumb models direction`")
                })?;
                norms.insert(*layer, *norm);
            }
        }
        let directions = vector.layers.iter().map(|(layer, values)| (*layer, to_hex(values))).collect();
        let strength = if mode == Mode::Ablate { 0.0 } else { strength };
        let sinks = |(layer, norm): (&usize, &f32)| Some((*layer, sink_norm(false, Some(*norm))?));
        Ok(Along {
            vector: name.to_owned(),
            mode,
            strength,
            unit,
            positions,
            first: false,
            keep_norm: false,
            sinks: vector.norms.iter().filter_map(sinks).collect(),
            directions,
            norms,
        })
    }

    /// Takes the rest of the table `steer`, which names a vector.
    ///
    /// # Errors
    /// As [`Along::new`] and [`ControlVector::read`], and keys that are wrong.
    pub(super) fn take(mut inner: Fields, inputs: &dyn Inputs, tokens: Tokens) -> Result<Along> {
        let path = inner.need_text("vector")?;
        let mode = inner
            .choice("mode", &[("add", Mode::Add), ("set", Mode::Set), ("ablate", Mode::Ablate)])?
            .unwrap_or(Mode::Add);
        let strength = inner.number("strength", -1e9, 1e9)?;
        let unit = inner.choice("unit", &[("raw", Unit::Raw), ("norm", Unit::Norm)])?;
        if mode == Mode::Ablate && (strength.is_some() || unit.is_some()) {
            return Err(inner.error("`ablate` takes the whole part along the direction: it has no strength"));
        }
        let strength = match (mode, strength) {
            (Mode::Set, None) => {
                return Err(inner.error("`strength` is missing: what the part along the direction becomes"));
            }
            (_, strength) => strength.unwrap_or(1.0),
        };
        let keep_norm = inner.flag("keep_norm")?.unwrap_or(false);
        let place = inner.place().to_owned();
        inner.finish()?;
        let bytes = inputs.read(&path).map_err(|error| error.at(&place))?;
        let vector = ControlVector::read(&bytes, &path).map_err(|error| error.at(&place))?;
        let name = super::last(&path);
        let mut along = Along::new(name, &vector, (mode, strength, unit.unwrap_or(Unit::Raw)), tokens.span)
            .map_err(|error| error.at(&place))?;
        (along.first, along.keep_norm) = (tokens.first, keep_norm);
        if tokens.sinks {
            along.sinks.clear();
        }
        Ok(along)
    }

    /// What it comes to in a model.
    ///
    /// # Errors
    /// A direction for a layer that the model does not have, or of another width.
    pub(super) fn fit(&self, config: &Config) -> Result<Steering> {
        let tokens = Tokens { span: self.positions.clone(), first: self.first, sinks: self.sinks.is_empty() };
        let mut changes = Vec::new();
        let idle = self.mode == Mode::Add && self.strength == 0.0;
        for (layer, digits) in &self.directions {
            let values = from_hex(digits)?;
            if *layer >= config.layers || values.len() != config.width {
                return Err(Error::party(format!(
                    "{}: a direction for layer {layer}, {} wide; the model has {} layers, {} wide",
                    self.vector,
                    values.len(),
                    config.layers,
                    config.width
                )));
            }
            let operation = self.operation(*layer, &values)?;
            let operation = match self.keep_norm {
                true => Operation::KeepNorm(Arc::new(operation)),
                false => operation,
            };
            if !idle {
                changes.push(Done::new(Site::ResidPost(*layer), operation, self.sinks.get(layer).copied()));
            }
        }
        Ok(Steering { changes, tokens })
    }

    fn operation(&self, layer: usize, values: &[f32]) -> Result<Operation> {
        let zero = || Error::party(format!("{}: the direction of layer {layer} is zero", self.vector));
        let norm = f64::from(self.norms.get(&layer).copied().unwrap_or(1.0));
        Ok(match (self.mode, self.unit) {
            (Mode::Add, Unit::Raw) => {
                let scaled: Vec<f32> =
                    values.iter().map(|v| (f64::from(*v) * self.strength) as f32).collect();
                Operation::Add(scaled.into())
            }
            (Mode::Add, Unit::Norm) => {
                let unit = Direction::new(values).ok_or_else(zero)?;
                let by = self.strength * norm;
                let scaled: Vec<f32> = unit.as_slice().iter().map(|v| (f64::from(*v) * by) as f32).collect();
                Operation::Add(scaled.into())
            }
            (Mode::Set, unit) => {
                let by = if unit == Unit::Norm { norm } else { 1.0 };
                let direction = Direction::new(values).ok_or_else(zero)?;
                Operation::SetAlong { direction, value: (self.strength * by) as f32 }
            }
            (Mode::Ablate, _) => Operation::ProjectOut(Direction::new(values).ok_or_else(zero)?),
        })
    }

    /// In a few words, such as `refusal.gguf 1.5 (all)`.
    pub fn words(&self) -> String {
        let norm = if self.keep_norm { ", norm kept" } else { "" };
        let span = format!("{}{norm}", self.positions.name());
        match self.mode {
            Mode::Ablate => format!("{} ablated ({span})", self.vector),
            Mode::Set => format!("{} set to {} {} ({span})", self.vector, self.strength, self.unit.name()),
            Mode::Add => format!("{} {} {} ({span})", self.vector, self.strength, self.unit.name()),
        }
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Raw => "raw",
            Unit::Norm => "norm",
        }
    }
}

pub(super) fn to_hex(values: &[f32]) -> String {
    values.iter().flat_map(|value| value.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn from_hex(digits: &str) -> Result<Vec<f32>> {
    let wrong = || {
        Error::party("the plan's direction cannot be read")
            .help("the plan was frozen by another version of this program; freeze it again")
    };
    let (eights, rest) = digits.as_bytes().as_chunks::<8>();
    if !rest.is_empty() {
        return Err(wrong());
    }
    let value = |eight: &[u8; 8]| {
        let text = std::str::from_utf8(eight).ok()?;
        u32::from_str_radix(text, 16).ok().map(|bits| f32::from_bits(bits.swap_bytes()))
    };
    eights.iter().map(|eight| value(eight).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector() -> ControlVector {
        ControlVector {
            model: String::new(),
            layers: BTreeMap::from([(1, vec![3.0, 4.0, -0.5])]),
            norms: BTreeMap::from([(1, 10.0)]),
            thresholds: BTreeMap::new(),
        }
    }

    fn along(span: Span) -> Along {
        Along::new("v", &vector(), (Mode::Add, 2.0, Unit::Raw), span).unwrap()
    }

    #[test]
    fn numbers_survive_the_plan() {
        let values = [1.5, -0.0, f32::MIN_POSITIVE, 3.3e38];
        let read = from_hex(&to_hex(&values)).unwrap();
        assert!(values.iter().zip(&read).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(from_hex("0000").is_err() && from_hex("0000000g").is_err());
        let steer = along(Span::Last);
        let json = serde_json::to_value(&steer).unwrap();
        assert_eq!(serde_json::from_value::<Along>(json).unwrap(), steer);
    }

    #[test]
    fn a_unit_that_is_not_known_is_an_error() {
        let bare = ControlVector { norms: BTreeMap::new(), ..vector() };
        let error = Along::new("v", &bare, (Mode::Add, 1.0, Unit::Norm), Span::All).unwrap_err();
        assert_eq!(error.to_string(), "v: does not say the median norm at layer 1");
    }
}
