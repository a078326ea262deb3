//! Acts on a study that may be running: its server does them, or this command where no server runs.
//!
//! One process writes a journal. While a server has it, a command puts its request as a file into the run's folder
//! ([`FOLDER`]), the server does it, and writes the outcome beside it once it is on disk. Whoever may write into the folder
//! may write the journal, too, so nothing more is needed to be trusted.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plumb_human::collect::{Collection, Request, thaw};
use plumb_study::Journal;
use plumb_web::{Keys, StudyAsked};
use tokio::sync::{mpsc, oneshot};

use super::amended::amendments;
use super::secret::{Secret, hex};
use super::wrong;
use crate::compose::new_writer;
use crate::exit::{Exit, Problem};
use crate::runs::RunFolder;

/// The folder of requests, in the run's folder.
const FOLDER: &str = "study.inbox";
/// How often a server looks for requests.
const ROUND: Duration = Duration::from_millis(200);
/// How long a command waits for a server.
const PATIENCE: Duration = Duration::from_secs(20);

/// A study's run as a command has it: who came, and the key that its links are made with.
pub struct Desk {
    pub people: Collection,
    pub keys: Keys,
}

impl Desk {
    /// The state that the journal holds now, whoever is writing it.
    pub fn open(at: &RunFolder) -> Result<Desk, Problem> {
        let journal = at.open()?;
        if !journal.has_people()? {
            return Err(Problem::usage(format!("{} is no run of a study with people", at.folder.display())));
        }
        let secret = Secret::read(&at.folder, &journal)?;
        let people = restore(&journal, secret.seed)?;
        Ok(Desk { people, keys: Keys::new(secret.key) })
    }
}

/// The people of a journal.
pub fn restore(journal: &Journal, seed: [u8; 32]) -> Result<Collection, Problem> {
    let study = thaw(&journal.root_plan()?).map_err(wrong)?;
    let amendments = amendments(journal)?.into_iter().map(|a| (a.id, a.study)).collect();
    let mut rows = Vec::new();
    journal.people(|row| {
        rows.push(row);
        Ok(())
    })?;
    Collection::restore(study, seed, &journal.persons()?, &rows, amendments).map_err(wrong)
}

/// Does these, in order; they are on disk when it returns.
pub fn act(at: &RunFolder, requests: &[Request]) -> Result<(), Problem> {
    if requests.is_empty() {
        return Ok(());
    }
    let journal = at.open()?;
    let writer = match journal.writer(new_writer()?) {
        Ok(writer) => writer,
        Err(error) if error.is_held() => {
            return requests.iter().try_for_each(|request| ask(&at.folder, request));
        }
        Err(error) => return Err(error.into()),
    };
    // Read again, now that nobody else writes.
    let mut desk = Desk::open(at)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| Problem::new(error.to_string()))?;
    for request in requests {
        let events = request.apply(&mut desk.people, |id| desk.keys.mark(id)).map_err(wrong)?;
        runtime.block_on(writer.append(events))?;
    }
    Ok(())
}

/// Leaves a request for the server that has the journal, and waits for the outcome.
fn ask(folder: &Path, request: &Request) -> Result<(), Problem> {
    let inbox = folder.join(FOLDER);
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(|e| Problem::new(format!("no random numbers: {e}")))?;
    let [file, begun, done] =
        ["request", "new", "done"].map(|kind| inbox.join(format!("{}.{kind}", hex(&name))));
    let unwilling = |error| {
        let help =
            "the journal is being written by another plumb, which is no server of this study; wait for it";
        Problem::io(&inbox)(error).help(help)
    };
    let text = serde_json::to_string(request).map_err(|e| Problem::new(e.to_string()))?;
    std::fs::write(&begun, text).and_then(|()| std::fs::rename(&begun, &file)).map_err(unwilling)?;
    let since = Instant::now();
    loop {
        if let Ok(outcome) = std::fs::read_to_string(&done) {
            let _ = std::fs::remove_file(&done);
            return match outcome.trim() {
                "" => Ok(()),
                why => Err(Problem::new(why)),
            };
        }
        if since.elapsed() > PATIENCE {
            // A server that takes it later all the same does what was asked for.
            let _ = std::fs::remove_file(&file);
            return Err(Problem {
                exit: Exit::Stopped,
                ..Problem::new("the study's server did not answer; nothing was done")
            }
            .help("look whether it runs, or end it and run this command again"));
        }
        std::thread::sleep(ROUND / 4);
    }
}

/// Watches for requests while a server runs, and hands them to it. Ends when the server does.
pub async fn watch(folder: PathBuf, server: mpsc::Sender<StudyAsked>) {
    let inbox = folder.join(FOLDER);
    // Without the folder commands say that nobody answers.
    let _ = std::fs::create_dir_all(&inbox);
    while !server.is_closed() {
        for file in requests(&inbox) {
            let outcome = match read(&file) {
                Ok(request) => {
                    let (done, told) = oneshot::channel();
                    if server.send(StudyAsked { request, done }).await.is_err() {
                        return;
                    }
                    told.await.unwrap_or_else(|_| Err("the server ended meanwhile".to_owned()))
                }
                Err(why) => Err(why),
            };
            let _ = std::fs::remove_file(&file);
            let (begun, done) = (file.with_extension("told"), file.with_extension("done"));
            let _ = std::fs::write(&begun, outcome.err().unwrap_or_default())
                .and_then(|()| std::fs::rename(&begun, &done));
        }
        tokio::time::sleep(ROUND).await;
    }
}

fn requests(inbox: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(inbox).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|e| e == "request")).collect();
    files.sort();
    files
}

fn read(file: &Path) -> Result<Request, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("this request is none of this version: {error}"))
}
