//! Scoring given texts after a context.
//!
//! Context and option are cut into tokens together, and the option's tokens are those beyond the length of the
//! context's own, as lm-eval does (Gao et al., "Language Model Evaluation Harness"). The context is computed once; each
//! option goes on from it.

use std::borrow::Cow;

use super::Fault;
use super::request::{Choice, ChoiceScore, Choices, Prompt};
use crate::Error;
use crate::forward::{Fault as ForwardFault, Input, Want};
use crate::model::Model;
use crate::sample::{greedy, log_probability};
use crate::tokenizer::TokenId;

/// `piece` is the most tokens of a pass; `check` is asked before each pass whether to go on.
pub(super) fn choose(
    model: &Model,
    choice: &Choice,
    piece: usize,
    check: impl Fn() -> Result<(), Error>,
) -> Result<Choices, Error> {
    if choice.options.is_empty() {
        return Err(Fault::NoOptions.into());
    }
    let (context, options) = encode(model, choice)?;
    // What all of context and options have in common before any option begins; its last token predicts.
    let shared = options.iter().map(|ids| common(&context, ids)).min().unwrap_or(0).min(context.len());
    let longest = options.iter().map(Vec::len).max().unwrap_or(0);
    let mut cache = model.cache_for(longest);
    let mut scores = Vec::with_capacity(options.len());
    // One token of the context is left for each option's own pass, whose logits are needed.
    for chunk in context[..shared.max(1) - 1].chunks(piece) {
        check()?;
        let input = Input { cache: &mut cache, tokens: chunk, want: Want::Nothing, edits: &choice.edits };
        super::forward(model, &mut [input])?;
    }
    let base = cache.len();
    for (ids, option) in options.iter().zip(&choice.options) {
        cache.truncate(base);
        let mut score = ChoiceScore {
            log_probability: 0.0,
            tokens: ids.len() - context.len(),
            bytes: option.len(),
            greedy: true,
        };
        // The last token predicts nothing that is asked for.
        let given = &ids[base..ids.len() - 1];
        for (index, chunk) in given.chunks(piece).enumerate() {
            check()?;
            let first = base + index * piece;
            let wanted = (context.len() - 1).saturating_sub(first);
            let input =
                Input { cache: &mut cache, tokens: chunk, want: Want::From(wanted), edits: &choice.edits };
            let logits = super::forward(model, &mut [input])?;
            let targets = &ids[(first + wanted + 1).min(ids.len())..];
            for (logits, &target) in logits.rows(0).zip(targets) {
                score.log_probability += log_probability(logits, target);
                score.greedy &= greedy(logits) == target;
            }
        }
        scores.push(score);
    }
    Ok(Choices { scores, prompt_tokens: context.len() })
}

/// Ids of the context, and of context and option together for each option.
fn encode(model: &Model, choice: &Choice) -> Result<(Vec<TokenId>, Vec<Vec<TokenId>>), Error> {
    let (context, space) = match &choice.context {
        Prompt::Text(text) => {
            let kept = text.trim_end();
            // A context of nothing but white space stays as it is: something must come before the option.
            let kept = if kept.is_empty() { text.as_str() } else { kept };
            (Cow::Owned(Prompt::Text(kept.to_owned())), &text[kept.len()..])
        }
        other => (Cow::Borrowed(other), ""),
    };
    let ids = context.encode(model)?;
    let mut options = Vec::with_capacity(choice.options.len());
    for (index, option) in choice.options.iter().enumerate() {
        let whole = context.encode_with(&format!("{space}{option}"), model)?;
        if option.is_empty() || whole.len() <= ids.len() {
            return Err(Fault::EmptyOption { index }.into());
        }
        let limit = model.config().context;
        if whole.len() > limit {
            return Err(ForwardFault::TooLong { length: whole.len(), context: limit }.into());
        }
        options.push(whole);
    }
    Ok((ids, options))
}

/// Length of the common beginning.
fn common(a: &[TokenId], b: &[TokenId]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
