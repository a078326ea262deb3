//! Reasoning that a server left inside the answer, between `<think>` tags.
//!
//! Whoever judges an answer must not judge what the model wrote for itself, and servers that do not split
//! it off send it in front of the answer. Some put the opening tag into the prompt, so that only the
//! closing one is seen.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// The reasoning, if any, and the answer.
pub(crate) struct Split {
    pub reasoning: Option<String>,
    /// `None` when the reasoning never ended.
    pub text: Option<String>,
}

/// Takes reasoning off the front of a text.
pub(crate) fn split(text: String) -> Split {
    let start = text.trim_start();
    let opened = start.strip_prefix(OPEN);
    match (opened, text.find(CLOSE)) {
        (None, None) => Split { reasoning: None, text: Some(text) },
        (Some(inside), None) => Split { reasoning: nonempty(inside), text: None },
        (_, Some(at)) => {
            let before = text[..at].trim_start();
            let before = before.strip_prefix(OPEN).unwrap_or(before);
            Split {
                reasoning: nonempty(before),
                text: Some(text[at + CLOSE.len()..].trim_start().to_owned()),
            }
        }
    }
}

fn nonempty(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::split as take_off;

    #[test]
    fn reasoning_is_taken_off_the_front() {
        for (text, reasoning, answer) in [
            ("plain", None, Some("plain")),
            ("<think>\nhm\n</think>\n\nyes", Some("hm"), Some("yes")),
            ("\n<think></think>yes", None, Some("yes")),
            ("hm</think>yes", Some("hm"), Some("yes")),
            ("<think>for ever", Some("for ever"), None),
            ("the tag <think> opens", None, Some("the tag <think> opens")),
            ("", None, Some("")),
        ] {
            let split = take_off(String::from(text));
            assert_eq!(split.reasoning.as_deref(), reasoning, "{text:?}");
            assert_eq!(split.text.as_deref(), answer, "{text:?}");
        }
    }
}
