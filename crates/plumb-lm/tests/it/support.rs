//! Models for tests: a tiny one of random weights, and the real ones of the cache.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use plumb_lm::gguf::Builder;
use plumb_lm::{Completion, Control, Generator, Job, Limits, Model, Outcome, tiny};

pub const SMOLLM: (&str, &str) = ("smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf");
pub const QWEN: (&str, &str) = ("qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf");

fn cache_root() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var("PLUMB_CACHE")
        .or_else(|| Some(var("XDG_CACHE_HOME")?.join("plumbline")))
        .or_else(|| Some(var("HOME")?.join(".cache/plumbline")))
}

/// The file of a model of the cache.
pub fn cached_path((name, file): (&str, &str)) -> Option<PathBuf> {
    cache_root().map(|root| root.join("models").join(name).join(file)).filter(|path| path.is_file())
}

/// A model of the cache, or `None` after saying which test is skipped. Each is loaded once for all tests.
pub fn cached((name, file): (&'static str, &'static str), test: &str) -> Option<Arc<Model>> {
    static LOADED: Mutex<Vec<(&str, Arc<Model>)>> = Mutex::new(Vec::new());
    let mut loaded = LOADED.lock().unwrap();
    if let Some((_, model)) = loaded.iter().find(|(known, _)| *known == name) {
        return Some(model.clone());
    }
    let Some(path) = cached_path((name, file)) else {
        // Not println: what a passing test prints that way is not shown.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {test}: model {name} is not cached (plumb models fetch {name})"
        );
        return None;
    };
    let model = Arc::new(Model::open(&path).unwrap());
    loaded.push((name, model.clone()));
    Some(model)
}

/// A file of the repository's `fixtures/lm`.
pub fn fixture(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lm").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Runs jobs with the real clock and no cancelling.
pub fn run(model: &Arc<Model>, limits: Limits, jobs: Vec<Job>) -> Vec<Result<Outcome, plumb_lm::Error>> {
    let never = std::sync::atomic::AtomicBool::new(false);
    Generator::new(model.clone(), limits).run(jobs, Control { cancel: &never, now: &Instant::now })
}

pub fn completion(outcome: Result<Outcome, plumb_lm::Error>) -> Completion {
    match outcome.unwrap() {
        Outcome::Completion(completion) => completion,
        other => panic!("a completion, not {other:?}"),
    }
}

/// Reproducible numbers in `-1 .. 1`.
pub fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}

pub const WIDTH: u64 = tiny::WIDTH;
pub const LAYERS: u32 = tiny::LAYERS;
pub const TINY_END: u32 = tiny::END;

/// The tiny model's file, of an architecture by its name in files.
pub fn tiny_file(architecture: &str) -> Builder {
    tiny_file_with(architecture, Some(tiny::TEMPLATE))
}

pub fn tiny_file_with(architecture: &str, template: Option<&str>) -> Builder {
    let architecture = match architecture {
        "llama" => tiny::Family::Llama,
        "qwen2" => tiny::Family::Qwen2,
        other => panic!("no tiny {other}"),
    };
    tiny::file_with(architecture, template)
}

pub fn tiny(architecture: &str) -> Arc<Model> {
    Arc::new(Model::from_bytes(&tiny_file(architecture).finish()).unwrap())
}
