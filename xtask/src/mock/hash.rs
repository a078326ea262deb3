//! 64-bit fingerprints of prompts, and the dice that faults are decided with.
//!
//! FNV-1a with a final mix: a dozen lines that any language can repeat, and good enough for counting.
//! Among 517,080 prompts the chance of one collision is about 10⁻⁸.

/// What one prompt to one model is known by: 64 bits over the model's name and every message.
///
/// Sampling settings are not part of it, so five repetitions of a prompt share a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u64);

impl Key {
    /// The key under which the server counts a request with this model and these (role, text)
    /// messages. A system prompt is a message like any other, in the order sent (Anthropic's
    /// `system` field comes first); a bare completion is one message of role `user`.
    #[must_use]
    pub fn of(model: &str, messages: &[(&str, &str)]) -> Key {
        let mut hasher = Fnv::new();
        hasher.part(model.as_bytes());
        for (role, text) in messages {
            hasher.part(role.as_bytes());
            hasher.part(text.as_bytes());
        }
        Key(hasher.finish())
    }
}

/// FNV-1a over length-delimited parts, so that ("ab","c") and ("a","bc") differ.
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn part(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.0 = (self.0 ^ bytes.len() as u64).wrapping_mul(0x0000_0100_0000_01b3);
    }

    pub(crate) fn finish(&self) -> u64 {
        mix(self.0)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit moves every output bit.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A seeded sequence of numbers for choices that must be repeatable, not unguessable.
pub struct Dice(u64);

impl Dice {
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Dice for one attempt at one prompt: the same throw whenever it is asked.
    pub(crate) fn at(seed: u64, key: Key, attempt: u32) -> Dice {
        Dice(mix(seed) ^ mix(key.0.wrapping_add(u64::from(attempt))))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 when `bound` is 0. The bias is below 2⁻³² for bounds below 2³².
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }

    /// A number in `0.0..100.0`.
    pub fn percent(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64 * 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_apart_model_role_text_and_boundaries() {
        let base = Key::of("m", &[("user", "hello")]);
        assert_eq!(base, Key::of("m", &[("user", "hello")]));
        for other in [
            Key::of("n", &[("user", "hello")]),
            Key::of("m", &[("system", "hello")]),
            Key::of("m", &[("user", "hell"), ("user", "o")]),
            Key::of("muser", &[("", "hello")]),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn dice_are_even_enough() {
        let mut dice = Dice::new(7);
        let below_ten = (0..10_000).filter(|_| dice.percent() < 10.0).count();
        assert!((900..1_100).contains(&below_ten), "{below_ten}");
    }
}
