//! Answers: where they end, what they count, and how a run is stopped.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plumb_lm::{
    Audience, Completion, Control, Event, Finish, Generator, Job, Limits, Message, Model, Outcome, Prompt,
    Request, Role, Sampling,
};

use crate::support::{self, SMOLLM};

fn ask(
    model: &Arc<Model>,
    prompt: &str,
    sampling: Sampling,
    seed: u64,
) -> Result<Completion, plumb_lm::Error> {
    let request = Request::new(Prompt::Text(prompt.to_owned()), sampling, seed);
    match support::run(model, Limits::default(), vec![Job::Complete(request)]).remove(0)? {
        Outcome::Completion(completion) => Ok(completion),
        other => panic!("a completion, not {other:?}"),
    }
}

fn hot(max_tokens: usize) -> Sampling {
    Sampling { temperature: 1.0, max_tokens, ..Sampling::default() }
}

#[test]
fn answers_end_at_the_limit_the_context_or_the_end_token() {
    let model = support::tiny("llama");
    let (mut stops, mut lengths) = (0, 0);
    for seed in 0..400 {
        let answer = ask(&model, "go", hot(6), seed).unwrap();
        assert_eq!(answer.prompt_tokens, 2);
        match answer.finish {
            Finish::Length => {
                lengths += 1;
                assert_eq!((answer.tokens.len(), answer.completion_tokens), (6, 6));
            }
            _ => {
                stops += 1;
                assert!(answer.tokens.len() < 6);
                assert_eq!(
                    answer.completion_tokens,
                    answer.tokens.len() + 1,
                    "the end token was computed too"
                );
            }
        }
        assert!(!answer.tokens.iter().any(|&token| model.tokenizer().is_end(token)));
        assert!(!answer.text.contains("<|end|>"));
    }
    assert!(stops > 0 && lengths > 0, "both happen: {stops} {lengths}");
    let long = (0..50).map(|seed| ask(&model, &"a".repeat(90), hot(1000), seed).unwrap());
    let filled = long.filter(|answer| answer.finish == Finish::Length).inspect(|answer| {
        assert_eq!(answer.prompt_tokens + answer.tokens.len(), model.config().context);
    });
    assert!(filled.count() > 0);
}

#[test]
fn seeds_repeat_and_differ() {
    let model = support::tiny("qwen2");
    let answer = |seed| ask(&model, "seed", hot(24), seed).unwrap();
    assert_eq!(answer(1), answer(1));
    assert!((2..8).any(|seed| answer(seed) != answer(1)));
    let greedy =
        |seed| ask(&model, "seed", Sampling { max_tokens: 24, ..Sampling::default() }, seed).unwrap();
    assert_eq!(greedy(1), greedy(2), "greedy draws nothing");
    let narrow = Sampling { top_p: 1e-9, ..hot(24) };
    assert_eq!(ask(&model, "seed", narrow, 5).unwrap(), greedy(0), "a tiny nucleus is the likeliest token");
}

#[test]
fn a_stop_text_ends_the_answer_and_is_not_part_of_it() {
    let model = support::tiny("llama");
    let mut cut = 0;
    for seed in 0..40 {
        let whole = ask(&model, "go", hot(40), seed).unwrap();
        let Some(stop) = whole
            .text
            .char_indices()
            .nth(7)
            .map(|(at, _)| whole.text[at..].chars().take(3).collect::<String>())
        else {
            continue;
        };
        let at = whole.text.find(&stop).unwrap();
        let stopped =
            ask(&model, "go", Sampling { stop: vec![stop.clone(), "never".to_owned()], ..hot(40) }, seed)
                .unwrap();
        if stopped.finish == Finish::Stop && stopped.text.len() < whole.text.len() {
            assert_eq!(stopped.text, whole.text[..at], "{stop:?}");
            assert!(whole.tokens.starts_with(&stopped.tokens));
            cut += 1;
        }
    }
    assert!(cut > 5, "{cut}");
}

/// An answer is the same whether stop texts are given that do not stand in it.
#[test]
fn a_character_that_was_not_finished_does_not_hang_on_stop_texts() {
    let model = support::tiny("llama");
    let mut open = 0;
    for seed in 0..400 {
        let plain = ask(&model, "go", hot(40), seed).unwrap();
        if plain.finish != Finish::Stop || !plain.text.ends_with('\u{FFFD}') {
            continue;
        }
        let stop = vec!["no such text".to_owned()];
        assert_eq!(ask(&model, "go", Sampling { stop, ..hot(40) }, seed).unwrap(), plain);
        open += 1;
    }
    assert!(open > 5, "{open}");
}

#[test]
fn the_pieces_of_a_stream_are_the_text() {
    let model = support::tiny("llama");
    let (sender, jobs) = std::sync::mpsc::channel();
    for seed in 0..30 {
        let sampling = Sampling { stop: vec!["aa".to_owned(), "\u{e9}".to_owned()], ..hot(40) };
        sender
            .send((seed, Job::Complete(Request::new(Prompt::Text("go".to_owned()), sampling, seed))))
            .unwrap();
    }
    drop(sender);
    let never = AtomicBool::new(false);
    let mut texts = vec![String::new(); 30];
    let mut done = 0;
    Generator::new(model, Limits::default()).serve(
        &jobs,
        Control { cancel: &never, now: &Instant::now },
        &mut |seed: &u64, event: Event<'_>| match event {
            Event::Text(text) => texts[*seed as usize].push_str(text),
            Event::Done(outcome) => {
                done += 1;
                let text = support::completion(outcome).text;
                let streamed = &texts[*seed as usize];
                assert!(text == *streamed || text == format!("{streamed}\u{FFFD}"), "{text:?} {streamed:?}");
            }
        },
    );
    assert_eq!(done, 30);
}

#[test]
fn a_prompt_that_does_not_fit_and_settings_that_cannot_be() {
    let model = support::tiny("llama");
    let error = ask(&model, &"a".repeat(96), Sampling::default(), 0).unwrap_err();
    assert!(error.is_too_long() && error.to_string().contains("context of 96"), "{error}");
    assert_eq!(ask(&model, &"a".repeat(95), Sampling::default(), 0).unwrap().completion_tokens, 1);
    assert!(ask(&model, "", Sampling::default(), 0).unwrap_err().is_invalid_request());
    for sampling in [
        Sampling { temperature: -0.1, ..Sampling::default() },
        Sampling { temperature: f64::NAN, ..Sampling::default() },
        Sampling { top_p: 0.0, ..Sampling::default() },
        Sampling { top_p: 1.1, ..Sampling::default() },
        Sampling { max_tokens: 0, ..Sampling::default() },
        Sampling { stop: vec![String::new()], ..Sampling::default() },
    ] {
        let error = ask(&model, "a", sampling.clone(), 0).unwrap_err();
        assert!(error.is_invalid_request(), "{sampling:?}: {error}");
    }
    let jobs = vec![Job::Complete(Request::new(Prompt::Tokens(vec![9999]), Sampling::default(), 0))];
    let error = support::run(&model, Limits::default(), jobs).remove(0).unwrap_err();
    assert!(error.is_invalid_request() && !error.is_too_long(), "{error}");
}

#[test]
fn deadlines_and_cancelling_end_jobs_and_spare_the_others() {
    let model = support::tiny("llama");
    let start = Instant::now();
    // A clock that moves by a second each time it is read.
    let now = RefCell::new(start);
    let tick = || {
        *now.borrow_mut() += Duration::from_secs(1);
        *now.borrow()
    };
    let job = |deadline| {
        let mut request = Request::new(
            Prompt::Text("go".to_owned()),
            Sampling { max_tokens: 30, ..Sampling::default() },
            0,
        );
        request.deadline = deadline;
        Job::Complete(request)
    };
    let never = AtomicBool::new(false);
    let run = |jobs, cancel: &AtomicBool| {
        Generator::new(model.clone(), Limits::default()).run(jobs, Control { cancel, now: &tick })
    };
    let outcomes = run(vec![job(Some(start + Duration::from_secs(5))), job(None)], &never);
    let late = outcomes[0].as_ref().unwrap_err();
    assert!(
        late.is_deadline() && !late.is_cancelled() && late.to_string().contains("4 new tokens"),
        "{late}"
    );
    assert_eq!(outcomes[1].as_ref().unwrap(), run(vec![job(None)], &never)[0].as_ref().unwrap());
    let outcomes = run(vec![job(None), job(None)], &AtomicBool::new(true));
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(plumb_lm::Error::is_cancelled)));
}

/// Waits for the first three pieces of text of one job only.
struct Impatient {
    pieces: u32,
    cancelled: bool,
    answered: u32,
}

impl Audience<&'static str> for Impatient {
    fn event(&mut self, key: &&'static str, event: Event<'_>) {
        match (*key, event) {
            ("impatient", Event::Text(_)) => self.pieces += 1,
            ("impatient", Event::Done(outcome)) => {
                self.cancelled = outcome.is_err_and(|error| error.is_cancelled())
            }
            (_, Event::Done(outcome)) => self.answered += u32::from(outcome.is_ok()),
            _ => {}
        }
    }

    fn waits(&self, key: &&'static str) -> bool {
        *key != "impatient" || self.pieces < 3
    }
}

#[test]
fn what_nobody_waits_for_is_not_computed() {
    let model = support::tiny("llama");
    let (sender, jobs) = std::sync::mpsc::channel();
    let request = |max_tokens| {
        Job::Complete(Request::new(
            Prompt::Text("x".to_owned()),
            Sampling { max_tokens, ..Sampling::default() },
            0,
        ))
    };
    sender.send(("impatient", request(90))).unwrap();
    sender.send(("patient", request(20))).unwrap();
    drop(sender);
    let never = AtomicBool::new(false);
    let mut audience = Impatient { pieces: 0, cancelled: false, answered: 0 };
    Generator::new(model, Limits::default()).serve(
        &jobs,
        Control { cancel: &never, now: &Instant::now },
        &mut audience,
    );
    assert!(audience.cancelled && audience.pieces == 3 && audience.answered == 1);
    assert!(!never.load(Ordering::Relaxed));
}

#[test]
fn jobs_that_come_late_join() {
    let model = support::tiny("llama");
    let (sender, jobs) = std::sync::mpsc::channel();
    let request = |seed| Job::Complete(Request::new(Prompt::Text("x".to_owned()), hot(30), seed));
    sender.send((0, request(0))).unwrap();
    let never = AtomicBool::new(false);
    let mut sender = Some(sender);
    let mut outcomes = Vec::new();
    Generator::new(model.clone(), Limits::default()).serve(
        &jobs,
        Control { cancel: &never, now: &Instant::now },
        &mut |key: &u64, event: Event<'_>| match event {
            // The second job comes while the first is being written; then the channel closes.
            Event::Text(_) => {
                if let Some(sender) = sender.take() {
                    sender.send((1, request(1))).unwrap();
                }
            }
            Event::Done(outcome) => outcomes.push((*key, outcome.unwrap())),
        },
    );
    outcomes.sort_by_key(|(key, _)| *key);
    let alone = support::run(&model, Limits::default(), vec![request(0), request(1)]);
    for ((_, outcome), alone) in outcomes.iter().zip(alone) {
        assert_eq!(*outcome, alone.unwrap());
    }
    assert_eq!(outcomes.len(), 2);
}

#[test]
fn a_real_model_answers() {
    let Some(model) = support::cached(SMOLLM, "a_real_model_answers") else { return };
    let prompt = Prompt::chat(vec![Message::new(Role::User, "What is the capital of France?")]);
    let job = Job::Complete(Request::new(prompt, Sampling::default(), 0));
    let answer = support::completion(support::run(&model, Limits::default(), vec![job]).remove(0));
    assert!(answer.text.contains("Paris"), "{}", answer.text);
    assert_eq!(answer.finish, Finish::Stop);
}
