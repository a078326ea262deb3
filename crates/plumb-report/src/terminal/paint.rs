//! Colour, or none.

/// What a piece of text means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Ordinary text.
    Plain,
    /// Headings and estimates.
    Bold,
    /// What may be skipped.
    Dim,
    /// A claim that holds.
    Good,
    /// A claim whose opposite holds.
    Bad,
    /// What a reader must know first.
    Warn,
}

/// Paints, if the terminal wants colour.
#[derive(Clone, Copy)]
pub(crate) struct Painter {
    /// Whether to.
    pub(crate) colour: bool,
}

impl Painter {
    /// Appends `text` with its paint. Only the sixteen basic colours: they follow the user's theme.
    pub(crate) fn paint(self, out: &mut String, text: &str, paint: Paint) {
        let code = match paint {
            Paint::Plain => "",
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Warn => "33",
        };
        if !self.colour || code.is_empty() || text.is_empty() {
            out.push_str(text);
        } else {
            out.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m"));
        }
    }

    /// `text` with its paint.
    pub(crate) fn painted(self, text: &str, paint: Paint) -> String {
        let mut out = String::new();
        self.paint(&mut out, text, paint);
        out
    }
}
