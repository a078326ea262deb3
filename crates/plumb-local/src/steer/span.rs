//! Which tokens are changed.

use plumb_lm::Positions;
use serde::{Deserialize, Serialize};

/// Which tokens are changed. The first token of a sequence, where models keep an attention sink, is changed only if
/// [`Tokens::first`] says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// All.
    All,
    /// Those of the prompt, the last one included: it writes the first token of the answer.
    Prompt,
    /// Those of the answer and the last one of the prompt.
    Generated,
    /// The last one of the prompt alone.
    Last,
}

impl Span {
    /// All, by name.
    pub const NAMES: [(&'static str, Span); 4] =
        [("all", Span::All), ("prompt", Span::Prompt), ("generated", Span::Generated), ("last", Span::Last)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, span)| *span == self).map_or("all", |(name, _)| name)
    }
}

/// A row so many times as long as the median is an attention sink, as in `plumb_lm::sae::store`.
const SINK: f32 = 10.0;

/// A span, and whether what holds no meaning is changed, too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tokens {
    /// Which tokens.
    pub span: Span,
    /// Whether the first is among them.
    pub first: bool,
    /// Whether attention sinks are: rows many times as long as the median.
    pub sinks: bool,
}

/// The length from which rows are left alone, if that is wanted and the median is known.
pub(super) fn sink_norm(sinks: bool, median: Option<f32>) -> Option<f32> {
    median.filter(|_| !sinks).map(|median| SINK * median)
}

impl Tokens {
    /// Positions of the tokens that are changed where the first `prompt` tokens are given; `None` if there is none.
    pub(super) fn positions(self, prompt: usize) -> Option<Positions> {
        let start = usize::from(!self.first);
        let last = prompt.saturating_sub(1);
        let span = match self.span {
            Span::All => Positions::From(start),
            Span::Prompt => Positions::Range(start..prompt),
            Span::Generated => Positions::From(last.max(start)),
            Span::Last => Positions::Range(last.max(start)..prompt),
        };
        match &span {
            Positions::Range(range) if range.is_empty() => None,
            _ => Some(span),
        }
    }

    /// Whether the token at `position` is changed, for a mask that people can read.
    pub(super) fn touch(self, position: usize, prompt: usize) -> bool {
        match self.positions(prompt) {
            Some(Positions::From(start)) => position >= start,
            Some(Positions::Range(range)) => range.contains(&position),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_token_of_the_prompt_is_among_the_generated_and_the_first_is_left_out() {
        let mask = |span| {
            (0..6)
                .map(|at| u8::from(Tokens { span, first: false, sinks: false }.touch(at, 4)))
                .collect::<Vec<_>>()
        };
        assert_eq!(mask(Span::All), [0, 1, 1, 1, 1, 1]);
        assert_eq!(mask(Span::Prompt), [0, 1, 1, 1, 0, 0]);
        assert_eq!(mask(Span::Generated), [0, 0, 0, 1, 1, 1]);
        assert_eq!(mask(Span::Last), [0, 0, 0, 1, 0, 0]);
        let last = Tokens { span: Span::Last, first: false, sinks: false };
        assert!(last.positions(1).is_none(), "a prompt of one token");
        assert!(Tokens { span: Span::All, first: true, sinks: false }.touch(0, 4));
    }
}
