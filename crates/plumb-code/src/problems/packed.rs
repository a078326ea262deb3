//! Texts that were packed as Python objects: base64 of zlib of a pickle, as LiveCodeBench packs its private cases.
//!
//! Why not with Python: a pickle is a program, and opening one runs what it says. One that holds a single text is four steps long,
//! and only those are read here; anything else is refused, never run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Read as _;

/// No set of cases is as large; a small file can unpack to anything.
const MOST: u64 = 1 << 30;

/// The text that is packed, or in words what is there instead.
pub(super) fn text_in(packed: &str) -> Result<String, &'static str> {
    let bytes = STANDARD.decode(packed.trim()).map_err(|_| "it is no base64")?;
    let mut pickle = Vec::new();
    let mut unpacked = flate2::read::ZlibDecoder::new(bytes.as_slice()).take(MOST);
    unpacked.read_to_end(&mut pickle).map_err(|_| "it is not packed by zlib")?;
    if pickle.len() as u64 == MOST {
        return Err("it unpacks to more than a gigabyte");
    }
    let text = one_text(&pickle).ok_or("it holds another Python object than a text")?;
    String::from_utf8(text.to_vec()).map_err(|_| "its text is not UTF-8")
}

/// The bytes of the text that a pickle makes, if that is all it does. Opcodes as in Python's `pickletools`.
fn one_text(mut pickle: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    loop {
        let (code, rest) = pickle.split_first()?;
        pickle = match code {
            // PROTO, FRAME; MEMOIZE, BINPUT, LONG_BINPUT keep what nobody asks for again.
            0x80 | b'q' => rest.get(1..)?,
            0x95 => rest.get(8..)?,
            0x94 => rest,
            b'r' => rest.get(4..)?,
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8: a length, little end first, and so many bytes.
            0x8c | b'X' | 0x8d if found.is_none() => {
                let (length, rest) = rest.split_at_checked(match code {
                    0x8c => 1,
                    b'X' => 4,
                    _ => 8,
                })?;
                let length = length.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
                let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                found = Some(text);
                rest
            }
            // STOP
            b'.' => return if rest.is_empty() { found } else { None },
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{one_text, text_in};

    #[test]
    fn a_pickle_of_one_text_is_read_and_others_are_not() {
        // pickle.dumps("ab", protocol) of 2 to 5, and of a longer text.
        assert_eq!(one_text(b"\x80\x02X\x02\0\0\0abq\0."), Some(&b"ab"[..]));
        assert_eq!(one_text(b"\x80\x04\x95\x06\0\0\0\0\0\0\0\x8c\x02ab\x94."), Some(&b"ab"[..]));
        for wrong in [
            // [], os.system by name, two texts, a length beyond the end, no end, more after the end.
            &b"\x80\x04]\x94."[..],
            b"cos\nsystem\n(X\x02\0\0\0abtR.",
            b"\x80\x02X\x01\0\0\0aX\x01\0\0\0b.",
            b"\x80\x02X\xff\0\0\0ab.",
            b"\x80\x02X\x02\0\0\0ab",
            b"\x80\x02X\x02\0\0\0ab..",
            b"",
        ] {
            assert_eq!(one_text(wrong), None, "{wrong:?}");
        }
        // base64.b64encode(zlib.compress(pickle.dumps("[1]", 4)))
        assert_eq!(text_in("eJxrYJnKzgABPczRhrFT9AAb7QNb").unwrap(), "[1]");
        assert_eq!(text_in("AAAA").unwrap_err(), "it is not packed by zlib");
        assert_eq!(text_in("?").unwrap_err(), "it is no base64");
    }
}
