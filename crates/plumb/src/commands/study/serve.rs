//! `plumb human serve`: a study shown to people, until Ctrl-C. The same command goes on after any end.

use std::net::SocketAddr;

use plumb_human::Study;
use plumb_human::collect::Collection;
use plumb_human::protocol::assign::commitment;
use plumb_study::people::Collecting;
use plumb_study::{Event, Journal, Plan, lock};
use plumb_web::{Keys, StudyConfig, StudyOutside, preview_study, serve_study};

use super::amended::in_force;
use super::desk::{restore, watch};
use super::files::frozen;
use super::person::tell_due;
use super::read;
use super::refused::refuses;
use super::secret::{Secret, hex};
use super::standing::closes_us;
use crate::cli::HumanServe;
use crate::commands::serve::{ending, listen};
use crate::compose::{new_writer, now_us, variable};
use crate::exit::{Exit, Problem, note, say};
use crate::runs::RunFolder;

/// The variable with what Prolific signs its messages with.
const PLATFORM: &str = "PROLIFIC_WEBHOOK_SECRET";

pub fn serve(args: &HumanServe) -> Result<Exit, Problem> {
    let (study, text) = read(&args.study)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::new(format!("the server cannot start: {error}")))?;
    let address = SocketAddr::new(args.host, args.port);
    if args.preview {
        return runtime.block_on(preview(address, study));
    }
    let at = RunFolder::of_plan(&args.runs, &run_name(args, &study));
    let plan = frozen(&args.study, (&study, &text), &at)?;
    // Whether a lock was there is decided when the first server starts; later it is the journal's plan that counts.
    let locked = !at.journal.exists() && lock::check(&args.study, &plan)?;
    let began = begin(&at, &plan, locked)?;
    let done = runtime.block_on(collect(args, address, &at, began));
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    done
}

fn run_name(args: &HumanServe, study: &Study) -> String {
    if args.pilot.is_some() { pilot(&study.name) } else { study.name.clone() }
}

fn pilot(name: &str) -> String {
    format!("{name}.pilot")
}

/// The journal and secret of a run, made anew or those that are there.
fn begin(at: &RunFolder, plan: &Plan, locked: bool) -> Result<(Journal, Secret), Problem> {
    at.create()?;
    if !at.journal.exists() {
        // First what the journal's hash is of: a journal without its secret could not be gone on with.
        let secret = Secret::draw(&at.folder)?;
        let journal = Journal::create(&at.journal, plan, locked, &new_writer()?)?;
        return Ok((journal, secret));
    }
    let journal = at.open()?;
    let there = in_force(&journal)?;
    if there.digest != plan.digest {
        let changes: Vec<String> = there.diff(plan).iter().map(|change| format!("\n  {change}")).collect();
        return Err(Problem::usage(format!(
            "{} was begun with another study:{}",
            at.folder.display(),
            changes.concat()
        ))
        .help("restore the file; or amend the study (plumb plan STUDY --amend --because TEXT); or, where people would meet something else, give it a new name"));
    }
    let secret = Secret::read(&at.folder, &journal)?;
    Ok((journal, secret))
}

async fn collect(
    args: &HumanServe,
    address: SocketAddr,
    at: &RunFolder,
    (journal, secret): (Journal, Secret),
) -> Result<Exit, Problem> {
    let (listener, address) = listen(address).await?;
    let writer = journal.writer(new_writer()?)?;
    let collection = restore(&journal, secret.seed)?;
    let mut events = vec![Event::Collecting(Collecting::Opened {
        commitment: commitment(&secret.seed).into(),
        pilot: args.pilot.is_some(),
    })];
    if args.paused {
        events.push(Event::Collecting(Collecting::Enrolment { open: false }));
    }
    writer.append(events).await?;
    let mut admin = [0; 16];
    getrandom::fill(&mut admin).map_err(|e| Problem::new(format!("no random numbers: {e}")))?;
    let admin = hex(&admin);
    tell(args, address, at, &journal, &collection, &admin)?;
    let (desk, asked) = tokio::sync::mpsc::channel(1);
    tokio::spawn(watch(at.folder.clone(), desk));
    let config = StudyConfig {
        open: is_open(&journal)?,
        refused: refuses(&args.runs, refused(args, &collection))?,
        platform: variable(PLATFORM),
        asked,
        most: args.pilot.map(|n| n as usize),
        closes_us: closes_us(collection.study(), &journal.collecting()?).filter(|_| args.pilot.is_none()),
        collection,
        writer,
        keys: Keys::new(secret.key),
        admin_token: admin,
        behind_tls: args.public_url.as_ref().is_some_and(|url| url.starts_with("https://")),
        outside: StudyOutside { now_us: std::sync::Arc::new(now_us), random },
    };
    serve_study(listener, config, ending()?)
        .await
        .map_err(|error| Problem { exit: Exit::Stopped, ..Problem::new(error.to_string()) })?;
    Ok(Exit::Done)
}

async fn preview(address: SocketAddr, study: Study) -> Result<Exit, Problem> {
    let (listener, address) = listen(address).await?;
    say(format_args!("http://{address}/"));
    note("a preview: nothing is recorded");
    preview_study(listener, study, ending()?).await.map_err(|error| Problem::new(error.to_string()))?;
    Ok(Exit::Done)
}

/// Where the study is, what to give to a platform, and what is known of its registration.
fn tell(
    args: &HumanServe,
    address: SocketAddr,
    at: &RunFolder,
    journal: &Journal,
    collection: &Collection,
    admin: &str,
) -> Result<(), Problem> {
    let base = args.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    say(format_args!("participants  {base}/"));
    say(format_args!(
        "on Prolific   {base}/?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}&STUDY_ID={{{{%STUDY_ID%}}}}&SESSION_ID={{{{%SESSION_ID%}}}}"
    ));
    say(format_args!("admin         {base}/admin   token {admin}"));
    say(format_args!("journal       {}", at.journal.display()));
    if args.pilot.is_none() && !journal.was_locked()? {
        note(
            "no lock was there when this collection began: it is unregistered for ever, and none of its results will \
             be confirmatory (plumb plan STUDY --freeze comes before)",
        );
    }
    if args.pilot.is_some() {
        note(
            "a pilot: its journal is its own, no result of it is ever confirmatory, and its people are refused later",
        );
    }
    if variable(PLATFORM).is_some() {
        say(format_args!("webhook       {base}/hooks/prolific"));
    }
    tell_due(collection, &at.folder);
    if collection.arrived() > 0 {
        note(format_args!("going on with {} people", collection.arrived()));
    }
    if !args.host.is_loopback() && args.public_url.is_none() {
        note(
            "participants' answers go over this network as they are typed: put a proxy with TLS before it, --public-url",
        );
    }
    Ok(())
}

/// Whether people are let in, by the last event that says so.
fn is_open(journal: &Journal) -> Result<bool, Problem> {
    let last = journal.collecting()?.into_iter().rev().find_map(|(_, event)| match event {
        Collecting::Enrolment { open } => Some(open),
        _ => None,
    });
    Ok(last.unwrap_or(true))
}

/// Runs whose people are refused: the study's own pilot, and those that it names.
fn refused(args: &HumanServe, collection: &Collection) -> Vec<String> {
    let study = collection.study();
    let own = args.pilot.is_none().then(|| pilot(&study.name));
    own.into_iter().chain(study.refuses_people_of().iter().cloned()).collect()
}

fn random(bytes: &mut [u8]) -> bool {
    getrandom::fill(bytes).is_ok()
}
