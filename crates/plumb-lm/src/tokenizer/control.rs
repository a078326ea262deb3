//! Finding added tokens (control and user-defined ones) in text.

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Fault, TokenId};

/// Finds the leftmost, then longest, of a set of token texts.
#[derive(Debug)]
pub(super) struct Matcher {
    /// `None` for an empty set.
    patterns: Option<AhoCorasick>,
    texts: Vec<String>,
    ids: Vec<TokenId>,
}

/// A stretch of text that is one added token, or has none in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Token(TokenId),
    Text(&'a str),
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
    pub(super) fn new<'a>(tokens: impl Iterator<Item = (TokenId, &'a str)>) -> Result<Self, Fault> {
        let (ids, texts): (Vec<_>, Vec<_>) =
            tokens.filter(|(_, text)| !text.is_empty()).map(|(id, text)| (id, text.to_owned())).unzip();
        let patterns = match texts.is_empty() {
            true => None,
            false => Some(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(&texts)
                    .map_err(|error| Fault::Build(error.to_string()))?,
            ),
        };
        Ok(Self { patterns, texts, ids })
    }

    pub(super) fn split<'a>(&self, text: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut done = 0;
        for found in self.patterns.iter().flat_map(|patterns| patterns.find_iter(text)) {
            if found.start() > done {
                pieces.push(Piece::Text(&text[done..found.start()]));
            }
            pieces.push(Piece::Token(self.ids[found.pattern().as_usize()]));
            done = found.end();
        }
        if done < text.len() {
            pieces.push(Piece::Text(&text[done..]));
        }
        pieces
    }

    pub(super) fn find(&self, text: &str) -> Found {
        let starts =
            self.patterns.iter().flat_map(|patterns| patterns.find_iter(text)).map(|found| found.start());
        let open_for =
            |token: &str| token.char_indices().skip(1).any(|(cut, _)| text.ends_with(&token[..cut]));
        Found { starts: starts.collect(), open: self.texts.iter().any(|token| open_for(token)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftmost_longest_and_open_ends() {
        let matcher = Matcher::new([(7, "<a>"), (8, "<a><b>"), (9, "")].into_iter()).unwrap();
        let pieces = matcher.split("x<a><b>y<a>");
        assert_eq!(pieces, [Piece::Text("x"), Piece::Token(8), Piece::Text("y"), Piece::Token(7)]);
        assert_eq!(matcher.find("<a>.<"), Found { starts: vec![0], open: true });
        assert_eq!(matcher.find("a < b"), Found::default());
        assert_eq!(Matcher::new(std::iter::empty()).unwrap().split("<a>"), [Piece::Text("<a>")]);
    }
}
