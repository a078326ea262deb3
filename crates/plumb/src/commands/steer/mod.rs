//! `plumb steer`: a plan with a table `[steer]`, from its directions and latents to the frontier.
//!
//! Directions are made first and kept beside the run under a name that says what they were made of; latents are named in the
//! plan or looked for ([`search`]). Then the sweep is an ordinary plan, and the report of the frontier is made from its
//! journal.

mod found;
mod gate;
mod pushes;
mod search;
mod workshop;

use super::collect::{Wanted, check, collect};
use super::run::ready;
use crate::cli::Steer as Args;
use crate::compose::World;
use crate::disk::Disk;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;
use crate::show;
use plumb_local::frontier;
use plumb_local::search::Record;
use plumb_local::steer::{Gate, digests, percentiles};
use plumb_local::sweep::{Made, Sweep};
use plumb_report::{document_html, document_json, document_terminal};
use plumb_study::document::{Cell, Document, Table};
use plumb_study::run::Options;
use plumb_study::{Draft, Frozen, Journal, Ledger, Plan, freeze, lock};
use workshop::Workshop;

pub fn run(args: &Args, world: &World) -> Result<Exit, Problem> {
    let text = std::fs::read_to_string(&args.plan).map_err(|error| {
        Problem::usage(format!("{}: {error}", args.plan.display()))
            .help("give the path of a plan, such as examples/steer-refusal.toml")
    })?;
    let mut draft = Draft::parse(&text, &args.plan.display().to_string())?;
    let disk = Disk::beside(&args.plan);
    let table = draft.take_steer().ok_or_else(|| {
        Problem::usage(format!("{}: has no table [steer]", args.plan.display()))
            .help("`plumb run` runs plans without one")
    })?;
    let sweep = Sweep::take(table, &disk)?;
    let at = RunFolder::of_plan(&args.runs, draft.name());
    let workshop = Workshop {
        sweep: &sweep,
        world,
        disk: &disk,
        folder: workshop::beside(&at),
        seed: draft.seed(),
        searches: Default::default(),
    };
    let searched = match &sweep.search {
        Some(search) => {
            let record = search::stages(args, search, &text, &workshop)?;
            let made = workshop.searched(search, &record)?;
            Some((record, made))
        }
        None => None,
    };
    let mut made = workshop.made()?;
    made.extend(searched.iter().flat_map(|(_, made)| made).cloned());
    sweep.check_gate(&made)?;
    let subjects = sweep.subjects(&made);
    if let Some(all) = &sweep.random_items {
        draft.ask_only(&workshop::not_random(&subjects), all);
    }
    for subject in subjects {
        draft.add_subject("[steer]", subject);
    }
    let Frozen { plan, recordings } = freeze(draft, &world.registry, &disk)?;
    sweep.check(&plan)?;
    if let Some(search) = &sweep.search {
        search.check_budget(plan.trials().count() as u64)?;
    }
    let exit = if args.report { Exit::Done } else { asked(args, world, &at, &plan, recordings)? };
    tell(args, &at, &sweep, searched.as_ref(), &workshop)?;
    Ok(exit)
}

/// Asks what is due; the ordinary report is written on the way.
fn asked(
    args: &Args,
    world: &World,
    at: &RunFolder,
    plan: &Plan,
    recordings: plumb_study::Recordings,
) -> Result<Exit, Problem> {
    let locked = (args.fresh || !at.journal.exists()) && lock::check(&args.plan, plan)?;
    if args.fresh || !at.journal.exists() {
        check(plan, world)?;
    }
    ready(at, plan, locked, args.fresh, None)?;
    let options = Options { sample: args.sample, ..Options::default() };
    collect(at, world, Wanted { options, recordings, quiet: true, ..Wanted::default() })
}

/// What strengths in units of a latent's own 99th percentile come to.
fn units(document: &mut Document, plan: &Plan) -> Result<(), Problem> {
    let percentiles = percentiles(plan)?;
    if !percentiles.is_empty() {
        let mut table = Table::new("", &["latent", "#99th percentile", "#n, active tokens that it is of"]);
        for (latent, p99, active) in percentiles {
            table.row([Cell::Text(latent), Cell::Number(p99, 4), Cell::Count(active.into())]);
        }
        document.section("Units of strength").table(table);
    }
    Ok(())
}

/// The frontier, on the terminal and as a page; of a search the winner as well, as a file that later plans name.
fn tell(
    args: &Args,
    at: &RunFolder,
    sweep: &Sweep,
    searched: Option<&(Record, Vec<Made>)>,
    workshop: &Workshop<'_>,
) -> Result<(), Problem> {
    let journal: Journal = at.open()?;
    let plan = journal.plan()?;
    let gathered = frontier::gather(&plan, &journal, sweep)?;
    let mut document = frontier::document(&plan.name, &gathered, sweep);
    document.of_plan(&plan);
    for line in crate::strangers::of_plan(&plan, workshop.world)? {
        document.warn(line);
    }
    for (name, digest) in digests(&plan)? {
        document.fact(name, digest);
    }
    document.fact("plan", plan.digest.hex());
    if let (Some(search), Some((record, made))) = (&sweep.search, searched) {
        let decision = plumb_local::search::decide(&gathered, sweep);
        let counts = Ledger::fold(&plan, &journal)?.counts(&plan);
        let spent = (search, counts.planned);
        plumb_local::search::section(&mut document, spent, record, decision.as_ref());
        if let Some(decision) = decision {
            found::keep(at, (&plan, &counts), (search, record), &decision, made)?;
        }
    }
    for tried in workshop.before()? {
        frontier::chosen(&mut document, &gathered, sweep, &tried);
    }
    if let Some(gate) = Gate::of_plan(&plan)? {
        let opened = gate::opened(workshop, &plan, &gate)?;
        frontier::gate(&mut document, &plan, sweep, &gate.words(), &opened);
    }
    units(&mut document, &plan)?;
    let (pushes, prompts) = pushes::measured(workshop, &plan)?;
    frontier::pushes(&mut document, &pushes, prompts);
    let page = at.folder.join("frontier.html");
    std::fs::write(&page, document_html(&document)?).map_err(Problem::io(&page))?;
    match args.json {
        true => say(document_json(&document)?.trim_end()),
        false => {
            say(document_terminal(&document, show::style()).trim_end());
            say(format_args!("\nfrontier: {}\nreport: {}", page.display(), at.html().display()));
        }
    }
    Ok(())
}
