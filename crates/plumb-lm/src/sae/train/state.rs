//! A training on disk, between two steps.

use std::path::Path;

use super::super::Fault;
use super::super::file::{Table as Tensors, write_tensors};
use super::adam::{Table, Vector};
use super::{Origin, Recipe, Trainer};
use crate::Error;
use crate::kernel::Isa;

/// What does not fit into tables of f32, as a text beside them.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    recipe: Recipe,
    width: usize,
    factor: f32,
    variance: f64,
    step: usize,
    idle: Vec<u32>,
    /// A checkpoint of an earlier version does not say; it is then nobody's.
    #[serde(default)]
    origin: Origin,
    /// Of the tables: a note and tables of two moments must not be taken for one.
    tables: String,
}

impl Trainer {
    /// Writes all of it into `folder`, so that it is whole whenever the process ends: tables under the step's number first,
    /// then the note that names them.
    ///
    /// # Errors
    /// [`Error::is_io`] if a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), Error> {
        let io = |source| Error::from(Fault::Io { path: folder.to_owned(), source });
        std::fs::create_dir_all(folder).map_err(io)?;
        let tables = format!("step-{}.safetensors", self.step);
        let (m, d) = (self.recipe.latents, self.width);
        let mut all: Vec<(&str, Vec<usize>, &[f32])> = Vec::new();
        let names = [["encoder", "encoder.m", "encoder.v"], ["decoder", "decoder.m", "decoder.v"]];
        for (table, names) in [&self.encoder, &self.decoder].into_iter().zip(names) {
            for (name, values) in names.into_iter().zip([&table.values, &table.first, &table.second]) {
                all.push((name, vec![m, d], values));
            }
        }
        let names = [
            ["encoder_bias", "encoder_bias.m", "encoder_bias.v"],
            ["decoder_bias", "decoder_bias.m", "decoder_bias.v"],
            ["log_threshold", "log_threshold.m", "log_threshold.v"],
        ];
        for (vector, names) in
            [&self.encoder_bias, &self.decoder_bias, &self.log_threshold].into_iter().zip(names)
        {
            for (name, values) in names.into_iter().zip([&vector.values, &vector.first, &vector.second]) {
                all.push((name, vec![values.len()], values));
            }
        }
        write_tensors(&folder.join(&tables), &all)?;
        let note = Note {
            recipe: self.recipe.clone(),
            width: self.width,
            factor: self.factor,
            variance: self.variance,
            step: self.step,
            idle: self.idle.clone(),
            origin: self.origin.clone(),
            tables: tables.clone(),
        };
        let text = serde_json::to_vec(&note).map_err(|error| unsound(folder, error.to_string()))?;
        super::super::file::write_whole(folder.join("training.json"), &text)?;
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let text = name.to_string_lossy();
            if text.starts_with("step-") && *text != tables {
                // Left from before; if it cannot be removed it only takes room.
                let _ = std::fs::remove_file(folder.join(&name));
            }
        }
        Ok(())
    }

    /// Goes on with what [`Trainer::save`] wrote; `None` if there is nothing.
    ///
    /// # Errors
    /// [`Error::is_corrupt`] if it is damaged.
    pub fn load(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join("training.json");
        let Ok(text) = std::fs::read(&path) else { return Ok(None) };
        let note: Note = serde_json::from_slice(&text).map_err(|error| unsound(&path, error.to_string()))?;
        let (m, d) = (note.recipe.latents, note.width);
        let tables = folder.join(&note.tables);
        let mut tensors = Tensors::read(&tables)?;
        let mut three = |name: &str, shape: &[usize]| -> Result<[Vec<f32>; 3], Error> {
            Ok([
                tensors.take(name, shape)?,
                tensors.take(&format!("{name}.m"), shape)?,
                tensors.take(&format!("{name}.v"), shape)?,
            ])
        };
        let mut table = |name: &str| -> Result<Table, Error> {
            let [values, first, second] = three(name, &[m, d])?;
            Ok(Table::resumed(values, first, second, d))
        };
        let (encoder, decoder) = (table("encoder")?, table("decoder")?);
        let mut vector = |name: &str, length: usize| -> Result<Vector, Error> {
            let [values, first, second] = three(name, &[length])?;
            Ok(Vector { values, first, second })
        };
        Ok(Some(Self {
            encoder,
            decoder,
            encoder_bias: vector("encoder_bias", m)?,
            decoder_bias: vector("decoder_bias", d)?,
            log_threshold: vector("log_threshold", m)?,
            width: d,
            factor: note.factor,
            variance: note.variance,
            idle: note.idle,
            step: note.step,
            origin: note.origin,
            isa: Isa::detect(),
            recipe: note.recipe,
        }))
    }
}

fn unsound(path: &Path, reason: String) -> Error {
    Fault::Unsound { path: path.to_owned(), reason }.into()
}
