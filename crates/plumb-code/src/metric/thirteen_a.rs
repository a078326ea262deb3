//! The tokenizer 13a of machine translation (mteval-v13a), as sacreBLEU has it.
//!
//! It was made for prose: `a+b-c` becomes `a + b-c`, and `==` becomes two tokens. Numbers that are to be compared with
//! published ones need it nevertheless.

use super::tokens::stripped_end;
use std::borrow::Cow;

/// Marks that always stand alone; full stop, comma, hyphen and apostrophe are not among them.
fn stands_alone(c: char) -> bool {
    matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
}

fn is_point(c: char) -> bool {
    c == '.' || c == ','
}

/// What is replaced first, one after another: `&amp;lt;` ends as `<`. Few texts have any of it but line ends.
const REPLACED: [(&str, &str); 7] = [
    ("<skipped>", ""),
    ("-\n", ""),
    ("\n", " "),
    ("&quot;", "\""),
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
];

/// The text with spaces between its tokens.
pub(super) fn spaced(text: &str) -> String {
    let mut text = Cow::Borrowed(stripped_end(text));
    for (mark, by) in REPLACED {
        if text.contains(mark) {
            text = text.replace(mark, by).into();
        }
    }
    let mut out: Vec<char> = Vec::with_capacity(2 * text.len() + 2);
    for c in std::iter::once(' ').chain(text.chars()).chain([' ']) {
        if stands_alone(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    let out = pairs(&out, |a, b| !a.is_ascii_digit() && is_point(b), |a, b| [a, ' ', b, ' ']);
    let out = pairs(&out, |a, b| is_point(a) && !b.is_ascii_digit(), |a, b| [' ', a, ' ', b]);
    let out = pairs(&out, |a, b| a.is_ascii_digit() && b == '-', |a, b| [a, ' ', b, ' ']);
    out.into_iter().collect()
}

/// Rewrites neighbours that `fit` from left to right; what was rewritten is not looked at again.
fn pairs(text: &[char], fit: fn(char, char) -> bool, into: fn(char, char) -> [char; 4]) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 2);
    let mut at = 0;
    while at < text.len() {
        match text.get(at + 1) {
            Some(&next) if fit(text[at], next) => {
                out.extend(into(text[at], next));
                at += 2;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}
