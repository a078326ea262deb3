//! `cargo xtask drill …`: what is left when something breaks.
//!
//! The witness is the mock endpoint: it counts what plumb asked, and plumb cannot talk it out of it.

mod browser;
mod disk_full;
mod faults;
mod hostile;
mod kill;
mod participants;
mod platform;
mod reports;

use crate::Problem;

#[derive(clap::Subcommand)]
pub enum Drill {
    /// SIGKILL at random moments: nothing finished is asked again, nothing is missing
    Kill(kill::Args),
    /// The journal's disk runs full: a clear error, and the run goes on when there is space
    DiskFull(disk_full::Args),
    /// SIGKILL of a study's server while people take part: no acknowledged answer lost, none twice
    Participants(participants::Args),
    /// A mock of a recruiting platform: arrivals, codes, returns, approval, bonuses, mismatches in both directions
    Platform(platform::Args),
    /// Pages in a browser, a study's behind a proxy: axe-core on every kind of screen and report, a study by keyboard alone
    Browser(browser::Args),
    /// Attacks on the sandbox: each verdict, no survivor, nothing left, the next sample unaffected
    Hostile(hostile::Args),
    /// Every fault of the mock at 1 % and at 100 %: the run ends as documented
    Faults(faults::Args),
}

pub fn run(drill: &Drill) -> Result<(), Problem> {
    crate::mock_server::raise_open_files();
    match drill {
        Drill::Kill(args) => kill::run(args),
        Drill::DiskFull(args) => disk_full::run(args),
        Drill::Participants(args) => participants::run(args),
        Drill::Platform(args) => platform::run(args),
        Drill::Browser(args) => browser::run(args),
        Drill::Hostile(args) => hostile::run(args),
        Drill::Faults(args) => faults::run(args),
    }
}
