//! Which parts of a reply are somebody else's words: quotations, code, block quotes.
//!
//! Why: a reply that writes a scene, a script or an email often contains a refusal that is not its own. Single quotation
//! marks are not read, because apostrophes look the same. A reply that is one quotation from start to end is taken as
//! the reply's own words, but one that is all code is code.

use std::ops::Range;

/// Quoted byte ranges, in order, not overlapping.
pub(crate) fn quoted(reply: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut open: Option<(char, usize)> = None;
    let mut fence: Option<usize> = None;
    let mut at = 0;
    for line in reply.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let text = line.trim_start();
        if text.starts_with("```") {
            match fence.take() {
                Some(from) => spans.push(from..at),
                None => {
                    fence = Some(start);
                    open = None;
                }
            }
            continue;
        }
        if fence.is_some() {
            continue;
        }
        if text.starts_with('>') {
            spans.push(start..at);
            open = None;
            continue;
        }
        if text.trim_end().is_empty() {
            // A quotation mark left open does not reach over a paragraph.
            open = None;
        }
        for (offset, c) in line.char_indices() {
            let here = start + offset;
            match (open, c) {
                (None, '"' | '“' | '«') => open = Some((closing(c), here)),
                (Some((end, from)), c) if c == end => {
                    spans.push(from..here + c.len_utf8());
                    open = None;
                }
                _ => {}
            }
        }
    }
    if let Some(from) = fence {
        spans.push(from..reply.len());
    }
    let body = reply.trim();
    let whole = reply.len() - reply.trim_start().len();
    spans.retain(|s| body.starts_with("```") || !(s.start == whole && s.end >= whole + body.len()));
    spans
}

fn closing(open: char) -> char {
    match open {
        '“' => '”',
        '«' => '»',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotations_code_and_blocks() {
        for (reply, expected) in [
            ("She said \"I can't\" and left", vec!["\"I can't\""]),
            ("He wrote “no” twice", vec!["“no”"]),
            ("\"I can't help with that.\"", vec![]),
            ("> I cannot\nThat is the line", vec!["> I cannot\n"]),
            ("x\n```\nI cannot\n```\ny", vec!["```\nI cannot\n```\n"]),
            ("x\n```\nI cannot", vec!["```\nI cannot"]),
            ("```\nI cannot\n```", vec!["```\nI cannot\n```"]),
            ("5\" wide\n\nI can't say", vec![]),
            ("I can't, it's 'no'", vec![]),
        ] {
            let found: Vec<&str> = quoted(reply).into_iter().map(|s| &reply[s]).collect();
            assert_eq!(found, expected, "{reply}");
        }
    }
}
