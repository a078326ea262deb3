//! The server's secret key and what is made with it: links, marks of pages, codes of withdrawal.
//!
//! Nothing of it is stored: whoever has the key can make a person's link again from what the journal keeps of the
//! arrival, and without the key a journal gives no link away.

use plumb_study::Digest;
use plumb_study::people::PersonIx;

/// The key. It stays in a file of its own, apart from the journal.
#[derive(Clone)]
pub struct Keys([u8; 32]);

impl Keys {
    /// From 32 bytes of the system's randomness.
    pub fn new(key: [u8; 32]) -> Keys {
        Keys(key)
    }

    fn made(&self, what: &str, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in std::iter::once(&what.as_bytes()).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        hasher.finalize()
    }

    /// The secret part of a person's link: 160 bits, in hexadecimal digits.
    pub fn link(&self, nonce: &str) -> String {
        self.made("link", &[nonce.as_bytes()]).to_hex()[..40].to_owned()
    }

    /// What the journal keeps of a link.
    pub(super) fn hash(link: &str) -> Digest {
        Digest::of(link.as_bytes())
    }

    /// The mark of a page: a form without it was not made by this server for this person and screen.
    pub(super) fn page(&self, link: &str, screen: usize) -> String {
        self.made("page", &[link.as_bytes(), &screen.to_le_bytes()]).to_hex()[..32].to_owned()
    }

    /// The mark of a consent page.
    pub(super) fn start(&self, nonce: &str, query: &str) -> String {
        self.made("start", &[nonce.as_bytes(), query.as_bytes()]).to_hex()[..32].to_owned()
    }

    /// What an identifier leaves in the journal when it is deleted: enough to refuse whoever comes with it again, and
    /// nothing for anybody without the key.
    pub fn mark(&self, id: &str) -> String {
        self.made("identifier", &[id.as_bytes()]).to_hex()[..32].to_owned()
    }

    /// The code by which a person withdraws later: 60 bits in groups of four.
    pub(super) fn withdrawal(&self, who: PersonIx) -> String {
        // Without letters and digits that are easily confused.
        const SIGNS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let made = self.made("withdrawal", &[&who.0.to_le_bytes()]);
        let signs: Vec<char> =
            made.as_bytes()[..12].iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])).collect();
        signs.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }

    /// Whether somebody typed this code, in small letters or large, with other signs between the groups or none.
    pub(super) fn is_code(code: &str, typed: &str) -> bool {
        let signs = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_uppercase()).collect()
        };
        signs(code) == signs(typed)
    }

    /// Who looks after the study, as the hash of the token that was printed; compared in constant time.
    pub(super) fn admin(&self, token: &str) -> blake3::Hash {
        self.made("admin", &[token.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_differs_by_use_and_by_key() {
        let (one, two) = (Keys::new([1; 32]), Keys::new([2; 32]));
        assert_eq!(one.link("a"), one.link("a"));
        assert_ne!(one.link("a"), one.link("b"));
        assert_ne!(one.link("a"), two.link("a"));
        assert_ne!(one.page("a", 1), one.page("a", 2));
        assert_ne!(one.start("a", "bc"), one.start("ab", "c"));
        let code = one.withdrawal(PersonIx(7));
        assert_eq!(code.len(), 14);
        assert_ne!(code, one.withdrawal(PersonIx(8)));
        for typed in [code.replace('-', ""), code.replace('-', " ").to_lowercase(), format!(" {code}. ")] {
            assert!(Keys::is_code(&code, &typed), "{typed}");
        }
        assert!(!Keys::is_code(&code, "") && !Keys::is_code(&code, &code[..13]));
    }
}
