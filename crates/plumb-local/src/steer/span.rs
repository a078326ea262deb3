//! Which tokens are changed.

use super::mask::Mask;
use plumb_lm::{Class, Positions};
use plumb_study::{Error, Fields, Result};
use serde::{Deserialize, Serialize};
use toml::Value;

/// Which tokens are changed. The first token of a sequence, where models keep an attention sink, is changed only if
/// [`Tokens::first`] says so.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// All.
    All,
    /// Those of the prompt, the last one included: it writes the first token of the answer.
    Prompt,
    /// Those of the answer and the last one of the prompt.
    Generated,
    /// The last one of the prompt alone.
    Last,
    /// Those that are named one by one.
    Mask(Mask),
}

impl Span {
    const NAMES: [(&'static str, Span); 4] =
        [("all", Span::All), ("prompt", Span::Prompt), ("generated", Span::Generated), ("last", Span::Last)];

    /// Its name; of a mask, what it names.
    pub fn name(&self) -> String {
        match self {
            Span::Mask(mask) => mask.words(),
            span => {
                Self::NAMES.iter().find(|(_, one)| one == span).map_or("all", |(name, _)| name).to_owned()
            }
        }
    }

    /// Reads one of the four names, or what a mask names with `+` between: `user+answer`, `3+4+-1`.
    ///
    /// # Errors
    /// A text of another form.
    pub fn parse(text: &str) -> Result<Span> {
        Self::of(&text.split('+').collect::<Vec<_>>())
    }

    fn of(words: &[&str]) -> Result<Span> {
        if let [word] = words
            && let Some((_, span)) = Self::NAMES.iter().find(|(name, _)| name == word)
        {
            return Ok(span.clone());
        }
        Mask::read(words.iter().copied()).map(Span::Mask).map_err(|error| {
            error.help(
                "positions are all, prompt, generated or last; or a mask: text, control, template, system, user, assistant, answer, \
                 last or numbers of the prompt's tokens, with + between",
            )
        })
    }

    /// Takes the key `positions`: a text as of [`Span::parse`], or a list of names and numbers.
    fn take(inner: &mut Fields) -> Result<Option<Span>> {
        let word = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            _ => None,
        };
        let words: Option<Vec<String>> = match inner.value("positions") {
            None => return Ok(None),
            Some(Value::String(text)) => Some(text.split('+').map(str::to_owned).collect()),
            Some(Value::Array(list)) => list.iter().map(word).collect(),
            Some(_) => None,
        };
        let words = words.ok_or_else(|| {
            inner.error(
                "`positions` must be a text, or a list of names and whole numbers such as [\"user\", -1]",
            )
        })?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Self::of(&words).map(Some).map_err(|error| error.at(format!("{}, `positions`", inner.place())))
    }
}

/// A row so many times as long as the median is an attention sink, as in `plumb_lm::sae::store`.
const SINK: f32 = 10.0;

/// A span, and whether what holds no meaning is changed, too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tokens {
    /// Which tokens.
    pub span: Span,
    /// Whether the first is among them.
    pub first: bool,
    /// Whether attention sinks are: rows many times as long as the median.
    pub sinks: bool,
}

/// The length from which rows are left alone, if that is wanted and the median is known.
pub(super) fn sink_norm(sinks: bool, median: Option<f32>) -> Option<f32> {
    median.filter(|_| !sinks).map(|median| SINK * median)
}

impl Tokens {
    /// Takes the keys `positions`, `first` and `sinks`.
    ///
    /// # Errors
    /// Values that are none, or a mask that names the first token where it is not to be changed.
    pub(super) fn take(inner: &mut Fields) -> Result<Tokens> {
        let span = Span::take(inner)?.unwrap_or(Span::All);
        let (first, sinks) = (inner.flag("first")?, inner.flag("sinks")?);
        let tokens = Tokens { span, first: first.unwrap_or(false), sinks: sinks.unwrap_or(false) };
        tokens.checked().map_err(|error| error.at(inner.place()))
    }

    /// # Errors
    /// A mask that names the first token where it is not to be changed.
    pub(super) fn checked(self) -> Result<Tokens> {
        match &self.span {
            Span::Mask(mask) if mask.names_first() && !self.first => Err(Error::plan(
                "token 0 is the first of the sequence, which is changed with `first = true` only",
            )),
            _ => Ok(self),
        }
    }

    /// Positions of the tokens that are changed where the prompt's tokens are of these classes; parts that do not overlap, none
    /// if nothing is changed. Of [`Span::All`] they are the same for every prompt.
    pub(super) fn positions(&self, prompt: &[Class]) -> Vec<Positions> {
        let start = usize::from(!self.first);
        let length = prompt.len();
        let last = length.saturating_sub(1);
        let span = match &self.span {
            Span::All => Positions::From(start),
            Span::Prompt => Positions::Range(start..length),
            Span::Generated => Positions::From(last.max(start)),
            Span::Last => Positions::Range(last.max(start)..length),
            Span::Mask(mask) => return mask.positions(prompt, start),
        };
        match &span {
            Positions::Range(range) if range.is_empty() => Vec::new(),
            _ => vec![span],
        }
    }

    /// Whether the token at `position` is changed, for a mask that people can read.
    pub(super) fn touch(&self, position: usize, prompt: &[Class]) -> bool {
        self.positions(prompt).iter().any(|part| match part {
            Positions::From(start) => position >= *start,
            Positions::Range(range) => range.contains(&position),
            Positions::Only(these) => these.contains(&position),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: [Class; 4] = [Class::First, Class::Control, Class::User, Class::Template];

    fn mask(span: Span, first: bool) -> Vec<u8> {
        let tokens = Tokens { span, first, sinks: false };
        (0..6).map(|at| u8::from(tokens.touch(at, &PROMPT))).collect()
    }

    #[test]
    fn the_last_token_of_the_prompt_is_among_the_generated_and_the_first_is_left_out() {
        assert_eq!(mask(Span::All, false), [0, 1, 1, 1, 1, 1]);
        assert_eq!(mask(Span::Prompt, false), [0, 1, 1, 1, 0, 0]);
        assert_eq!(mask(Span::Generated, false), [0, 0, 0, 1, 1, 1]);
        assert_eq!(mask(Span::Last, false), [0, 0, 0, 1, 0, 0]);
        let last = Tokens { span: Span::Last, first: false, sinks: false };
        assert!(last.positions(&PROMPT[..1]).is_empty(), "a prompt of one token");
        assert_eq!(mask(Span::All, true), [1; 6]);
    }

    #[test]
    fn a_mask_names_tokens_by_class_and_number() {
        let parse = |text: &str| Span::parse(text).unwrap();
        assert_eq!(mask(parse("user+answer"), false), [0, 0, 1, 0, 1, 1]);
        assert_eq!(
            mask(parse("answer"), false),
            [0, 0, 0, 0, 1, 1],
            "the last token of the prompt is not meant"
        );
        assert_eq!(mask(parse("last+answer"), false), mask(Span::Generated, false));
        assert_eq!(mask(parse("1+-1+99"), false), [0, 1, 0, 1, 0, 0], "99 is beyond this prompt");
        assert_eq!(mask(parse("0+control"), true), [1, 1, 0, 0, 0, 0]);
        assert_eq!(mask(parse("-4"), false), [0; 6], "the first token, counted from the end");
        assert_eq!(parse("answer+user+user").name(), "user+answer");
        assert_eq!(parse(&parse("-1+7+template").name()), parse("7+template+last"));
        for wrong in ["", "sometimes", "user+", "all+user", "1.5"] {
            assert!(Span::parse(wrong).is_err(), "{wrong}");
        }
        let first = Tokens { span: parse("0+user"), first: false, sinks: false };
        assert!(first.checked().unwrap_err().to_string().contains("`first = true`"));
        let json = serde_json::to_value(parse("user+3")).unwrap();
        assert_eq!(serde_json::from_value::<Span>(json).unwrap(), parse("3+user"));
        assert_eq!(serde_json::to_value(Span::All).unwrap(), "all");
    }
}
