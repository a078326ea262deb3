//! Parts of the table `[steer]`: directions, lists of numbers, prompts of files.

use super::{BASE, From, SPLICED, SYSTEM, Wanted};
use plumb_study::items::table_rows;
use plumb_study::{Error, Fields, Inputs, Result};
use toml::Value;

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Integer(n) => *n as f64,
        Value::Float(x) => *x,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

pub(super) fn wanted(mut fields: Fields, inputs: &dyn Inputs) -> Result<Wanted> {
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
    Ok(Wanted { id: fit_to_be_called(id)?, from })
}

pub(super) fn fit_to_be_called(id: String) -> Result<String> {
    let taken = [BASE, SYSTEM, SPLICED].contains(&id.as_str());
    match id.is_empty() || id.starts_with("random-") || taken || id.contains('/') {
        true => Err(Error::plan(format!("a direction or latent cannot be called \"{id}\""))),
        false => Ok(id),
    }
}

/// A list of numbers that is not empty, if there.
pub(crate) fn numbers(fields: &mut Fields, key: &str) -> Result<Option<Vec<f64>>> {
    let list = match fields.value(key) {
        None => return Ok(None),
        Some(Value::Array(list)) => list.iter().map(number).collect::<Option<Vec<f64>>>(),
        Some(_) => None,
    };
    match list.filter(|list| !list.is_empty()) {
        Some(list) => Ok(Some(list)),
        None => Err(fields.error(format!("`{key}` must be a list of numbers, such as [0.5, 1.0, 1.5]"))),
    }
}

/// The first `take` prompts of a table's file; the order of the file decides, so that a set can be told by its number.
pub(crate) fn prompts(fields: &mut Fields, key: &str, inputs: &dyn Inputs) -> Result<Vec<String>> {
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
