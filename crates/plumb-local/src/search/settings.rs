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
    /// How strongly candidates are clamped; each is tried at all of these.
    pub strengths: Vec<f64>,
    /// The unit of them.
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
    /// For how many latents the effect of a small clamp is computed, as one more reason to be a candidate; none if 0.
    pub effects: usize,
    /// Most replies that the whole search may generate.
    pub budget: Option<u64>,
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
            strengths: strengths(&mut fields)?,
            unit: fields.choice("unit", &LatentUnit::NAMES)?.unwrap_or(LatentUnit::Norm),
            candidates: fields.whole("candidates", 1, 100_000)?.unwrap_or(100) as usize,
            generate: fields.whole("generate", 1, 1_000)?.unwrap_or(10) as usize,
            random: fields.whole("random", 0, 1_000)?.unwrap_or(20) as usize,
            random_directions: fields.whole("random_directions", 0, 1_000)?.unwrap_or(20) as usize,
            prompts: Prompts(crate::sweep::prompts(&mut fields, "screen", inputs)?),
            least_auroc: fields.number("least_auroc", 0.0, 1.0)?.unwrap_or(0.8),
            effects: fields.whole("effects", 0, 1_000_000)?.unwrap_or(0) as usize,
            budget: fields.whole("budget", 1, i64::MAX)?.map(|replies| replies as u64),
        };
        fields.finish()?;
        Ok(search)
    }

    /// The strengths in words, such as `0.2, 0.4 (norm)`.
    pub fn strength_words(&self) -> String {
        let all: Vec<String> = self.strengths.iter().map(ToString::to_string).collect();
        format!("{} ({})", all.join(", "), self.unit.name())
    }

    /// The clamp whose effect is called that of a small one: a tenth of the weakest that is tried.
    pub fn small(&self) -> f64 {
        let weakest = self.strengths.iter().copied().min_by(|a, b| a.abs().total_cmp(&b.abs()));
        weakest.unwrap_or_default() / 10.0
    }

    /// # Errors
    /// A plan whose trials are more than the search may generate.
    pub fn check_budget(&self, replies: u64) -> Result<()> {
        match self.budget.filter(|budget| replies > *budget) {
            None => Ok(()),
            Some(budget) => Err(plumb_study::Error::plan(format!(
                "[steer.search]: {replies} replies would be generated, and `budget` is {budget}"
            ))
            .help(
                "try fewer `strengths`, `generate` fewer candidates, or take fewer items or random controls",
            )),
        }
    }
}

/// `strengths = [0.2, 0.4]` or `strength = 0.4`.
fn strengths(fields: &mut Fields) -> Result<Vec<f64>> {
    let one = fields.number("strength", -1e9, 1e9)?;
    match (one, crate::sweep::numbers(fields, "strengths")?) {
        (Some(one), None) => Ok(vec![one]),
        (None, Some(all)) => Ok(all),
        _ => Err(fields.error(
            "`strength` is missing: how strongly candidates are clamped (or `strengths`, a list; not both)",
        )),
    }
}
