//! Text that is safe to look at.

use std::fmt;

/// Text for a template, with characters that act instead of showing made visible. There is no other way to make
/// one, so a view that holds `Text` cannot forget it; askama escapes it on top.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// All of a text.
    pub(crate) fn of(raw: &str) -> Text {
        Text(crate::text::shown(raw))
    }

    /// Its beginning, on one line.
    pub(crate) fn excerpt(raw: &str, most: usize) -> Text {
        Text(crate::text::excerpt(raw, most))
    }

    /// Texts joined by commas.
    pub(crate) fn list<'a>(raw: impl IntoIterator<Item = &'a str>) -> Text {
        Text::of(&raw.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// Whether it is too long for large letters, as a digest is.
    pub(crate) fn is_long(&self) -> bool {
        self.0.len() > 40
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
