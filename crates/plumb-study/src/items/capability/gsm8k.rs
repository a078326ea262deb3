//! Reader `gsm8k`: word problems whose answer is a whole number (Cobbe et al. 2021, "Training Verifiers to Solve Math
//! Word Problems").

use super::super::files::{table_rows, take_paths};
use super::super::{Levels, Prompt, Task};
use super::need;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::registry::{DraftItem, Inputs, Reader};

/// Keys: `path`; `instruction`, a sentence after the question that says how to end the answer.
///
/// The target is the number after `####` in the file's answer, without thousands separators; the judge `numeric` reads the
/// reply.
pub(super) struct Gsm8k;

/// Own words; part of the plan by being part of every prompt.
const INSTRUCTION: &str = "Work it out step by step. End with a line \"#### \" and the number.";

impl Reader for Gsm8k {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let paths = take_paths(fields, inputs)?;
        let instruction = fields.text("instruction")?.unwrap_or_else(|| INSTRUCTION.into());
        let mut items = Vec::new();
        for path in &paths {
            for row in table_rows(&inputs.read(path).map_err(|e| e.at(&place))?, path, None)? {
                let solution = need(&row, "answer")?;
                let target = solution.rsplit_once("####").map(|(_, number)| number.trim().replace(',', ""));
                let target = target.filter(|number| number.parse::<f64>().is_ok()).ok_or_else(|| {
                    Error::plan(format!("{}: the answer does not end in \"#### \" and a number", row.place))
                })?;
                let question = need(&row, "question")?.trim();
                let prompt = match instruction.is_empty() {
                    true => question.to_owned(),
                    false => format!("{question}\n\n{instruction}"),
                };
                items.push(DraftItem {
                    id: format!("gsm8k-{}", items.len() + 1),
                    tags: Levels::new(),
                    task: Task::Ask(Prompt::user(prompt)),
                    target: Some(target.into()),
                    recorded: Vec::new(),
                    origin: None,
                });
            }
        }
        Ok(items)
    }
}
