//! Probabilities of the tokens of prompts and answers.

use plumb_lm::{
    Choice, Completion, Finish, Job, Limits, Model, Outcome, Prompt, Request, Sampling, Scoring, greedy,
    log_probability,
};
use std::sync::Arc;

use crate::support;

const TEXT: &str = "A plumb line tells whether a wall is true.";

fn job(text: &str, max_tokens: usize, scoring: Option<Scoring>) -> Job {
    let sampling = Sampling { max_tokens, ..Sampling::default() };
    Job::Complete(Request { scoring, ..Request::new(Prompt::Text(text.into()), sampling, 0) })
}

fn one(model: &Arc<Model>, limits: Limits, job: Job) -> Completion {
    support::completion(support::run(model, limits, vec![job]).remove(0))
}

/// Logits after each token, computed at once.
fn logits(model: &Model, tokens: &[u32]) -> Vec<Vec<f32>> {
    let mut cache = model.cache();
    let edits = plumb_lm::Edits::default();
    let want = plumb_lm::Want::From(0);
    let input = plumb_lm::Input { cache: &mut cache, tokens, want, edits: &edits };
    let logits = model.forward(&mut [input], &mut plumb_lm::Taps::none()).unwrap();
    logits.rows(0).map(<[f32]>::to_vec).collect()
}

#[test]
fn scores_are_those_of_one_pass_whatever_the_pieces() {
    for family in ["llama", "qwen2"] {
        let model = support::tiny(family);
        let scoring = Some(Scoring { top: 2, prompt: true });
        for prompt_tokens in [1, 7, 256] {
            let limits = Limits { sequences: 2, prompt_tokens, ..Limits::default() };
            let got = one(&model, limits, job(TEXT, 5, scoring));
            let ids = model.encode_text(TEXT).unwrap();
            let whole: Vec<u32> = ids.iter().chain(&got.tokens).copied().collect();
            let rows = logits(&model, &whole);
            let scores: Vec<_> = got.prompt_scores.iter().chain(&got.scores).collect();
            assert_eq!(got.prompt_scores.len(), ids.len() - 1);
            assert_eq!(got.scores.len(), got.completion_tokens);
            for (score, (row, token)) in scores.iter().zip(rows.iter().zip(&whole[1..])) {
                assert_eq!(score.token, *token);
                assert_eq!(score.log_probability, log_probability(row, *token), "{family} {prompt_tokens}");
                assert_eq!(score.top.len(), 2);
                assert_eq!(score.top[0], (greedy(row), log_probability(row, greedy(row))));
            }
        }
    }
}

#[test]
fn asking_for_scores_changes_no_answer_and_nothing_is_scored_unasked() {
    let model = support::tiny("llama");
    let plain = one(&model, Limits::default(), job(TEXT, 9, None));
    assert!(plain.scores.is_empty() && plain.prompt_scores.is_empty());
    for prompt in [false, true] {
        let scored = one(&model, Limits::default(), job(TEXT, 9, Some(Scoring { top: 0, prompt })));
        assert_eq!((&scored.text, &scored.tokens), (&plain.text, &plain.tokens));
        assert_eq!(scored.scores.len(), plain.completion_tokens);
        assert_eq!(scored.prompt_scores.is_empty(), !prompt);
    }
}

#[test]
fn a_prompt_can_be_read_without_a_new_token() {
    let model = support::tiny("llama");
    let scoring = Some(Scoring { top: 1, prompt: true });
    let read =
        one(&model, Limits { sequences: 1, prompt_tokens: 4, ..Limits::default() }, job(TEXT, 0, scoring));
    assert_eq!((read.finish, read.completion_tokens, &*read.text), (Finish::Length, 0, ""));
    // The same as a choice between texts, which takes another way through the model.
    let (context, option) = TEXT.split_at(11);
    let choice = Job::Choose(Choice::new(Prompt::Text(context.into()), vec![option.into()]));
    let Outcome::Choices(choices) = support::run(&model, Limits::default(), vec![choice]).remove(0).unwrap()
    else {
        panic!("choices")
    };
    let tokens = choices.scores[0].tokens;
    let sum: f64 = read.prompt_scores.iter().rev().take(tokens).map(|s| s.log_probability).sum();
    assert!((sum - choices.scores[0].log_probability).abs() < 1e-9);
    // The whole context may be read; a single token is read too.
    let full = "a".repeat(model.config().context);
    assert_eq!(one(&model, Limits::default(), job(&full, 0, scoring)).prompt_scores.len(), full.len() - 1);
    assert!(one(&model, Limits::default(), job("a", 0, scoring)).prompt_scores.is_empty());
    let unread = support::run(&model, Limits::default(), vec![job("a", 0, None)]).remove(0);
    assert!(unread.unwrap_err().is_invalid_request());
}
