//! How far steering pushes: the length of the change over the length of what is changed, ‖Δx‖/‖x‖, at the tokens that are changed.
//!
//! A control is one only if it pushes as far as what it is a control of. How far a clamp does depends on how active the latent
//! is already, so that it is measured on prompts and not computed from the strength. Where several layers are changed, each is
//! measured on the unsteered stream.

use super::{Done, Steering, direction};
use plumb_lm::sae::norm;
use plumb_lm::{Class, Labelled, Model, Site};
use plumb_study::Result;
use serde::{Deserialize, Serialize};

/// How far a setting pushes.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Tokens that are changed, in all prompts that were looked at.
    pub tokens: usize,
    /// Median of ‖Δx‖/‖x‖ over them.
    pub median: f64,
    /// 10th percentile.
    pub low: f64,
    /// 90th percentile.
    pub high: f64,
}

/// The unsteered residual stream of some prompts at a site: of each its rows of numbers, and what its tokens are a part of.
#[derive(Clone, Debug)]
pub struct Stream {
    width: usize,
    prompts: Vec<(Vec<f32>, Vec<Class>)>,
}

impl Stream {
    /// Reads prompts.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn read(model: &Model, site: Site, prompts: &[Labelled]) -> Result<Stream> {
        let read = |prompt: &Labelled| {
            let mut rows = Vec::new();
            direction::each_row(model, site, &prompt.tokens, &mut |_, row| rows.extend_from_slice(row))?;
            Ok((rows, prompt.classes.clone()))
        };
        Ok(Stream { width: model.config().width, prompts: prompts.iter().map(read).collect::<Result<_>>()? })
    }
}

impl Steering {
    /// The places that are changed.
    pub fn sites(&self) -> Vec<Site> {
        self.changes.iter().map(|done| done.site).collect()
    }

    /// How far this pushes; `stream` gives what a site's rows are. `None` where no token of the prompts is changed.
    pub fn push<'a>(&self, stream: impl Fn(Site) -> Option<&'a Stream>) -> Option<Push> {
        let mut shares: Vec<f64> = self
            .changes
            .iter()
            .filter_map(|done| Some(self.shares(done, stream(done.site)?)))
            .flatten()
            .collect();
        shares.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| shares.get(((shares.len() - 1) as f64 * share).round() as usize).copied();
        if shares.is_empty() {
            return None;
        }
        Some(Push { tokens: shares.len(), median: at(0.5)?, low: at(0.1)?, high: at(0.9)? })
    }

    fn shares(&self, done: &Done, stream: &Stream) -> Vec<f64> {
        let mut shares = Vec::new();
        for (rows, prompt) in &stream.prompts {
            for (position, row) in rows.chunks_exact(stream.width.max(1)).enumerate() {
                let before = norm(row);
                let sink = done.sinks.is_some_and(|bound| before >= f64::from(bound));
                if sink || before == 0.0 || !self.tokens.touch(position, prompt) {
                    continue;
                }
                let mut changed = row.to_vec();
                done.operation.apply(position, &mut changed);
                changed.iter_mut().zip(row).for_each(|(new, old)| *new -= old);
                shares.push(norm(&changed) / before);
            }
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Span, Tokens};
    use super::*;

    #[test]
    fn a_push_is_the_length_of_the_change_over_that_of_the_row_where_it_is_changed() {
        let pushed = |span, sinks: Option<f32>| {
            let operation = plumb_lm::Operation::Add(vec![6.0, 8.0].into());
            let tokens = Tokens { span, first: false, sinks: false };
            let steering =
                Steering { changes: vec![Done::new(Site::ResidPost(1), operation, sinks)], tokens };
            let rows = vec![900.0, 0.0, 0.0, 5.0, 50.0, 0.0, 0.0, 20.0];
            let stream = Stream { width: 2, prompts: vec![(rows, vec![Class::Text; 4])] };
            steering.push(|_| Some(&stream))
        };
        let push = pushed(Span::All, None).unwrap();
        assert_eq!((push.tokens, push.low, push.median, push.high), (3, 0.2, 0.5, 2.0));
        let last = pushed(Span::Last, None).unwrap();
        assert_eq!((last.tokens, last.median), (1, 0.5));
        assert_eq!(pushed(Span::All, Some(40.0)).unwrap().tokens, 2, "a sink is not changed");
        assert_eq!(pushed(Span::All, Some(1.0)), None);
    }
}
