//! `plumb human …`: what can be typed.

use super::human_design::{HumanCheck, HumanFit, HumanPower, HumanSimulate};
use clap::{Args as ClapArgs, Subcommand, ValueHint};
use std::net::IpAddr;
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
    /// Show a study to people: consent, assignment, screens, codes; until Ctrl-C, and the same command goes on
    Serve(HumanServe),
    /// Hold a platform's list of submissions against what was collected, and write who is approved and paid
    Reconcile(HumanReconcile),
    /// Print everything that is kept of one person, as JSON
    Person(HumanPerson),
    /// Write by which link everybody came, with all its parameters: who people are, apart from their answers
    Links(HumanLinks),
    /// Delete people, or who they are once the time for it is over
    Erase(HumanErase),
    /// Leave people out whom no rule of the plan names: a deviation, which the analysis shows beside what was planned
    Exclude(HumanExclude),
    /// Compute all that a study's file lists, from what was collected here or elsewhere
    Analyze(HumanAnalyze),
}

#[derive(ClapArgs, Debug)]
pub struct HumanReconcile {
    /// What was collected: the run's folder (runs/NAME) or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// The platform's list of submissions, CSV
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Its column of participants' identifiers
    #[arg(long, value_name = "NAME", default_value = "Participant id")]
    pub id_column: String,
    /// Its column of what became of each submission
    #[arg(long, value_name = "NAME", default_value = "Status")]
    pub status_column: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct HumanPerson {
    /// What was collected: the run's folder (runs/NAME) or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// The identifier that the person came with, or the number in exports, as #12
    pub who: String,
}

#[derive(ClapArgs, Debug)]
pub struct HumanLinks {
    /// What was collected: the run's folder (runs/NAME) or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// Where the table goes, CSV [default: links.csv in the run's folder]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub struct HumanErase {
    /// What was collected: the run's folder (runs/NAME) or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// Whose answers and identity are deleted: identifiers, or numbers in exports, as #12
    #[arg(conflicts_with = "due")]
    pub who: Vec<String>,
    /// Delete who people are whose last event is longer ago than the study's retention_days; their answers stay
    #[arg(long)]
    pub due: bool,
}

#[derive(ClapArgs, Debug)]
pub struct HumanExclude {
    /// What was collected: the run's folder (runs/NAME) or journal
    #[arg(value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// Whom: identifiers, or numbers in exports, as #12
    #[arg(required = true)]
    pub who: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub because: String,
}

#[derive(ClapArgs, Debug)]
pub struct HumanServe {
    /// The study
    #[arg(value_hint = ValueHint::FilePath)]
    pub study: PathBuf,
    /// Where runs are kept; this one in a folder of the study's name
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub runs: PathBuf,
    /// The address to listen at; other machines reach it only if it is another than this
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// The port; 0 takes any that is free
    #[arg(long, value_name = "N", default_value_t = 8090)]
    pub port: u16,
    /// What browsers call it, behind a proxy on this machine that does TLS: https://study.example.org
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = top)]
    pub public_url: Option<String>,
    /// Try it with N people in a run of its own (NAME.pilot); they are refused later
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub pilot: Option<u32>,
    /// Show every screen of every condition, and record nothing
    #[arg(long, conflicts_with_all = ["pilot", "public_url", "paused"])]
    pub preview: bool,
    /// Let in nobody new until the admin page says so; who has begun goes on
    #[arg(long)]
    pub paused: bool,
}

/// A server's address as browsers call it, without its last slash. Pages lead to the server's top, so a path would lead nowhere, and
/// without a scheme nobody could tell whether cookies may go over TLS alone.
fn top(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = host.map(|rest| rest.trim_end_matches('/'));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' '])) {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err("it takes https:// and a name, without a path: https://study.example.org (a study has a name of its own: its pages lead to \
         the top)"
        .to_owned())
}

#[derive(ClapArgs, Debug)]
pub struct HumanAnalyze {
    /// The study
    #[arg(value_hint = ValueHint::FilePath)]
    pub study: PathBuf,
    /// What was collected here: the run's folder (runs/NAME) or journal
    #[arg(value_hint = ValueHint::AnyPath, required_unless_present = "data")]
    pub run: Option<PathBuf>,
    /// What was collected elsewhere: a CSV file with the columns that the study's [import] names
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "run")]
    pub data: Option<PathBuf>,
    /// Shuffle the conditions' names among people first, to try the analysis without a look at the outcomes
    #[arg(long, requires = "run")]
    pub blind: bool,
    /// Also test each hypothesis by running the assignment again so many times
    #[arg(long, value_name = "N", requires = "run", conflicts_with = "blind", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub permutations: Option<u32>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also write a page
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
}
