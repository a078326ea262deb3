//! Answers of the responder: the model's own, counted, and a named failure where there is none.

use crate::support::{Shelf, ask, chat, responder};
use futures_util::FutureExt;
use futures_util::future::join_all;
use plumb_lm::{Choice, Job, Message, Model, Outcome, Request, Sampling};
use plumb_study::items::{Prompt, Role, Turn};
use plumb_study::party::{Ask, Outcome as Given, Reply};
use plumb_study::{Answer, Failure, FailureKind, Finish};
use std::sync::Arc;
use std::time::Duration;

/// The generator's own outcome.
fn by_hand(shelf: &Shelf, model: &str, job: Job) -> Outcome {
    let model = Arc::new(Model::open(&shelf.file(model)).unwrap());
    let never = std::sync::atomic::AtomicBool::new(false);
    let control = plumb_lm::Control { cancel: &never, now: &std::time::Instant::now };
    plumb_lm::Generator::new(model, plumb_lm::Limits::default()).run(vec![job], control).remove(0).unwrap()
}

fn text(reply: &Reply) -> (&str, Finish) {
    match &reply.outcome {
        Given::Answered { answer: Answer::Text(text), finish, reasoning: None } => (text, *finish),
        other => panic!("a text, not {other:?}"),
    }
}

fn kind(result: Result<Reply, Failure>) -> FailureKind {
    result.unwrap_err().kind
}

#[tokio::test]
async fn chats_and_completions_are_the_models_own() {
    let shelf = Shelf::new();
    let responder = responder(&shelf, "tiny");
    let turns =
        [(Role::System, "Be kind."), (Role::User, "hi"), (Role::Assistant, "ho"), (Role::User, "and?")];
    let prompt =
        Prompt::Chat(turns.iter().map(|(role, text)| Turn { role: *role, text: (*text).into() }).collect());
    let messages = vec![
        Message::new(plumb_lm::Role::System, "Be kind."),
        Message::new(plumb_lm::Role::User, "hi"),
        Message::new(plumb_lm::Role::Assistant, "ho"),
        Message::new(plumb_lm::Role::User, "and?"),
    ];
    let text_prompt = plumb_lm::Prompt::Text("once".to_owned());
    for (prompt, same) in
        [(prompt, plumb_lm::Prompt::chat(messages)), (Prompt::Completion("once".into()), text_prompt)]
    {
        for temperature in [None, Some(1.1)] {
            let mut question = ask(prompt.clone());
            question.sampling.temperature = temperature;
            question.seed = 77;
            let reply = responder.respond(&question).await.unwrap();
            let sampling =
                Sampling { temperature: temperature.unwrap_or(0.0), max_tokens: 12, ..Sampling::default() };
            let job = Job::Complete(Request::new(same.clone(), sampling, 77));
            let Outcome::Completion(expected) = by_hand(&shelf, "tiny", job) else { panic!("a completion") };
            let finish =
                if expected.finish == plumb_lm::Finish::Stop { Finish::Stop } else { Finish::Length };
            assert_eq!(text(&reply), (&*expected.text, finish));
            assert_eq!(reply.tokens_in, Some(expected.prompt_tokens as u32));
            assert_eq!(reply.tokens_out, Some(expected.completion_tokens as u32));
        }
    }
}

#[tokio::test]
async fn options_are_scored() {
    let shelf = Shelf::new();
    let options = ["one", "two ", "drei"];
    let prompt = Prompt::Choose { context: "pick ".into(), options: options.map(Into::into).to_vec() };
    let reply = responder(&shelf, "plain").respond(&ask(prompt)).await.unwrap();
    let context = plumb_lm::Prompt::Text("pick ".to_owned());
    let job = Job::Choose(Choice::new(context, options.map(str::to_owned).to_vec()));
    let Outcome::Choices(expected) = by_hand(&shelf, "plain", job) else { panic!("choices") };
    let Given::Answered { answer: Answer::Options(scores), .. } = &reply.outcome else { panic!("options") };
    assert_eq!(scores.len(), 3);
    for (score, expected) in scores.iter().zip(&expected.scores) {
        assert_eq!(score.logprob, expected.log_probability);
        assert_eq!((score.tokens as usize, score.bytes as usize), (expected.tokens, expected.bytes));
    }
    assert_eq!(reply.tokens_out, Some(0));
}

#[tokio::test]
async fn many_at_once_get_what_each_gets_alone() {
    let responder = responder(&Shelf::new(), "other");
    let asks: Vec<Ask> = (0..60)
        .map(|n| {
            let mut question = ask(match n % 3 {
                0 => chat(&"word ".repeat(n / 12)),
                1 => Prompt::Completion(format!("text {n}").into()),
                _ => Prompt::Choose {
                    context: "a b".into(),
                    options: vec!["c".into(), format!(" {n}").into()],
                },
            });
            question.sampling.temperature = (n % 2 == 0).then_some(1.0);
            question.seed = n as u64;
            question
        })
        .collect();
    let mut alone = Vec::new();
    for question in &asks {
        alone.push(responder.respond(question).await);
    }
    assert!(alone.iter().all(Result::is_ok));
    assert_eq!(join_all(asks.iter().map(|question| responder.respond(question))).await, alone);
}

#[tokio::test]
async fn failures_have_names() {
    let shelf = Shelf::new();
    let tiny = responder(&shelf, "tiny");
    let long = tiny.respond(&ask(chat(&"long ".repeat(50)))).await.unwrap_err();
    assert!(long.kind == FailureKind::TooLong && !long.retryable, "{long:?}");
    assert!(long.message.contains("context of 96"), "{long:?}");
    assert_eq!(kind(tiny.respond(&ask(Prompt::Chat(vec![]))).await), FailureKind::Rejected);
    let mut wrong = ask(chat("hi"));
    wrong.sampling.top_p = Some(3.0);
    assert_eq!(kind(tiny.respond(&wrong).await), FailureKind::Rejected);
    let plain = responder(&shelf, "plain");
    assert_eq!(kind(plain.respond(&ask(chat("hi"))).await), FailureKind::Unsupported);
    let many = Prompt::Choose { context: "a".into(), options: vec!["b".repeat(120).into()] };
    assert_eq!(kind(tiny.respond(&ask(many)).await), FailureKind::TooLong);
}

#[tokio::test]
async fn deadlines_are_kept_and_spare_the_others() {
    let responder = responder(&Shelf::new(), "tiny");
    let mut hurried = ask(chat("quick"));
    hurried.deadline = Duration::ZERO;
    let patient = ask(chat("slow"));
    let (late, fine) = tokio::join!(responder.respond(&hurried), responder.respond(&patient));
    let late = late.unwrap_err();
    assert!(late.kind == FailureKind::Timeout && late.retryable, "{late:?}");
    assert!(fine.is_ok());
}

#[tokio::test]
async fn whoever_goes_away_cancels() {
    let responder = responder(&Shelf::new(), "tiny");
    let question = ask(chat("never mind"));
    for _ in 0..200 {
        let mut asked = responder.respond(&question);
        // The job is handed in at the first poll.
        assert!((&mut asked).now_or_never().is_none());
    }
    assert!(responder.respond(&question).await.is_ok());
}

#[tokio::test]
async fn an_engine_answers_all_of_its_subjects_at_once() {
    let shelf = Shelf::new();
    let registry = crate::support::registry(&shelf);
    let plan = crate::support::plan(&registry, &["tiny", "same"], "").unwrap();
    let both = [0, 1].map(|subject| crate::support::open(&registry, &plan, subject).unwrap());
    let question = ask(chat("the same"));
    let (one, two) = tokio::join!(both[0].respond(&question), both[1].respond(&question));
    assert!(one.is_ok());
    assert_eq!(one, two);
}
