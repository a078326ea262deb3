//! Repairs that cut off what is not the program.

use crate::python::parses;

/// What models write where their text ends.
const MARKERS: [&str; 11] = [
    "<|endoftext|>",
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|file_sep|>",
    "<|fim_pad|>",
    "<end_of_turn>",
    "</s>",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
];
/// What a line of a program at its first column begins with, where it may follow prose.
const BEGINNINGS: [&str; 6] = ["def ", "async def ", "class ", "import ", "from ", "@"];
/// So many lines are cut off at the end at most: parsing again after each costs time.
const MOST_LINES: usize = 60;

/// Without what follows the first marker of the end.
pub(super) fn without_end(text: &str) -> Option<String> {
    MARKERS.iter().filter_map(|marker| text.find(marker)).min().map(|at| text[..at].to_owned())
}

/// Without lines before the first that begins a definition or an import. `whole`: the text defines the function itself.
pub(super) fn without_prose(before: &str, text: &str, whole: bool) -> Option<String> {
    if parses(&format!("{before}{text}")) {
        return None;
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        // "from here on" is prose, "from math import" is not.
        let begins = BEGINNINGS.iter().any(|b| line.starts_with(b))
            && (!line.starts_with("from ") || line.contains(" import "));
        if begins {
            return (at > 0 && !is_code(before, &text[..at], whole)).then(|| text[at..].to_owned());
        }
        at += line.len();
    }
    None
}

/// Whether lines before a definition are code, and what cannot be read comes later: most often a function that was cut in the
/// middle, behind the body that was asked for. Prose rarely reads as a program, but a single word does.
fn is_code(before: &str, lines: &str, whole: bool) -> bool {
    let first = lines.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let indented = first.starts_with([' ', '\t']);
    let reads = || parses(&format!("{before}{lines}"));
    (indented && !whole && !before.is_empty()) || ((indented || lines.contains('=')) && reads())
}

/// Without the fewest lines at the end such that the rest can be read; something must remain.
pub(super) fn without_tail(before: &str, text: &str) -> Option<String> {
    if parses(&format!("{before}{text}")) {
        return None;
    }
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    for _ in 0..MOST_LINES {
        lines.pop()?;
        let rest = lines.concat();
        if rest.trim().is_empty() {
            return None;
        }
        if parses(&format!("{before}{rest}")) {
            return Some(rest);
        }
    }
    None
}
