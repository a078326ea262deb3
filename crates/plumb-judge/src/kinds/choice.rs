//! Kind `choice`: which option was chosen, and is it the item's target?

use std::sync::Arc;

use plumb_study::items::{Prompt, Task};
use plumb_study::judge::{Case, Judge, Rule};
use plumb_study::plan::{JudgeSpec, Scale};
use plumb_study::{
    Answer, Fields, FrozenJudge, Inputs, JudgeKind, Label, Registry, Result, Verdict, Verdicts,
};
use serde::{Deserialize, Serialize};

use super::{NO_TARGET, abstained, keep, measure, short, take_reasoning, text_of, yes_no};
use crate::choice::{self, By, Scored, Unread};

/// Keys: `by = "sum" | "per-token" | "per-byte"` for answers that score options (default sum); `letters` (names of the
/// options in order, default `"ABCDEFGHIJ"`); `options` (their texts, where the prompt does not hold them);
/// `unread = "abstain" | "wrong"` (what an unreadable reply counts as in `correct`, default abstain); `reasoning`.
pub(super) struct ChoiceKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    by: ByName,
    letters: String,
    options: Option<Vec<String>>,
    unread: UnreadIs,
    reasoning: bool,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum ByName {
    Sum,
    PerToken,
    PerByte,
}

/// What a reply that cannot be read counts as.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum UnreadIs {
    Abstain,
    Wrong,
}

impl UnreadIs {
    /// Takes the key `unread`.
    pub(super) fn take(fields: &mut Fields) -> Result<UnreadIs> {
        let choices = [("abstain", UnreadIs::Abstain), ("wrong", UnreadIs::Wrong)];
        Ok(fields.choice("unread", &choices)?.unwrap_or(UnreadIs::Abstain))
    }

    /// The verdict of `correct` for it.
    pub(super) fn correct(self, reason: &str) -> Verdict {
        match self {
            UnreadIs::Abstain => abstained(reason),
            UnreadIs::Wrong => yes_no(false),
        }
    }
}

const LETTERS: &str = "ABCDEFGHIJ";

impl JudgeKind for ChoiceKind {
    fn freeze(&self, fields: &mut Fields, _registry: &Registry, _inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let by = fields.choice(
            "by",
            &[("sum", ByName::Sum), ("per-token", ByName::PerToken), ("per-byte", ByName::PerByte)],
        )?;
        let options = fields.texts("options")?;
        let known = options.as_ref().map_or(LETTERS.len(), Vec::len);
        let letters = match fields.text("letters")? {
            Some(letters) => letters,
            None if (2..=LETTERS.len()).contains(&known) => LETTERS[..known].to_owned(),
            None => return Err(fields.error(format!("{known} options need `letters` that name them"))),
        };
        let distinct: std::collections::BTreeSet<char> = letters.chars().collect();
        if letters.len() < 2
            || distinct.len() != letters.len()
            || !letters.bytes().all(|b| b.is_ascii_uppercase())
        {
            return Err(fields.error(format!(
                "`letters` is \"{letters}\"; it must be different capitals, such as \"ABCD\""
            )));
        }
        if options.is_some() && known != letters.len() {
            return Err(fields.error(format!("{known} options, but {} letters", letters.len())));
        }
        let labels = letters.chars().map(|c| c.to_string().into()).collect();
        let settings = Settings {
            by: by.unwrap_or(ByName::Sum),
            letters,
            options,
            unread: UnreadIs::take(fields)?,
            reasoning: take_reasoning(fields)?,
        };
        Ok(FrozenJudge {
            settings: keep(fields, &settings)?,
            measures: vec![measure("correct", Scale::Binary), measure("chosen", Scale::Nominal(labels))],
            needs: Vec::new(),
            model: None,
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let settings: Settings = spec.settings_as()?;
        let by = match settings.by {
            ByName::Sum => By::Sum,
            ByName::PerToken => By::PerToken,
            ByName::PerByte => By::PerByte,
        };
        Ok(Arc::new(Opened { by, letters: settings.letters.chars().collect(), settings }))
    }
}

struct Opened {
    by: By,
    letters: Vec<char>,
    settings: Settings,
}

impl Opened {
    /// Texts of the item's options, as far as they are known.
    fn options<'a>(&'a self, case: &'a Case) -> Vec<&'a str> {
        match (&case.item.task, &self.settings.options) {
            (
                Task::Ask(Prompt::Choose { options, .. }) | Task::Recorded(Prompt::Choose { options, .. }),
                _,
            ) => options.iter().map(|o| &**o).collect(),
            (_, Some(options)) => options.iter().map(String::as_str).collect(),
            (_, None) => Vec::new(),
        }
    }

    fn chosen(&self, case: &Case, letters: &[char], options: &[&str]) -> Result<usize, Unread> {
        match case.answer {
            Answer::Options(scores) => {
                let scored: Vec<Scored> = scores
                    .iter()
                    .map(|s| Scored { logprob: s.logprob, tokens: s.tokens, bytes: s.bytes })
                    .collect();
                choice::pick(&scored, self.by)
            }
            _ => {
                let text = text_of(case, self.settings.reasoning).unwrap_or_default();
                choice::read(&text, letters, options)
            }
        }
    }
}

impl Rule for Opened {
    fn decide(&self, case: &Case) -> Verdicts {
        let options = self.options(case);
        let count = match case.answer {
            Answer::Options(scores) => scores.len(),
            _ => options.len(),
        };
        if count > self.letters.len() {
            let words = format!("the item has {count} options, but `letters` names {}", self.letters.len());
            return Verdicts::all(Verdict::Failed(words.into()), 2);
        }
        // Where the options are known, a letter beyond them names none.
        let letters = if count == 0 { &self.letters[..] } else { &self.letters[..count] };
        let chosen = match self.chosen(case, letters, &options) {
            Ok(chosen) => chosen,
            Err(why) => {
                let why = why.to_string();
                let correct = match case.item.target {
                    Some(_) => self.settings.unread.correct(&why),
                    None => abstained(NO_TARGET),
                };
                return Verdicts::of(vec![correct, abstained(why)]);
            }
        };
        let correct = match &case.item.target {
            None => abstained(NO_TARGET),
            Some(target) => match choice::target(target, letters, &options) {
                Some(right) => yes_no(right == chosen),
                None => Verdict::Failed(
                    format!("the target \"{}\" is none of the options", short(target, 80)).into(),
                ),
            },
        };
        let note = options.get(chosen).map(|text| format!("\"{}\"", short(text, 80)).into());
        Verdicts { note, ..Verdicts::of(vec![correct, Verdict::Labelled(Label(chosen as u8))]) }
    }
}
