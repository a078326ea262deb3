//! What is computed once for many: steered variants of one prompt, prompts with a common beginning, options. The bits are
//! those of computing each alone, and the counters say what was not computed.

use std::sync::Arc;

use plumb_lm::{
    Cache, Choice, Control, Edit, Edits, Generator, Input, Job, KvType, Limits, Logits, Memory, Model,
    Operation, Outcome, Positions, Prompt, Request, Sampling, Site, Taps, TokenId, Want, Work,
};

use crate::support::{self, LAYERS, SMOLLM};

fn push(model: &Model, site: Site, positions: Positions, strength: f32) -> Edits {
    let width = site.width(model.config());
    let vector: Arc<[f32]> = (0..width).map(|i| strength * ((i % 7) as f32 - 3.0)).collect();
    Edits::new(vec![Edit { site, positions, operation: Operation::Add(vector) }])
}

fn tokens(count: usize, shift: usize) -> Vec<TokenId> {
    (0..count).map(|i| ((i * 37 + 11 + shift * 5) % 256) as TokenId).collect()
}

/// Passes over all inputs at once, some tokens a pass; the logits of every token, and the work.
fn read(
    model: &Model,
    caches: &mut [Cache],
    edits: &[Edits],
    tokens: &[TokenId],
    piece: usize,
) -> (Vec<Vec<f32>>, Work) {
    let mut rows = vec![Vec::new(); caches.len()];
    let mut work = Work::default();
    for tokens in tokens.chunks(piece) {
        let input = |(cache, edits)| Input { cache, tokens, want: Want::From(0), edits };
        let mut inputs: Vec<Input> = caches.iter_mut().zip(edits).map(input).collect();
        let logits: Logits = model.forward(&mut inputs, &mut Taps::none()).unwrap();
        work += logits.work();
        for (index, rows) in rows.iter_mut().enumerate() {
            logits.rows(index).for_each(|row| rows.extend_from_slice(row));
        }
    }
    (rows, work)
}

/// Together and one by one: the same logits, and as many layers shared as `once` says for each of the variants.
fn check_variants(model: &Model, edits: &[Edits], tokens: &[TokenId], piece: usize, computed: u64) {
    let mut together: Vec<Cache> = edits.iter().map(|_| model.cache()).collect();
    let (rows, work) = read(model, &mut together, edits, tokens, piece);
    for (index, edits) in edits.iter().enumerate() {
        let (alone, _) = read(model, &mut [model.cache()], std::slice::from_ref(edits), tokens, 9);
        assert!(rows[index] == alone[0], "variant {index}, {piece} tokens a pass");
    }
    let asked = (edits.len() * tokens.len() * model.config().layers) as u64;
    assert_eq!(work.layer_tokens, computed * tokens.len() as u64);
    assert_eq!(work.layer_tokens + work.shared_layer_tokens, asked);
    // What was read together goes on together.
    let more: Vec<TokenId> = tokens.iter().rev().copied().take(5).collect();
    let (rows, work) = read(model, &mut together, edits, &more, piece);
    assert_eq!(work.layer_tokens, computed * 5);
    for (index, edits) in edits.iter().enumerate() {
        let whole = [tokens, &more].concat();
        let (alone, _) = read(model, &mut [model.cache()], std::slice::from_ref(edits), &whole, 64);
        assert!(alone[0].ends_with(&rows[index]), "variant {index} goes on");
    }
}

#[test]
fn layers_below_the_first_edit_are_computed_once() {
    let layers = u64::from(LAYERS);
    for architecture in ["llama", "qwen2"] {
        let model = support::tiny(architecture);
        let at = |site, strength| push(&model, site, Positions::All, strength);
        let strengths = |site| (1..=4).map(|i| at(site, 0.1 * i as f32)).collect::<Vec<_>>();
        for piece in [1, 7, 32, 70] {
            let tokens = tokens(70, 1);
            // Four variants: what lies below the site once, what is above four times.
            check_variants(&model, &strengths(Site::ResidPost(1)), &tokens, piece, 2 + 4 * (layers - 2));
            check_variants(&model, &strengths(Site::ResidPre(1)), &tokens, piece, 1 + 4 * (layers - 1));
            check_variants(&model, &strengths(Site::Heads(2)), &tokens, piece, 2 + 4 * (layers - 2));
            check_variants(&model, &strengths(Site::Embedding), &tokens, piece, 4 * layers);
            check_variants(&model, &strengths(Site::Logits), &tokens, piece, layers);
            // No edit, an edit high up, two of one lower down, which differ higher up.
            let mut both = vec![Edits::NONE, at(Site::ResidPost(1), 0.3)];
            for strength in [0.2, 0.4] {
                let low = at(Site::ResidPost(0), 0.3).as_slice().to_vec();
                let high = at(Site::ResidPost(1), strength).as_slice().to_vec();
                both.push(Edits::new([low, high].concat()));
            }
            check_variants(&model, &both, &tokens, piece, 1 + 2 + 4 * (layers - 2));
        }
    }
}

#[test]
fn an_edit_of_later_positions_parts_variants_there() {
    let model = support::tiny("llama");
    let edits: Vec<Edits> =
        (0..3).map(|i| push(&model, Site::ResidPost(0), Positions::From(20), 0.1 * i as f32)).collect();
    let mut caches: Vec<Cache> = edits.iter().map(|_| model.cache()).collect();
    let tokens = tokens(30, 2);
    let (_, work) = read(&model, &mut caches, &edits, &tokens, 10);
    let layers = u64::from(LAYERS);
    // Twenty tokens once through all layers, ten thrice through all but the first.
    assert_eq!(work.layer_tokens, 20 * layers + 10 * (1 + 3 * (layers - 1)));
}

#[test]
fn forks_share_pages_until_they_are_written() {
    let model = support::tiny("llama");
    for kind in [KvType::F32, KvType::Bf16] {
        let memory = Memory::new(kind);
        let mut cache = model.cache_in(&memory, 0);
        let tokens = tokens(70, 3);
        read(&model, std::slice::from_mut(&mut cache), &[Edits::NONE], &tokens[..40], 40);
        let one = memory.bytes();
        assert_eq!(one, cache.bytes_per_token() * 64, "two pages of 32 positions");
        let mut fork = cache.fork(35);
        assert_eq!((fork.len(), memory.bytes()), (35, one));
        let (forked, _) = read(&model, std::slice::from_mut(&mut fork), &[Edits::NONE], &tokens[35..60], 25);
        assert_eq!(memory.bytes(), one + one / 2, "the page that both write is copied, the first is not");
        let (own, _) = read(&model, std::slice::from_mut(&mut cache), &[Edits::NONE], &tokens[40..60], 20);
        assert!(forked[0].ends_with(&own[0]));
        drop(fork);
        assert_eq!(memory.bytes(), one);
        drop(cache);
        assert_eq!(memory.bytes(), 0);
    }
}

#[test]
fn bf16_keys_and_values_are_close_and_do_not_depend_on_the_batch() {
    let model = support::tiny("qwen2");
    let tokens = tokens(60, 4);
    let logits = |kind, piece| {
        let mut cache = model.cache_in(&Memory::new(kind), 0);
        read(&model, std::slice::from_mut(&mut cache), &[Edits::NONE], &tokens, piece).0.remove(0)
    };
    let (exact, rounded) = (logits(KvType::F32, 60), logits(KvType::Bf16, 60));
    let spread = exact.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let apart = exact.iter().zip(&rounded).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(apart > 0.0 && apart < 0.03 * spread, "{apart} of {spread}");
    assert!(logits(KvType::Bf16, 1) == rounded && logits(KvType::Bf16, 13) == rounded);
}

fn run(model: &Arc<Model>, limits: Limits, jobs: Vec<Job>) -> (Vec<Outcome>, Work) {
    let never = std::sync::atomic::AtomicBool::new(false);
    let generator = Generator::new(model.clone(), limits);
    let control = Control { cancel: &never, now: &std::time::Instant::now };
    let outcomes = generator.run(jobs, control).into_iter().map(Result::unwrap).collect();
    (outcomes, generator.work())
}

/// Options and texts after a common beginning, under several edits.
fn jobs(model: &Model, prefix: &str) -> Vec<Job> {
    let edits: Vec<Arc<Edits>> = (0..4)
        .map(|i| Arc::new(push(model, Site::ResidPost(1), Positions::All, 0.05 * i as f32)))
        .chain([Arc::default()])
        .collect();
    let mut jobs = Vec::new();
    for question in ["one?", "another one?", "x"] {
        for edits in &edits {
            let prompt = Prompt::Text(format!("{prefix}{question}"));
            let options = ["a", "b", " long answer", " long one"].map(str::to_owned).to_vec();
            jobs.push(Job::Choose(Choice { edits: edits.clone(), ..Choice::new(prompt.clone(), options) }));
            let sampling = Sampling { temperature: 0.7, max_tokens: 6, ..Sampling::default() };
            jobs.push(Job::Complete(Request { edits: edits.clone(), ..Request::new(prompt, sampling, 5) }));
        }
    }
    jobs
}

#[test]
fn a_generator_shares_what_it_can_and_the_answers_stay() {
    for architecture in ["llama", "qwen2"] {
        let model = support::tiny(architecture);
        let prefix = "a prefix that all begin with: ";
        let alone: Vec<Outcome> = jobs(&model, prefix)
            .into_iter()
            .flat_map(|job| run(&model, Limits::default(), vec![job]).0)
            .collect();
        let plain = |kv_bytes| Limits { kv_bytes, ..Limits::default() };
        for limits in [
            Limits { sequences: 3, ..Limits::default() },
            Limits { sequences: 64, prompt_tokens: 512, ..Limits::default() },
            Limits { sequences: 64, prompt_tokens: 7, ..Limits::default() },
            // So little that a job is alone and nothing is kept.
            plain(1),
            plain(400_000),
        ] {
            let (together, work) = run(&model, limits, jobs(&model, prefix));
            assert_eq!(together, alone, "{limits:?}");
            if limits.sequences == 64 {
                assert!(work.shared_layer_tokens > 0, "{work:?}");
                assert!(work.reused_tokens > 20 * prefix.len() as u64, "{work:?}");
            }
            if limits.kv_bytes == 1 {
                assert_eq!(work.reused_tokens, 0, "{work:?}");
            }
        }
    }
}

#[test]
fn layers_below_an_edit_are_computed_once_a_prompt_however_many_prompts_and_places_there_are() {
    const PREFIX: usize = 45;
    const ASKED: usize = 13;
    const ITEMS: usize = 20;
    let model = support::tiny("qwen2");
    let edits: Vec<Arc<Edits>> =
        (1..=4).map(|i| Arc::new(push(&model, Site::ResidPost(1), Positions::All, 0.1 * i as f32))).collect();
    let job = |item: usize, edits: &Arc<Edits>| {
        let context = Prompt::Tokens([tokens(PREFIX, 1), tokens(ASKED, item + 2)].concat());
        let options = ["A", "B"].map(str::to_owned).to_vec();
        Job::Choose(Choice { edits: edits.clone(), ..Choice::new(context, options) })
    };
    let jobs: Vec<Job> =
        (0..ITEMS).flat_map(|item| edits.iter().map(move |edits| job(item, edits))).collect();
    let alone: Vec<Outcome> =
        jobs.iter().flat_map(|one| run(&model, Limits::default(), vec![one.clone()]).0).collect();
    let (below, above) = (2, u64::from(LAYERS) - 2);
    let read = (PREFIX + ITEMS * ASKED) as u64;
    // Places for one and a half, three and a quarter, and all prompts.
    for sequences in [6, 13, 80] {
        for kv in [KvType::F32, KvType::Bf16] {
            let limits = Limits { sequences, prompt_tokens: 64, kv, ..Limits::default() };
            let (together, work) = run(&model, limits, jobs.clone());
            if kv == KvType::F32 {
                assert_eq!(together, alone, "{sequences} places");
            }
            assert_eq!(work.tokens, 4 * read, "{sequences} places");
            assert_eq!(work.layer_tokens, read * (below + 4 * above), "{sequences} places");
        }
    }
}

#[test]
fn options_of_one_token_cost_one_position() {
    let model = support::tiny("llama");
    let context = Prompt::Tokens(tokens(50, 6));
    let options = ["A", "B", "C", "D"].map(str::to_owned).to_vec();
    let job = Job::Choose(Choice::new(context.clone(), options));
    let (_, work) = run(&model, Limits::default(), vec![job]);
    assert_eq!((work.tokens, work.logits), (50, 1));
    let options = ["A", "BB", "CCC"].map(str::to_owned).to_vec();
    let (_, work) = run(&model, Limits::default(), vec![Job::Choose(Choice::new(context, options))]);
    assert_eq!((work.tokens, work.logits), (50 + 1 + 2, 1 + 1 + 2));
}

#[test]
fn turns_of_a_conversation_go_on_from_what_was_read() {
    let model = support::tiny("llama");
    let sampling = Sampling { max_tokens: 10, ..Sampling::default() };
    let first = Request::new(Prompt::Tokens(tokens(30, 7)), sampling.clone(), 0);
    let limits = Limits { sequences: 1, ..Limits::default() };
    let (answers, _) = run(&model, limits, vec![Job::Complete(first.clone())]);
    let Outcome::Completion(answer) = &answers[0] else { panic!("a completion") };
    let next = [tokens(30, 7), answer.tokens.clone(), tokens(4, 1)].concat();
    let next = Job::Complete(Request::new(Prompt::Tokens(next), sampling, 0));
    let (both, work) = run(&model, limits, vec![Job::Complete(first), next.clone()]);
    assert_eq!(both[1], run(&model, limits, vec![next]).0[0]);
    // All but the last written token, which was not read.
    assert_eq!(work.reused_tokens as usize, 30 + answer.tokens.len() - 1);
}

#[test]
fn a_real_model_shares_and_gives_the_same_bits() {
    let Some(model) = support::cached(SMOLLM, "a_real_model_shares_and_gives_the_same_bits") else { return };
    let layers = model.config().layers;
    let edits: Vec<Edits> = (1..=3)
        .map(|i| push(&model, Site::ResidPost(layers * 7 / 10 - 1), Positions::All, 0.2 * i as f32))
        .collect();
    let below = (layers * 7 / 10) as u64;
    check_variants(&model, &edits, &tokens(37, 8), 20, below + 3 * (layers as u64 - below));
}
