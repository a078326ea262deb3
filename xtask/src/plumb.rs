//! The release binary under test, and the four commands of it that are used here.
//!
//! Nothing of plumb is linked in: what is measured is what a user starts.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::Problem;
use crate::measured::{self, Measured, Running};
use crate::workload::{self, Workload};

/// Which binary to use; shared by benches and drills.
#[derive(clap::Args)]
pub struct Which {
    /// A plumb binary to use as it is, instead of building a release one
    #[arg(long, value_name = "FILE")]
    plumb: Option<PathBuf>,
}

pub struct Plumb {
    binary: PathBuf,
    /// The longest that any one command may take.
    limit: Duration,
}

/// A plan in a temporary folder and the run that comes of it.
pub struct Workspace {
    /// Deletes the folder at the end.
    _folder: tempfile::TempDir,
    pub plan: PathBuf,
    pub runs: PathBuf,
    pub run: PathBuf,
}

impl Workspace {
    pub fn of(workload: &Workload) -> Result<Workspace, Problem> {
        let at = Workspace::named(workload.name)?;
        workload.write(at.folder())?;
        Ok(at)
    }

    /// A folder without a plan in it yet.
    pub fn named(name: &str) -> Result<Workspace, Problem> {
        let folder = tempfile::Builder::new()
            .prefix("plumb-xtask-")
            .tempdir()
            .map_err(|error| format!("a temporary folder: {error}"))?;
        let plan = folder.path().join(format!("{name}.toml"));
        let runs = folder.path().join("runs");
        std::fs::create_dir(&runs).map_err(|error| format!("{}: {error}", runs.display()))?;
        let run = runs.join(name);
        Ok(Workspace { _folder: folder, plan, runs, run })
    }

    pub fn folder(&self) -> &Path {
        self._folder.path()
    }
}

impl Plumb {
    /// The given binary, or a release build of this checkout.
    pub fn get(which: &Which, limit: Duration) -> Result<Plumb, Problem> {
        if let Some(binary) = &which.plumb {
            let binary = binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
            return Ok(Plumb { binary, limit });
        }
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--release", "--quiet", "--package", "plumb"])
            .current_dir(root)
            .status()
            .map_err(|error| format!("cargo build: {error}"))?;
        if !built.success() {
            return Err("cargo build --release --package plumb failed".to_owned());
        }
        // Beside us in the target folder, whichever profile we were built in.
        let us = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
        let target = us.ancestors().nth(2).ok_or("this program is not in a target folder")?;
        let binary = target.join("release").join("plumb");
        if !binary.is_file() {
            return Err(format!("{} is not there; give it with --plumb", binary.display()));
        }
        Ok(Plumb { binary, limit })
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("NO_COLOR", "1");
        command
    }

    fn run_command(&self, at: &Workspace) -> Command {
        let mut command = self.command();
        command.arg("run").arg(&at.plan).arg("--runs").arg(&at.runs).current_dir(at.folder());
        command
    }

    /// `plumb run`, however it ends.
    pub fn run(&self, at: &Workspace) -> Result<Measured, Problem> {
        measured::run(&mut self.run_command(at), self.limit)
    }

    /// `plumb run`, going on while we do something else.
    pub fn start(&self, at: &Workspace) -> Result<Running, Problem> {
        Running::start(&mut self.run_command(at))
    }

    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// `plumb audit`: plumb's own recount must find nothing.
    pub fn audit(&self, run: &Path) -> Result<Measured, Problem> {
        let mut command = self.command();
        command.arg("audit").arg(run);
        measured::run(&mut command, self.limit)?.succeeded("plumb audit")
    }

    /// Exports a run as JSON lines and calls `each` with every row.
    pub fn export(
        &self,
        run: &Path,
        to: &Path,
        mut each: impl FnMut(Row) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut command = self.command();
        command.arg("export").arg(run).args(["--format", "jsonl", "--out"]).arg(to);
        measured::run(&mut command, self.limit)?.succeeded("plumb export")?;
        let wrong = |error: std::io::Error| format!("{}: {error}", to.display());
        for (line, n) in BufReader::new(File::open(to).map_err(wrong)?).lines().zip(1u64..) {
            let line = line.map_err(wrong)?;
            let row = Row::read(&line).map_err(|why| format!("row {n} of the export: {why}: {line}"))?;
            each(row).map_err(|why| format!("row {n} of the export: {why}: {line}"))?;
        }
        Ok(())
    }

    /// Every trial of the workload is in the run, once, with the mock's own words as its answer.
    pub fn check_answers(&self, workload: &Workload, at: &Workspace) -> Result<(), Problem> {
        // One bit a trial would do; a byte keeps it simple at half a megabyte.
        let mut seen = vec![false; usize::try_from(workload.trials()).map_err(|e| e.to_string())?];
        self.export(&at.run, &at.folder().join("export.jsonl"), |row| {
            let (item, subject) = row.numbers(workload)?;
            if row.outcome != "answered" {
                return Err(format!("outcome `{}` instead of `answered`", row.outcome));
            }
            if row.answer.as_deref() != Some(workload::reply(item).as_str()) {
                return Err(format!("the answer should be `{}`", workload::reply(item)));
            }
            let place = item as usize * workload.subjects as usize + subject as usize;
            if std::mem::replace(&mut seen[place], true) {
                return Err("the trial is there twice".to_owned());
            }
            Ok(())
        })?;
        match seen.iter().filter(|seen| !**seen).count() {
            0 => Ok(()),
            missing => Err(format!("{missing} of {} trials are missing from the export", seen.len())),
        }
    }
}

/// What is used of an exported row.
pub struct Row {
    pub item: String,
    pub subject: String,
    pub outcome: String,
    pub answer: Option<String>,
}

impl Row {
    fn read(line: &str) -> Result<Row, Problem> {
        let row: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let needed = |name: &str| text(name).ok_or_else(|| format!("no text `{name}`"));
        Ok(Row {
            item: needed("item")?,
            subject: needed("subject")?,
            outcome: needed("outcome")?,
            answer: text("answer"),
        })
    }

    pub fn numbers(&self, workload: &Workload) -> Result<(u32, u32), Problem> {
        // An item may be named with its source: `numbers/i000001`.
        let bare = self.item.rsplit(['/', ':']).next().unwrap_or(&self.item);
        let item = workload.item_number(bare).ok_or("no item of this plan")?;
        let subject = workload.subject_number(&self.subject).ok_or("no subject of this plan")?;
        Ok((item, subject))
    }
}
