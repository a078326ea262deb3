//! Places in the forward pass.

use crate::arch::Config;
use crate::forward::Fault;

/// A place in the forward pass. Each has one row of numbers for each token, of the residual stream's width unless noted.
///
/// For layer `l`: `ResidMid = ResidPre + AttnOut`, `ResidPost = ResidMid + MlpOut`, `ResidPost(l) = ResidPre(l + 1)`,
/// `Embedding = ResidPre(0)`. Where a family normalises what a part adds (Gemma), `AttnOut` and `MlpOut` are what is
/// added, after that norm. Where attention and feed-forward part both read the stream before the layer (GPT-NeoX),
/// there is no `ResidMid`, and `ResidPost = ResidPre + AttnOut + MlpOut`. An edit of the earlier of two equal sites is
/// seen by the later.
///
/// Written as text it is `resid_post.3` or `head.3.1`; see [`Site::parse`] for what else is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Site {
    /// The token's embedding, with its position's where that is learned, scaled where the family scales it.
    Embedding,
    /// The residual stream before a layer.
    ResidPre(usize),
    /// Attention weights of one query head: one number for each position from the first to the token's own, 0 outside a
    /// window. They can be tapped, not edited.
    Pattern {
        /// Layer.
        layer: usize,
        /// Query head.
        head: usize,
    },
    /// What the query heads of a layer gathered, before the output projection: `heads · head_dim`.
    Heads(usize),
    /// The part of [`Site::Heads`] that is one head's: `head_dim`.
    Head {
        /// Layer.
        layer: usize,
        /// Query head.
        head: usize,
    },
    /// What a layer's attention adds to the stream.
    AttnOut(usize),
    /// The stream between a layer's attention and its feed-forward part.
    ResidMid(usize),
    /// What the last matrix of a layer's feed-forward part reads: as wide as that part.
    Neurons(usize),
    /// What a layer's feed-forward part adds to the stream.
    MlpOut(usize),
    /// The stream after a layer.
    ResidPost(usize),
    /// The normalised stream that the output head reads; only for tokens whose logits are wanted.
    FinalNorm,
    /// Logits, as wide as the vocabulary, after the soft cap; only for tokens whose logits are wanted.
    Logits,
}

impl Site {
    /// Length of a row at this site; of [`Site::Pattern`] the longest, for it has one number for each position seen.
    pub fn width(self, config: &Config) -> usize {
        match self {
            Self::Logits => config.vocab,
            Self::Heads(_) => config.heads * config.head_dim,
            Self::Head { .. } => config.head_dim,
            Self::Neurons(_) => config.ffn,
            Self::Pattern { .. } => config.context,
            _ => config.width,
        }
    }

    /// The layer it belongs to.
    pub fn layer(self) -> Option<usize> {
        match self {
            Self::ResidPre(layer)
            | Self::Pattern { layer, .. }
            | Self::Heads(layer)
            | Self::Head { layer, .. }
            | Self::AttnOut(layer)
            | Self::ResidMid(layer)
            | Self::Neurons(layer)
            | Self::MlpOut(layer)
            | Self::ResidPost(layer) => Some(layer),
            Self::Embedding | Self::FinalNorm | Self::Logits => None,
        }
    }

    /// The stage of a pass (see `forward::merge`) at which an edit there is first seen: its layer, but for what is visited
    /// after one.
    pub(crate) fn stage(self, layers: usize) -> usize {
        match self {
            Self::Embedding => 0,
            Self::ResidPost(layer) => layer + 1,
            other => other.layer().unwrap_or(layers),
        }
    }

    fn head(self) -> Option<usize> {
        match self {
            Self::Pattern { head, .. } | Self::Head { head, .. } => Some(head),
            _ => None,
        }
    }

    /// All sites of a model in the order of the pass, but for patterns and single heads.
    pub fn all(config: &Config) -> Vec<Self> {
        let layer = |l| {
            let mid = (!config.parallel).then_some(Self::ResidMid(l));
            [Self::ResidPre(l), Self::Heads(l), Self::AttnOut(l)].into_iter().chain(mid).chain([
                Self::Neurons(l),
                Self::MlpOut(l),
                Self::ResidPost(l),
            ])
        };
        let ends = [Self::FinalNorm, Self::Logits];
        [Self::Embedding].into_iter().chain((0..config.layers).flat_map(layer)).chain(ends).collect()
    }

    pub(crate) fn check(self, config: &Config) -> Result<(), Fault> {
        if self.layer().is_some_and(|layer| layer >= config.layers) {
            return Err(Fault::NoSuchLayer { site: self, layers: config.layers });
        }
        if self.head().is_some_and(|head| head >= config.heads) {
            return Err(Fault::NoSuchHead { site: self, heads: config.heads });
        }
        match self {
            Self::ResidMid(_) if config.parallel => Err(Fault::NoResidMid { site: self }),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedding => write!(f, "embedding"),
            Self::ResidPre(layer) => write!(f, "resid_pre.{layer}"),
            Self::Pattern { layer, head } => write!(f, "pattern.{layer}.{head}"),
            Self::Heads(layer) => write!(f, "heads.{layer}"),
            Self::Head { layer, head } => write!(f, "head.{layer}.{head}"),
            Self::AttnOut(layer) => write!(f, "attn_out.{layer}"),
            Self::ResidMid(layer) => write!(f, "resid_mid.{layer}"),
            Self::Neurons(layer) => write!(f, "neurons.{layer}"),
            Self::MlpOut(layer) => write!(f, "mlp_out.{layer}"),
            Self::ResidPost(layer) => write!(f, "resid_post.{layer}"),
            Self::FinalNorm => write!(f, "final_norm"),
            Self::Logits => write!(f, "logits"),
        }
    }
}
