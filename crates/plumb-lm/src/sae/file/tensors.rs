//! Tensors of a safetensors file as f32, and the writing of such files.

use std::collections::BTreeMap;
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::unsound;
use crate::Error;
use crate::gguf::Mapped;

/// The tensors of a file that nobody has taken yet.
pub(crate) struct Table<'a> {
    path: &'a Path,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl<'a> Table<'a> {
    pub(crate) fn read(path: &'a Path) -> Result<Self, Error> {
        let mapped = Mapped::open(path).map_err(|error| error.at(path))?;
        let file = SafeTensors::deserialize(&mapped)
            .map_err(|error| unsound(path, format!("no sound safetensors file: {error}")))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            let values = floats(view.dtype(), view.data()).ok_or_else(|| {
                unsound(path, format!("tensor {name:?} is of {:?}, expected floats", view.dtype()))
            })?;
            tensors.insert(name.to_owned(), (view.shape().to_vec(), values));
        }
        Ok(Self { path, tensors })
    }

    pub(super) fn of(path: &'a Path, tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>) -> Self {
        Self { path, tensors }
    }

    /// The shape of a tensor that is there.
    pub(super) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|(shape, _)| shape.as_slice())
    }

    /// The tensor of that name, if it is there, which must have that shape.
    pub(crate) fn find(&mut self, name: &str, shape: &[usize]) -> Result<Option<Vec<f32>>, Error> {
        match self.tensors.remove(name) {
            None => Ok(None),
            Some((found, values)) if found == shape => Ok(Some(values)),
            Some((found, _)) => {
                Err(unsound(self.path, format!("tensor {name:?} has shape {found:?}, expected {shape:?}")))
            }
        }
    }

    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        self.find(name, shape)?.ok_or_else(|| unsound(self.path, format!("tensor {name:?} is missing")))
    }

    /// Ends with an error if something was not asked for: it would mean something that is not computed.
    pub(super) fn nothing_left(self) -> Result<(), Error> {
        match self.tensors.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(unsound(self.path, format!("tensor {name:?} is not known in this architecture")))
            }
        }
    }
}

fn floats(kind: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    let two = |f: fn([u8; 2]) -> f32| data.as_chunks::<2>().0.iter().map(|bytes| f(*bytes)).collect();
    Some(match kind {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::F64 => data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
        Dtype::F16 => two(|bytes| f16::from_le_bytes(bytes).to_f32()),
        Dtype::BF16 => two(|bytes| bf16::from_le_bytes(bytes).to_f32()),
        _ => return None,
    })
}

/// Writes tensors of f32 to a file, whole or not at all.
pub(crate) fn write(path: &Path, tensors: &[(&str, Vec<usize>, &[f32])]) -> Result<(), Error> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let mut views = Vec::with_capacity(tensors.len());
    for ((name, shape, _), bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
            .map_err(|error| unsound(path, format!("{name}: {error}")))?;
        views.push((*name, view));
    }
    let file = safetensors::serialize(views, None).map_err(|error| unsound(path, error.to_string()))?;
    super::write_whole(path.to_owned(), &file)
}
