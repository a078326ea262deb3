//! What is done with a direction: the table `steer` of a subject, and the same as one word on the command line.

use super::ControlVector;
use plumb_lm::{Config, Direction, Edit, Edits, Operation, Positions, Site};
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

/// Which tokens are changed. The first token of a sequence, where models keep an attention sink, is changed only if
/// [`Steer::first`] says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// All.
    All,
    /// Those of the prompt, the last one included: it writes the first token of the answer.
    Prompt,
    /// Those of the answer and the last one of the prompt.
    Generated,
    /// The last one of the prompt alone.
    Last,
}

/// How a model is steered: part of a subject's identity, the direction's numbers included, so that the plan stands alone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steer {
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
    /// By block, the direction as f32 in hexadecimal digits, little-endian.
    directions: BTreeMap<usize, String>,
    /// By block, the median norm, where `unit` needs it.
    norms: BTreeMap<usize, f32>,
}

impl Steer {
    /// A use of a direction.
    ///
    /// # Errors
    /// A strength in units that the vector does not hold, one that is not finite, or a vector without direction.
    pub fn new(
        name: &str,
        vector: &ControlVector,
        (mode, strength, unit): (Mode, f64, Unit),
        positions: Span,
    ) -> Result<Steer> {
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
        Ok(Steer {
            vector: name.to_owned(),
            mode,
            strength,
            unit,
            positions,
            first: false,
            directions,
            norms,
        })
    }

    /// Takes the table `steer` of a subject, if there is one.
    ///
    /// # Errors
    /// As [`Steer::new`] and [`ControlVector::read`], and keys that are wrong.
    pub fn take(fields: &mut Fields, inputs: &dyn Inputs) -> Result<Option<Steer>> {
        let Some(mut inner) = fields.inner("steer")? else { return Ok(None) };
        let path = inner.need_text("vector")?;
        let mode = inner
            .choice("mode", &[("add", Mode::Add), ("set", Mode::Set), ("ablate", Mode::Ablate)])?
            .unwrap_or(Mode::Add);
        let strength = inner.number("strength", -1e9, 1e9)?;
        let unit = inner.choice("unit", &[("raw", Unit::Raw), ("norm", Unit::Norm)])?;
        let positions = inner.choice("positions", &Span::NAMES)?.unwrap_or(Span::All);
        let first = inner.flag("first")?.unwrap_or(false);
        if mode == Mode::Ablate && (strength.is_some() || unit.is_some()) {
            return Err(inner.error("`ablate` takes the whole part along the direction: it has no strength"));
        }
        let strength = match (mode, strength) {
            (Mode::Set, None) => {
                return Err(inner.error("`strength` is missing: what the part along the direction becomes"));
            }
            (_, strength) => strength.unwrap_or(1.0),
        };
        let place = inner.place().to_owned();
        inner.finish()?;
        let bytes = inputs.read(&path).map_err(|error| error.at(&place))?;
        let vector = ControlVector::read(&bytes, &path).map_err(|error| error.at(&place))?;
        let name = path.rsplit('/').next().unwrap_or(&path);
        let mut steer = Steer::new(name, &vector, (mode, strength, unit.unwrap_or(Unit::Raw)), positions)
            .map_err(|error| error.at(&place))?;
        steer.first = first;
        Ok(Some(steer))
    }

    /// The same at another strength.
    pub fn at(&self, strength: f64) -> Steer {
        Steer { strength, ..self.clone() }
    }

    /// The edits of a sequence whose first `prompt` tokens are given.
    ///
    /// # Errors
    /// A direction for a layer that the model does not have, or of another width.
    pub fn edits(&self, config: &Config, prompt: usize) -> Result<Edits> {
        let mut edits = Vec::new();
        let Some(positions) = self.span(prompt) else { return Ok(Edits::NONE) };
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
            edits.push(Edit { site: Site::ResidPost(*layer), positions: positions.clone(), operation });
        }
        Ok(Edits::new(edits))
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

    /// Positions of the tokens that are changed; `None` if there is none, or nothing would change.
    fn span(&self, prompt: usize) -> Option<Positions> {
        if self.mode == Mode::Add && self.strength == 0.0 {
            return None;
        }
        let start = usize::from(!self.first);
        let last = prompt.saturating_sub(1);
        let span = match self.positions {
            Span::All => Positions::From(start),
            Span::Prompt => Positions::Range(start..prompt),
            Span::Generated => Positions::From(last.max(start)),
            Span::Last => Positions::Range(last.max(start)..prompt),
        };
        match &span {
            Positions::Range(range) if range.is_empty() => None,
            _ => Some(span),
        }
    }

    /// Whether tokens at `position` are changed, for a mask that people can read.
    pub fn touches(&self, position: usize, prompt: usize) -> bool {
        match self.span(prompt) {
            Some(Positions::All) => true,
            Some(Positions::From(start)) => position >= start,
            Some(Positions::Range(range)) => range.contains(&position),
            _ => false,
        }
    }

    /// In a few words, such as `refusal.gguf 1.5 (all)`.
    pub fn words(&self) -> String {
        let span = self.positions.name();
        match self.mode {
            Mode::Ablate => format!("{} ablated ({span})", self.vector),
            Mode::Set => format!("{} set to {} {} ({span})", self.vector, self.strength, self.unit.name()),
            Mode::Add => format!("{} {} {} ({span})", self.vector, self.strength, self.unit.name()),
        }
    }
}

impl Span {
    /// All, by name.
    pub const NAMES: [(&'static str, Span); 4] =
        [("all", Span::All), ("prompt", Span::Prompt), ("generated", Span::Generated), ("last", Span::Last)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, span)| *span == self).map_or("all", |(name, _)| name)
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

/// `FILE` or `FILE=STRENGTH` or `FILE=STRENGTHn` (in median norms), then perhaps `@POSITIONS`; `FILE=ablate`.
///
/// # Errors
/// A text of another form.
pub(crate) fn parts(text: &str) -> Result<(String, Mode, f64, Unit, Span)> {
    let wrong = || {
        Error::plan(format!("\"{text}\" does not say how to steer"))
            .help("write FILE.gguf=1.5, FILE.gguf=0.2norm for a share of the residual stream's median norm, or FILE.gguf=ablate; then perhaps @prompt, @generated or @last")
    };
    let (rest, span) = match text.rsplit_once('@') {
        None => (text, Span::All),
        Some((rest, name)) => {
            let span = Span::NAMES.iter().find(|(known, _)| *known == name).ok_or_else(wrong)?;
            (rest, span.1)
        }
    };
    let (file, how) = rest.rsplit_once('=').unwrap_or((rest, "1"));
    let (mode, number, unit) = match how.strip_suffix("norm") {
        _ if how == "ablate" => (Mode::Ablate, "0", Unit::Raw),
        Some(number) => (Mode::Add, number, Unit::Norm),
        None => (Mode::Add, how, Unit::Raw),
    };
    let strength = number.trim().parse().map_err(|_| wrong())?;
    if file.is_empty() { Err(wrong()) } else { Ok((file.to_owned(), mode, strength, unit, span)) }
}

impl Steer {
    /// What one word of the command line says, such as `refusal.gguf=1.5@generated`; `read` gives a file's bytes.
    ///
    /// # Errors
    /// A word of another form, or as [`Steer::new`].
    pub fn parse(text: &str, read: impl Fn(&str) -> Result<Vec<u8>>) -> Result<Steer> {
        let (file, mode, strength, unit, span) = parts(text)?;
        let vector = ControlVector::read(&read(&file)?, &file)?;
        Steer::new(file.rsplit('/').next().unwrap_or(&file), &vector, (mode, strength, unit), span)
    }

    /// For requests that all have prompts of different lengths: the edits, shared where they do not depend on it.
    pub(crate) fn shared(&self, config: &Config) -> Result<Option<Arc<Edits>>> {
        match self.positions {
            Span::All => Ok(Some(Arc::new(self.edits(config, usize::MAX)?))),
            _ => Ok(None),
        }
    }
}

fn to_hex(values: &[f32]) -> String {
    values.iter().flat_map(|value| value.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(digits: &str) -> Result<Vec<f32>> {
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
        }
    }

    fn steer(span: Span) -> Steer {
        Steer::new("v", &vector(), (Mode::Add, 2.0, Unit::Raw), span).unwrap()
    }

    #[test]
    fn numbers_survive_the_plan() {
        let values = [1.5, -0.0, f32::MIN_POSITIVE, 3.3e38];
        let read = from_hex(&to_hex(&values)).unwrap();
        assert!(values.iter().zip(&read).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(from_hex("0000").is_err() && from_hex("0000000g").is_err());
        let steer = steer(Span::Last);
        let json = serde_json::to_value(&steer).unwrap();
        assert_eq!(serde_json::from_value::<Steer>(json).unwrap(), steer);
    }

    #[test]
    fn the_last_token_of_the_prompt_is_among_the_generated_and_the_first_is_left_out() {
        let mask = |span| (0..6).map(|at| u8::from(steer(span).touches(at, 4))).collect::<Vec<_>>();
        assert_eq!(mask(Span::All), [0, 1, 1, 1, 1, 1]);
        assert_eq!(mask(Span::Prompt), [0, 1, 1, 1, 0, 0]);
        assert_eq!(mask(Span::Generated), [0, 0, 0, 1, 1, 1]);
        assert_eq!(mask(Span::Last), [0, 0, 0, 1, 0, 0]);
        assert!(steer(Span::Last).span(1).is_none(), "a prompt of one token");
        let mut first = steer(Span::All);
        first.first = true;
        assert!(first.touches(0, 4));
    }

    #[test]
    fn words_of_the_command_line() {
        let read = |text: &str| parts(text).ok();
        assert_eq!(read("a.gguf"), Some(("a.gguf".into(), Mode::Add, 1.0, Unit::Raw, Span::All)));
        assert_eq!(
            read("d/a.gguf=-1.5@last"),
            Some(("d/a.gguf".into(), Mode::Add, -1.5, Unit::Raw, Span::Last))
        );
        assert_eq!(read("a=0.2norm"), Some(("a".into(), Mode::Add, 0.2, Unit::Norm, Span::All)));
        assert_eq!(read("a=ablate"), Some(("a".into(), Mode::Ablate, 0.0, Unit::Raw, Span::All)));
        for wrong in ["", "=2", "a=much", "a=1@sometimes"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_unit_that_is_not_known_is_an_error() {
        let bare = ControlVector { norms: BTreeMap::new(), ..vector() };
        let error = Steer::new("v", &bare, (Mode::Add, 1.0, Unit::Norm), Span::All).unwrap_err();
        assert_eq!(error.to_string(), "v: does not say the median norm at layer 1");
    }
}
