//! A world without files and models: inputs in memory, a judge that looks for a word, a run in a folder.

use futures_util::future::BoxFuture;
use plumb_study::judge::{Case, Judge, Rule};
use plumb_study::party::{Abilities, Ask, Reply, Responder};
use plumb_study::plan::{JudgeSpec, Measure, PartySpec, Scale};
use plumb_study::run::{Due, Env, Options, Parties, Stopper, Tally, Unwatched, run};
use plumb_study::{
    Draft, EngineId, Failure, FailureKind, Fields, FrozenJudge, FrozenParty, Inputs, Journal, JudgeKind,
    Label, Ledger, Limit, Opening, PartyKind, Plan, Recordings, Registry, Result, Results, Verdict, Verdicts,
    freeze, journal, results,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    pub fn with(mut self, path: &str, text: impl AsRef<[u8]>) -> Files {
        self.0.insert(path.into(), text.as_ref().to_vec());
        self
    }
}

impl Inputs for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| plumb_study::Error::absent(format!("there is no file {path}")))
    }

    fn expand(&self, path: &str) -> Result<Vec<String>> {
        Ok(match path.split_once('*') {
            None => vec![path.to_owned()],
            Some((start, end)) => {
                self.0.keys().filter(|k| k.starts_with(start) && k.ends_with(end)).cloned().collect()
            }
        })
    }
}

/// A judge that says whether the answer holds `word`.
struct Says;

impl JudgeKind for Says {
    fn freeze(&self, fields: &mut Fields, _: &Registry, _: &dyn Inputs) -> Result<FrozenJudge> {
        Ok(FrozenJudge {
            settings: serde_json::json!({ "word": fields.need_text("word")? }),
            measures: vec![Measure { name: "said".into(), scale: Scale::Binary }],
            needs: Vec::new(),
            model: None,
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        Ok(Arc::new(Word(spec.settings["word"].as_str().unwrap_or_default().to_owned())))
    }
}

struct Word(String);

impl Rule for Word {
    fn decide(&self, case: &Case) -> Verdicts {
        Verdicts::of(vec![Verdict::Labelled(Label(u8::from(case.answer.text().contains(&self.0))))])
    }
}

/// A subject that yields before it answers (so that order of completion varies), counts, and fails on the
/// word "broken", and finds "endless" too long.
pub struct Slow {
    pub asked: Arc<AtomicU64>,
}

impl PartyKind for Slow {
    fn freeze(&self, _: &mut Fields, _: &dyn Inputs) -> Result<FrozenParty> {
        Ok(FrozenParty {
            settings: serde_json::json!({}),
            engine: EngineId::from("slow"),
            can: plumb_study::scripted::EVERYTHING,
        })
    }

    fn open(&self, _: &PartySpec, _: &Opening) -> Result<Arc<dyn Responder>> {
        Ok(Arc::new(SlowResponder { asked: self.asked.clone() }))
    }
}

struct SlowResponder {
    asked: Arc<AtomicU64>,
}

impl Responder for SlowResponder {
    fn can(&self) -> Abilities {
        plumb_study::scripted::EVERYTHING
    }

    fn engine(&self) -> EngineId {
        EngineId::from("slow")
    }

    fn respond<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Failure>> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            for _ in 0..(ask.seed.wrapping_add(nth) % 7) {
                tokio::task::yield_now().await;
            }
            let prompt = ask.prompt.headline();
            if prompt.contains("endless") {
                return Err(Failure::last(FailureKind::TooLong, "400: too many tokens"));
            }
            if prompt.contains("broken") {
                return Err(Failure::last(FailureKind::Rejected, "400: this endpoint is broken"));
            }
            let mut reply =
                Reply::text(format!("{prompt} {}", if ask.seed.is_multiple_of(3) { "yes" } else { "no" }));
            reply.tokens_in = Some(3);
            reply.tokens_out = Some(2);
            Ok(reply)
        })
    }
}

pub fn registry() -> (Registry, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let mut registry = Registry::new();
    registry.judge("says", Says);
    registry.party("slow", Slow { asked: asked.clone() });
    (registry, asked)
}

/// A plan over `items` numbered prompts.
pub fn text(items: &str) -> String {
    format!(
        r#"
name = "t"
seed = 11
[[items]]
reader = "csv"
path = "{items}"
repeat = 2
[[subject]]
id = "a"
kind = "slow"
factors = {{ model = "a" }}
[[subject]]
id = "b"
kind = "slow"
factors = {{ model = "b" }}
[[judge]]
id = "yes"
kind = "says"
word = "yes"
[[analysis]]
id = "rate"
of = "yes.said"
by = ["model", "kind"]
[[hypothesis]]
id = "h"
analysis = "rate"
contrast = [ {{ at = {{ model = "a" }}, weight = 1 }}, {{ at = {{ model = "b" }}, weight = -1 }} ]
direction = "two-sided"
[limits]
in_flight = 5
"#
    )
}

/// `count` items, half of them of each kind.
pub fn csv(count: usize) -> String {
    let rows = (0..count).map(|n| format!("i{n},{},prompt {n}\n", if n % 2 == 0 { "even" } else { "odd" }));
    std::iter::once("id,kind,prompt\n".to_owned()).chain(rows).collect()
}

pub fn frozen(text: &str, files: &Files, registry: &Registry) -> Result<Plan> {
    Ok(freeze(Draft::parse(text, "t.toml")?, registry, files)?.plan)
}

pub fn env(writer: u8) -> Env {
    Env { jitter: Arc::new(|| 0.5), opening: opening(writer), cache: None }
}

pub fn opening(writer: u8) -> journal::Opening {
    journal::Opening { random: [writer; 8], now_us: Arc::new(|| 1_000_000), program: "test 1".into() }
}

pub struct Run {
    pub path: PathBuf,
}

impl Run {
    pub fn new(folder: &Path, name: &str, plan: &Plan) -> Run {
        let path = folder.join(format!("{name}.plumb"));
        Journal::create(&path, plan, false, &opening(1)).unwrap();
        Run { path }
    }

    pub fn journal(&self) -> Journal {
        Journal::open(&self.path).unwrap()
    }

    pub fn ledger(&self, plan: &Plan) -> Ledger {
        Ledger::fold(plan, &self.journal()).unwrap()
    }

    /// Does what is due under `options`, as writer number `writer`.
    pub fn go(&self, registry: &Registry, options: &Options, writer: u8) -> Result<Tally> {
        self.go_with(registry, options, writer, Stopper::default(), Recordings::new())
    }

    pub fn go_with(
        &self,
        registry: &Registry,
        options: &Options,
        writer: u8,
        stop: Stopper,
        recordings: Recordings,
    ) -> Result<Tally> {
        let journal = self.journal();
        let plan = Arc::new(journal.plan()?);
        let due = Due::of(&plan, &Ledger::fold(&plan, &journal)?, options);
        let parties = Parties::open(&plan, registry, recordings, &due.needs(&plan))?;
        let threads =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        threads.block_on(run(plan, journal, parties, due, env(writer), stop, Arc::new(Unwatched)))
    }

    pub fn results(&self, registry: &Registry) -> Results {
        results(&self.journal(), registry, Limit::default()).unwrap()
    }
}
