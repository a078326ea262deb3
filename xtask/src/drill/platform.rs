//! `cargo xtask drill platform`: a mock of a recruiting platform sends people to a study's server, and deals with what becomes of
//! them, as Prolific does: they arrive with its identifiers, hand in codes, return, run out of time, or do what they should not.
//!
//! The witness is the mock's own list ([`Submission`]): what `plumb human reconcile` says of it, whom it would have approved and paid,
//! and which places it opens again, must be what the list says. Not here: signed messages (plumb-web's tests send them).

use std::collections::{BTreeMap, BTreeSet};

use plumb_clients::browser::{Browser, Page};
use plumb_mock::Dice;
use serde_json::Value;

use crate::Problem;
use crate::plumb::Which;
use crate::serving::{Example, Study, runtime};

#[derive(clap::Args)]
pub struct Args {
    /// Places of the study
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(10..))]
    places: u32,
    /// Decides who does what
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    which: Which,
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Goes through and hands in the code that the last page shows.
    Completes,
    /// The same from two browsers, in turns.
    Moves,
    /// Gives the submission back in the middle.
    Returns,
    /// Stays away until the platform's time is over.
    RunsOut,
    /// Goes through, and gives the submission back all the same.
    RegretsIt,
    /// Hands in a code from somewhere without having finished.
    Cheats,
    /// Fails the check, and hands in the code for that.
    FailsTheCheck,
    /// Is approved there, by hand, without having begun here.
    NeverBegins,
    /// Begins here by a link without the platform, and goes through.
    ComesByItself,
}

impl Fate {
    /// Who gets a place and keeps it until the platform's list is read.
    fn holds(self) -> bool {
        !matches!(self, Fate::FailsTheCheck | Fate::NeverBegins)
    }

    fn completes(self) -> bool {
        matches!(self, Fate::Completes | Fate::Moves | Fate::RegretsIt | Fate::ComesByItself)
    }

    /// What the list of mismatches says of it, if anything.
    fn mismatch(self) -> Option<&'static str> {
        match self {
            Fate::RegretsIt => Some("completed here, and returned on the platform"),
            Fate::Cheats => Some("still going on here, and awaiting-review on the platform"),
            Fate::NeverBegins => Some("approved on the platform, and never began here"),
            Fate::ComesByItself => Some("completed here, and unknown to the platform"),
            _ => None,
        }
    }
}

/// A submission, as the platform knows it.
struct Submission {
    id: String,
    fate: Fate,
    status: &'static str,
    /// Whether every estimate was good enough for the bonus.
    good: bool,
}

/// What the platform knows of whoever did not come by it.
const UNKNOWN: &str = "";

/// What the study pays for six good estimates.
const BONUS: &str = "0.60";
const PAYMENT: &str = "\n[payment]\ncurrency = \"GBP\"\nbase = 150\nbonus = { outcome = \"error\", at_most = 2, each = 10, most = 60 }\n";

struct Platform {
    study: Study,
    dice: Dice,
    submissions: Vec<Submission>,
    /// Bonuses that were paid, by identifier.
    paid: BTreeMap<String, String>,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    // The study has two conditions of equal size.
    let places = args.places.next_multiple_of(2);
    let mut study = Study::of(&args.which, Example::First, places)?;
    study.append(PAYMENT)?;
    study.start()?;
    let mut platform =
        Platform { study, dice: Dice::new(args.seed), submissions: Vec::new(), paid: BTreeMap::new() };
    let runtime = runtime()?;
    runtime.block_on(platform.first_wave(places))?;
    let freed = platform.reconciles()?;
    runtime.block_on(platform.second_wave(freed))?;
    platform.approves()?;
    if platform.reconciles()? != 0 {
        return Err("whoever ended already ended again".to_owned());
    }
    platform.approves()?;
    platform.study.stop()?;
    platform.counts(places)
}

impl Platform {
    /// People of every fate until every place is held; the next one is told that the study is full.
    async fn first_wave(&mut self, places: u32) -> Result<(), Problem> {
        use Fate::*;
        let every = [
            Completes,
            Moves,
            Returns,
            RunsOut,
            RegretsIt,
            Cheats,
            FailsTheCheck,
            NeverBegins,
            ComesByItself,
        ];
        let mut held = 0;
        while held < places {
            let drawn = self.dice.below(2 * every.len() as u64) as usize;
            // Each fate comes once for certain; half of the others complete.
            let fate = *every.get(self.submissions.len()).or(every.get(drawn)).unwrap_or(&Completes);
            self.recruit(fate).await?;
            held += u32::from(fate.holds());
        }
        self.full().await
    }

    /// As many people as places were opened again go through; the next one is told that the study is full.
    async fn second_wave(&mut self, freed: usize) -> Result<(), Problem> {
        for _ in 0..freed {
            self.recruit(Fate::Completes).await?;
        }
        self.full().await
    }

    async fn full(&mut self) -> Result<(), Problem> {
        let page = self.browser().ask("GET", "/?PROLIFIC_PID=late&SESSION_ID=s", None).await;
        let page = page.map_err(|error| error.to_string())?;
        match code(&page) {
            Some("BEADS-FULL") => Ok(()),
            other => Err(format!("every place is held, and the next one saw {other:?}: {}", page.body())),
        }
    }

    fn browser(&self) -> Browser {
        Browser::new(self.study.address)
    }

    /// One person comes and does what the fate says; the platform notes what it is told.
    async fn recruit(&mut self, fate: Fate) -> Result<(), Problem> {
        let n = self.submissions.len();
        let id = format!("{:024x}", (self.dice.next_u64() << 8) | n as u64);
        let good = self.dice.below(2) == 0;
        let failed = |what: String| format!("{id}, who {fate:?}: {what}");
        let handed_in = match fate {
            Fate::NeverBegins => None,
            _ => self.takes_part(&id, n, fate, good).await.map_err(failed)?,
        };
        let status = match (fate, handed_in.as_deref()) {
            (Fate::Returns | Fate::RegretsIt, _) => "RETURNED",
            (Fate::RunsOut, _) => "TIMED-OUT",
            (Fate::NeverBegins, _) => "APPROVED",
            (Fate::ComesByItself, Some("BEADS-DONE")) => UNKNOWN,
            (Fate::FailsTheCheck, Some("BEADS-CHECK")) => "SCREENED OUT",
            (Fate::Cheats, _) | (_, Some("BEADS-DONE")) => "AWAITING REVIEW",
            (_, code) => return Err(failed(format!("the last page shows {code:?}"))),
        };
        self.submissions.push(Submission { id, fate, status, good });
        Ok(())
    }

    /// Goes through as far as the fate lets; the code of the last page.
    async fn takes_part(&self, id: &str, n: usize, fate: Fate, good: bool) -> Result<Option<String>, String> {
        let door = if fate == Fate::ComesByItself {
            format!("/?participant={id}&session=own-{n}")
        } else {
            format!("/?PROLIFIC_PID={id}&STUDY_ID=beads&SESSION_ID=session-{n}")
        };
        let mut browser = self.browser();
        let said = |error: std::io::Error| error.to_string();
        let page = browser.ask("GET", &door, None).await.map_err(said)?;
        let consent = page.form().ok_or("there is no consent page")?.filled([("page.answer", "agree")]);
        let at = browser.ask("POST", "/begin", Some(&consent)).await.map_err(said)?.location;
        for passed in 0.. {
            if fate == Fate::Moves {
                browser = self.browser();
                let back = browser.ask("GET", &door, None).await.map_err(said)?.location;
                if back != at {
                    return Err(format!("came back to {back} instead of {at}"));
                }
            }
            let page = browser.ask("GET", &at, None).await.map_err(said)?;
            let Some(form) = page.form() else { return Ok(code(&page).map(str::to_owned)) };
            // Assigned, and in the middle.
            if passed == 4 && matches!(fate, Fate::Returns | Fate::RunsOut | Fate::Cheats) {
                return Ok(None);
            }
            let answer = |field: &str| match field {
                "task" if fate == Fate::FailsTheCheck => "price",
                "task" => "beads",
                "estimate" if good => "400",
                "estimate" => "20000",
                "confidence" => "3",
                _ => "",
            };
            let answers = form.fields.iter().map(|field| (*field, answer(field)));
            let sent = form.filled(answers.filter(|(_, text)| !text.is_empty()));
            browser.ask("POST", &at, Some(&sent)).await.map_err(said)?;
        }
        Ok(None)
    }

    /// The platform's list of submissions is held against the study, while its server runs; how many places opened again.
    fn reconciles(&mut self) -> Result<usize, Problem> {
        let mut list = String::from("Submission id,Participant id,Status,Completion code\n");
        let known = self.submissions.iter().filter(|one| one.status != UNKNOWN);
        for (n, one) in known.enumerate() {
            list += &format!("{n:024x},{},{},\n", one.id, one.status);
        }
        let said = self.study.reconcile(&list)?;
        let told = |key: &str, of: &dyn Fn(&Value) -> Option<String>| -> BTreeSet<String> {
            said[key].as_array().into_iter().flatten().filter_map(of).collect()
        };
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let mismatches: BTreeSet<String> = self
            .submissions
            .iter()
            .filter_map(|one| Some(format!("{}: {}", one.id, one.fate.mismatch()?)))
            .collect();
        same("mismatches", &told("mismatches", &word), &mismatches)?;
        let ended = told("ended", &|one| word(&one["id"]));
        let gone: BTreeSet<String> =
            self.ids(|one| matches!(one.fate, Fate::Returns | Fate::RunsOut)).collect();
        if !ended.is_empty() {
            same("those who ended", &ended, &gone)?;
        }
        let waiting = self.ids(|one| one.status == "AWAITING REVIEW" && one.fate.completes()).collect();
        same("those to approve", &told("approve", &word), &waiting)?;
        Ok(ended.len())
    }

    fn ids(&self, of: impl Fn(&Submission) -> bool) -> impl Iterator<Item = String> {
        self.submissions
            .iter()
            .filter(move |one| of(one))
            .map(|one| one.id.clone())
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The platform takes the file of approvals, and pays the bonuses of files that it was not given yet.
    fn approves(&mut self) -> Result<(), Problem> {
        let approve: BTreeSet<String> =
            self.study.written("approve.txt")?.lines().map(str::to_owned).collect();
        for one in &mut self.submissions {
            if approve.contains(&one.id) {
                one.status = "APPROVED";
            }
        }
        for n in 1.. {
            let Ok(file) = self.study.written(&format!("bonus-{n}.csv")) else { break };
            for line in file.lines() {
                let (id, sum) = line.split_once(',').ok_or_else(|| format!("no bonus: {line}"))?;
                // A file that was sent before holds whoever it held before.
                let before = self.paid.insert(id.to_owned(), format!("{n}: {sum}"));
                if before.is_some_and(|before| before != format!("{n}: {sum}")) {
                    return Err(format!("{id} gets a bonus twice"));
                }
            }
        }
        let due = self.ids(|one| one.status == "APPROVED" && one.fate.completes() && one.good).collect();
        let paid = self.paid.keys().cloned().collect();
        same("those with a bonus", &paid, &due)?;
        match self.paid.values().find(|sum| !sum.ends_with(BONUS)) {
            Some(sum) => Err(format!("a bonus of {sum} instead of {BONUS}")),
            None => Ok(()),
        }
    }

    fn counts(&self, places: u32) -> Result<(), Problem> {
        let (mut arms, mut completed) = (BTreeMap::new(), 0);
        crate::crowd::rows(&self.study.export()?.join("people.jsonl"), |row| {
            let end = row["end"].as_str();
            completed += usize::from(end == Some("completed"));
            if let (Some(arm), true) = (row["condition"].as_str(), matches!(end, Some("completed") | None)) {
                *arms.entry(arm.to_owned()).or_insert(0_u32) += 1;
            }
            Ok(())
        })?;
        let through = self.submissions.iter().filter(|one| one.fate.completes()).count();
        if completed != through || arms.values().sum::<u32>() != places {
            return Err(format!("{through} went through, {completed} are stored; places held: {arms:?}"));
        }
        let mismatches = self.submissions.iter().filter(|one| one.fate.mismatch().is_some()).count();
        println!(
            "{} submissions: {through} completed, {} bonuses paid once, {mismatches} mismatches named in both directions; places of \
             whoever returned or ran out of time were taken again: {arms:?}",
            self.submissions.len(),
            self.paid.len()
        );
        Ok(())
    }
}

/// The completion code that a page shows.
fn code(page: &Page) -> Option<&str> {
    let (_, rest) = page.body().split_once("<p class=\"code\">")?;
    Some(rest.split_once("<strong>")?.1.split_once('<')?.0)
}

fn same(what: &str, there: &BTreeSet<String>, wanted: &BTreeSet<String>) -> Result<(), Problem> {
    if there == wanted {
        return Ok(());
    }
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.difference(other).cloned().collect::<Vec<_>>().join("; ")
    };
    Err(format!(
        "{what}: only by plumb: {}; only by the platform: {}",
        only(there, wanted),
        only(wanted, there)
    ))
}
