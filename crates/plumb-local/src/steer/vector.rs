//! Directions by layer, in the file format of llama.cpp's control vectors.
//!
//! A GGUF file with `general.architecture = "controlvector"` and a tensor `direction.L` of f32 for each layer; what is at
//! `L` is added to the output of block `L`, counted from 0, so that block 0 has none (llama.cpp's `control-vector` options,
//! repeng's export). Two keys more are written here: the median norm of the residual stream at each layer, the unit in
//! which strengths can be given, and the projection half way between the two kinds of prompts, for gates. Other readers
//! ignore them.

use plumb_lm::gguf::{Builder, Gguf, TensorType};
use plumb_study::{Error, Result};
use std::collections::BTreeMap;

/// A direction for some layers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ControlVector {
    /// The model's architecture, such as `qwen2`; empty if the file does not say.
    pub model: String,
    /// By block, counted from 0: what belongs to its output, as long as the residual stream is wide.
    pub layers: BTreeMap<usize, Vec<f32>>,
    /// The median norm of the residual stream's rows there, where it is known; first tokens are left out.
    pub norms: BTreeMap<usize, f32>,
    /// The projection on the direction, taken as of length one, that is half way between the prompts that it was made of.
    pub thresholds: BTreeMap<usize, f32>,
}

impl ControlVector {
    /// Reads a file; `path` is for messages.
    ///
    /// # Errors
    /// A file that is no GGUF or no control vector, tensors that are no vectors of finite f32, unequal widths, block 0.
    pub fn read(bytes: &[u8], path: &str) -> Result<ControlVector> {
        let wrong = |words: String| Error::plan(format!("{path}: {words}"));
        let file = Gguf::parse(bytes).map_err(|error| wrong(error.to_string()))?;
        let text = |key: &str| file.string(key).map_err(|error| wrong(error.to_string()));
        let architecture = text("general.architecture")?;
        if architecture != Some("controlvector") {
            let found = architecture.unwrap_or("nothing");
            return Err(wrong(format!("general.architecture is {found}, expected controlvector"))
                .help("this is no control vector; `plumb models direction` makes one"));
        }
        let mut vector = ControlVector {
            model: text("controlvector.model_hint")?.unwrap_or_default().to_owned(),
            ..Default::default()
        };
        for tensor in file.tensors() {
            let layer = tensor.name.strip_prefix("direction.").and_then(|layer| layer.parse::<usize>().ok());
            let layer = layer.filter(|layer| *layer > 0).ok_or_else(|| {
                wrong(format!("tensor \"{}\": expected direction.1, direction.2, …", tensor.name))
            })?;
            if tensor.kind != TensorType::F32 || tensor.shape.len() != 1 {
                return Err(wrong(format!("tensor \"{}\": expected one row of F32", tensor.name)));
            }
            let values: Vec<f32> =
                tensor.data.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
            if !values.iter().all(|value| value.is_finite()) {
                return Err(wrong(format!(
                    "tensor \"{}\": holds something that is no finite number",
                    tensor.name
                )));
            }
            let norm = file.float(&norm_key(layer)).map_err(|error| wrong(error.to_string()))?;
            vector.norms.extend(norm.map(|norm| (layer, norm as f32)));
            let threshold = file.float(&threshold_key(layer)).map_err(|error| wrong(error.to_string()))?;
            vector.thresholds.extend(threshold.map(|threshold| (layer, threshold as f32)));
            vector.layers.insert(layer, values);
        }
        let widths: Vec<usize> = vector.layers.values().map(Vec::len).collect();
        match widths.as_slice() {
            [] => Err(wrong("holds no direction".to_owned())),
            [first, rest @ ..] if rest.iter().any(|width| width != first) => {
                Err(wrong(format!("directions of unequal width: {widths:?}")))
            }
            _ => Ok(vector),
        }
    }

    /// The file's bytes.
    pub fn write(&self) -> Vec<u8> {
        let layers = self.layers.keys().max().map_or(0, |last| last + 1);
        let mut file = Builder::new()
            .string("general.architecture", "controlvector")
            .string("controlvector.model_hint", &self.model)
            .u32("controlvector.layer_count", layers as u32);
        for (layer, norm) in &self.norms {
            file = file.f32(&norm_key(*layer), *norm);
        }
        for (layer, threshold) in &self.thresholds {
            file = file.f32(&threshold_key(*layer), *threshold);
        }
        for (layer, values) in &self.layers {
            file = file.tensor_f32(&format!("direction.{layer}"), &[values.len() as u64], values);
        }
        file.finish()
    }

    /// How wide the residual stream is that it is for.
    pub fn width(&self) -> usize {
        self.layers.values().next().map_or(0, Vec::len)
    }
}

fn norm_key(layer: usize) -> String {
    format!("plumbline.median_norm.{layer}")
}

fn threshold_key(layer: usize) -> String {
    format!("plumbline.threshold.{layer}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let vector = ControlVector {
            model: "qwen2".into(),
            layers: BTreeMap::from([(2, vec![1.0, -2.5, 3.0]), (12, vec![0.0, 0.5, 1e-9])]),
            norms: BTreeMap::from([(12, 18.5)]),
            thresholds: BTreeMap::from([(12, -0.25)]),
        };
        assert_eq!(ControlVector::read(&vector.write(), "v").unwrap(), vector);
    }

    fn error(file: Builder) -> String {
        ControlVector::read(&file.finish(), "v.gguf").unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let begun = || Builder::new().string("general.architecture", "controlvector");
        assert_eq!(error(begun()), "v.gguf: holds no direction");
        assert!(error(Builder::new()).ends_with("is nothing, expected controlvector"));
        let zero = begun().tensor_f32("direction.0", &[2], &[1.0, 2.0]);
        assert_eq!(error(zero), "v.gguf: tensor \"direction.0\": expected direction.1, direction.2, …");
        let uneven =
            begun().tensor_f32("direction.1", &[2], &[1.0, 2.0]).tensor_f32("direction.2", &[1], &[1.0]);
        assert_eq!(error(uneven), "v.gguf: directions of unequal width: [2, 1]");
        let endless = begun().tensor_f32("direction.1", &[1], &[f32::INFINITY]);
        assert!(error(endless).ends_with("no finite number"));
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut file = b"GGUF\x03\0\0\0".to_vec();
            file.extend(&bytes);
            let _ = ControlVector::read(&bytes, "v");
            let _ = ControlVector::read(&file, "v");
        }
    }
}
