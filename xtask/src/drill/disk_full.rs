//! `cargo xtask drill disk-full`: the disk under the journal runs full in the middle of a run.
//!
//! The disk is a tmpfs of a few megabytes, which only root may mount; elsewhere the drill says that
//! it is skipped. Then the disk is made larger, as a user would make space, and the same command
//! must go on from where it stopped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use plumb_mock::{Config, Server};

use super::kill::Finished;
use crate::Problem;
use crate::measured;
use crate::plumb::{Plumb, Which, Workspace};
use crate::workload::Workload;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 6_000)]
    trials: u32,
    /// Size of the disk at first; must be too small for the trials
    #[arg(long, default_value_t = 4_096, value_name = "KIB")]
    disk_kib: u32,
    #[command(flatten)]
    which: Which,
}

/// What the error must speak of, in one of these words.
const SPEAKS_OF: [&str; 4] = ["disk is full", "disk full", "no space", "out of space"];

pub fn run(args: &Args) -> Result<(), Problem> {
    let plumb = Plumb::get(&args.which, Duration::from_secs(300))?;
    let latency = Duration::from_millis(2);
    let server = Server::start(Config { latency, ..Config::default() })
        .map_err(|error| format!("the mock server: {error}"))?;
    let workload = Workload {
        name: "drill-disk-full",
        items: args.trials,
        subjects: 1,
        base_url: server.base_url(),
        in_flight: 32,
        deadline_s: 60,
        tries: 3,
    };
    let at = Workspace::of(&workload)?;
    let disk = match SmallDisk::mount(&at.runs, args.disk_kib) {
        Ok(disk) => disk,
        Err(why) => {
            println!("skipped: drill disk-full needs to mount a tmpfs, for which it must be root ({why})");
            return Ok(());
        }
    };
    let full = plumb.run(&at)?;
    let said = format!("{}\n{}", full.stdout, full.stderr);
    let clear = SPEAKS_OF.iter().any(|words| said.to_lowercase().contains(words));
    let ended_by_itself = full.status.code().is_some_and(|code| code != 0 && code != 101);
    if !ended_by_itself || !clear || said.contains("panicked") {
        return Err(format!(
            "on a full disk plumb should end with an error that speaks of the disk; it {} and said:\n  {}",
            full.ending(),
            full.last_words()
        ));
    }
    disk.grow(256 * 1024)?;
    let mut finished = Finished::default();
    let held = finished.learn(&plumb, &server, &workload, &at, 1)?;
    if held == 0 {
        return Err("nothing was finished before the disk was full; try a larger --disk-kib".to_owned());
    }
    let rest = plumb.run(&at)?.succeeded("plumb run with space again")?;
    finished.check(&server)?;
    plumb.audit(&at.run)?;
    plumb.check_answers(&workload, &at)?;
    println!(
        "full after {held} of {} trials: exit code {}, `{}`",
        workload.trials(),
        full.status.code().unwrap_or(-1),
        said.lines()
            .find(|line| SPEAKS_OF.iter().any(|w| line.to_lowercase().contains(w)))
            .unwrap_or_default()
            .trim()
    );
    println!(
        "with space again the rest took {}: {} finished trials were never asked again, none is missing",
        measured::show(rest.wall),
        finished.count()
    );
    Ok(())
}

/// A tmpfs over a folder; unmounted when dropped.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    fn mount(at: &Path, kib: u32) -> Result<SmallDisk, Problem> {
        let size = format!("size={kib}k,mode=0755");
        call(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at))?;
        Ok(SmallDisk { at: at.to_owned() })
    }

    fn grow(&self, kib: u32) -> Result<(), Problem> {
        call(Command::new("mount").args(["-o", &format!("remount,size={kib}k")]).arg(&self.at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(why) = call(Command::new("umount").arg("-l").arg(&self.at)) {
            eprintln!("{} stays mounted: {why}", self.at.display());
        }
    }
}

fn call(command: &mut Command) -> Result<(), Problem> {
    let output = command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
