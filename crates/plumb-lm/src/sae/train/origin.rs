//! Which rows a training is on. A checkpoint keeps it: the settings of a training may be the same at another place of the model.

use serde::{Deserialize, Serialize};

use crate::hook::Site;
use crate::sae::store::Rows;

/// What decides which rows there are, and so which autoencoder comes of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The model's name; for people.
    pub model: String,
    /// Digest of the model's file.
    pub model_digest: String,
    /// The place, such as `resid_post.12`.
    pub site: String,
    /// Digest of the store's documents and settings.
    pub recipe: String,
    /// Rows that may be trained on.
    pub rows: usize,
}

impl Origin {
    /// Of the rows of a store at one of its sites.
    pub fn of(rows: &Rows, site: Site) -> Self {
        let manifest = rows.manifest();
        Self {
            model: manifest.model.clone(),
            model_digest: manifest.model_digest.clone(),
            site: site.to_string(),
            recipe: manifest.recipe.clone(),
            rows: rows.len(),
        }
    }

    /// In what `other` differs, in words; `None` if in nothing that counts.
    pub fn differs(&self, other: &Self) -> Option<String> {
        if self.model_digest != other.model_digest {
            return Some(format!(
                "of {} (file {:.12}…), not of {} (file {:.12}…)",
                self.model, self.model_digest, other.model, other.model_digest
            ));
        }
        if self.site != other.site {
            return Some(format!("at {}, not at {}", self.site, other.site));
        }
        if self.recipe != other.recipe {
            return Some("of other documents or with other settings of [activations]".to_owned());
        }
        (self.rows != other.rows).then(|| format!("{} rows, not {}", self.rows, other.rows))
    }
}
