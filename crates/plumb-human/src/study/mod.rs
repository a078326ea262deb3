//! What a study file says: `design` holds assignment, blocks and steps, `parts` all other tables, `check` finds faults.
//!
//! Unknown keys are errors. docs/studies.md describes every key.

mod check;
mod design;
mod parts;

pub(crate) use design::Block;
pub(crate) use parts::{Analysis, At, Claim, Condition, Hypothesis};
pub use parts::{Direction, Study};

use crate::error::{Error, Result};

impl Study {
    /// Reads a study file; `name` is what errors call it.
    ///
    /// # Errors
    /// The text is no TOML, a key is unknown or missing, or names do not fit together; the message has file and line or
    /// the part that is wrong.
    pub fn parse(text: &str, name: &str) -> Result<Study> {
        let study: Study = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(0, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
            Error::new(format!("{name}: line {line}: {}", e.message()))
        })?;
        check::check(&study).map_err(|e| e.at(name))?;
        Ok(study)
    }
}
