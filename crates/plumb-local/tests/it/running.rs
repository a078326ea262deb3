//! A whole run: the journal does not depend on how many exchanges were in flight.

use crate::support::{Shelf, open, plan, registry};
use plumb_local::LocalKind;
use plumb_study::party::Responder;
use plumb_study::plan::PartySpec;
use plumb_study::run::{Due, Env, Options, Parties, Stopper, Unwatched, Watch, run};
use plumb_study::{
    Fields, FrozenParty, Inputs, Journal, Ledger, Limit, Opening, PartyKind, Plan, Recordings, Registry,
    Result, Transcript, journal, results,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs the plan into a journal of its own; returns what was said in every trial.
async fn go(folder: &Path, in_flight: u32, plan: Plan, registry: &Registry) -> Vec<String> {
    watched(folder, in_flight, plan, registry, Arc::new(Unwatched)).await
}

async fn watched(
    folder: &Path,
    in_flight: u32,
    mut plan: Plan,
    registry: &Registry,
    watch: Arc<dyn Watch>,
) -> Vec<String> {
    let opening = |writer| journal::Opening {
        random: [writer; 8],
        now_us: Arc::new(|| 1_000_000),
        program: "test 1".into(),
    };
    let path = folder.join(format!("{in_flight}.plumb"));
    plan.limits.in_flight = in_flight;
    drop(Journal::create(&path, &plan, false, &opening(1)).unwrap());
    let opened = Journal::open(&path).unwrap();
    let plan = Arc::new(plan);
    let due = Due::of(&plan, &Ledger::fold(&plan, &opened).unwrap(), &Options::default());
    let parties = Parties::open(&plan, registry, Recordings::new(), &due.needs(&plan)).unwrap();
    let env = Env { jitter: Arc::new(|| 0.5), opening: opening(2), cache: None };
    let tally = run(plan.clone(), opened, parties, due, env, Stopper::default(), watch).await.unwrap();
    assert_eq!((tally.observed, tally.failed), (plan.trials().count() as u64, 0));
    let found = results(&Journal::open(&path).unwrap(), registry, Limit::default()).unwrap();
    let said =
        |t: &Transcript| format!("{} {} {} {} {:?}", t.item, t.subject, t.outcome, t.truncated, t.turns);
    found.transcripts.iter().map(said).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_do_not_depend_on_what_is_in_flight() {
    let registry = registry(&Shelf::new());
    let folder = tempfile::tempdir().unwrap();
    let sampling = "sampling = { temperature = 0.8, max_tokens = 10 }\nsystem = \"Short.\"";
    let plan = plan(&registry, &["tiny", "other"], sampling).unwrap();
    let one = go(folder.path(), 1, plan.clone(), &registry).await;
    assert_eq!(one.len(), 48);
    for in_flight in [5, 16] {
        assert_eq!(go(folder.path(), in_flight, plan.clone(), &registry).await, one, "{in_flight} in flight");
    }
}

/// Hands the kind to a registry and keeps it, for its counters.
struct Kept(Arc<LocalKind>);

impl PartyKind for Kept {
    fn takes_all_sampling(&self) -> bool {
        self.0.takes_all_sampling()
    }

    fn freeze(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<FrozenParty> {
        self.0.freeze(fields, inputs)
    }

    fn open(&self, spec: &PartySpec, opening: &Opening) -> Result<Arc<dyn Responder>> {
        self.0.open(spec, opening)
    }
}

/// Keeps how many tokens went in and out.
#[derive(Default)]
struct Tokens {
    read: AtomicU64,
    written: AtomicU64,
}

impl Watch for Tokens {
    fn used(&self, tokens_in: u64, tokens_out: u64) {
        self.read.fetch_add(tokens_in, Ordering::Relaxed);
        self.written.fetch_add(tokens_out, Ordering::Relaxed);
    }
}

/// The items' instructions are read once, and what two subjects with one model are asked is read once for both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trials_of_a_run_share_what_their_prompts_have_in_common() {
    let kind = Arc::new(LocalKind::new(Shelf::new()));
    let mut registry = Registry::new();
    registry.party("local", Kept(kind.clone()));
    let instructions = "Answer briefly, in a word.";
    let more = format!("sampling = {{ temperature = 0.8, max_tokens = 6 }}\nsystem = \"{instructions}\"");
    let plan = plan(&registry, &["tiny", "same"], &more).unwrap();
    // Engines end with whoever uses them last.
    let _held = open(&registry, &plan, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tokens = Arc::new(Tokens::default());
    let said = watched(folder.path(), 4, plan, &registry, tokens.clone()).await;
    assert_eq!(said.len(), 48);
    let (read, written) = (tokens.read.load(Ordering::Relaxed), tokens.written.load(Ordering::Relaxed));
    assert!(written > 0, "{read} {written}");
    let work = kind.work();
    let computed = work.tokens;
    assert!(computed + work.reused_tokens <= read + written, "{work:?} of {read} and {written}");
    // The instructions and what the template writes around them are a large part of each prompt.
    assert!(work.reused_tokens * 3 > read, "{work:?} of {read} and {written}");
    assert!(computed < read * 2 / 3 + written, "{work:?} of {read} and {written}");
}
