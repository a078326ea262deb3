//! `plumb human reconcile RUN FILE`: what a platform knows of its participants, held against what was collected, and the
//! files by which people are approved and paid.
//!
//! The file is a platform's own list of submissions (CSV); columns are found by their names, as Prolific writes them, or
//! named on the command line. It works while the study's server runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plumb_human::collect::{
    Reconciled, Request, Status, Submissions, Taker, Takings, reconcile as held, thaw,
};
use plumb_study::written::record_line;
use serde_json::json;

use super::desk::{Desk, act};
use super::wrong;
use crate::cli::HumanReconcile;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;

/// Who is to be approved, in the run's folder.
const APPROVE: &str = "approve.txt";

pub fn reconcile(args: &HumanReconcile) -> Result<Exit, Problem> {
    let submissions = read(&args.file, &args.id_column, &args.status_column)?;
    let at = RunFolder::named(&args.run);
    let desk = Desk::open(&at)?;
    let found = held(&submissions, &desk.people, |id| desk.keys.mark(id));
    let requests: Vec<Request> = found
        .news
        .iter()
        .map(|(_, id, status)| Request::Platform { id: id.clone(), status: *status })
        .collect();
    act(&at, &requests)?;
    let paid = pay(&at, &found)?;
    tell(args, &at, &found, paid.as_ref())
}

fn read(path: &Path, id: &str, status: &str) -> Result<Submissions, Problem> {
    let wrong = |error: csv::Error| Problem::usage(format!("{}: {error}", path.display()));
    let bytes = std::fs::read(path).map_err(Problem::io(path))?;
    let mut csv = csv::Reader::from_reader(&bytes[..]);
    let header = csv.headers().map_err(wrong)?.clone();
    let column = |name: &str| {
        let found = header.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let there: Vec<&str> = header.iter().collect();
            Problem::usage(format!(
                "{}: there is no column \"{name}\"; there are {}",
                path.display(),
                there.join(", ")
            ))
            .help("name the columns with --id-column and --status-column")
        })
    };
    let (id, status) = (column(id)?, column(status)?);
    let (mut known, mut strange) = (BTreeMap::new(), BTreeMap::new());
    for record in csv.records() {
        let record = record.map_err(wrong)?;
        let line = record.position().map_or(0, |p| record_line(&bytes, p.byte(), p.line()));
        let (Some(id), Some(text)) = (record.get(id), record.get(status)) else { continue };
        if id.trim().is_empty() {
            return Err(Problem::usage(format!("{} line {line}: it names no participant", path.display()))
                .help("leave the line out, or name the column of participants with --id-column"));
        }
        // Whoever came twice counts by the later line.
        let id = id.trim().to_owned();
        match Status::read(text) {
            Some(status) => {
                strange.remove(&id);
                known.insert(id, status);
            }
            None => {
                known.remove(&id);
                strange.insert(id, text.to_owned());
            }
        }
    }
    // Where no line has one, it is another column.
    match strange.first_key_value().filter(|_| known.is_empty()) {
        None => Ok(Submissions { known, strange }),
        Some((id, text)) => Err(Problem::usage(format!(
            "{}: \"{text}\" of {id} is no status of a submission, and no other line has one",
            path.display()
        ))
        .help("AWAITING REVIEW, APPROVED, REJECTED, RETURNED, TIMED-OUT, SCREENED OUT, ACTIVE and RESERVED are; --status-column names the column")),
    }
}

/// A file of new bonuses.
struct Bonuses {
    file: PathBuf,
    people: usize,
    /// In words.
    sum: String,
}

/// Writes who is to be approved and who gets a bonus, both by the study's own rule. Bonuses that an earlier file holds are not
/// written again: a platform pays what it is sent twice, twice.
fn pay(at: &RunFolder, found: &Reconciled) -> Result<Option<Bonuses>, Problem> {
    let write = |path: &Path, text: String| std::fs::write(path, text).map_err(Problem::io(path));
    let approve: String = found.approve.iter().map(|(_, id)| format!("{id}\n")).collect();
    write(&at.folder.join(APPROVE), approve)?;
    let journal = at.open()?;
    let study = thaw(&journal.root_plan()?).map_err(wrong)?;
    if !study.pays() {
        return Ok(None);
    }
    let completed: BTreeMap<u32, &str> =
        found.completed.iter().map(|(who, id)| (who.0 + 1, id.as_str())).collect();
    let (earlier, next) = earlier(&at.folder)?;
    let (mut text, mut people, mut sum) = (String::new(), 0, 0_u32);
    Takings::new(&study, &journal).each(|taker: Taker| -> Result<(), Problem> {
        let Some(id) = completed.get(&taker.person).filter(|id| !earlier.contains(**id)) else {
            return Ok(());
        };
        let bonus = study.pay(&taker).map_err(wrong)?.bonus;
        if bonus > 0 {
            text += &format!("{id},{}\n", study.money(bonus));
            people += 1;
            sum = sum.saturating_add(bonus);
        }
        Ok(())
    })?;
    if people == 0 {
        return Ok(None);
    }
    write(&next, text)?;
    Ok(Some(Bonuses { file: next, people, sum: format!("{} {}", study.money(sum), study.currency()) }))
}

/// Whose bonus an earlier file holds, and the name of the next.
fn earlier(folder: &Path) -> Result<(BTreeSet<String>, PathBuf), Problem> {
    let mut ids = BTreeSet::new();
    for n in 1.. {
        let path = folder.join(format!("bonus-{n}.csv"));
        match std::fs::read_to_string(&path) {
            Ok(text) => ids.extend(text.lines().filter_map(|line| Some(line.rsplit_once(',')?.0.to_owned()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((ids, path)),
            Err(error) => return Err(Problem::io(&path)(error)),
        }
    }
    unreachable!("some number is free")
}

fn tell(
    args: &HumanReconcile,
    at: &RunFolder,
    found: &Reconciled,
    paid: Option<&Bonuses>,
) -> Result<Exit, Problem> {
    let approve: Vec<&String> = found.approve.iter().map(|(_, id)| id).collect();
    if args.json {
        let ended: Vec<_> =
            found.ends.iter().map(|(id, status)| json!({ "id": id, "end": status.name() })).collect();
        let bonus = paid.map(|Bonuses { file, people, sum }| {
            json!({ "file": file.display().to_string(), "people": people, "sum": sum })
        });
        say(json!({
            "ended": ended, "recorded": found.news.len(), "approve": approve, "bonus": bonus,
            "screened_out": found.screened_out, "mismatches": found.mismatches,
        }));
        return Ok(Exit::Done);
    }
    for (id, status) in &found.ends {
        say(format_args!("{id}: {} on the platform; ended here, and the place is open again", status.name()));
    }
    for mismatch in &found.mismatches {
        say(format_args!("MISMATCH {mismatch}"));
    }
    say(format_args!(
        "{} ended, {} mismatches; {}: {} to approve, who completed here and wait there",
        found.ends.len(),
        found.mismatches.len(),
        at.folder.join(APPROVE).display(),
        approve.len()
    ));
    if !found.screened_out.is_empty() {
        say(format_args!(
            "in neither file, since screened out here: {}; what [payment] screened_out gives them is the platform's to pay",
            found.screened_out.join(", ")
        ));
    }
    if let Some(Bonuses { file, people, sum }) = paid {
        say(format_args!("{}: {people} bonuses, {sum} in all; send it once", file.display()));
    }
    Ok(Exit::Done)
}
