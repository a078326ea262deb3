//! `cargo xtask bench …`: what a release build of plumb costs, from outside.
//!
//! Each bench checks that the outputs are right before it prints a figure, and fails if they are
//! not; it never fails for being slow. Targets are printed beside the figures: they are for a quiet
//! machine of two cores, and every table says how busy the machine was.

mod annotators;
mod code;
mod endpoint;
mod figures;
mod grade;
mod lm;
mod metrics;
mod mock;
mod otree;
mod pairs;
mod participants;
mod peer;
mod resume;
mod sae;
mod shut_in;
mod stats;
mod steer;

use crate::Problem;

#[derive(clap::Subcommand)]
pub enum Bench {
    /// Items per second, CPU and memory against an endpoint with latency, beside a peer
    Endpoint(endpoint::Args),
    /// Three guards and their majority over an endpoint with latency
    Annotators(annotators::Args),
    /// Samples per second in the sandbox, and whether verdicts are those recorded elsewhere
    Code(code::Args),
    /// Grades and reports of the v0.5 paper's 560,170 verdicts, from a journal
    Grade(grade::Args),
    /// Half a million trials at no latency, and what it takes to find that nothing is left to do
    Resume(resume::Args),
    /// Prefill, decoding, options after a shared prefix and steered variants, beside PyTorch
    Lm(lm::Args),
    /// A study's server under thousands of scripted participants
    Participants(participants::Args),
    /// A large mixed model beside lme4
    Stats(stats::Args),
    /// Twenty steered configurations of a model beside PyTorch with a hook, and what a clamp costs
    Steer(steer::Args),
    /// Training of a sparse autoencoder beside sae_lens and sparsify
    Sae(sae::Args),
    /// What the mock endpoint itself can serve, so that it is never the limit unnoticed
    Mock(mock::Args),
}

pub fn run(bench: &Bench) -> Result<(), Problem> {
    crate::mock_server::raise_open_files();
    match bench {
        Bench::Endpoint(args) => endpoint::run(args),
        Bench::Annotators(args) => annotators::run(args),
        Bench::Code(args) => code::run(args),
        Bench::Grade(args) => grade::run(args),
        Bench::Resume(args) => resume::run(args),
        Bench::Lm(args) => lm::run(args),
        Bench::Participants(args) => participants::run(args),
        Bench::Stats(args) => stats::run(args),
        Bench::Steer(args) => steer::run(args),
        Bench::Sae(args) => sae::run(args),
        Bench::Mock(args) => mock::run(args),
    }
}
