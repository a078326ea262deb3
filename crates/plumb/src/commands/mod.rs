//! One file a subcommand. [`collect`] is what run, import and judge have in common.

mod acts;
mod align;
mod audit;
mod chat;
mod code;
mod collect;
mod compare;
mod direction;
mod doctor;
mod estimate;
mod export;
mod human;
mod human_design;
mod import;
mod judge;
mod merge;
mod models;
mod plan;
mod rehearse;
mod report;
mod run;
mod sae;
mod safety;
mod serve;
mod show_model;
mod steer;
mod study;
mod tables;

use crate::cli::{Args, Command, Models};
use crate::compose::World;
use crate::exit::{Exit, Problem, say};
use clap::CommandFactory as _;

/// Runs what was typed.
pub fn dispatch(args: &Args) -> Result<Exit, Problem> {
    if let Command::Completions { shell } = &args.command {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut Args::command(), "plumb", &mut script);
        say(String::from_utf8_lossy(&script).trim_end());
        return Ok(Exit::Done);
    }
    let world = World::new()?;
    let reads_only = matches!(
        args.command,
        Command::Report(_)
            | Command::Compare(_)
            | Command::Audit(_)
            | Command::Export(_)
            | Command::Merge(_)
            | Command::Align(_)
            | Command::Human(_)
            | Command::Doctor(_)
    );
    let world = if reads_only { world } else { world.configured()? };
    match &args.command {
        Command::Run(args) => run::run(args, &world),
        Command::Plan(args) => plan::run(args, &world),
        Command::Report(args) => report::run(args, &world),
        Command::Compare(args) => compare::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Judge(args) => judge::run(args, &world),
        Command::Export(args) => export::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Import(args) => import::run(args, &world),
        Command::Models(Models::Chat(args)) => chat::run(args, &world),
        Command::Models(args) => models::run(args, &world),
        Command::Serve(args) => serve::run(args, &world),
        Command::Sae(args) => sae::dispatch(args, &world),
        Command::Steer(args) => steer::run(args, &world),
        Command::Safety(args) => safety::dispatch(args, &world),
        Command::Align(args) => align::run(args),
        Command::Human(args) => human::dispatch(args),
        Command::Code(args) => code::dispatch(args),
        Command::Doctor(args) => doctor::run(args, &world),
        Command::Completions { .. } => Ok(Exit::Done),
    }
}
