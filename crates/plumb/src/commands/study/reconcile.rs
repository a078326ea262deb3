//! `plumb human reconcile RUN FILE`: what a platform knows of its participants, held against what was collected.
//!
//! People who gave their part back or ran out of time there end here, so that their places open again; what does not fit
//! together is listed in both directions. The file is a platform's own list of submissions (CSV); columns are found by
//! their names, as Prolific writes them, or named on the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use plumb_human::collect::{Collection, Identity, thaw};
use plumb_human::protocol::person::{End, Input, Screen};
use plumb_study::Event;
use plumb_study::people::PersonIx;
use serde_json::json;

use super::secret::Secret;
use super::wrong;
use crate::cli::HumanReconcile;
use crate::compose::new_writer;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;

/// What a platform says of a submission, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Returned,
    TimedOut,
    /// Handed in: approved, waiting, or rejected.
    HandedIn,
    /// Waiting to be approved.
    Waiting,
    /// Going on, reserved, screened out there.
    Other,
}

impl Status {
    fn read(text: &str) -> Status {
        let plain: String = text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
        match plain.as_str() {
            "returned" => Status::Returned,
            "timedout" => Status::TimedOut,
            "awaitingreview" => Status::Waiting,
            "approved" | "rejected" => Status::HandedIn,
            _ => Status::Other,
        }
    }
}

/// What came of it.
#[derive(Default)]
struct Found {
    ended: Vec<(String, End)>,
    approve: Vec<String>,
    mismatches: Vec<String>,
}

pub fn reconcile(args: &HumanReconcile) -> Result<Exit, Problem> {
    let submissions = read(&args.file, &args.id_column, &args.status_column)?;
    let at = RunFolder::named(&args.run);
    let journal = at.open()?;
    if !journal.has_people()? {
        return Err(Problem::usage(format!("{} is no run of a study with people", at.folder.display())));
    }
    let secret = Secret::read(&at.folder, &journal)?;
    let study = thaw(&journal.root_plan()?).map_err(wrong)?;
    let writer = journal.writer(new_writer()?).map_err(|error| {
        Problem::from(error).help("the study's server has the journal: end it first; people who have begun go on when it is started again")
    })?;
    let (persons, mut rows) = (journal.persons()?, Vec::new());
    journal.people(|row| {
        rows.push(row);
        Ok(())
    })?;
    let mut collection = Collection::restore(study, secret.seed, &persons, &rows).map_err(wrong)?;
    let ids: BTreeMap<String, PersonIx> = persons
        .iter()
        .filter_map(|person| {
            Some((Identity::read(person.identity.as_deref()?).id()?.to_owned(), person.person))
        })
        .collect();
    let (found, events) = compare(&submissions, &ids, &mut collection);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_err(|error| Problem::new(error.to_string()))?.block_on(writer.append(events))?;
    tell(args, &at, &found)
}

fn compare(
    submissions: &BTreeMap<String, Status>,
    ids: &BTreeMap<String, PersonIx>,
    collection: &mut Collection,
) -> (Found, Vec<Event>) {
    let (mut found, mut events) = (Found::default(), Vec::new());
    for (id, status) in submissions {
        let Some(&who) = ids.get(id) else {
            if *status != Status::Other {
                found
                    .mismatches
                    .push(format!("{id}: handed in or given back on the platform, and never began here"));
            }
            continue;
        };
        let here = match collection.screen(who) {
            Some(Screen::End(end)) => Some(end),
            _ => None,
        };
        let input = match status {
            Status::Returned => Some((Input::Returned, End::Returned)),
            Status::TimedOut => Some((Input::TimedOut, End::TimedOut)),
            _ => None,
        };
        match (here, input) {
            (None, Some((input, end))) => {
                events.extend(collection.take(who, &input, None).unwrap_or_default());
                found.ended.push((id.clone(), end));
            }
            (Some(End::Completed), Some((_, end))) => {
                found.mismatches.push(format!("{id}: completed here, and {} on the platform", end.name()));
            }
            (Some(End::Completed), None) if *status == Status::Waiting => found.approve.push(id.clone()),
            (Some(End::Completed), None) | (_, Some(_)) => {}
            (here, None) if *status != Status::Other => found.mismatches.push(format!(
                "{id}: handed in on the platform, and here {}",
                here.map_or("still going on", End::name)
            )),
            (_, None) => {}
        }
    }
    let there: BTreeSet<&String> = submissions.keys().collect();
    for (id, who) in ids.iter().filter(|(id, _)| !there.contains(id)) {
        if collection.screen(*who) == Some(Screen::End(End::Completed)) {
            found.mismatches.push(format!("{id}: completed here, and unknown to the platform"));
        }
    }
    (found, events.into_iter().map(Event::Person).collect())
}

fn read(path: &Path, id: &str, status: &str) -> Result<BTreeMap<String, Status>, Problem> {
    let wrong = |error: csv::Error| Problem::usage(format!("{}: {error}", path.display()));
    let mut csv = csv::Reader::from_path(path).map_err(wrong)?;
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
    let mut all = BTreeMap::new();
    for record in csv.records() {
        let record = record.map_err(wrong)?;
        let (Some(id), Some(status)) = (record.get(id), record.get(status)) else { continue };
        // Whoever came twice counts by the later line.
        all.insert(id.trim().to_owned(), Status::read(status));
    }
    Ok(all)
}

fn tell(args: &HumanReconcile, at: &RunFolder, found: &Found) -> Result<Exit, Problem> {
    let approve = at.folder.join("approve.txt");
    let list: String = found.approve.iter().map(|id| format!("{id}\n")).collect();
    std::fs::write(&approve, list).map_err(Problem::io(&approve))?;
    if args.json {
        let ended: Vec<_> =
            found.ended.iter().map(|(id, end)| json!({ "id": id, "end": end.name() })).collect();
        say(json!({ "ended": ended, "approve": found.approve, "mismatches": found.mismatches }));
        return Ok(Exit::Done);
    }
    for (id, end) in &found.ended {
        say(format_args!("{id}: {} on the platform; ended here, and the place is open again", end.name()));
    }
    for mismatch in &found.mismatches {
        say(format_args!("MISMATCH {mismatch}"));
    }
    say(format_args!(
        "{} ended, {} mismatches; {}: {} to approve, who completed here and wait there",
        found.ended.len(),
        found.mismatches.len(),
        approve.display(),
        found.approve.len()
    ));
    Ok(Exit::Done)
}
