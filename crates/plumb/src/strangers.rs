//! Autoencoders beside models that they were not trained on: another model, revision or quantisation. It is everyday use (one
//! of a base model on its chat model), and may describe little there, so it is said with the variance that is left
//! unexplained (FVU) on this model.

use crate::compose::World;
use crate::exit::Problem;
use plumb_lm::sae::Sae;
use plumb_lm::sae::measure::captured;
use plumb_lm::{Labelled, Message, Model, Role};
use plumb_local::steer::{Saes as _, used};
use plumb_study::Plan;
use plumb_study::items::{Prompt, Task};

/// Tokens that are measured on: enough to tell a third of the variance from a tenth.
const TOKENS: usize = 400;

/// Read where no prompts are at hand.
const NEUTRAL: &str = "A plumb line is a weight on a string. Masons hang it beside a wall to see whether the wall stands \
upright, and surveyors use it to mark the point on the ground below an instrument. The weight is often made of brass or \
steel, with a pointed tip, and the string is thin so that the wind does not move it much. Where there is wind, the weight \
can be hung in a bucket of water, which calms it.\n\nHow long a pendulum takes to swing depends on its length and on gravity, \
but hardly on its weight. A line of one metre takes about two seconds to swing there and back. Galileo is said to have \
noticed this in the cathedral of Pisa, where he timed a swinging lamp with his pulse; later, clocks were built on it. On a \
mountain the same clock runs a little slower than in the valley.\n\nTo bake bread you need flour, water, salt and yeast. Mix \
them, knead the dough for ten minutes, and let it rest until it has doubled. Shape it, wait once more, and bake it at 220 \
degrees for half an hour. A loaf that sounds hollow when you knock on it is done. Some bakers keep a piece of the dough for \
the next day, because a slow rise gives more taste.\n\ndef mean(values):\n    return sum(values) / len(values)\n\nThe train \
leaves at 7:42 and arrives at 10:15, which makes two hours and thirty-three minutes. If it is late, the next one goes an \
hour later from the other side of the platform.";

/// What should be known where the model is not the one that the autoencoder was trained on.
pub fn stranger(sae: &Sae, name: &str, digest: &str) -> Option<String> {
    let from = sae.provenance();
    let trained = from.model.as_deref().unwrap_or("a model without name");
    match &from.model_digest {
        Some(known) if known == digest => None,
        Some(known) => Some(format!(
            "it was trained on {trained} (file {known:.12}…), this is {name} (file {digest:.12}…): another model, revision or \
             quantisation"
        )),
        None => Some(format!(
            "its files do not say which file of {trained} it was trained on, so it may not fit {name} as it is quantised here"
        )),
    }
}

/// That, with how well it describes the model's rows, measured on `documents`, which are `of` what; on a text of this program
/// without any. Nothing of one that fits nowhere: using it is an error that says so.
pub fn measured(
    sae: &Sae,
    model: &Model,
    (name, digest): (&str, &str),
    documents: (&[Labelled], &str),
) -> Result<Option<String>, Problem> {
    let Some(stranger) = stranger(sae, name, digest) else { return Ok(None) };
    let Ok(site) = sae.site(model) else { return Ok(None) };
    let neutral;
    let (documents, of) = match documents.0.is_empty() {
        true => {
            neutral = [text(model)?];
            (neutral.as_slice(), "a text of this program")
        }
        false => documents,
    };
    let rows: Vec<&[_]> = documents.iter().map(|document| document.tokens.as_slice()).collect();
    let found = captured(sae, model, &[site], &rows, TOKENS)?.remove(0).result();
    let fvu = found.map_or_else(String::new, |found| {
        format!("; FVU here is {:.3}, on {} tokens of {of}", found.fvu, found.rows)
    });
    Ok(Some(format!("{stranger}{fvu}")))
}

/// The text, in the form in which the model is asked.
fn text(model: &Model) -> Result<Labelled, Problem> {
    let mut text = match model.can_chat() {
        true => model.label_chat(&[Message::new(Role::User, NEUTRAL)], None)?,
        false => model.label_text(NEUTRAL)?,
    };
    text.tokens.truncate(model.config().context);
    Ok(text)
}

/// A line for each autoencoder that steers a subject of the plan, or decides whether it is steered, and was not trained on that
/// subject's model. Where the model is not on this machine yet, nothing is measured.
pub fn of_plan(plan: &Plan, world: &World) -> Result<Vec<String>, Problem> {
    let mut lines = Vec::new();
    for used in used(plan)? {
        let sae = world.saes.find(&used.sae)?.sae;
        let Some(bare) = stranger(&sae, &used.model, &used.sha256) else { continue };
        let told = match world.models.there(&used.model) {
            Some(path) => {
                let model = Model::open(&path)?;
                let prompts = prompts(plan, &model);
                measured(&sae, &model, (&used.model, &used.sha256), (&prompts, "the plan's prompts"))?
            }
            None => Some(bare),
        };
        lines.extend(told.map(|told| format!("the autoencoder {}: {told}", used.sae)));
    }
    Ok(lines)
}

/// The plan's first prompts, as the model reads them, until there are enough tokens.
fn prompts(plan: &Plan, model: &Model) -> Vec<Labelled> {
    let mut all = Vec::new();
    let mut left = TOKENS;
    for item in &plan.items {
        let Task::Ask(prompt) = &item.task else { continue };
        let read = match prompt {
            Prompt::Chat(turns) => {
                let turns: Vec<Message> = turns.iter().map(plumb_local::message).collect();
                model.label_chat(&turns, None)
            }
            Prompt::Completion(text) => model.label_text(text),
            Prompt::Choose { context, .. } => model.label_text(context),
        };
        // What cannot be read is told where it is asked.
        let Ok(mut read) = read else { continue };
        read.tokens.truncate(model.config().context.min(left + 1));
        left -= read.tokens.len().saturating_sub(1).min(left);
        all.push(read);
        if left == 0 {
            break;
        }
    }
    all
}
