//! Finding added tokens (control and user-defined ones) in text.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{AddedToken, Fault, TokenId};

/// Finds the leftmost, then longest, of a set of token texts.
#[derive(Debug)]
pub(super) struct Matcher {
    /// `None` for an empty set.
    patterns: Option<AhoCorasick>,
    tokens: Vec<AddedToken>,
}

/// Byte places of added tokens in a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where each begins.
    pub starts: Vec<usize>,
    /// Whether what follows the text could complete an added token that begins in it.
    pub open: bool,
}

impl Matcher {
    pub(super) fn new<'a>(tokens: impl Iterator<Item = &'a AddedToken>) -> Result<Self, Fault> {
        let tokens: Vec<AddedToken> = tokens.filter(|token| !token.text.is_empty()).cloned().collect();
        let patterns = match tokens.is_empty() {
            true => None,
            false => Some(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(tokens.iter().map(|token| &token.text))
                    .map_err(|error| Fault::Build(error.to_string()))?,
            ),
        };
        Ok(Self { patterns, tokens })
    }

    /// Stretches of text that are one added token, and those between that have none in them.
    pub(super) fn split(&self, text: &str) -> Vec<(Range<usize>, Option<TokenId>)> {
        let mut pieces = Vec::new();
        let mut done = 0;
        for found in self.patterns.iter().flat_map(|patterns| patterns.find_iter(text)) {
            let token = &self.tokens[found.pattern().as_usize()];
            let (before, after) = token.strips;
            let (mut start, mut end) = (found.start(), found.end());
            if start < done {
                // The white space that the token before took.
                continue;
            }
            if before {
                start = done + text[done..start].trim_end().len();
            }
            if after {
                end = text.len() - text[end..].trim_start().len();
            }
            if start > done {
                pieces.push((done..start, None));
            }
            pieces.push((start..end, Some(token.id)));
            done = end;
        }
        if done < text.len() {
            pieces.push((done..text.len(), None));
        }
        pieces
    }

    pub(super) fn find(&self, text: &str) -> Found {
        let starts =
            self.patterns.iter().flat_map(|patterns| patterns.find_iter(text)).map(|found| found.start());
        let open_for =
            |token: &str| token.char_indices().skip(1).any(|(cut, _)| text.ends_with(&token[..cut]));
        Found { starts: starts.collect(), open: self.tokens.iter().any(|token| open_for(&token.text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: TokenId, text: &str, strips: (bool, bool)) -> AddedToken {
        AddedToken { id, text: text.to_owned(), is_control: true, normalized: false, strips }
    }

    #[test]
    fn leftmost_longest_and_open_ends() {
        let tokens = [(7, "<a>"), (8, "<a><b>"), (9, "")].map(|(id, text)| token(id, text, (false, false)));
        let matcher = Matcher::new(tokens.iter()).unwrap();
        let pieces = matcher.split("x<a><b>y<a>");
        assert_eq!(pieces, [(0..1, None), (1..7, Some(8)), (7..8, None), (8..11, Some(7))]);
        assert_eq!(matcher.find("<a>.<"), Found { starts: vec![0], open: true });
        assert_eq!(matcher.find("a < b"), Found::default());
        assert_eq!(Matcher::new([].iter()).unwrap().split("<a>"), [(0..3, None)]);
    }

    #[test]
    fn white_space_that_tokens_take() {
        let tokens = [token(1, "<l>", (true, false)), token(2, "<r>", (false, true))];
        let matcher = Matcher::new(tokens.iter()).unwrap();
        assert_eq!(matcher.split("a  <l> b"), [(0..1, None), (1..6, Some(1)), (6..8, None)]);
        assert_eq!(matcher.split("a <r> \n b"), [(0..2, None), (2..8, Some(2)), (8..9, None)]);
    }
}
