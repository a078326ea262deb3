//! Templates of model judges: text with `{prompt}`, `{answer}`, `{target}` and `{reasoning}`.
//!
//! Placeholders are checked when the plan is frozen, so that a misspelt one costs no call. `{{` and `}}` stand for a
//! brace. What is filled in is data and may hold instructions to the judge, so each text stands in a fence that is
//! longer than any run of backticks in it: it can not end its own fence.
//!
//! Not here: loops, conditions, filters. A judge that needs them is another judge.

use crate::Error;

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// What was asked.
    Prompt,
    /// What is judged.
    Answer,
    /// The item's expected answer.
    Target,
    /// Reasoning that the provider reported apart.
    Reasoning,
}

impl Slot {
    const ALL: [(&'static str, Slot); 4] = [
        ("prompt", Slot::Prompt),
        ("answer", Slot::Answer),
        ("target", Slot::Target),
        ("reasoning", Slot::Reasoning),
    ];
}

/// A template that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Slot(Slot),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// An unknown placeholder or a brace that stands alone.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '{' | '}' if chars.peek().is_some_and(|(_, next)| *next == c) => {
                    chars.next();
                    literal.push(c);
                }
                '{' => {
                    let rest = &text[at + 1..];
                    let end = rest.find('}').ok_or_else(|| {
                        Error::invalid("template", "a `{` has no `}`; write `{{` for a brace")
                    })?;
                    let name = &rest[..end];
                    let slot =
                        Slot::ALL.iter().find(|(known, _)| *known == name.trim()).map(|(_, slot)| *slot);
                    let slot = slot.ok_or_else(|| {
                        Error::invalid(
                            format!("template: placeholder `{{{name}}}`"),
                            "is none of {prompt}, {answer}, {target}, {reasoning}; write {{ and }} for braces",
                        )
                    })?;
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Slot(slot));
                    while chars.next_if(|(next, _)| *next <= at + 1 + end).is_some() {}
                }
                '}' => return Err(Error::invalid("template", "a `}` has no `{`; write `}}` for a brace")),
                other => literal.push(other),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// Whether the template has this placeholder.
    pub fn has(&self, slot: Slot) -> bool {
        self.0.contains(&Part::Slot(slot))
    }

    /// Fills the template in; every text is fenced.
    pub fn fill<'a>(&self, mut text: impl FnMut(Slot) -> &'a str) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => filled.push_str(literal),
                Part::Slot(slot) => fence(text(*slot), &mut filled),
            }
        }
        filled
    }
}

impl Template {
    /// The same without fences, for models that were trained on a form that has none. What is filled in must not be
    /// able to end its part: that is the caller's to see to.
    pub fn fill_bare<'a>(&'a self, mut text: impl FnMut(Slot) -> &'a str) -> String {
        let part = |part: &'a Part| match part {
            Part::Text(literal) => literal.as_str(),
            Part::Slot(slot) => text(*slot),
        };
        self.0.iter().map(part).collect()
    }
}

/// Puts `text` on lines of its own between fences.
fn fence(text: &str, into: &mut String) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let mark = "`".repeat(longest.max(2) + 1);
    if !into.is_empty() && !into.ends_with('\n') {
        into.push('\n');
    }
    into.push_str(&mark);
    into.push('\n');
    into.push_str(text);
    if !text.ends_with('\n') {
        into.push('\n');
    }
    into.push_str(&mark);
}

#[cfg(test)]
mod tests {
    use super::{Slot, Template};
    use proptest::prelude::*;

    fn fill(template: &str, answer: &str) -> String {
        Template::parse(template).unwrap().fill(|slot| if slot == Slot::Answer { answer } else { "?" })
    }

    #[test]
    fn filled_in() {
        assert_eq!(fill("Judge: {answer}\nEnd", "no"), "Judge: \n```\nno\n```\nEnd");
        assert_eq!(fill("{{\"v\": 1}}", ""), "{\"v\": 1}");
        assert_eq!(fill("{answer}", "{prompt}"), "```\n{prompt}\n```", "filled-in text is not read again");
        assert_eq!(fill("{answer}", "a ````\nb"), "`````\na ````\nb\n`````");
    }

    #[test]
    fn faults_name_what_is_wrong() {
        for (template, words) in [
            ("{anwser}", "placeholder `{anwser}`"),
            ("{answer", "a `{` has no `}`"),
            ("answer}", "a `}` has no `{`"),
            ("{}", "placeholder `{}`"),
        ] {
            let error = Template::parse(template).unwrap_err().to_string();
            assert!(error.contains(words), "{template}: {error}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[{}a-zé]{0,30}|\\PC*") {
            let _ = Template::parse(&text);
        }

        #[test]
        fn an_answer_cannot_end_its_fence(answer in "[`\na]{0,40}") {
            let filled = fill("{answer}", &answer);
            let mark = filled.lines().next().unwrap().to_owned();
            prop_assert_eq!(filled.matches(&mark).count(), 2);
        }
    }
}
