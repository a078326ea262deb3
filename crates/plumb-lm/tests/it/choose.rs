//! Scores of given texts, against log-probabilities taken from plain forward passes.

use std::time::{Duration, Instant};

use plumb_lm::{
    Choice, Choices, Edits, Input, Job, Limits, Message, Model, Outcome, Prompt, Role, Taps, TokenId, Want,
    log_probability,
};

use crate::support::{self, SMOLLM};

fn choose(model: &std::sync::Arc<Model>, choice: Choice) -> Result<Choices, plumb_lm::Error> {
    match support::run(
        model,
        Limits { sequences: 2, prompt_tokens: 5, ..Limits::default() },
        vec![Job::Choose(choice)],
    )
    .remove(0)?
    {
        Outcome::Choices(choices) => Ok(choices),
        other => panic!("choices, not {other:?}"),
    }
}

fn text(context: &str, options: &[&str]) -> Choice {
    Choice::new(Prompt::Text(context.to_owned()), options.iter().map(|option| (*option).to_owned()).collect())
}

/// The log-probability of `ids` from `from` on, and whether each was the likeliest.
fn by_hand(model: &Model, ids: &[TokenId], from: usize) -> (f64, bool) {
    let mut cache = model.cache();
    let input = Input { cache: &mut cache, tokens: ids, want: Want::From(from - 1), edits: &Edits::NONE };
    let logits = model.forward(&mut [input], &mut Taps::none()).unwrap();
    let rows = logits.rows(0).zip(&ids[from..]);
    rows.fold((0.0, true), |(sum, likeliest), (row, &id)| {
        (sum + log_probability(row, id), likeliest && plumb_lm::greedy(row) == id)
    })
}

#[test]
fn scores_are_the_sums_of_log_probabilities() {
    for architecture in ["llama", "qwen2"] {
        let model = support::tiny(architecture);
        for context in ["Q: 1 + 1? A:", "x", "trailing  \n"] {
            let options = ["2", " two", " twenty", "é"];
            let found = choose(&model, text(context, &options)).unwrap();
            let context_ids = model.encode_text(context.trim_end()).unwrap();
            assert_eq!(found.prompt_tokens, context_ids.len());
            for (score, option) in found.scores.iter().zip(options) {
                let ids = model.encode_text(&format!("{context}{option}")).unwrap();
                let (expected, likeliest) = by_hand(&model, &ids, context_ids.len());
                assert_eq!(score.log_probability, expected, "{context:?} {option:?}");
                assert_eq!((score.greedy, score.bytes), (likeliest, option.len()));
                assert_eq!(score.tokens, ids.len() - context_ids.len());
            }
        }
    }
}

#[test]
fn the_order_of_the_options_does_not_matter() {
    let model = support::tiny("llama");
    let forwards = choose(&model, text("pick one:", &["a", "bcd", "bce", "f g"])).unwrap();
    let mut backwards = choose(&model, text("pick one:", &["f g", "bce", "bcd", "a"])).unwrap();
    backwards.scores.reverse();
    assert_eq!(forwards, backwards);
}

#[test]
fn after_a_chat_the_model_speaks() {
    let model = support::tiny("llama");
    let messages = vec![Message::new(Role::User, "yes or no?")];
    let before = model.encode_chat(&messages, None).unwrap();
    let found = choose(&model, Choice::new(Prompt::chat(messages), vec!["yes".to_owned()])).unwrap();
    let ids = [&before[..], &model.encode_text("yes").unwrap()].concat();
    assert_eq!(found.scores[0].log_probability, by_hand(&model, &ids, before.len()).0);
}

#[test]
fn a_real_model_knows_the_capital_of_france() {
    let Some(model) = support::cached(SMOLLM, "a_real_model_knows_the_capital_of_france") else { return };
    let found = choose(&model, text("The capital of France is", &[" Berlin", " Paris", " Madrid"])).unwrap();
    let best = found.scores.iter().max_by(|a, b| a.log_probability.total_cmp(&b.log_probability));
    assert_eq!(best, Some(&found.scores[1]));
    assert_eq!(found.scores[1].tokens, 1);
}

#[test]
fn faults() {
    let model = support::tiny("llama");
    assert!(choose(&model, text("a", &[])).unwrap_err().is_invalid_request());
    let error = choose(&model, text("a", &["b", ""])).unwrap_err();
    assert!(error.is_invalid_request() && error.to_string().contains("option 1"), "{error}");
    assert!(
        choose(&model, text("", &["b"])).unwrap_err().is_invalid_request(),
        "nothing comes before the option"
    );
    assert!(choose(&model, text(&"a".repeat(90), &["b", "c".repeat(9).as_str()])).unwrap_err().is_too_long());
    let mut late = text("abc", &["d"]);
    late.deadline = Some(Instant::now() - Duration::from_secs(1));
    assert!(choose(&model, late).unwrap_err().is_deadline());
}
