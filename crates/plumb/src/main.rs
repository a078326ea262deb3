//! The command line: plan, run, report, and what surrounds them.
//!
//! This is the composition root: [`compose`] fills the registry with everything a plan can name, [`commands`]
//! has one file a subcommand, [`exit`] the codes and how errors are shown. Nothing here computes a number.

mod cli;
mod commands;
mod compose;
mod disk;
mod exit;
mod export;
mod memory;
mod model_store;
mod progress;
mod runs;
mod sae_store;
mod show;
mod strangers;
mod texts;

use clap::Parser as _;

/// A run allocates on several threads and frees on others, which glibc's allocator answers with thousands of
/// system calls.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let args = cli::Args::parse();
    match commands::dispatch(&args) {
        Ok(exit) => exit.into(),
        Err(problem) => {
            exit::complain(&problem);
            problem.exit.into()
        }
    }
}
