//! What a sequence gets is the same, to the bit, whatever else is computed with it and however it is cut up.

use std::sync::Arc;

use plumb_lm::{
    Choice, Edit, Edits, Input, Job, Limits, Logits, Message, Model, Operation, Outcome, Positions, Prompt,
    Request, Role, Sampling, Site, Taps, TokenId, Want,
};

use crate::support::{self, SMOLLM};

/// Logits after the last token of each sequence when all are computed together, `piece` tokens a pass.
fn together(model: &Model, sequences: &[(&[TokenId], &Edits)], piece: usize) -> Vec<Vec<f32>> {
    let mut caches: Vec<_> = sequences.iter().map(|_| model.cache()).collect();
    let mut last = vec![Vec::new(); sequences.len()];
    loop {
        let mut members = Vec::new();
        let mut inputs = Vec::new();
        for (index, (cache, (tokens, edits))) in caches.iter_mut().zip(sequences).enumerate() {
            let start = cache.len();
            let end = tokens.len().min(start.saturating_add(piece));
            if start < end {
                members.push(index);
                inputs.push(Input { cache, tokens: &tokens[start..end], want: Want::Last, edits });
            }
        }
        if inputs.is_empty() {
            return last;
        }
        let logits: Logits = model.forward(&mut inputs, &mut Taps::none()).unwrap();
        for (input, index) in members.into_iter().enumerate() {
            last[index] = logits.last(input).unwrap().to_vec();
        }
    }
}

fn check_logits(model: &Model, sequences: &[(&[TokenId], &Edits)], pieces: &[usize]) {
    let alone: Vec<Vec<f32>> =
        sequences.iter().map(|one| together(model, &[*one], usize::MAX).remove(0)).collect();
    for &piece in pieces {
        assert_eq!(together(model, sequences, piece), alone, "{piece} tokens a pass");
        for (one, alone) in sequences.iter().zip(&alone) {
            assert_eq!(&together(model, &[*one], piece)[0], alone, "alone, {piece} tokens a pass");
        }
    }
}

fn push(width: usize) -> Edits {
    let vector: Arc<[f32]> = (0..width).map(|i| (i % 7) as f32 - 3.0).collect();
    Edits::new(vec![Edit {
        site: Site::ResidPost(1),
        positions: Positions::From(2),
        operation: Operation::Add(vector),
    }])
}

#[test]
fn logits_do_not_depend_on_the_batch() {
    for architecture in ["llama", "qwen2"] {
        let model = support::tiny(architecture);
        let edits = push(model.config().width);
        let tokens: Vec<TokenId> = (0..80).map(|i| (i * 37 + 11) % 256).collect();
        let sequences = [
            (&tokens[..1], &Edits::NONE),
            (&tokens[..80], &Edits::NONE),
            (&tokens[5..22], &edits),
            (&tokens[..33], &Edits::NONE),
            (&tokens[..33], &edits),
        ];
        check_logits(&model, &sequences, &[1, 3, 16, 17, 80]);
    }
}

#[test]
fn logits_of_a_real_model_do_not_depend_on_the_batch() {
    let Some(model) = support::cached(SMOLLM, "logits_of_a_real_model_do_not_depend_on_the_batch") else {
        return;
    };
    let edits = push(model.config().width);
    let encode = |text: &str| model.encode_chat(&[Message::new(Role::User, text)], None).unwrap();
    let texts =
        ["Hi", "Name three fruits that are red.", "What is a plumb line good for? Answer in one sentence."];
    let ids: Vec<Vec<TokenId>> = texts.iter().map(|text| encode(text)).collect();
    let sequences = [(&ids[0][..], &Edits::NONE), (&ids[1][..], &Edits::NONE), (&ids[2][..], &edits)];
    check_logits(&model, &sequences, &[1, 13]);
}

/// Jobs of every kind, of many lengths.
fn jobs(model: &Model) -> Vec<Job> {
    let edits = Arc::new(push(model.config().width));
    let mut jobs = Vec::new();
    for (index, text) in
        ["a", "plumb", "the line that hangs", "0123456789".repeat(4).as_str()].iter().enumerate()
    {
        for (temperature, top_p, top_k, min_p, repetition_penalty) in [
            (0.0, 1.0, 0, 0.0, 1.0),
            (0.9, 1.0, 0, 0.0, 1.0),
            (1.4, 0.8, 0, 0.01, 1.0),
            (1.1, 0.9, 30, 0.0, 1.3),
        ] {
            let sampling = Sampling {
                temperature,
                top_p,
                top_k,
                min_p,
                repetition_penalty,
                max_tokens: 5 + 4 * index,
                stop: vec!["zz".to_owned()],
            };
            let mut request = Request::new(Prompt::Text((*text).to_owned()), sampling, index as u64 * 7);
            jobs.push(Job::Complete(request.clone()));
            request.edits = edits.clone();
            jobs.push(Job::Complete(request));
        }
    }
    let chat = vec![Message::new(Role::User, "hi")];
    let sampling = Sampling { temperature: 1.0, max_tokens: 9, ..Sampling::default() };
    jobs.push(Job::Complete(Request::new(Prompt::chat(chat), sampling, 3)));
    let options = ["x", "yes", "no way"].map(str::to_owned).to_vec();
    jobs.insert(4, Job::Choose(Choice::new(Prompt::Text("which? ".to_owned()), options)));
    jobs
}

#[test]
fn answers_do_not_depend_on_the_batch() {
    for architecture in ["llama", "qwen2"] {
        let model = support::tiny(architecture);
        let run = |limits, jobs| -> Vec<Outcome> {
            support::run(&model, limits, jobs).into_iter().map(Result::unwrap).collect()
        };
        let alone: Vec<Outcome> =
            jobs(&model).into_iter().flat_map(|job| run(Limits::default(), vec![job])).collect();
        for (sequences, prompt_tokens) in [(1, 1), (2, 5), (3, 64), (16, 7), (100, 1000)] {
            let limits = Limits { sequences, prompt_tokens, ..Limits::default() };
            assert_eq!(run(limits, jobs(&model)), alone, "{limits:?}");
            let mut backwards = run(limits, jobs(&model).into_iter().rev().collect());
            backwards.reverse();
            assert_eq!(backwards, alone, "{limits:?}, in the opposite order");
        }
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let model = support::tiny("qwen2");
    let answer = |threads| -> Vec<Outcome> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let all = pool.install(|| support::run(&model, Limits::default(), jobs(&model)));
        all.into_iter().map(Result::unwrap).collect()
    };
    assert_eq!(answer(1), answer(3));
}
