//! Text that grows token by token, although a character may be spread over several tokens.

/// Collects bytes and gives out whole characters.
#[derive(Debug, Clone, Default)]
pub struct TextStream {
    text: String,
    /// The beginning of a character, at most three bytes.
    open: Vec<u8>,
}

impl TextStream {
    /// An empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token's bytes. Bytes that cannot become part of a character turn into U+FFFD at once.
    pub fn push(&mut self, bytes: &[u8]) {
        self.open.extend(bytes);
        let mut kept = 0;
        for chunk in self.open.utf8_chunks() {
            self.text.push_str(chunk.valid());
            kept += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                let end = kept + chunk.invalid().len() == self.open.len();
                if end && may_continue(chunk.invalid()) {
                    break;
                }
                self.text.push(char::REPLACEMENT_CHARACTER);
                kept += chunk.invalid().len();
            }
        }
        self.open.drain(..kept);
    }

    /// The whole characters so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, with U+FFFD for a character that was not finished.
    pub fn finish(mut self) -> String {
        if !self.open.is_empty() {
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        self.text
    }
}

/// Whether more bytes could make a character of these.
fn may_continue(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_split_over_tokens() {
        let whole = "a🌊é\u{FFFD}北";
        for size in 1..5 {
            let mut stream = TextStream::new();
            for piece in whole.as_bytes().chunks(size) {
                stream.push(piece);
                assert!(whole.starts_with(stream.text()));
            }
            assert_eq!(stream.finish(), whole);
        }
    }

    #[test]
    fn bytes_that_are_no_text() {
        let mut stream = TextStream::new();
        stream.push(&[0xF0, 0x9F]);
        assert_eq!(stream.text(), "");
        stream.push(b"x");
        assert_eq!(stream.text(), "\u{FFFD}x");
        stream.push(&[0xE5]);
        assert_eq!(stream.finish(), "\u{FFFD}x\u{FFFD}");
    }
}
