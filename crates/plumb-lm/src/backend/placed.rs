//! A model's weights at the backend that computes with them: the one place that names all backends.

use super::cpu::Cpu;
use super::reference::Reference;
use super::{Backend, Device};
use crate::Error;
use crate::arch::Config;
use crate::forward::{Input, Logits, pass};
use crate::gguf::Tensor;
use crate::hook::Taps;
use crate::weights::{Layout, Weights};

#[derive(Debug)]
pub(crate) enum Placed {
    Cpu(Cpu, Weights<Cpu>),
    Reference(Reference, Weights<Reference>),
}

/// Does the same with whatever backend it is.
macro_rules! at {
    ($placed:expr, ($backend:pat, $weights:ident) => $do:expr) => {
        match $placed {
            Placed::Cpu($backend, $weights) => $do,
            Placed::Reference($backend, $weights) => $do,
        }
    };
}

impl Placed {
    /// As [`Weights::load`].
    pub(crate) fn load<'a>(
        device: Device,
        tensors: impl Iterator<Item = &'a Tensor<'a>>,
        layout: Layout,
        config: &Config,
        release: &dyn Fn(),
    ) -> Result<Self, Error> {
        fn load<'a, B: Backend>(
            backend: B,
            tensors: impl Iterator<Item = &'a Tensor<'a>>,
            (layout, config): (Layout, &Config),
            release: &dyn Fn(),
        ) -> Result<(B, Weights<B>), Error> {
            let weights = Weights::load(&backend, tensors, layout, config, release)?;
            Ok((backend, weights))
        }
        let given = (layout, config);
        Ok(match device {
            Device::Cpu => {
                let (backend, weights) = load(Cpu::detect(), tensors, given, release)?;
                Self::Cpu(backend, weights)
            }
            Device::Reference => {
                let (backend, weights) = load(Reference, tensors, given, release)?;
                Self::Reference(backend, weights)
            }
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        at!(self, (_, weights) => weights.bytes())
    }

    pub(crate) fn shorten(&mut self, layers: usize) {
        at!(self, (_, weights) => weights.layers.truncate(layers));
    }

    /// A pass over checked inputs.
    pub(crate) fn forward(&self, config: &Config, inputs: &mut [Input<'_>], taps: &mut Taps<'_>) -> Logits {
        at!(self, (backend, weights) => {
            backend.during(|| pass::run((backend, weights, config), inputs, taps))
        })
    }

    /// Logits of rows of the stream, as if it ended there.
    pub(crate) fn unembed(&self, config: &Config, stream: &[f32]) -> Vec<f32> {
        at!(self, (backend, weights) => pass::unembed((backend, weights, config), stream))
    }
}
