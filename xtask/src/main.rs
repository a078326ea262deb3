//! `cargo xtask …`: the chores of developing Plumbline, and the benches and drills that hold it to
//! its promises. Users never need it.
//!
//! `tidy` checks the house rules that no compiler checks. `mock-server` runs the model endpoint of
//! the library `plumb_mock` as a process. `bench` measures a release build of `plumb` against it,
//! beside a peer where there is one. `drill` breaks things on purpose and looks at what is left.
//! Every command prints its figures last and exits non-zero when something is not right.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool: it may start processes, use clocks and print"
)]

mod bench;
mod crowd;
mod drill;
mod measured;
mod mock_process;
mod mock_server;
mod plumb;
mod serving;
mod tidy;
mod workload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An error that a person reads; nothing here is caught by kind.
type Problem = String;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks of Plumbline")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check the house rules: crate arrows, file sizes, fences, links
    Tidy(tidy::Args),
    /// Serve a model endpoint that echoes, counts and misbehaves on request
    MockServer(mock_server::Args),
    /// Measure a release build of plumb
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Break things on purpose and check what is left
    #[command(subcommand)]
    Drill(drill::Drill),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Tidy(args) => tidy::run(&args),
        Command::MockServer(args) => mock_server::run(&args),
        Command::Bench(bench) => bench::run(&bench),
        Command::Drill(drill) => drill::run(&drill),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
