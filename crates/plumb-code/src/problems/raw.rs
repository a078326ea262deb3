//! The text of one value in a JSON object, as it is written.
//!
//! Why: inputs of problems hold whole numbers of any size, and reading them into numbers here would change them. Not here:
//! checking the text, which has been read as JSON before.

/// The text of the last value of that key in an object; keys are compared as they are written.
pub(super) fn value_of<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let bytes = object.as_bytes();
    let mut at = after_blanks(bytes, object.find('{')? + 1);
    let mut found = None;
    while bytes.get(at) == Some(&b'"') {
        let end = after_string(bytes, at);
        let name = &object[at + 1..end - 1];
        // Over the colon.
        let start = after_blanks(bytes, after_blanks(bytes, end) + 1);
        let end = after_value(bytes, start);
        if name == key {
            found = Some(object[start..end].trim_end());
        }
        at = after_blanks(bytes, end + 1);
    }
    found
}

/// The texts of the elements of a list; nothing of another value.
pub(super) fn elements_of(list: &str) -> Vec<&str> {
    let (bytes, mut found) = (list.as_bytes(), Vec::new());
    let start = after_blanks(bytes, 0);
    if bytes.get(start) != Some(&b'[') {
        return found;
    }
    let mut at = after_blanks(bytes, start + 1);
    while bytes.get(at).is_some_and(|byte| *byte != b']') {
        let end = after_value(bytes, at);
        found.push(list[at..end].trim_end());
        at = after_blanks(bytes, end + 1);
    }
    found
}

fn after_blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// Behind the string that begins at `at`.
fn after_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// At the comma or bracket behind the value that begins at `at`.
fn after_value(bytes: &[u8], at: usize) -> usize {
    let (mut at, mut depth) = (at, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = after_string(bytes, at);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 0 => return at,
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::{elements_of, value_of};

    #[test]
    fn values_are_found_as_they_are_written() {
        let object =
            r#"{"a": "}\",b", "b" :[[1e400, "],", {"b": 2}], 123456789012345678901234567890] ,"c":1.0 }"#;
        assert_eq!(value_of(object, "a"), Some(r#""}\",b""#));
        assert_eq!(
            value_of(object, "b"),
            Some(r#"[[1e400, "],", {"b": 2}], 123456789012345678901234567890]"#)
        );
        assert_eq!(value_of(object, "c"), Some("1.0"));
        assert_eq!((value_of(object, "d"), value_of("{}", "d")), (None, None));
    }

    #[test]
    fn elements_are_found_as_they_are_written() {
        let list = r#" [ [1, "],"] , 123456789012345678901234567890,{"a": [2]},"x" ]"#;
        assert_eq!(
            elements_of(list),
            [r#"[1, "],"]"#, "123456789012345678901234567890", r#"{"a": [2]}"#, r#""x""#]
        );
        assert_eq!((elements_of("[]"), elements_of("7"), elements_of("")), (vec![], vec![], vec![]));
    }
}
