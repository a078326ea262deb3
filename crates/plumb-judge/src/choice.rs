//! Which option was chosen: from the log-probabilities of the options, or from a reply in words.
//!
//! A reply in words is read only where it commits itself: it is a letter, it names one after a mark ("the answer is
//! B", "Answer: (B)", `\boxed{B}`), it begins with one ("B) Paris"), or it is an option's text. Two different letters
//! in such places, or none, is [`Unread`] and never a guess: "A" is also an article and "I" a pronoun.
//!
//! Not here: whether the choice is right (`kinds::choice`).

use std::sync::LazyLock;

use regex::Regex;

/// What is compared between options of a `Choose` answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// The log-probability of the whole option.
    #[default]
    Sum,
    /// Its mean over tokens.
    PerToken,
    /// Its mean over bytes, which does not depend on the tokenizer.
    PerByte,
}

/// One option's log-probability (nats) with its length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Of the whole option, in nats.
    pub logprob: f64,
    /// Its tokens.
    pub tokens: u32,
    /// Its bytes in UTF-8.
    pub bytes: u32,
}

/// Why no choice can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Nothing to choose from.
    #[error("there are no options")]
    NoOptions,
    /// An option without tokens or bytes, where the mean over them is compared.
    #[error("option {0} has no length to divide by")]
    Empty(usize),
    /// An option whose score is no number.
    #[error("option {0} has no log-probability")]
    NoScore(usize),
    /// Two options share the best score.
    #[error("options {0} and {1} score the same")]
    Tie(usize, usize),
    /// No text.
    #[error("the reply is empty")]
    EmptyReply,
    /// A text that commits itself to nothing.
    #[error("the reply names no option")]
    None,
    /// A text that commits itself twice.
    #[error("the reply names {0} and {1}")]
    Several(char, char),
}

/// The option with the highest score; its position.
///
/// # Errors
/// No options, a score that is no number, a length of zero, or a tie at the top. Positions in errors count from 1.
pub fn pick(options: &[Scored], by: By) -> Result<usize, Unread> {
    let mut best: Option<(usize, f64)> = None;
    let mut tie = None;
    for (at, option) in options.iter().enumerate() {
        let length = match by {
            By::Sum => 1.0,
            By::PerToken => f64::from(option.tokens),
            By::PerByte => f64::from(option.bytes),
        };
        if length == 0.0 {
            return Err(Unread::Empty(at + 1));
        }
        // Minus infinity is an answer (impossible); a missing number is none.
        if option.logprob.is_nan() {
            return Err(Unread::NoScore(at + 1));
        }
        let score = option.logprob / length;
        match best {
            Some((first, top)) if score == top => tie = Some((first + 1, at + 1)),
            Some((_, top)) if score < top => {}
            _ => {
                best = Some((at, score));
                tie = None;
            }
        }
    }
    match (best, tie) {
        (_, Some((a, b))) => Err(Unread::Tie(a, b)),
        (Some((at, _)), None) => Ok(at),
        (None, None) => Err(Unread::NoOptions),
    }
}

/// A word that announces an answer, then a single letter that a mark of punctuation, a line's end or a reason ends.
static MARKED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?m)(?:\b(?i:(?:final |correct |best |right )?(?:answer|choice|option))\b[*_]*",
        r"(?:\s+(?i:is|would be|should be|must be))?\s*:?\s*(?i:(?:option|choice|letter)\s+)?|\\boxed\{(?:\\text\{)?)",
        r#"(?:[*_("'\[`$]*)([A-Z])(?:[*_)"'\]`$}.,;:]|\s*$|\s+(?i:because|since|as|is correct|for)\b)"#,
    ))
    .ok()
});

/// A line that begins with a letter and a mark: "B) Paris", "(B) Paris", "**B.** Paris", "B: Paris".
static LED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*[*_]*(?:\(([A-Z])\)|([A-Z])[).:])[*_]*(?:\s|$)").ok());

/// Reads a reply. `letters` name the options in order; `options` are their texts, as far as they are known.
///
/// # Errors
/// The reply commits itself to no option or to several.
pub fn read(reply: &str, letters: &[char], options: &[&str]) -> Result<usize, Unread> {
    let text = bare(reply);
    if text.is_empty() {
        return Err(Unread::EmptyReply);
    }
    let position = |c: char| letters.iter().position(|l| *l == c);
    let mut chars = text.chars();
    if let (Some(only), None) = (chars.next(), chars.next())
        && let Some(at) = position(only.to_ascii_uppercase())
    {
        return Ok(at);
    }
    if let Some(at) = option_of(text, options) {
        return Ok(at);
    }
    for rule in [&MARKED, &LED] {
        let Some(rule) = rule.as_ref() else { continue };
        let named = rule
            .captures_iter(reply)
            .filter_map(|c| c.get(1).or_else(|| c.get(2)))
            .filter_map(|m| m.as_str().chars().next())
            .filter(|c| position(*c).is_some());
        match one(named) {
            Ok(Some(letter)) => return position(letter).ok_or(Unread::None),
            Ok(None) => {}
            Err((a, b)) => return Err(Unread::Several(a, b)),
        }
    }
    Err(Unread::None)
}

/// The option that a target names, by its text or by its letter.
pub fn target(target: &str, letters: &[char], options: &[&str]) -> Option<usize> {
    let text = bare(target);
    if let Some(at) = option_of(text, options) {
        return Some(at);
    }
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => letters.iter().position(|l| *l == only.to_ascii_uppercase()),
        _ => None,
    }
}

/// Without white space and marks around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '*' | '_' | '(' | ')' | '.' | ':' | '"' | '\'' | '`' | '$')
    })
}

fn option_of(text: &str, options: &[&str]) -> Option<usize> {
    let same = |option: &&str| bare(option).to_lowercase() == text.to_lowercase();
    let at = options.iter().position(same)?;
    // Two options of one text cannot be told apart by it.
    options.iter().skip(at + 1).all(|o| !same(o)).then_some(at)
}

fn one(named: impl Iterator<Item = char>) -> Result<Option<char>, (char, char)> {
    let mut first = None;
    for letter in named {
        match first {
            None => first = Some(letter),
            Some(known) if known == letter => {}
            Some(known) => return Err((known, letter)),
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LETTERS: [char; 10] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'];
    const CITIES: [&str; 3] = ["Rome", "Paris", "Bonn"];

    #[test]
    fn replies() {
        for (reply, expected) in [
            ("B", Ok(1)),
            (" (b). ", Ok(1)),
            ("**C**", Ok(2)),
            ("Paris.", Ok(1)),
            ("B) Paris", Ok(1)),
            ("(B) Paris, the capital", Ok(1)),
            ("**B.** Paris", Ok(1)),
            ("The answer is B.", Ok(1)),
            ("The correct answer is (B) Paris.", Ok(1)),
            ("Let me think.\nFinal answer: **B**", Ok(1)),
            ("Answer: B", Ok(1)),
            ("So \\boxed{C}", Ok(2)),
            ("I would say option B, because it is in France.", Ok(1)),
            ("The best choice is B because of the river", Ok(1)),
            ("The answer is A. No: the answer is B.", Err(Unread::Several('A', 'B'))),
            ("A) Rome\nB) Paris\nC) Bonn", Err(Unread::Several('A', 'B'))),
            ("A) Rome\nB) Paris\nThe answer is B.", Ok(1)),
            ("The answer is a city in France", Err(Unread::None)),
            ("The answer: I think it lies in France", Err(Unread::None)),
            ("A city in France", Err(Unread::None)),
            ("I am sure", Err(Unread::None)),
            ("Answer: Z", Err(Unread::None)),
            ("", Err(Unread::EmptyReply)),
            ("**", Err(Unread::EmptyReply)),
        ] {
            assert_eq!(read(reply, &LETTERS, &CITIES), expected, "{reply}");
        }
    }

    #[test]
    fn targets() {
        for (text, expected) in
            [("B", Some(1)), ("(c)", Some(2)), ("paris", Some(1)), ("Bern", None), ("", None)]
        {
            assert_eq!(target(text, &LETTERS, &CITIES), expected, "{text}");
        }
        assert_eq!(target("x", &LETTERS, &["x", "X"]), None, "two options of one text");
    }

    fn scored(logprob: f64, tokens: u32, bytes: u32) -> Scored {
        Scored { logprob, tokens, bytes }
    }

    #[test]
    fn what_is_compared_decides() {
        let options = [scored(-4.0, 2, 20), scored(-3.0, 1, 3), scored(-9.0, 6, 80)];
        assert_eq!(pick(&options, By::Sum), Ok(1));
        assert_eq!(pick(&options, By::PerToken), Ok(2));
        assert_eq!(pick(&options, By::PerByte), Ok(2));
        assert_eq!(pick(&[scored(-1.0, 1, 1), scored(-1.0, 1, 1)], By::Sum), Err(Unread::Tie(1, 2)));
        assert_eq!(pick(&[scored(-2.0, 1, 1), scored(-2.0, 1, 1), scored(-1.0, 1, 1)], By::Sum), Ok(2));
        assert_eq!(pick(&[scored(-1.0, 0, 1)], By::PerToken), Err(Unread::Empty(1)));
        assert_eq!(pick(&[scored(f64::NAN, 1, 1)], By::Sum), Err(Unread::NoScore(1)));
        assert_eq!(pick(&[scored(f64::NEG_INFINITY, 1, 1), scored(-5.0, 1, 1)], By::Sum), Ok(1));
        assert_eq!(pick(&[], By::Sum), Err(Unread::NoOptions));
    }

    proptest! {
        #[test]
        fn reading_never_panics(reply in "\\PC*", option in "\\PC{0,8}") {
            let _ = read(&reply, &LETTERS, &[&option]);
            let _ = target(&reply, &LETTERS, &[&option]);
        }

        #[test]
        fn an_announced_letter_is_read(at in 0_usize..8, before in "[a-z ,]{0,40}") {
            let reply = format!("{before}\nThe answer is ({}).", LETTERS[at]);
            prop_assert_eq!(read(&reply, &LETTERS, &[]), Ok(at));
        }
    }
}
