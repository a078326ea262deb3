//! Tables and runs with verdicts, and whose verdicts they are.

use crate::commands::tables::run_rows;
use crate::exit::Problem;
use crate::runs::RunFolder;
use plumb_safety::validate::records_of;
use plumb_study::JudgeIx;
use plumb_study::items::{Row, table_rows};
use std::path::{Path, PathBuf};

/// Rows, each with the column `file`.
#[derive(Default)]
pub(super) struct Judged {
    pub rows: Vec<Row>,
    /// The identity of the judge, where all rows come from runs that it judged.
    pub digest: Option<String>,
    /// Columns of a run that tell systems apart: `subject`, and the factors of subjects.
    pub systems: Vec<String>,
}

/// Reads tables and runs; `verdict` is the measure whose judge is to be known.
///
/// # Errors
/// Runs whose judges of that measure differ: what holds for one need not hold for the other.
pub(super) fn read(paths: &[PathBuf], verdict: Option<&str>) -> Result<Judged, Problem> {
    let mut all = Judged::default();
    let mut digests: Vec<Option<String>> = Vec::new();
    for path in paths {
        if path.is_dir() || path.extension().is_some_and(|e| e == "plumb") {
            let of_run = journal(path, verdict)?;
            all.rows.extend(of_run.rows);
            all.systems.extend(of_run.systems);
            digests.push(of_run.digest);
            continue;
        }
        digests.push(None);
        let stem = path.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
        all.rows.extend(table(path)?.into_iter().map(|mut row| {
            row.push("file", &stem);
            row
        }));
    }
    let known: Vec<&String> = digests.iter().flatten().collect();
    if known.windows(2).any(|pair| pair[0] != pair[1]) {
        let name = verdict.unwrap_or_default();
        return Err(Problem::usage(format!("the runs have different judges under the name {name}"))
            .help("validate each on its own run: another template, model or setting is another judge"));
    }
    if known.len() == digests.len() {
        all.digest = known.first().map(|digest| (*digest).clone());
    }
    Ok(all)
}

fn table(path: &Path) -> Result<Vec<Row>, Problem> {
    let bytes = std::fs::read(path).map_err(|e| Problem::usage(format!("{}: {e}", path.display())))?;
    let name = path.display().to_string();
    let found = table_rows(&bytes, &name, None);
    let known = records_of();
    // A list of objects may stand in a field of a JSON file that a layout knows.
    let inner = known.iter().find_map(|field| table_rows(&bytes, &name, Some(field)).ok());
    match (found, inner) {
        (Ok(rows), _) | (Err(_), Some(rows)) => Ok(rows),
        (Err(error), None) => Err(error.into()),
    }
}

/// A run as a table.
fn journal(path: &Path, verdict: Option<&str>) -> Result<Judged, Problem> {
    let journal = RunFolder::named(path).open()?;
    let plan = journal.plan()?;
    let rows = run_rows(path, &plan, &journal)?;
    let digest = verdict.and_then(|name| {
        let of = |j: &&plumb_study::plan::JudgeSpec| {
            j.measures.iter().any(|m| format!("{}.{}", j.name, m.name) == name)
        };
        let at = plan.judges.iter().position(|j| of(&j))?;
        Some(plan.judge_digest(JudgeIx(at as u16)).hex())
    });
    let factors = plan.subjects.iter().flat_map(|s| s.factors.keys().map(ToString::to_string));
    let systems = std::iter::once("subject".to_owned()).chain(factors).collect();
    Ok(Judged { rows, digest, systems })
}
