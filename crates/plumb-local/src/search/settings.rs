//! The table `[steer.search]` of a plan.

use crate::steer::LatentUnit;
use plumb_study::{Fields, Inputs, Result};

/// What a search does, and how much it may cost.
#[derive(Clone, Debug)]
pub struct Search {
    /// The autoencoder.
    pub sae: String,
    /// A run whose replies and verdicts are known, as a path.
    pub replies: String,
    /// `judge.measure` there: whether a reply refuses.
    pub refused: String,
    /// Ids of that run's items whose prompts ought to be refused.
    pub harmful: Vec<String>,
    /// Likewise of prompts that ought to be answered.
    pub harmless: Vec<String>,
    /// The one prompt, and the refusal that is written after it.
    pub archetype: (String, String),
    /// How strongly candidates are clamped.
    pub strength: f64,
    /// The unit of that.
    pub unit: LatentUnit,
    /// Most candidates.
    pub candidates: usize,
    /// How many of them are generated for.
    pub generate: usize,
    /// Random latents and directions that go through the same.
    pub random: usize,
    /// As above.
    pub random_directions: usize,
    /// Prompts of the screen.
    pub prompts: Prompts,
    /// The screen is used only if it tells generated refusals at least so well.
    pub least_auroc: f64,
}

/// Prompts of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts(pub Vec<String>);

impl Search {
    /// Takes the table.
    ///
    /// # Errors
    /// Keys that are missing or wrong, prompts that cannot be read.
    pub fn take(mut fields: Fields, inputs: &dyn Inputs) -> Result<Search> {
        let search = Search {
            sae: fields.need_text("sae")?,
            replies: fields.need_text("replies")?,
            refused: fields.text("refused")?.unwrap_or_else(|| "refusal.refused".into()),
            harmful: fields.texts("harmful")?.unwrap_or_else(|| vec!["harmful".into()]),
            harmless: fields.texts("harmless")?.unwrap_or_else(|| vec!["harmless".into()]),
            archetype: (fields.need_text("archetype")?, fields.need_text("refusal")?),
            strength: fields
                .number("strength", -1e9, 1e9)?
                .ok_or_else(|| fields.error("`strength` is missing: how strongly candidates are clamped"))?,
            unit: fields.choice("unit", &LatentUnit::NAMES)?.unwrap_or(LatentUnit::Norm),
            candidates: fields.whole("candidates", 1, 100_000)?.unwrap_or(100) as usize,
            generate: fields.whole("generate", 1, 1_000)?.unwrap_or(10) as usize,
            random: fields.whole("random", 0, 1_000)?.unwrap_or(20) as usize,
            random_directions: fields.whole("random_directions", 0, 1_000)?.unwrap_or(20) as usize,
            prompts: Prompts(crate::sweep::prompts(&mut fields, "screen", inputs)?),
            least_auroc: fields.number("least_auroc", 0.0, 1.0)?.unwrap_or(0.8),
        };
        fields.finish()?;
        Ok(search)
    }
}
