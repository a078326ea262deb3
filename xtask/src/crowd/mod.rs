//! Scripted participants of a study over HTTP, for the bench and the drill: they think, reload, click twice, leave, come
//! back on another browser, and wait where the server is gone.
//!
//! Each enters numbers of its own, so that an export tells whose answers it holds (`script`). What a participant was told is
//! stored is counted here, apart from the server; [`Crowd::check`] holds the export against it.

mod posts;
mod script;
mod walk;

pub use posts::Posts;
pub use script::Think;
pub use walk::Walk;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use plumb_clients::browser::{Browser, Form, Page};
use plumb_mock::Dice;
use serde_json::Value;

use crate::Problem;
use crate::serving::Example;

/// How many people come, and how they behave.
#[derive(Clone, Copy)]
pub struct Crowd {
    pub people: u32,
    pub address: SocketAddr,
    /// The study that they take part in.
    pub example: Example,
    /// Time on a page.
    pub think: Think,
    /// Answers a second that are due whatever the server does, instead of times on pages.
    pub rate: Option<f64>,
    /// After this long everybody stops where they are.
    pub until: Option<Duration>,
    /// Over how long they come.
    pub ramp: Duration,
    pub seed: u64,
}

/// Shares in percent of pages (reloading, sending twice) and of people (leaving, another browser).
const RELOADS: f64 = 5.0;
const SENDS_TWICE: f64 = 5.0;
const LEAVES: f64 = 10.0;
const OTHER_BROWSER: f64 = 2.0;
/// How long a participant waits for a server that is gone.
const PATIENCE: Duration = Duration::from_secs(300);

/// What one participant saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Screens with fields whose answers were acknowledged.
    pub acknowledged: BTreeSet<u32>,
    /// The same that were sent and never acknowledged: they may be stored or not.
    pub unsure: BTreeSet<u32>,
    pub ended: bool,
    pub left: bool,
    /// Still taking part when time was up.
    pub stopped: bool,
}

/// What the whole crowd saw.
#[derive(Default)]
pub struct Told {
    pub seen: Vec<Seen>,
    pub took: Took,
}

/// What answers took.
#[derive(Default)]
pub struct Took {
    /// Microseconds from sending a request to the whole response, sorted.
    pub latencies: Vec<u32>,
    /// Forms that were taken.
    pub posts: u64,
    pub wall: Duration,
}

impl Took {
    fn new(mut latencies: Vec<u32>, posts: u64, wall: Duration) -> Took {
        latencies.sort_unstable();
        Took { latencies, posts, wall }
    }

    /// The latency that this share of requests stayed under, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let at = (self.latencies.len().saturating_sub(1)) as f64 * share;
        self.latencies.get(at as usize).map_or(0.0, |us| f64::from(*us) / 1e3)
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.posts as f64 / self.wall.as_secs_f64()
    }
}

#[derive(Default)]
struct Counts {
    latencies: Vec<u32>,
    posts: u64,
}

/// What all participants share.
struct Shared {
    counts: Mutex<Counts>,
    begun: Instant,
    /// How many answers of a fixed rate were taken up.
    due: AtomicU32,
}

impl Crowd {
    /// Everybody comes, and goes through to wherever their part ends.
    pub async fn run(self) -> Result<Told, Problem> {
        let begun = Instant::now();
        let shared = Arc::new(Shared { counts: Mutex::default(), begun, due: AtomicU32::new(0) });
        let mut tasks = Vec::new();
        for n in 0..self.people {
            let shared = shared.clone();
            tasks.push(tokio::spawn(async move {
                let mut dice = Dice::new(self.seed.wrapping_add(u64::from(n) << 20));
                tokio::time::sleep(self.ramp.mul_f64(dice.percent() / 100.0)).await;
                Person {
                    n,
                    crowd: self,
                    dice,
                    shared,
                    client: Browser::new(self.address),
                    due: None,
                    told: 0,
                }
                .take_part()
                .await
            }));
        }
        let mut told = Told::default();
        for task in tasks {
            told.seen.push(task.await.map_err(|e| e.to_string())??);
        }
        let mut counts = shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        told.took = Took::new(std::mem::take(&mut counts.latencies), counts.posts, begun.elapsed());
        Ok(told)
    }

    /// Holds exported tables against what the crowd was told: nothing acknowledged is missing, nothing is there twice,
    /// nothing is there that nobody sent. Returns people by condition.
    pub fn check(self, seen: &[Seen], export: &Path) -> Result<BTreeMap<String, u64>, Problem> {
        let mut exported = script::Exported::default();
        rows(&export.join("fields.jsonl"), |row| exported.row(self.example, &row))?;
        let (people, pages) = (exported.people(self.example)?, exported.pages);
        for (n, one) in (1..).zip(seen) {
            let stored = people.get(&n).and_then(|person| pages.get(person)).map_or(0, BTreeSet::len);
            let (least, most) = (one.acknowledged.len(), one.acknowledged.len() + one.unsure.len());
            // Whoever left before the first number cannot be told apart: theirs are counted together below.
            if people.contains_key(&n) && !(least..=most).contains(&stored) {
                return Err(format!(
                    "participant {n}: {least} to {most} pages were acknowledged, {stored} are stored"
                ));
            }
            let tells = if self.example == Example::Experiment1 { 6 } else { 1 };
            if !people.contains_key(&n) && (one.ended || least > tells) {
                return Err(format!("participant {n}: acknowledged answers are not stored"));
            }
        }
        let mut arms: BTreeMap<String, u64> = BTreeMap::new();
        rows(&export.join("people.jsonl"), |row| {
            if let Some(arm) = row["condition"].as_str() {
                *arms.entry(arm.to_owned()).or_insert(0) += 1;
            }
            Ok(())
        })?;
        Ok(arms)
    }
}

/// Each row of a file of JSON lines.
pub fn rows(path: &Path, mut each: impl FnMut(Value) -> Result<(), Problem>) -> Result<(), Problem> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    text.lines().try_for_each(|line| each(serde_json::from_str(line).map_err(|e| e.to_string())?))
}

struct Person {
    n: u32,
    crowd: Crowd,
    dice: Dice,
    shared: Arc<Shared>,
    client: Browser,
    /// When the answer that is sent next was due, at a fixed rate: it counts as waiting from then on.
    due: Option<Instant>,
    /// Numbers entered so far that tell who it is.
    told: u32,
}

impl Person {
    async fn take_part(mut self) -> Result<Seen, Problem> {
        let pages = if self.crowd.example == Example::Experiment1 { 50 } else { 8 };
        let leaves_at = (self.dice.percent() < LEAVES).then(|| self.dice.below(pages));
        let other_at = (self.dice.percent() < OTHER_BROWSER).then(|| self.dice.below(pages));
        let door = format!("/?participant=crowd-{0}&session=of-{0}", self.n + 1);
        let (mut seen, mut at) = (Seen::default(), String::new());
        let (mut passed, mut telling) = (0, None);
        while at.is_empty() {
            let page = self.patiently("GET", &door, None).await?;
            if !page.location.is_empty() {
                at = page.location;
            } else if let Some(form) = page.form() {
                if !self.think(&form).await {
                    seen.stopped = true;
                    return Ok(seen);
                }
                let form = form.filled([("page.answer", "agree")]);
                // Whether it was stored or not, the door tells.
                at = self.ask("POST", "/begin", Some(&form)).await.map(|p| p.location).unwrap_or_default();
            } else {
                return Ok(seen);
            }
        }
        loop {
            let page = self.patiently("GET", &at, None).await?;
            let form = page.form();
            let Some((screen, form)) = form.and_then(|form| Some((screen(&form)?, form))) else {
                seen.ended = page.body().contains("<main");
                return Ok(seen);
            };
            if let Some(last) = seen.acknowledged.last().filter(|last| **last >= screen) {
                return Err(format!(
                    "participant {}: screen {last} was acknowledged, and {screen} is due again",
                    self.n + 1
                ));
            }
            // Whether it was acknowledged or not: a later screen shows that it was taken.
            if telling.take_if(|sent| *sent < screen).is_some() {
                self.told += 1;
            }
            if leaves_at == Some(passed) {
                seen.left = true;
                return Ok(seen);
            }
            if other_at == Some(passed) {
                let back = self.patiently("GET", &door, None).await?.location;
                if back != at {
                    return Err(format!("participant {}: came back to {back} instead of {at}", self.n + 1));
                }
            }
            if !self.think(&form).await {
                seen.stopped = true;
                return Ok(seen);
            }
            if self.dice.percent() < RELOADS {
                let again = self.patiently("GET", &at, None).await?;
                if again.form().and_then(|form| self::screen(&form)) != Some(screen) {
                    return Err(format!("participant {}: a reload changed the screen", self.n + 1));
                }
            }
            if form.fields.contains(&script::telling(self.crowd.example)) {
                telling = Some(screen);
            }
            self.send(&at, &form, screen, &mut seen).await?;
            passed += 1;
        }
    }

    /// Sends the page's form, sometimes twice at once.
    async fn send(&mut self, at: &str, form: &Form<'_>, screen: u32, seen: &mut Seen) -> Result<(), Problem> {
        let asks = !form.fields.is_empty();
        let form = script::form(self.crowd.example, form, self.n, self.told);
        let sent = if self.dice.percent() < SENDS_TWICE {
            let mut twin = Person {
                n: self.n,
                crowd: self.crowd,
                dice: Dice::new(0),
                shared: self.shared.clone(),
                client: Browser::new(self.crowd.address),
                due: self.due,
                told: self.told,
            };
            let (one, two) =
                tokio::join!(self.ask("POST", at, Some(&form)), twin.ask("POST", at, Some(&form)));
            one.or(two)
        } else {
            self.ask("POST", at, Some(&form)).await
        };
        match sent {
            Ok(page) if page.status == 303 => {
                if asks {
                    seen.unsure.remove(&screen);
                    seen.acknowledged.insert(screen);
                }
                self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner).posts += 1;
            }
            // Whoever is not told that an answer is stored sends it again.
            Ok(page) if page.status >= 500 => seen.unsure.extend(asks.then_some(screen)),
            Ok(page) => {
                return Err(format!(
                    "participant {}: {} for {form}: {}",
                    self.n + 1,
                    page.status,
                    page.body()
                ));
            }
            Err(_) => seen.unsure.extend(asks.then_some(screen)),
        }
        Ok(())
    }

    /// Waits as long as the participant thinks, or until an answer of the fixed rate is due. False where time is up before.
    async fn think(&mut self, form: &Form<'_>) -> bool {
        let wait = match self.crowd.rate {
            None => self.crowd.think.time(&form.fields, &mut self.dice),
            Some(rate) => {
                let nth = self.shared.due.fetch_add(1, Ordering::Relaxed);
                let due = self.shared.begun + Duration::from_secs_f64(f64::from(nth) / rate);
                self.due = Some(due);
                due.saturating_duration_since(Instant::now())
            }
        };
        let left = self.crowd.until.map(|until| until.saturating_sub(self.shared.begun.elapsed()));
        tokio::time::sleep(left.map_or(wait, |left| wait.min(left))).await;
        left.is_none_or(|left| wait < left)
    }

    /// Asks again until somebody answers.
    async fn patiently(&mut self, method: &str, path: &str, form: Option<&str>) -> Result<Page, Problem> {
        let begun = Instant::now();
        loop {
            match self.ask(method, path, form).await {
                Ok(page) if page.status < 500 => return Ok(page),
                other if begun.elapsed() > PATIENCE => {
                    return Err(format!("nobody answers {path}: {:?}", other.map(|page| page.status)));
                }
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn ask(&mut self, method: &str, path: &str, form: Option<&str>) -> std::io::Result<Page> {
        let begun = self.due.take().unwrap_or_else(Instant::now);
        let page = self.client.ask(method, path, form).await;
        let took = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        if page.is_ok() {
            self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner).latencies.push(took);
        }
        page
    }
}

fn screen(form: &Form<'_>) -> Option<u32> {
    form.hidden("page.screen")?.parse().ok()
}
