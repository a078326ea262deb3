//! Does a reply match a text: exactly, by containing it, or by a regular expression?
//!
//! Several texts count as one pattern that any of them satisfies. Case is folded by Unicode's lower-case mapping, white
//! space at the ends is ignored for [`How::Exact`] unless the caller says otherwise; nothing else is normalised, so
//! that what a plan says is what is compared.
//!
//! Not here: where the expected text comes from (the plan or the item's target), which is for `kinds::matching`.

use regex::{Regex, RegexBuilder};

use crate::Error;

/// How a text is compared with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The reply is the text.
    Exact,
    /// The reply contains the text.
    Contains,
    /// The text is a regular expression that matches somewhere in the reply.
    Regex,
}

/// A comparison ready to be made many times.
#[derive(Debug, Clone)]
pub struct Match {
    patterns: Vec<Pattern>,
    ignore_case: bool,
    trim: bool,
}

#[derive(Debug, Clone)]
enum Pattern {
    Exact(String),
    Contains(String),
    Regex(Regex),
}

impl Match {
    /// Any of `texts`, compared as `how` says. `trim` matters to [`How::Exact`] only.
    ///
    /// # Errors
    /// No texts, an empty text to be contained (which every reply contains), or a faulty regular expression.
    pub fn new(how: How, texts: &[String], ignore_case: bool, trim: bool) -> Result<Self, Error> {
        if texts.is_empty() {
            return Err(Error::invalid("match", "there is no text to match"));
        }
        let patterns = texts
            .iter()
            .map(|text| match how {
                How::Exact => Ok(Pattern::Exact(folded(trimmed(text, trim), ignore_case))),
                How::Contains if text.is_empty() => {
                    Err(Error::invalid("contains", "every reply contains the empty text"))
                }
                How::Contains => Ok(Pattern::Contains(folded(text, ignore_case))),
                How::Regex => RegexBuilder::new(text)
                    .case_insensitive(ignore_case)
                    .build()
                    .map(Pattern::Regex)
                    .map_err(|cause| Error::regex(text, cause)),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { patterns, ignore_case, trim })
    }

    /// The first text, by position among those given, that the reply matches.
    pub fn find(&self, reply: &str) -> Option<usize> {
        // Folded at most once, and not at all where only regular expressions are compared.
        let folds = self.ignore_case && !self.patterns.iter().all(|p| matches!(p, Pattern::Regex(_)));
        let lower = if folds { Some(reply.to_lowercase()) } else { None };
        let compared = lower.as_deref().unwrap_or(reply);
        self.patterns.iter().position(|pattern| match pattern {
            Pattern::Exact(text) => trimmed(compared, self.trim) == text,
            Pattern::Contains(text) => compared.contains(text.as_str()),
            Pattern::Regex(regex) => regex.is_match(reply),
        })
    }
}

fn trimmed(text: &str, trim: bool) -> &str {
    if trim { text.trim() } else { text }
}

fn folded(text: &str, ignore_case: bool) -> String {
    if ignore_case { text.to_lowercase() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{How, Match};

    #[test]
    fn every_way_of_matching() {
        use How::{Contains, Exact, Regex};
        for (how, texts, ignore_case, trim, reply, expected) in [
            (Exact, vec!["Paris"], false, true, " Paris\n", Some(0)),
            (Exact, vec!["Paris"], false, false, " Paris\n", None),
            (Exact, vec!["Paris"], false, true, "paris", None),
            (Exact, vec!["Rome", "paris "], true, true, "PARIS", Some(1)),
            (Exact, vec![""], false, true, " \n", Some(0)),
            (Contains, vec!["echo "], false, true, "an echo came", Some(0)),
            (Contains, vec!["echo "], false, true, "an echo", None),
            (Contains, vec!["STRASSE"], true, true, "Hauptstrasse 1", Some(0)),
            (Contains, vec!["a", "b"], false, true, "b", Some(1)),
            (Regex, vec![r"^\d+$"], false, true, "42", Some(0)),
            (Regex, vec!["yes|ja"], true, true, "JA!", Some(0)),
            (Regex, vec!["^b"], false, true, "a\nb", None),
        ] {
            let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
            let found = Match::new(how, &texts, ignore_case, trim).unwrap().find(reply);
            assert_eq!(found, expected, "{how:?} {texts:?} in {reply:?}");
        }
    }

    #[test]
    fn what_can_never_be_meant_is_an_error() {
        assert!(Match::new(How::Exact, &[], false, true).is_err());
        assert!(Match::new(How::Contains, &[String::new()], false, true).is_err());
        let error = Match::new(How::Regex, &["(".to_owned()], false, true).unwrap_err();
        assert!(error.to_string().starts_with("pattern `(`"), "{error}");
    }
}
