//! Repairs of what models wrote, each with a name, each by a stated rule, each to be switched off.
//!
//! Why: a right program in a code fence, with a marker at its end or a body indented by three, fails its tests for a reason
//! that says little about the program. Whether that counts is for whoever measures, so results stand as they are and
//! repaired side by side. Other languages than Python only have line ends, end markers and fences repaired: the rest reads
//! Python.
//!
//! Where to start: [`cleaned`]. Rules are tried in the order of [`Repair::ALL`]; what one leaves, the next sees. Not here:
//! whether a repair helped.

mod imports;
mod layout;
mod text;

use crate::exec::Testable;
use crate::extract::{From, Which, extract};
use crate::python::{parses, stands_alone};

/// A repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Windows line ends become plain ones.
    LineEnds,
    /// Text from a marker of the end (`<|endoftext|>` and the like) on is cut off.
    EndMarker,
    /// Code is taken out of its fence.
    Fence,
    /// Lines of prose before the first line that begins a definition or an import are cut off, where the program could
    /// not be read with them. A body of the problem's function is no prose.
    Prose,
    /// Tabs in indentation become four spaces, unless the problem itself is indented with tabs.
    Tabs,
    /// An answer that defines the function itself is put behind what comes before that function in the problem: imports,
    /// helpers. One that is asked to be whole and does not define it is put behind all that the problem gives.
    Whole,
    /// A body is moved to the indentation that the problem's function has.
    Indent,
    /// Lines are cut off at the end until the program can be read.
    Tail,
    /// Modules and names of the standard library that are used and nowhere bound are imported.
    Imports,
}

impl Repair {
    /// All, in the order in which they are tried.
    pub const ALL: [Repair; 9] = [
        Repair::LineEnds,
        Repair::EndMarker,
        Repair::Fence,
        Repair::Prose,
        Repair::Tabs,
        Repair::Whole,
        Repair::Indent,
        Repair::Tail,
        Repair::Imports,
    ];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Repair::LineEnds => "line-ends",
            Repair::EndMarker => "end-marker",
            Repair::Fence => "fence",
            Repair::Prose => "prose",
            Repair::Tabs => "tabs",
            Repair::Whole => "whole",
            Repair::Indent => "indent",
            Repair::Tail => "tail",
            Repair::Imports => "imports",
        }
    }
}

/// The repairs that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repairs(Vec<Repair>);

impl Repairs {
    /// All of them.
    pub fn all() -> Repairs {
        Repairs(Repair::ALL.to_vec())
    }

    /// Those of these names.
    ///
    /// # Errors
    /// The name that is none, with those that there are.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Repairs, String> {
        let known = || Repair::ALL.map(Repair::name).join(", ");
        let one = |name: &str| {
            let found = Repair::ALL.into_iter().find(|repair| repair.name() == name);
            found.ok_or_else(|| format!("there is no repair \"{name}\"; there are {}", known()))
        };
        Ok(Repairs(names.into_iter().map(one).collect::<Result<_, _>>()?))
    }

    /// Their names, in the order in which they are tried.
    pub fn names(&self) -> Vec<&'static str> {
        Repair::ALL.into_iter().filter(|repair| self.0.contains(repair)).map(Repair::name).collect()
    }
}

/// An answer under repair: the problem's part and the model's.
struct Draft<'a> {
    testable: &'a Testable,
    /// Whether a whole program was asked for.
    asked_whole: bool,
    /// What comes before the model's text.
    before: String,
    text: String,
}

impl Draft<'_> {
    fn program(&self) -> String {
        format!("{}{}", self.before, self.text)
    }

    /// Whether the text itself defines the function that tests call, at its beginning of a line.
    fn is_whole(&self) -> bool {
        self.testable.entry_point().is_some_and(|entry| layout::defines(&self.text, entry))
    }

    /// Applies a repair; whether anything changed.
    fn apply(&mut self, repair: Repair) -> bool {
        let changed = match repair {
            Repair::LineEnds => self.text.contains("\r\n").then(|| self.text.replace("\r\n", "\n")),
            Repair::EndMarker => text::without_end(&self.text),
            Repair::Fence => {
                let found = extract(&self.text, Some(self.testable.language()), Which::First);
                (found.from != From::Whole).then_some(found.code)
            }
            Repair::Prose => text::without_prose(&self.before, &self.text, self.is_whole()),
            Repair::Tabs => layout::without_tabs(&self.before, &self.text),
            Repair::Whole => return self.whole(),
            Repair::Indent if self.before.is_empty() || self.is_whole() || stands_alone(&self.text) => None,
            Repair::Indent => layout::indented(&self.before, &self.text),
            Repair::Tail => text::without_tail(&self.before, &self.text),
            Repair::Imports => {
                let missing = imports::missing(&self.program());
                if !missing.is_empty() {
                    self.before.insert_str(0, &missing);
                }
                return !missing.is_empty();
            }
        };
        let Some(text) = changed.filter(|text| *text != self.text) else { return false };
        self.text = text;
        true
    }

    fn whole(&mut self) -> bool {
        let given = self.testable.prompt();
        let Some(entry) = self.testable.entry_point().filter(|_| !given.is_empty()) else { return false };
        let Some(text) = layout::whole(&self.text, entry) else {
            let lacks = self.asked_whole && self.before.is_empty();
            if lacks {
                self.before = given.to_owned();
            }
            return lacks;
        };
        let before = layout::before_function(given, entry);
        // What is there already, or reads well behind the problem's own beginning, needs nothing.
        let needless = if self.asked_whole {
            before.trim().is_empty() || text.contains(before.trim())
        } else {
            parses(&self.program())
        };
        if needless && text == self.text {
            return false;
        }
        self.before = before;
        self.text = text;
        true
    }
}

/// The program that a sample makes after all repairs of `repairs` that apply, and their names. `whole`: the sample is to
/// be the whole program.
pub fn cleaned(
    testable: &Testable,
    sample: &str,
    whole: bool,
    repairs: &Repairs,
) -> (String, Vec<&'static str>) {
    let before = if whole { String::new() } else { testable.prompt().to_owned() };
    let mut draft = Draft { testable, asked_whole: whole, before, text: sample.to_owned() };
    let python = testable.other_language().is_none();
    let wanted = Repair::ALL.into_iter().filter(|repair| {
        repairs.0.contains(repair)
            && (python || matches!(repair, Repair::LineEnds | Repair::EndMarker | Repair::Fence))
    });
    let applied = wanted.filter(|repair| draft.apply(*repair)).map(Repair::name).collect();
    (draft.program(), applied)
}
