//! Text of models, files and servers, made safe to look at.
//!
//! Escaping for HTML is askama's work, but where there is no template ([`escaped`]). What it leaves alone are characters
//! that are legal text and yet mislead a reader: terminal escapes, bidirectional overrides that show text in another order
//! than a model gave it, and invisible tag characters. Here each of them becomes something visible.

/// The text with every character that acts instead of showing written out, as `⟦U+202E⟧`: controls, overrides,
/// invisible tags. Newlines and tabs stay; `\r\n` is a newline. (Unicode's pictures of controls would be
/// shorter, but few fonts have them.)
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}' => out.push_str(&format!("⟦U+{:04X}⟧", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// The text on one line, cut after `most` characters.
pub fn excerpt(text: &str, most: usize) -> String {
    // Only the beginning is looked at: an answer may have megabytes.
    let head: String = text.chars().take(most.saturating_mul(4)).collect();
    let line = shown(&head).split([' ', '\n', '\t']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    let cut = line.chars().count() > most || head.len() < text.trim_end().len();
    if !cut {
        return line;
    }
    let kept: String = line.chars().take(most).collect();
    format!("{}…", kept.trim_end())
}

/// The text on one line, whole and made visible, broken nowhere else than at plain spaces.
pub fn one_line(text: &str) -> String {
    shown(text).replace(['\n', '\t'], " ")
}

/// The text with what would be markup in HTML or XML written out, for elements and attributes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_becomes_visible() {
        for (given, wanted) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("a\r\nb\rc", "a\nb⟦U+000D⟧c"),
            ("\0\u{1b}[31mred\u{7f}", "⟦U+0000⟧⟦U+001B⟧[31mred⟦U+007F⟧"),
            ("\u{202e}txt.exe", "⟦U+202E⟧txt.exe"),
            ("\u{85}\u{9b}", "⟦U+0085⟧⟦U+009B⟧"),
            ("hid\u{e0041}den", "hid⟦U+E0041⟧den"),
            ("سلام 👩\u{200d}🔬", "سلام 👩\u{200d}🔬"),
        ] {
            assert_eq!(shown(given), wanted);
        }
    }

    #[test]
    fn excerpts_fit_a_line() {
        assert_eq!(excerpt("one\n two", 20), "one two");
        assert_eq!(excerpt("one two three", 7), "one two…");
        assert_eq!(excerpt(&"x ".repeat(1_000_000), 5), "x x x…");
        assert_eq!(excerpt("", 5), "");
    }
}
