//! Prefixes that were seen, and caches that can be gone on with.

use std::collections::HashSet;

use crate::cache::Cache;
use crate::tokenizer::TokenId;

/// Caches kept to go on with.
const HELD: usize = 4;
/// A prefix shorter than this is computed again.
const WORTH: usize = 8;

/// Digests of all prefixes that were seen.
#[derive(Default)]
pub(super) struct Seen(HashSet<[u8; 16]>);

impl Seen {
    /// The first position of `tokens` whose prefix was not seen before; from now on it is, and all after it.
    pub(super) fn first_new(&mut self, tokens: &[TokenId]) -> usize {
        let mut state = [0; 16];
        let mut first = tokens.len();
        for (position, token) in tokens.iter().enumerate() {
            let mut hash = blake3::Hasher::new();
            hash.update(&state).update(&token.to_le_bytes());
            state.copy_from_slice(&hash.finalize().as_bytes()[..16]);
            if self.0.insert(state) {
                first = first.min(position);
            }
        }
        first
    }
}

/// Caches of the last documents.
#[derive(Default)]
pub(super) struct Held(Vec<(Vec<TokenId>, Cache)>);

impl Held {
    /// A cache that has seen a beginning of `tokens`, never all of them, or none.
    pub(super) fn resume(&self, tokens: &[TokenId]) -> Option<Cache> {
        let shared = |known: &[TokenId]| {
            let most = known.len().min(tokens.len() - 1);
            known[..most].iter().zip(tokens).take_while(|(a, b)| a == b).count()
        };
        let best =
            self.0.iter().map(|(known, cache)| (shared(known), cache)).max_by_key(|(length, _)| *length);
        let (length, cache) = best.filter(|(length, _)| *length >= WORTH)?;
        let mut cache = cache.clone();
        cache.truncate(length);
        Some(cache)
    }

    pub(super) fn keep(&mut self, tokens: Vec<TokenId>, cache: Cache) {
        // One that begins alike is replaced, so that few plain texts do not push out the chats.
        let alike =
            |(known, _): &(Vec<TokenId>, Cache)| known.iter().zip(&tokens).take(WORTH).all(|(a, b)| a == b);
        match self.0.iter().position(alike) {
            Some(at) => drop(self.0.remove(at)),
            None if self.0.len() == HELD => drop(self.0.remove(0)),
            None => {}
        }
        self.0.push((tokens, cache));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_new_once() {
        let mut seen = Seen::default();
        assert_eq!(seen.first_new(&[1, 2, 3]), 0);
        assert_eq!(seen.first_new(&[1, 2, 4, 5]), 2);
        assert_eq!(seen.first_new(&[1, 2, 4, 5]), 4);
        assert_eq!(seen.first_new(&[2, 3]), 0);
    }
}
