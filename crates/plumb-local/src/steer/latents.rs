//! What is done with latents of a sparse autoencoder.

use super::span::{Span, Tokens, sink_norm};
use super::{Done, Found, Saes, Steering};
use plumb_lm::sae::{Change, LatentEdit, LatentOptions, Remainder, Sae, norm};
use plumb_lm::{Model, Operation, Site};
use plumb_study::{Error, Fields, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a latent's activation `f` is changed. The names are those of the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It becomes the value.
    Clamp,
    /// It is multiplied by the value.
    Scale,
    /// The value is added to it, also where it was 0.
    Add,
    /// It becomes 0.
    Ablate,
}

impl How {
    pub(super) const NAMES: [(&'static str, How); 3] =
        [("clamp", How::Clamp), ("scale", How::Scale), ("add", How::Add)];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, how)| *how == self).map_or("ablate", |(name, _)| name)
    }

    /// Whether its value is in a unit of activations.
    fn has_unit(self) -> bool {
        matches!(self, How::Clamp | How::Add)
    }
}

/// In which unit values are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatentUnit {
    /// Activations as they are.
    Raw,
    /// The latent's own 99th percentile over the rows in which it is active.
    P99,
    /// The length that is written into the residual stream, as a multiple of its median norm.
    Norm,
}

impl LatentUnit {
    /// All, by name.
    pub const NAMES: [(&'static str, LatentUnit); 3] =
        [("raw", LatentUnit::Raw), ("p99", LatentUnit::P99), ("norm", LatentUnit::Norm)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, unit)| *unit == self).map_or("raw", |(name, _)| name)
    }
}

/// What becomes of what the autoencoder does not describe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rest {
    /// It stays.
    Kept,
    /// It goes: the reconstruction is spliced in.
    Dropped,
}

/// A latent, and what one unit of a value is in its activations.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latent {
    /// Its number.
    pub latent: usize,
    /// What a value is multiplied by.
    pub per: f64,
    /// In how many of the rows that the unit was measured on it was active; 0 if the unit was not measured.
    pub active: u32,
}

/// Steering by latents: part of a subject's identity. The autoencoder stands there by its digest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latents {
    /// Name or path of the autoencoder.
    pub sae: String,
    /// Digest of its numbers and rules.
    pub digest: String,
    /// Its place in the model, as its files name it; a plan of an earlier version does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// What is done.
    pub how: How,
    /// The value, in `unit`. 0 for `ablate`.
    pub value: f64,
    /// The unit of `value`; of `scale` it has none and is raw.
    pub unit: LatentUnit,
    /// Which latents; none only where the rest is dropped.
    pub latents: Vec<Latent>,
    /// What becomes of what the autoencoder does not describe.
    pub rest: Rest,
    /// Whether a changed row gets back the length that it had.
    pub keep_norm: bool,
    /// Which tokens.
    pub positions: Span,
    /// Whether the first token is changed, too.
    pub first: bool,
    /// The length from which rows are attention sinks and left alone; none where the median is not known, or sinks are to be
    /// changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinks: Option<f32>,
}

impl Latents {
    /// These latents of an autoencoder, all changed alike, at all tokens but the first.
    ///
    /// # Errors
    /// A unit that was not measured, or of a latent that was active in no row, or what [`LatentEdit::new`] refuses.
    pub fn new(
        name: &str,
        found: &Found,
        latents: &[usize],
        (how, value, unit): (How, f64, LatentUnit),
    ) -> Result<Latents> {
        let per = |latent: &usize| {
            unit_of(name, found, *latent, if how.has_unit() { unit } else { LatentUnit::Raw })
        };
        let made = Latents {
            sae: name.to_owned(),
            digest: found.sae.digest().to_owned(),
            hook: found.sae.provenance().hook.clone(),
            how,
            value: if how == How::Ablate { 0.0 } else { value },
            unit,
            latents: latents.iter().map(per).collect::<Result<_>>()?,
            rest: Rest::Kept,
            keep_norm: false,
            positions: Span::All,
            first: false,
            sinks: sink_norm(false, found.units.as_ref().map(|units| units.median_norm)),
        };
        Ok(made)
    }

    /// Takes the rest of the table `steer`, which names an autoencoder.
    ///
    /// # Errors
    /// As [`Latents::new`], and keys that are wrong.
    pub(super) fn take(mut inner: Fields, saes: &dyn Saes, tokens: Tokens) -> Result<Latents> {
        let name = inner.need_text("sae")?;
        let place = inner.place().to_owned();
        let latents = numbers(&mut inner)?;
        let mut hows = Vec::new();
        for (key, how) in How::NAMES {
            hows.extend(inner.number(key, -1e9, 1e9)?.map(|value| (how, value)));
        }
        if inner.flag("ablate")?.unwrap_or(false) {
            hows.push((How::Ablate, 0.0));
        }
        let unit = inner.choice("unit", &LatentUnit::NAMES)?;
        let rest = inner.choice("rest", &[("kept", Rest::Kept), ("dropped", Rest::Dropped)])?;
        let rest = rest.unwrap_or(Rest::Kept);
        let keep_norm = inner.flag("keep_norm")?.unwrap_or(false);
        let (how, value) = match (hows.as_slice(), latents.is_empty()) {
            ([one], false) => *one,
            ([], true) if rest == Rest::Dropped => (How::Ablate, 0.0),
            (_, true) => return Err(inner.error("`latent` is missing: the number of a latent")),
            _ => {
                return Err(inner.error(
                    "it must be said once what becomes of the latent: `clamp`, `scale` or `add`, a number each, or `ablate = true`",
                ));
            }
        };
        if unit.is_some() && !how.has_unit() {
            return Err(inner.error(format!("`unit` means nothing for `{}`", how.name())));
        }
        let unit = unit.unwrap_or(LatentUnit::Raw);
        inner.finish()?;
        let found = saes.find(&name).map_err(|error| error.at(&place))?;
        let mut made =
            Latents::new(&name, &found, &latents, (how, value, unit)).map_err(|error| error.at(&place))?;
        (made.rest, made.keep_norm) = (rest, keep_norm);
        (made.positions, made.first) = (tokens.span, tokens.first);
        made.sinks = made.sinks.filter(|_| !tokens.sinks);
        made.edit(&found.sae).map_err(|error| error.at(&place))?;
        Ok(made)
    }

    /// What it comes to in a model.
    ///
    /// # Errors
    /// An autoencoder that is not there or not the one that the plan was frozen with, or that fits no place of the model.
    pub(super) fn fit(&self, model: &Model, saes: &dyn Saes) -> Result<Steering> {
        let (sae, site) = same((&self.sae, &self.digest, self.hook.as_deref()), model, saes)?;
        let tokens = Tokens { span: self.positions.clone(), first: self.first, sinks: self.sinks.is_none() };
        let edit = self.edit(&sae)?;
        Ok(Steering {
            changes: vec![Done::new(site, Operation::Latents(Arc::new(edit)), self.sinks)],
            tokens,
        })
    }

    /// What a value of 1 writes into the residual stream where the latents were 0, for directions of the same length.
    pub fn written(&self, found: &Found) -> Vec<f32> {
        let mut sum = vec![0.0; found.sae.width()];
        for latent in &self.latents {
            let row = found.sae.direction(latent.latent);
            sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += (latent.per * f64::from(*x)) as f32);
        }
        sum
    }

    fn edit(&self, sae: &Arc<Sae>) -> Result<LatentEdit> {
        let change = |latent: &Latent| {
            let value = (self.value * latent.per) as f32;
            let change = match self.how {
                How::Clamp => Change::Clamp(value),
                How::Scale => Change::Scale(value),
                How::Add => Change::Add(value),
                How::Ablate => Change::Ablate,
            };
            (latent.latent, change)
        };
        let remainder = match self.rest {
            Rest::Kept => Remainder::Kept,
            Rest::Dropped => Remainder::Dropped,
        };
        let options = LatentOptions { remainder, keep_norm: self.keep_norm };
        LatentEdit::new(sae.clone(), self.latents.iter().map(change).collect(), options)
            .map_err(|error| Error::plan(format!("the autoencoder {}: {error}", self.sae)))
    }

    /// In a few words, such as `sae-qwen:7 clamp 12 raw (all)`, with what a 99th percentile is and how many tokens it is of.
    pub fn words(&self) -> String {
        let latents: Vec<String> = self.latents.iter().map(|latent| latent.latent.to_string()).collect();
        let rest = if self.rest == Rest::Dropped { ", spliced in" } else { "" };
        let span = self.positions.name();
        let what = match (self.latents.is_empty(), self.how) {
            (true, _) => "nothing changed".to_owned(),
            (_, How::Ablate) => self.how.name().to_owned(),
            (_, How::Scale) => format!("{} {}", self.how.name(), self.value),
            _ => format!("{} {} {}", self.how.name(), self.value, self.unit.name()),
        };
        let norm = if self.keep_norm { ", norm kept" } else { "" };
        let measured: Vec<String> =
            self.usual().map(|latent| format!("{:.4} over n = {}", latent.per, latent.active)).collect();
        let measured = match measured.is_empty() {
            true => String::new(),
            false => format!(", p99 {}", measured.join("; ")),
        };
        format!("{}:{} {what}{rest}{norm} ({span}{measured})", self.sae, latents.join(","))
    }

    /// Latents whose 99th percentile is the unit.
    pub(super) fn usual(&self) -> impl Iterator<Item = &Latent> {
        self.latents.iter().filter(|_| self.unit == LatentUnit::P99 && self.how.has_unit())
    }
}

/// `latent = 7` or `latents = [7, 9]`.
fn numbers(inner: &mut Fields) -> Result<Vec<usize>> {
    let one = inner.whole("latent", 0, i64::from(u32::MAX))?;
    let list = match inner.value("latents") {
        None => Vec::new(),
        Some(toml::Value::Array(list)) => list
            .iter()
            .map(|value| value.as_integer().and_then(|number| usize::try_from(number).ok()))
            .collect::<Option<Vec<usize>>>()
            .ok_or_else(|| inner.error("`latents` must be a list of whole numbers"))?,
        Some(_) => return Err(inner.error("`latents` must be a list of whole numbers")),
    };
    Ok(one.map(|number| number as usize).into_iter().chain(list).collect())
}

/// The autoencoder of that name, which must be the one that a plan was frozen with and stand where it stood, and its place in
/// the model.
///
/// # Errors
/// It is another one, stands elsewhere, or fits no place of the model.
pub(super) fn same(
    (name, digest, hook): (&str, &str, Option<&str>),
    model: &Model,
    saes: &dyn Saes,
) -> Result<(Arc<Sae>, Site)> {
    let sae = saes.find(name)?.sae;
    if sae.digest() != digest {
        return Err(Error::party(format!(
            "the autoencoder {name} is not the one that the plan was frozen with (digest {:.12}…, not {:.12}…)",
            sae.digest(),
            digest
        ))
        .help("freeze the plan again, or bring the old files back"));
    }
    let wrong = |error: plumb_lm::Error| Error::party(format!("the autoencoder {name}: {error}"));
    let site = sae.site(model).map_err(wrong)?;
    // Other tools' layouts name the same place otherwise.
    match hook.map(|hook| Site::parse(hook, model.config())).transpose().map_err(wrong)? {
        Some(frozen) if frozen != site => Err(Error::party(format!(
            "the autoencoder {name} stands at {site} by its files, but stood at {frozen} when the plan was frozen"
        ))
        .help("freeze the plan again, or bring the old files back")),
        _ => Ok((sae, site)),
    }
}

/// What one unit is for a latent.
pub(super) fn unit_of(name: &str, found: &Found, latent: usize, unit: LatentUnit) -> Result<Latent> {
    let sae = &found.sae;
    if latent >= sae.latents() {
        return Err(Error::plan(format!(
            "the autoencoder {name}: there is no latent {latent}; it has {} latents of rows of {} numbers",
            sae.latents(),
            sae.width()
        )));
    }
    let units = found.units.as_deref();
    let active = units.map_or(0, |units| units.active[latent]);
    let measured = || {
        units.ok_or_else(|| {
            Error::plan(format!(
                "the autoencoder {name}: how strong its latents usually are was not measured"
            ))
            .help("`plumb sae train` measures it and keeps it beside the weights that it makes (latents.json); for others give the value as unit = \"raw\"")
        })
    };
    let per = match unit {
        LatentUnit::Raw => 1.0,
        LatentUnit::P99 => f64::from(measured()?.p99[latent]),
        LatentUnit::Norm => {
            let length = norm(sae.direction(latent));
            f64::from(measured()?.median_norm) / length.max(f64::MIN_POSITIVE)
        }
    };
    if per == 0.0 {
        return Err(Error::plan(format!(
            "the autoencoder {name}: latent {latent} was active in none of the rows that its usual strength was measured on"
        ))
        .help("it is dead there; give the value as unit = \"raw\" or take another latent"));
    }
    Ok(Latent { latent, per, active })
}
