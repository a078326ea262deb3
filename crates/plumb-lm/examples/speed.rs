//! Tokens a second of one model on this machine: prefill of a long prompt, and greedy decoding of 1, 8 and 16 sequences.
//!
//! `cargo run --release -p plumb-lm --example speed -- MODEL.gguf`. Best of three passes; first it checks that the batch
//! writes what each sequence writes alone.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use plumb_lm::{
    Completion, Control, Edits, Generator, Input, Job, Limits, Model, Outcome, Prompt, Request, Sampling,
    Taps, TokenId, Want,
};

const PREFILL: usize = 512;
const PROMPT: usize = 32;
const NEW: usize = 48;

/// Reproducible token ids far from the control tokens; another sequence for each `shift`.
fn ids(count: usize, shift: usize) -> Vec<TokenId> {
    (0..count).map(|i| ((7 * i * i + 13 * i + 3 * shift) % 40_000 + 100) as TokenId).collect()
}

fn best(mut pass: impl FnMut() -> Result<f64, plumb_lm::Error>) -> Result<f64, plumb_lm::Error> {
    (0..3).try_fold(0.0, |best: f64, _| Ok(best.max(pass()?)))
}

fn prefill(model: &Model) -> Result<f64, plumb_lm::Error> {
    let tokens = ids(PREFILL, 0);
    let mut cache = model.cache();
    let start = Instant::now();
    for (index, piece) in tokens.chunks(256).enumerate() {
        let want = if (index + 1) * 256 >= PREFILL { Want::Last } else { Want::Nothing };
        let input = Input { cache: &mut cache, tokens: piece, want, edits: &Edits::NONE };
        model.forward(&mut [input], &mut Taps::none())?;
    }
    Ok(PREFILL as f64 / start.elapsed().as_secs_f64())
}

fn write(model: &Arc<Model>, sequences: &[usize], new: usize) -> Result<Vec<Completion>, plumb_lm::Error> {
    let sampling = Sampling { max_tokens: new, ..Sampling::default() };
    let job =
        |&shift: &usize| Job::Complete(Request::new(Prompt::Tokens(ids(PROMPT, shift)), sampling.clone(), 0));
    let limits = Limits { sequences: sequences.len(), prompt_tokens: 1024, ..Limits::default() };
    let never = AtomicBool::new(false);
    let control = Control { cancel: &never, now: &Instant::now };
    let outcomes = Generator::new(model.clone(), limits).run(sequences.iter().map(job).collect(), control);
    let completion = |outcome| match outcome {
        Ok(Outcome::Completion(completion)) => Some(Ok(completion)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    };
    outcomes.into_iter().filter_map(completion).collect()
}

/// New tokens a second, the time of the prompts taken off.
fn decode(model: &Arc<Model>, sequences: usize) -> Result<f64, plumb_lm::Error> {
    let all: Vec<usize> = (0..sequences).collect();
    let start = Instant::now();
    let first = write(model, &all, 1)?;
    let prompts = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let answers = write(model, &all, NEW)?;
    let seconds = start.elapsed().as_secs_f64() - prompts;
    let computed =
        |answers: &[Completion]| answers.iter().map(|answer| answer.completion_tokens).sum::<usize>();
    Ok((computed(&answers) - computed(&first)) as f64 / seconds)
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: speed MODEL.gguf")?;
    let start = Instant::now();
    let model = Arc::new(Model::open(path.as_ref())?);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}: loaded in {seconds:.1} s, {} MB of weights, {} threads",
        model.name().unwrap_or("model"),
        model.weight_bytes() / 1_000_000,
        std::thread::available_parallelism()?
    );
    let together = write(&model, &[0, 1, 2], 8)?;
    for (shift, answer) in together.iter().enumerate() {
        if write(&model, &[shift], 8)?[0] != *answer {
            return Err("a batch changes an answer".into());
        }
    }
    println!("prefill of {PREFILL} tokens: {:.0} tokens/s", best(|| prefill(&model))?);
    for sequences in [1, 8, 16] {
        println!("decoding {sequences} sequences: {:.1} tokens/s", best(|| decode(&model, sequences))?);
    }
    Ok(())
}
