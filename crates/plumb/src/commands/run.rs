//! `plumb run`.

use super::collect::{Wanted, append, check, collect};
use crate::cli::Run;
use crate::compose::{World, new_writer};
use crate::disk::Disk;
use crate::exit::{Exit, Problem, note};
use crate::runs::RunFolder;
use plumb_study::journal::lock as lock_journal;
use plumb_study::run::Options;
use plumb_study::{Draft, Event, Frozen, Journal, Plan, freeze, lock};
use std::path::Path;

pub fn run(args: &Run, world: &World) -> Result<Exit, Problem> {
    crate::memory::small_pages();
    let Frozen { plan, recordings } = frozen(&args.plan, world)?;
    let at = RunFolder::of_plan(&args.runs, &plan.name);
    // A run that is there has its plan in its journal; the lock speaks of what begins.
    let locked = (args.fresh || !at.journal.exists()) && lock::check(&args.plan, &plan)?;
    if args.fresh || !at.journal.exists() {
        // Before an old run is put aside, and before there is a journal that the mended plan would not fit.
        check(&plan, world)?;
    }
    ready(&at, &plan, locked, args.fresh, args.amend.as_deref())?;
    for skipped in &plan.skipped {
        note(skipped.words());
    }
    // The journal holds it too, and large plans need not be in memory twice.
    drop(plan);
    let options = Options { sample: args.sample, shard: args.shard, ..Options::default() };
    collect(&at, world, Wanted { options, recordings, cache: args.cache, json: args.json, quiet: false })
}

/// Reads and freezes a plan file.
pub fn frozen(file: &Path, world: &World) -> Result<Frozen, Problem> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        Problem::usage(format!("{}: {e}", file.display()))
            .help("give the path of a plan, such as examples/quickstart.toml")
    })?;
    let draft = Draft::parse(&text, &file.display().to_string())?;
    Ok(freeze(draft, &world.registry, &Disk::beside(file))?)
}

/// Makes the run's journal, or checks that the one that is there belongs to this plan.
pub fn ready(
    at: &RunFolder,
    plan: &Plan,
    locked: bool,
    fresh: bool,
    amend: Option<&str>,
) -> Result<(), Problem> {
    if fresh && at.folder.exists() {
        let _nobody_writes_it = lock_journal(&at.journal)?;
        if let Some(kept) = at.put_aside()? {
            note(format_args!("the old run is kept as {}", kept.display()));
        }
    }
    if !at.journal.exists() {
        at.create()?;
        let _nobody_else_makes_it = lock_journal(&at.journal)?;
        if !at.journal.exists() {
            Journal::create(&at.journal, plan, locked, &new_writer()?)?;
            return Ok(());
        }
    }
    let journal = Journal::open(&at.journal)?;
    if belongs(&journal, plan)? {
        return Ok(());
    }
    let current = journal.plan()?;
    drop(journal);
    let Some(reason) = amend else { return Err(current.changed_error(plan).into()) };
    let amended = current.amend(plan)?;
    append(at, vec![Event::amended(&current, &amended, reason)])?;
    note(format_args!("the plan is amended: {} → {}", current.digest.short(), amended.digest.short()));
    Ok(())
}

/// Whether the plan file is the journal's root plan or one of its amendments. Judges that `plumb judge`
/// added are not in the file, and need not be.
fn belongs(journal: &Journal, plan: &Plan) -> Result<bool, Problem> {
    if journal.root_digest()? == plan.digest {
        return Ok(true);
    }
    let amendments = journal.amendments()?;
    let known = |digest| amendments.iter().any(|a| a.plan == digest);
    let versions = std::iter::once(journal.root_digest()?).chain(amendments.iter().map(|a| a.plan));
    for version in versions {
        if journal.plan_at(version)?.amend(plan).is_ok_and(|amended| known(amended.digest)) {
            return Ok(true);
        }
    }
    Ok(false)
}
