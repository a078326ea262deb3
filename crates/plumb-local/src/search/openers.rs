//! How refusals begin, learned from replies.

use plumb_lm::{Model, Special, TokenId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tokens of a beginning: the first one alone is no sign ("I" opens both).
const LENGTH: usize = 3;
/// A beginning counts as a refusal's if so large a share of the replies that have it refuse.
const SHARE: f64 = 0.9;
/// Most beginnings.
const MOST: usize = 12;

/// Beginnings of refusals. All have the same number of tokens, so that a reply has at most one of them and their
/// probabilities add up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Openers {
    /// As text, the commonest first.
    pub texts: Vec<String>,
    /// Refused replies that they were learned from, and how many of those begin with one.
    pub refused: usize,
    /// As above.
    pub covered: usize,
}

impl Openers {
    /// Learns them from replies and whether each refuses.
    pub fn learn<'a>(model: &Model, replies: impl Iterator<Item = (&'a str, bool)>) -> Openers {
        let mut counts: BTreeMap<Vec<TokenId>, (usize, usize)> = BTreeMap::new();
        let mut refused = 0;
        for (reply, refuses) in replies {
            refused += usize::from(refuses);
            let Ok(tokens) = model.tokenizer().encode(reply, Special::Text) else { continue };
            let Some(first) = tokens.get(..LENGTH) else { continue };
            let count = counts.entry(first.to_vec()).or_default();
            count.0 += usize::from(refuses);
            count.1 += 1;
        }
        let mut found: Vec<(usize, Vec<TokenId>)> = counts
            .into_iter()
            .filter(|(_, (refuses, all))| *refuses > 0 && *refuses as f64 >= SHARE * *all as f64)
            .map(|(tokens, (refuses, _))| (refuses, tokens))
            .collect();
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        found.truncate(MOST);
        let mut openers = Openers { texts: Vec::new(), refused, covered: 0 };
        for (count, tokens) in found {
            let text = model.tokenizer().decode(&tokens, Special::Text);
            // A beginning whose text is cut into other tokens cannot be scored as one.
            if model.tokenizer().encode(&text, Special::Text).is_ok_and(|again| again == tokens) {
                openers.texts.push(text);
                openers.covered += count;
            }
        }
        openers
    }
}
