//! A whole run: the journal does not depend on how many exchanges were in flight.

use crate::support::{Shelf, plan, registry};
use plumb_study::run::{Due, Env, Options, Parties, Stopper, Unwatched, run};
use plumb_study::{Journal, Ledger, Limit, Plan, Recordings, Registry, Transcript, journal, results};
use std::path::Path;
use std::sync::Arc;

/// Runs the plan into a journal of its own; returns what was said in every trial.
async fn go(folder: &Path, in_flight: u32, mut plan: Plan, registry: &Registry) -> Vec<String> {
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
    let tally =
        run(plan.clone(), opened, parties, due, env, Stopper::default(), Arc::new(Unwatched)).await.unwrap();
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
