//! The byte alphabet of byte-level BPE: each byte is written as one printable character in the vocabulary.
//!
//! Bytes that print in Latin-1 stand for themselves; the other 68 take U+0100 onwards, in order (GPT-2,
//! Radford et al. 2019).

fn prints(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

/// The byte that a character stands for.
fn byte(character: char) -> Option<u8> {
    let code = character as u32;
    match u8::try_from(code) {
        Ok(byte) => prints(byte).then_some(byte),
        Err(_) => (0..=u8::MAX).filter(|&byte| !prints(byte)).nth((code - 0x100) as usize),
    }
}

/// The bytes that a vocabulary entry stands for; characters outside the alphabet stand for themselves.
pub(super) fn decode(token: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(token.len());
    for character in token.chars() {
        match byte(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// What an entry of a SentencePiece vocabulary stands for: U+2581 is a space.
pub(super) fn decode_sentence_piece(token: &str) -> Vec<u8> {
    token.replace('\u{2581}', " ").into_bytes()
}

/// The byte of an entry such as `<0x0A>`.
pub(super) fn decode_byte(token: &str) -> Option<u8> {
    u8::from_str_radix(token.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_characters() {
        assert_eq!(decode("ĠHi"), b" Hi");
        assert_eq!(decode("Ċ"), b"\n");
        assert_eq!(decode("Ã©"), "é".as_bytes());
        assert_eq!(decode("北"), "北".as_bytes());
        let alphabet: std::collections::BTreeSet<u8> = ('\0'..='\u{143}').filter_map(byte).collect();
        assert_eq!(alphabet.len(), 256);
    }
}
