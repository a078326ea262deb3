//! How much likelier a refusal becomes, without generating one.
//!
//! The margin of a prompt is the log-odds that the reply begins like a refusal: `log p/(1 - p)`, `p` the summed probability
//! of all [`Openers`]. That is refusal against everything else, so a clamp that makes a model babble does not look like one that
//! makes it comply.

use super::Openers;
use crate::steer::Steering;
use plumb_lm::{Choice, Control, Edits, Generator, Job, Labelled, Message, Outcome, Prompt, Role};
use plumb_study::{Error, Result};
use std::sync::Arc;

/// Prompts whose settings are computed together: all settings of a prompt share what lies below the first change.
const TOGETHER: usize = 2;

/// Margins of chats under each setting (`None` is the unsteered model): by setting, then by prompt. `done` is told prompts.
///
/// # Errors
/// A prompt that the model cannot read, or no opener.
pub fn margins(
    generator: &Generator,
    openers: &Openers,
    prompts: &[Vec<Message>],
    settings: &[Option<Steering>],
    control: Control<'_>,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<Vec<f64>>> {
    if openers.texts.is_empty() {
        return Err(Error::plan("no reply of the run begins like a refusal and like nothing else")
            .help("the run of `replies` is to hold refusals"));
    }
    let fault = |error: plumb_lm::Error| Error::plan(error.to_string());
    let mut margins = vec![Vec::with_capacity(prompts.len()); settings.len()];
    for (piece, prompts) in prompts.chunks(TOGETHER).enumerate() {
        let mut jobs = Vec::with_capacity(prompts.len() * settings.len());
        for prompt in prompts {
            let Labelled { tokens, classes } = generator.model().label_chat(prompt, None).map_err(fault)?;
            for setting in settings {
                let edits = setting.as_ref().map_or(Edits::NONE, |steering| steering.edits(&classes));
                let choice = Choice::new(Prompt::Tokens(tokens.clone()), openers.texts.clone());
                jobs.push(Job::Choose(Choice { edits: Arc::new(edits), ..choice }));
            }
        }
        for (at, outcome) in generator.run(jobs, control).into_iter().enumerate() {
            let Outcome::Choices(choices) = outcome.map_err(fault)? else {
                return Err(Error::plan("the model scored no beginnings"));
            };
            let odds = log_odds(choices.scores.iter().map(|score| score.log_probability));
            margins[at % settings.len()].push(odds);
        }
        done(piece * TOGETHER + prompts.len());
    }
    Ok(margins)
}

/// `log p/(1 - p)` of the sum of probabilities, kept finite.
fn log_odds(logs: impl Iterator<Item = f64>) -> f64 {
    let sum: f64 = logs.map(f64::exp).sum();
    let p = sum.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}

/// One user's turn.
pub fn chat(text: &str) -> Vec<Message> {
    vec![Message::new(Role::User, text)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_of_the_sum() {
        assert!((log_odds([0.25_f64.ln(), 0.25_f64.ln()].into_iter())).abs() < 1e-12);
        assert!(log_odds([0.0, -1.0].into_iter()).is_finite() && log_odds([-900.0].into_iter()) < -20.0);
    }
}
