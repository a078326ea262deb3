//! What `bench lm` prints: tokens a second beside those of the peers, targets beside ratios, memory.

use std::path::Path;

use serde_json::Value;

use super::{Rounds, Weights, values};
use crate::measured::load;

const PRODUCTS: &str = "matrix products";

/// Some rounds of one program.
struct Times<'a>(&'a [Value]);

impl Times<'_> {
    fn median(&self, case: &str, what: &str) -> Option<f64> {
        let of = |round: &Value| round["cases"][case]["time"][what].as_f64();
        middle(self.0.iter().filter_map(of).collect())
    }
}

fn middle(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

/// A peer and how many times as fast as it ours should be.
type Peer<'a> = (&'a str, &'a Times<'a>, Option<f64>);

pub fn print(file: &Path, rounds: &Rounds, before: &str) {
    let (ours, llama, torch) = (Times(&rounds.ours), Times(&rounds.llama), Times(&rounds.torch));
    let Some(first) = rounds.ours.first() else { return };
    println!("{}", file.display());
    println!("{} threads; load of the machine {before} before, {} after", first["threads"], load());
    println!("medians of {} rounds", rounds.ours.len());
    if let Some(peer) = rounds.llama.first() {
        let (same, all) = values::agreement(first, peer);
        let apart = values::apart(first, peer).unwrap_or(f64::NAN);
        println!(
            "{}: log-probabilities differ by at most {apart:.4}, {same} of {all} greedy texts equal",
            peer["version"].as_str().unwrap_or("?")
        );
    }
    if let Some(peer) = rounds.torch.first() {
        println!(
            "{}: greedy tokens and log-probabilities are equal",
            peer["version"].as_str().unwrap_or("?")
        );
    }
    let weights = rounds.weights;
    let target = |wanted: bool, ratio: f64| wanted.then_some(ratio);
    let halves = weights == Weights::F16;
    let prefill =
        [("llama.cpp", &llama, target(weights == Weights::F32, 1.1)), ("PyTorch", &torch, Some(1.3))];
    line("prefill", tokens(first, "prefill"), &ours, &prefill);
    let one =
        [("llama.cpp", &llama, target(halves || weights == Weights::Q8_0, 0.95)), ("PyTorch", &torch, None)];
    line("decode 1", tokens(first, "decode 1"), &ours, &one);
    let sixteen = [("llama.cpp", &llama, target(halves, 1.2)), ("PyTorch", &torch, Some(3.0))];
    line("decode 16", tokens(first, "decode 16"), &ours, &sixteen);
    line("decode 64", tokens(first, "decode 64"), &ours, &[("llama.cpp", &llama, None)]);
    share_of_products(first, &ours, &rounds.torch);
    options(first["sizes"]["items"].as_f64().unwrap_or(0.0), &ours, &torch);
    memory(first);
}

fn tokens(first: &Value, case: &str) -> f64 {
    match case {
        "prefill" => first["sizes"]["prefill"].as_f64().unwrap_or(0.0),
        _ => first["cases"][case]["time"]["tokens"].as_f64().unwrap_or(0.0),
    }
}

fn line(case: &str, tokens: f64, ours: &Times<'_>, peers: &[Peer<'_>]) {
    let Some(wall) = ours.median(case, "seconds") else { return };
    print!("{case:<16} {:>8.1} tokens/s", tokens / wall);
    for (name, times, target) in peers {
        let Some(theirs) = times.median(case, "seconds") else { continue };
        let ratio = theirs / wall;
        print!("   {name} {:.1}: ratio {ratio:.2}", tokens / theirs);
        if let Some(target) = target {
            print!(" ({target} wanted: {})", if ratio >= *target { "met" } else { "MISSED" });
        }
    }
    println!();
}

/// Prefill and a batch of 64 beside the rate of bare matrix products, which PyTorch measured in the same run.
fn share_of_products(first: &Value, ours: &Times<'_>, torch: &[Value]) {
    let rates = torch.iter().filter_map(|round| round["cases"]["products"]["rate"].as_f64()).collect();
    let Some(rate) = middle(rates) else { return };
    let size = |pair: &Value| pair[0].as_f64().unwrap_or(0.0) * pair[1].as_f64().unwrap_or(0.0);
    let layer: f64 = first["products"].as_array().into_iter().flatten().map(size).sum();
    let layers = layer * first["layers"].as_f64().unwrap_or(0.0);
    println!("{PRODUCTS:<16} {:>8.1} GFLOP/s in PyTorch, shapes of the layers", 2e-9 * rate);
    let whole = layers + size(&first["head"]);
    for (case, each, share) in [("prefill", layers, 0.8), ("decode 64", whole, 0.75)] {
        let Some(wall) = ours.median(case, "seconds") else { continue };
        let reached = tokens(first, case) * each / wall / rate;
        println!(
            "  {case}: {:.0} % of that rate ({:.0} % wanted: {})",
            100.0 * reached,
            100.0 * share,
            if reached >= share { "met" } else { "MISSED" }
        );
    }
}

/// What is not computed: options after a shared prefix, and twenty configurations.
fn options(items: f64, ours: &Times<'_>, torch: &Times<'_>) {
    let Some(item) = ours.median("options", "seconds").map(|all| all / items) else { return };
    println!("four options an item, {items} items with a prefix of 700 tokens: {item:.3} s an item");
    // A careful script computes the same tokens for one configuration; `bench steer` holds what many share against it.
    for (case, count, name, wanted) in [
        ("naive", 1.0, "four full forwards in PyTorch with a hook", Some(30.0)),
        ("careful", items, "a careful script, of one configuration", None),
    ] {
        let Some(theirs) = torch.median(case, "seconds").map(|all| all / count) else { continue };
        let ratio = theirs / item;
        let verdict =
            |wanted| format!("; {wanted} wanted: {}", if ratio >= wanted { "met" } else { "MISSED" });
        println!(
            "  {ratio:.1} times {name} ({theirs:.2} s an item{})",
            wanted.map(verdict).unwrap_or_default()
        );
    }
    let (one, all) = (ours.median("one pass", "seconds"), ours.median("configurations", "seconds"));
    if let Some((one, all)) = one.zip(all) {
        let share = all / 20.0 / one;
        println!(
            "twenty configurations at 70 % depth: {all:.2} s, a full pass {one:.2} s: {share:.2} of a pass each (0.35 wanted: {})",
            if share <= 0.35 { "met" } else { "MISSED" }
        );
    }
    let work = &ours.0[0]["cases"]["configurations"]["values"]["work"];
    println!("  work of the twenty: {work}");
}

fn memory(first: &Value) {
    let memory = &first["cases"]["memory"]["values"];
    let (Some(peak), Some(kv)) = (memory["peak"].as_u64(), memory["kv"].as_u64()) else { return };
    let weights = first["weights"].as_u64().unwrap_or(0);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let beside = mib(peak) - mib(weights) - mib(kv);
    println!(
        "memory: peak {:.0} MiB = weights {:.0} + keys and values {:.0} + {beside:.0} MiB (under 300 wanted: {}); loaded in {:.2} s",
        mib(peak),
        mib(weights),
        mib(kv),
        if beside < 300.0 { "met" } else { "MISSED" },
        first["load"]["seconds"].as_f64().unwrap_or(f64::NAN)
    );
}
