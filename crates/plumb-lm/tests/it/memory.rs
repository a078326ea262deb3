//! Answers for which there is no more memory give theirs back, wait, and go on as if nothing had been.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::Instant;

use plumb_lm::{Control, Event, Generator, Job, Limits, Model, Outcome, Prompt, Request, Sampling};

use crate::families::folder;
use crate::support;

const ANSWERS: usize = 5;
const CONTEXT: usize = 800;

/// The tiny Llama with room for long answers.
fn model() -> Arc<Model> {
    let long = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder("llama2")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, long.path().join(path.file_name().unwrap())).unwrap();
    }
    let config = long.path().join("config.json");
    let short = std::fs::read_to_string(&config).unwrap();
    let longer =
        short.replace("\"max_position_embeddings\": 64", &format!("\"max_position_embeddings\": {CONTEXT}"));
    std::fs::write(&config, longer).unwrap();
    Arc::new(Model::open(long.path()).unwrap())
}

/// Answers that end where the context does, if not before.
fn jobs() -> Vec<Job> {
    let job = |index: usize| {
        let prompt = (0..20 + 3 * index).map(|i| ((i * 37 + 11 * index) % 90) as u32).collect();
        let sampling = Sampling {
            temperature: 0.2 * index as f64,
            repetition_penalty: 1.0 + 0.01 * index as f64,
            max_tokens: CONTEXT,
            ..Sampling::default()
        };
        Job::Complete(Request::new(Prompt::Tokens(prompt), sampling, index as u64))
    };
    (0..ANSWERS).map(job).collect()
}

#[test]
fn answers_that_outgrow_the_memory_go_on_later_with_the_same_bits() {
    let model = model();
    let alone: Vec<Outcome> = jobs()
        .into_iter()
        .map(|job| support::run(&model, Limits::default(), vec![job]).remove(0).unwrap())
        .collect();
    let longest = alone.iter().map(written).max().unwrap();
    assert!(longest > 300, "one at least is longer than what is kept room for: {longest}");
    // Beginnings of three fit, but not two whole answers.
    let limits = Limits { kv_bytes: 900 * model.cache().bytes_per_token(), ..Limits::default() };
    let generator = Generator::new(model.clone(), limits);
    let (sender, receiver) = mpsc::channel();
    jobs().into_iter().enumerate().for_each(|job| sender.send(job).unwrap());
    drop(sender);
    let mut outcomes: Vec<Option<Outcome>> = vec![None; ANSWERS];
    let mut begun = std::collections::BTreeSet::new();
    let mut begun_before_the_first_end = 0;
    let mut hear = |index: &usize, event: Event<'_>| match event {
        Event::Text(_) => {
            begun.insert(*index);
        }
        Event::Done(outcome) => {
            if begun_before_the_first_end == 0 {
                begun_before_the_first_end = begun.len();
            }
            outcomes[*index] = Some(outcome.unwrap());
        }
    };
    let never = AtomicBool::new(false);
    generator.serve(&receiver, Control { cancel: &never, now: &Instant::now }, &mut hear);
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(Option::unwrap).collect();
    assert_eq!(outcomes, alone);
    assert!(begun_before_the_first_end >= 2, "written side by side: {begun_before_the_first_end}");
    let needed: usize = alone.iter().zip(0..).map(|(outcome, index)| 20 + 3 * index + written(outcome)).sum();
    assert!(generator.work().tokens as usize > needed, "something was read again");
}

fn written(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Completion(completion) => completion.completion_tokens,
        other => panic!("a completion, not {other:?}"),
    }
}
