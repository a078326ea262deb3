//! The evaluation workload on one model, for `cargo xtask bench lm`: each case's time and processor time, and the values
//! by which a peer's run of the same case is checked. One line of JSON on standard output.
//!
//! `cargo run --release -p plumb-lm --example workload -- MODEL.gguf`
//!
//! With `sweep ITEMS SHOTS ASKED` after the file: twenty steered configurations of so many questions after a shared prefix, with the tokens
//! of the prefix and of a question, for `cargo xtask bench steer`; with `edits`: what edits cost while writing (`edits 1`: one sequence alone); with `speed`: prefill and the smaller
//! batches alone.
#![allow(clippy::print_stdout, reason = "a program for people")]

mod edited;

use std::cell::RefCell;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use plumb_lm::{
    Choice, Choices, Control, Edit, Edits, Generator, Input, Job, Limits, Model, Operation, Outcome,
    Positions, Prompt, Request, Sampling, Site, Taps, TokenId, Want, Work, greedy,
};
use serde_json::{Value, json};

const PREFILL: usize = 512;
const PROMPT: usize = 32;
const PREFIX: usize = 700;
const QUESTION: usize = 100;
/// Fewer than a topic of MMLU has; what a prefix costs is shared by so many.
const ITEMS: usize = 32;
const CONFIGURATIONS: usize = 20;
/// Sequences written at once, and new tokens of each.
const DECODE: [(usize, usize); 3] = [(1, 64), (16, 24), (64, 16)];
/// How often prefill and decoding are timed; the median counts.
const REPEATS: usize = 3;
const OPTIONS: [&str; 4] = [" A", " B", " C", " D"];

/// Reproducible token ids far from the control tokens; another sequence for each `shift`.
fn ids(count: usize, shift: usize) -> Vec<TokenId> {
    (0..count).map(|i| ((7 * i * i + 13 * i + 3 * shift) % 40_000 + 100) as TokenId).collect()
}

/// Processor time of this process so far, in seconds, where the system tells it.
fn processor() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in parentheses: user and system time are the 12th and 13th, in hundredths.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / 100.0)
}

/// Time and processor time of `work`, with what it gave.
fn timed<T>(work: impl FnOnce() -> Result<T, plumb_lm::Error>) -> Result<(T, Value), plumb_lm::Error> {
    let (start, before) = (Instant::now(), processor());
    let result = work()?;
    let used = processor().zip(before).map(|(after, before)| after - before);
    Ok((result, json!({ "seconds": start.elapsed().as_secs_f64(), "processor": used })))
}

fn run(model: &Arc<Model>, limits: Limits, jobs: Vec<Job>) -> Result<(Vec<Outcome>, Work), plumb_lm::Error> {
    let never = AtomicBool::new(false);
    let generator = Generator::new(model.clone(), limits);
    let outcomes = generator.run(jobs, Control { cancel: &never, now: &Instant::now });
    Ok((outcomes.into_iter().collect::<Result<_, _>>()?, generator.work()))
}

/// The last logits of the prompt.
fn prefill(model: &Model) -> Result<Vec<f32>, plumb_lm::Error> {
    let tokens = ids(PREFILL, 0);
    let mut cache = model.cache();
    let input = Input { cache: &mut cache, tokens: &tokens, want: Want::Last, edits: &Edits::NONE };
    let logits = rayon::scope(|_| model.forward(&mut [input], &mut Taps::none()))?;
    Ok(logits.last(0).map(<[f32]>::to_vec).unwrap_or_default())
}

/// The median time of [`REPEATS`] calls, which all give the same.
fn repeated<T>(
    mut work: impl FnMut() -> Result<(T, Value), plumb_lm::Error>,
) -> Result<(T, Value), plumb_lm::Error> {
    let (result, first) = work()?;
    let mut times = vec![first];
    for _ in 1..REPEATS {
        times.push(work()?.1);
    }
    let seconds = |time: &Value| time["seconds"].as_f64().unwrap_or(f64::INFINITY);
    times.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
    Ok((result, times.swap_remove(times.len() / 2)))
}

/// New tokens of `sequences` prompts, and the time of writing all but the first.
fn decode(
    model: &Arc<Model>,
    (sequences, new): (usize, usize),
    edits: &Arc<Edits>,
) -> Result<(Vec<Vec<TokenId>>, Value), plumb_lm::Error> {
    let sampling = Sampling { max_tokens: new, ..Sampling::default() };
    let job = |shift| {
        let request = Request::new(Prompt::Tokens(ids(PROMPT, shift)), sampling.clone(), 0);
        Job::Complete(Request { edits: edits.clone(), ..request })
    };
    // All prompts are read in one pass. The clock is asked before each: the second is the first that only writes.
    let limits =
        Limits { sequences, prompt_tokens: sequences * PROMPT, kv_bytes: usize::MAX, ..Limits::default() };
    let passes = RefCell::new(Vec::new());
    let now = || {
        let time = Instant::now();
        passes.borrow_mut().push((time, processor()));
        time
    };
    let never = AtomicBool::new(false);
    let outcomes = Generator::new(model.clone(), limits)
        .run((0..sequences).map(job).collect(), Control { cancel: &never, now: &now });
    let (end, used) = (Instant::now(), processor());
    let tokens = |outcome| match outcome {
        Outcome::Completion(completion) => completion.tokens,
        _ => Vec::new(),
    };
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let tokens: Vec<Vec<TokenId>> = outcomes.into_iter().map(tokens).collect();
    let passes = passes.into_inner();
    assert_eq!(passes.len(), new, "a pass reads, the others write");
    let (start, before) = passes[1];
    let time = json!({
        "seconds": (end - start).as_secs_f64(),
        "processor": used.zip(before).map(|(after, before)| after - before),
        "tokens": sequences * (new - 1),
    });
    Ok((tokens, time))
}

/// Adds a vector after 70 % of the layers.
fn steer(model: &Model, strength: f32) -> Arc<Edits> {
    let config = model.config();
    let vector: Arc<[f32]> = (0..config.width).map(|i| strength * ((i % 7) as f32 - 3.0) / 10.0).collect();
    let site = Site::ResidPost(layer(model));
    Arc::new(Edits::new(vec![Edit { site, positions: Positions::All, operation: Operation::Add(vector) }]))
}

fn layer(model: &Model) -> usize {
    model.config().layers * 7 / 10 - 1
}

/// One question after the prefix, with the letters as options.
fn question(item: usize, edits: &Arc<Edits>) -> Job {
    let context = [ids(PREFIX, 0), ids(QUESTION, 11 * (item + 1))].concat();
    let options = OPTIONS.map(str::to_owned).to_vec();
    Job::Choose(Choice { edits: edits.clone(), ..Choice::new(Prompt::Tokens(context), options) })
}

fn scores(outcomes: Vec<Outcome>) -> Vec<Vec<f64>> {
    let logs = |choices: Choices| choices.scores.iter().map(|score| score.log_probability).collect();
    let choices = outcomes.into_iter().filter_map(|outcome| match outcome {
        Outcome::Choices(choices) => Some(choices),
        _ => None,
    });
    choices.map(logs).collect()
}

fn counted(work: Work) -> Value {
    json!({
        "tokens": work.tokens, "layer_tokens": work.layer_tokens, "logits": work.logits,
        "shared_layer_tokens": work.shared_layer_tokens, "reused_tokens": work.reused_tokens,
    })
}

/// Twenty configurations of `items` questions of `asked` tokens after `shots` that all begin with, all handed in together, item by item.
fn sweep(model: &Arc<Model>, [items, shots, asked]: [usize; 3]) -> Result<Value, Box<dyn Error>> {
    let configurations: Vec<Arc<Edits>> =
        (0..CONFIGURATIONS).map(|i| steer(model, 0.1 * (i + 1) as f32)).collect();
    let question = |item: usize, edits: &Arc<Edits>| {
        let context = [ids(shots, 0), ids(asked, 11 * (item + 1))].concat();
        let options = OPTIONS.map(str::to_owned).to_vec();
        Job::Choose(Choice { edits: edits.clone(), ..Choice::new(Prompt::Tokens(context), options) })
    };
    let limits = Limits { sequences: 64, prompt_tokens: 512, kv_bytes: usize::MAX, ..Limits::default() };
    let jobs = (0..items).flat_map(|item| configurations.iter().map(move |edits| question(item, edits)));
    let ((outcomes, work), time) = timed(|| run(model, limits, jobs.collect()))?;
    let together = scores(outcomes);
    for at in [0, together.len() - 1] {
        let (item, configuration) = (at / CONFIGURATIONS, at % CONFIGURATIONS);
        let alone = run(model, limits, vec![question(item, &configurations[configuration])])?.0;
        if scores(alone)[0] != together[at] {
            return Err("sharing changes a value".into());
        }
    }
    // Below the layer a token is computed once, whatever the number of configurations.
    let below = (layer(model) + 1) as u64;
    let tokens = (shots + items * asked) as u64;
    Ok(json!({ "time": time, "scores": together, "work": counted(work), "below": below * tokens }))
}

/// Log-probabilities of the first tokens of the options.
fn letters(model: &Model, logits: &[f32]) -> Result<Vec<f64>, plumb_lm::Error> {
    let first = |text: &str| model.tokenizer().encode(text, plumb_lm::Special::Text).map(|ids| ids[0]);
    OPTIONS.iter().map(|text| Ok(plumb_lm::log_probability(logits, first(text)?))).collect()
}

/// A line of the system's account of this process's memory, in bytes, where there is one.
fn resident(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// Outputs and depth of each matrix of a layer, for peers that measure the rate of matrix products.
fn products(model: &Model) -> Value {
    let config = model.config();
    let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    let up = if config.gated { 2 * config.ffn } else { config.ffn };
    json!([
        [queries + 2 * keys, config.width],
        [config.width, queries],
        [up, config.width],
        [config.width, config.ffn],
    ])
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: workload MODEL.gguf [sweep ITEMS SHOTS ASKED | edits [SEQUENCES] | speed]")?;
    let (model, loading) = timed(|| Model::open(path.as_ref()).map(Arc::new))?;
    let options: Vec<_> = OPTIONS
        .iter()
        .map(|text| model.tokenizer().encode(text, plumb_lm::Special::Text))
        .collect::<Result<_, _>>()?;
    let mut said = json!({
        "load": loading, "weights": model.weight_bytes(), "layer": layer(&model), "options": options,
        "threads": std::thread::available_parallelism()?.get(),
        "sizes": { "prefill": PREFILL, "prompt": PROMPT, "decode": DECODE, "items": ITEMS },
        "products": products(&model), "layers": model.config().layers,
        "head": [model.config().vocab, model.config().width],
    });
    let what = arguments.next();
    match what.as_ref().and_then(|what| what.to_str()) {
        Some("speed") => {
            said["sizes"]["decode"] = json!(&DECODE[..2]);
            said["cases"] = cases(&model, true)?;
        }
        Some("edits") => {
            let only = arguments.next().and_then(|n| n.to_str()?.parse().ok());
            said["edited"] = edited::all(&model, only)?;
        }
        Some(_) => {
            let mut number = || arguments.next().and_then(|n| n.to_str()?.parse().ok()).ok_or("a number?");
            let sizes = [number()?, number()?, number()?];
            prefill(&model)?;
            said["swept"] = json!(sizes);
            said["sweep"] = sweep(&model, sizes)?;
        }
        None => said["cases"] = cases(&model, false)?,
    }
    println!("{said}");
    Ok(())
}

/// All cases of `bench lm`, or prefill and the smaller batches alone.
fn cases(model: &Arc<Model>, short: bool) -> Result<Value, Box<dyn Error>> {
    let mut cases = serde_json::Map::new();
    let mut put = |name: &str, time: Value, values: Value| {
        cases.insert(name.to_owned(), json!({ "time": time, "values": values }));
    };
    prefill(model)?;
    let (logits, time) = repeated(|| timed(|| prefill(model)))?;
    put("prefill", time, json!({ "next": greedy(&logits), "scores": [letters(model, &logits)?] }));
    let none = Arc::new(Edits::default());
    let sizes = if short { &DECODE[..2] } else { &DECODE[..] };
    for &size in sizes {
        // The largest batch is measured long enough by itself.
        let (tokens, time) = match size {
            (64, _) => decode(model, size, &none)?,
            _ => repeated(|| decode(model, size, &none))?,
        };
        put(&format!("decode {}", size.0), time, json!(tokens));
    }
    if short {
        return Ok(Value::Object(cases));
    }
    // Of what was done so far, writing 64 at once holds the most keys and values.
    let (sequences, new) = DECODE[2];
    let kv = sequences * (PROMPT + new) * model.cache().bytes_per_token();
    put(
        "memory",
        Value::Null,
        json!({ "kv": kv, "peak": resident("VmHWM"), "anonymous": resident("RssAnon") }),
    );
    let limits = Limits { sequences: 64, prompt_tokens: 512, kv_bytes: usize::MAX, ..Limits::default() };
    let ((outcomes, work), time) =
        timed(|| run(model, limits, (0..ITEMS).map(|item| question(item, &none)).collect()))?;
    put("options", time, json!({ "scores": scores(outcomes), "work": counted(work) }));
    let ((outcomes, _), time) = timed(|| run(model, limits, vec![question(0, &none)]))?;
    put("one pass", time, json!({ "scores": scores(outcomes) }));
    let configurations: Vec<Arc<Edits>> =
        (0..CONFIGURATIONS).map(|i| steer(model, 0.1 * (i + 1) as f32)).collect();
    let all = || configurations.iter().map(|edits| question(0, edits)).collect();
    let ((outcomes, work), time) = timed(|| run(model, limits, all()))?;
    let together = scores(outcomes);
    for at in [0, CONFIGURATIONS - 1] {
        let alone = scores(run(model, limits, vec![question(0, &configurations[at])])?.0);
        if alone[0] != together[at] {
            return Err("sharing changes a value".into());
        }
    }
    put("configurations", time, json!({ "scores": together, "work": counted(work) }));
    Ok(Value::Object(cases))
}
