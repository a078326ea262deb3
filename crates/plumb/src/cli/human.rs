//! `plumb human …`: what can be typed.

use super::human_design::{HumanCheck, HumanFit, HumanPower, HumanSimulate};
use clap::{Args as ClapArgs, Subcommand, ValueHint};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum Human {
    /// Find faults of a study's file, and show what a participant meets: assignment, blocks, orders, steps
    Check(HumanCheck),
    /// Fit models that people can be shown: rounded coefficients, variants with more features, stimuli on which all agree
    Fit(HumanFit),
    /// Let simulated people go through a study; with --studies, hold its analysis against the truth
    Simulate(HumanSimulate),
    /// Power of a study's own hypotheses over numbers of people, by simulation
    Power(HumanPower),
    /// Compute all that a study's file lists, from data that were collected elsewhere
    Analyze(HumanAnalyze),
}

#[derive(ClapArgs, Debug)]
pub struct HumanAnalyze {
    /// The study
    #[arg(value_hint = ValueHint::FilePath)]
    pub study: PathBuf,
    /// The data: a CSV file with the columns that the study's [import] names
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub data: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also write a page
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
}
