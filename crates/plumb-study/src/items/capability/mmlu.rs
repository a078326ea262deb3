//! Reader `mmlu`: multiple choice questions by topic (Hendrycks et al. 2021, "Measuring Massive Multitask Language
//! Understanding").

use super::super::files::{headless_rows, take_paths};
use super::super::{Levels, Prompt, Row, Task};
use super::need;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::registry::{DraftItem, Inputs, Reader};
use std::sync::Arc;

/// Columns of the files, of which many copies have no header.
const COLUMNS: [&str; 6] = ["question", "choice0", "choice1", "choice2", "choice3", "answer"];
const LETTERS: [&str; 4] = ["A", "B", "C", "D"];

/// Keys: `path`; `shots` (0 to 20, default 5) and `shots_path`, a file of examples with `{topic}` in its name;
/// `as = "options" | "chat" | "openers"` (default options), with `openers`, a list of texts.
///
/// The form for options is the published one: the sentence that names the topic, the examples, the question, and
/// " A" … " D" after "Answer:". Without examples the form is the same. As a chat the model is asked for the letter. As
/// openers the context is that of the options, and beginnings of refusals stand in the place of letters: what can only choose
/// cannot refuse, but its probabilities show whether it would. Such an item has no right answer.
pub(super) struct Mmlu;

struct Question {
    text: Arc<str>,
    options: [Arc<str>; 4],
    answer: usize,
}

impl Question {
    fn of(row: &Row) -> Result<Question> {
        let option = |column: &str| {
            row.get(column)
                .cloned()
                .ok_or_else(|| Error::plan(format!("{}: no column \"{column}\"", row.place)))
        };
        let answer = need(row, "answer")?.trim();
        let at = LETTERS.iter().position(|l| *l == answer).or_else(|| answer.parse().ok().filter(|n| *n < 4));
        Ok(Question {
            text: need(row, "question")?.trim().into(),
            options: [option("choice0")?, option("choice1")?, option("choice2")?, option("choice3")?],
            answer: at.ok_or_else(|| {
                Error::plan(format!("{}: the answer \"{answer}\" is none of A to D or 0 to 3", row.place))
            })?,
        })
    }

    fn asked(&self) -> String {
        let options =
            LETTERS.iter().zip(&self.options).map(|(letter, text)| format!("\n{letter}. {}", text.trim()));
        format!("{}{}", self.text, options.collect::<String>())
    }
}

/// The file's name without its end: `high_school_geography_test.csv` is of `high_school_geography`.
fn topic(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.strip_suffix(".csv").unwrap_or(name);
    ["_test", "_dev", "_val"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

fn questions(path: &str, inputs: &dyn Inputs, place: &str) -> Result<Vec<Question>> {
    let bytes = inputs.read(path).map_err(|e| e.at(place))?;
    headless_rows(&bytes, path, &COLUMNS)?.iter().map(Question::of).collect()
}

impl Reader for Mmlu {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let paths = take_paths(fields, inputs)?;
        let form = Form::take(fields)?;
        let chat = form == Form::Chat;
        let shots = fields.whole("shots", 0, 20)?.unwrap_or(if chat { 0 } else { 5 }) as usize;
        let examples = fields.text("shots_path")?;
        let pattern = match (&examples, shots) {
            (_, 0) => None,
            (_, _) if chat => return Err(fields.error("a conversation has no examples: `shots` must be 0")),
            (Some(pattern), _) if pattern.contains("{topic}") => Some(pattern),
            _ => {
                return Err(fields
                    .error(format!("{shots} examples need `shots_path`, the files that hold them"))
                    .help("shots_path = \"mmlu/dev/{topic}_dev.csv\", or shots = 0"));
            }
        };
        let mut items = Vec::new();
        for path in &paths {
            let topic = topic(path);
            let words = topic.replace('_', " ");
            let mut before =
                format!("The following are multiple choice questions (with answers) about {words}.\n\n");
            if let Some(pattern) = pattern {
                let file = pattern.replace("{topic}", topic);
                let given = questions(&file, inputs, &place)?;
                if given.len() < shots {
                    return Err(Error::plan(format!("{file}: has {} of the {shots} examples", given.len())));
                }
                for example in &given[..shots] {
                    before += &format!("{}\nAnswer: {}\n\n", example.asked(), LETTERS[example.answer]);
                }
            }
            for (at, question) in questions(path, inputs, &place)?.iter().enumerate() {
                let task = Task::Ask(form.prompt(&before, question));
                let answer = LETTERS[question.answer].into();
                items.push(DraftItem {
                    id: format!("{topic}-{}", at + 1),
                    tags: Levels::from([("topic".into(), words.as_str().into())]),
                    task,
                    target: (!matches!(form, Form::Openers(_))).then_some(answer),
                    recorded: Vec::new(),
                    origin: None,
                });
            }
        }
        Ok(items)
    }
}

/// What is asked of a question.
#[derive(PartialEq)]
enum Form {
    Options,
    Chat,
    /// With these texts, a space before each.
    Openers(Vec<Arc<str>>),
}

impl Form {
    fn take(fields: &mut Fields) -> Result<Form> {
        let openers = fields.texts("openers")?.unwrap_or_default();
        let names = [("options", "options"), ("chat", "chat"), ("openers", "openers")];
        match (fields.choice("as", &names)?.unwrap_or("options"), openers.is_empty()) {
            ("openers", true) => {
                Err(fields.error("`openers` is missing").help("openers = [\"I'm sorry\", \"I cannot\"]"))
            }
            ("openers", false) => {
                Ok(Form::Openers(openers.iter().map(|text| format!(" {}", text.trim()).into()).collect()))
            }
            (_, false) => Err(fields.error("`openers` belongs to as = \"openers\"")),
            ("chat", true) => Ok(Form::Chat),
            _ => Ok(Form::Options),
        }
    }

    fn prompt(&self, before: &str, question: &Question) -> Prompt {
        let options = match self {
            Form::Chat => return in_words(question),
            Form::Options => LETTERS.iter().map(|letter| format!(" {letter}").into()).collect(),
            Form::Openers(texts) => texts.clone(),
        };
        Prompt::Choose { context: format!("{before}{}\nAnswer:", question.asked()).into(), options }
    }
}

fn in_words(question: &Question) -> Prompt {
    Prompt::user(format!("{}\n\nReply with the letter of the right option.", question.asked()))
}
