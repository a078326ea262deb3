//! `plumb human simulate --http`: the study file's simulated people take part at the server of the study's pilot, over HTTP, page
//! by page, as browsers would.
//!
//! A person's answers follow from its seed, its condition and the order of its items. The server draws the last two and tells them
//! with each page, to whoever has the admin page's token and of a pilot alone; so real studies take in nobody who is simulated.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use plumb_clients::browser::{Browser, Page};
use plumb_human::Study;
use plumb_human::protocol::Due;
use plumb_human::protocol::person::End;
use plumb_human::simulate::{Actor, Simulator, report_rehearsal, seeds};
use plumb_study::Document;

use super::study::wrong;
use crate::exit::Problem;
use crate::progress::Progress;

/// Who comes, and where.
pub struct Crowd<'a> {
    pub url: &'a str,
    pub token: &'a str,
    pub people: usize,
    pub at_once: usize,
    pub seed: u64,
    pub null: bool,
}

/// What became of one person.
struct Part {
    arm: Option<usize>,
    end: Option<End>,
    /// Pages that were acknowledged.
    pages: usize,
    turned_away: bool,
}

/// A page that is not taken yet (a text must be shown for its time, or too many ask at once) is sent again after so long,
/// and given up after so many times.
const AGAIN: Duration = Duration::from_secs(1);
const TIMES: usize = 300;

impl Crowd<'_> {
    /// Everybody takes part, so many at once, and stops where they end or leave.
    pub fn take_part(&self, study: &Study) -> Result<Document, Problem> {
        let address = self.address()?;
        let simulator = Simulator::new(study).map_err(wrong)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Problem::new(format!("nobody can take part: {error}")))?;
        let progress = Progress::new(self.people as u64, 0);
        let parts = stream::iter((1..=self.people).zip(seeds(self.seed))).map(|(n, seed)| {
            let actor = simulator.actor(seed, self.null);
            let visitor = Visitor {
                browser: Browser::new(address).with_cookie(&format!("plumb-admin={}", self.token)),
                name: format!("simulated-{}-{n}", self.seed),
                url: self.url,
                study,
            };
            let progress = &progress;
            async move {
                let part = visitor.take_part(actor).await;
                progress.step();
                part
            }
        });
        let parts: Vec<Part> = runtime.block_on(parts.buffer_unordered(self.at_once).try_collect())?;
        progress.end();
        let (away, parts): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.turned_away);
        if parts.is_empty() {
            return Err(Problem::usage(format!("{} let nobody in", self.url)).help(
                "the study is full or paused, or its pilot knows these people already: another --seed brings others",
            ));
        }
        let came: Vec<_> = parts.iter().map(|part| (part.arm, part.end)).collect();
        let pages = parts.iter().map(|part| part.pages).sum();
        let mut document = report_rehearsal(study, &came, pages, self.seed, self.url);
        if !away.is_empty() {
            document.fact("turned away (full, paused, or known already)", away.len().to_string());
        }
        Ok(document)
    }

    fn address(&self) -> Result<SocketAddr, Problem> {
        let wrong = || {
            Problem::usage(format!("{} is no address of a study's server", self.url))
                .help("give it as it was printed without a proxy: http://127.0.0.1:8090")
        };
        let host = self.url.strip_prefix("http://").ok_or_else(wrong)?;
        let host = host.split('/').next().unwrap_or_default();
        let named = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        named.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(wrong)
    }
}

struct Visitor<'a> {
    browser: Browser,
    name: String,
    url: &'a str,
    study: &'a Study,
}

impl Visitor<'_> {
    async fn take_part(mut self, mut actor: Actor<'_>) -> Result<Part, Problem> {
        let mut part = Part { arm: None, end: None, pages: 0, turned_away: false };
        let door = self.ask("GET", &format!("/?participant={}", self.name), None).await?;
        let Some(form) = door.form().filter(|form| form.hidden("page.query").is_some()) else {
            return Ok(Part { turned_away: true, ..part });
        };
        let agreed = self.ask("POST", "/begin", Some(&form.filled([("page.answer", "agree")]))).await?;
        if agreed.location.is_empty() {
            return Ok(Part { turned_away: true, ..part });
        }
        let at = agreed.location;
        loop {
            let page = self.ask("GET", &at, None).await?;
            let due = self.due(&page)?;
            if let Due::Slot { arm, .. } | Due::Ended { arm: Some(arm), .. } = &due {
                part.arm = self.study.conditions().position(|condition| condition == arm);
            }
            if let Due::Ended { end, .. } = due {
                return Ok(Part { end: Some(end), ..part });
            }
            let Some(values) = actor.answers(&due).map_err(wrong)? else { return Ok(part) };
            let form = page.form().ok_or_else(|| self.broken("a page that is due has no form"))?;
            let sent = form.filled(values.iter().map(|(field, text)| (field.as_str(), text.as_str())));
            self.send(&at, &sent).await?;
            part.pages += 1;
        }
    }

    /// What the server says is due.
    fn due(&self, page: &Page) -> Result<Due, Problem> {
        let said = page.header("plumb-due").ok_or_else(|| {
            self.broken("the server does not say what is due")
                .help("serve a pilot (plumb human serve STUDY --pilot N), and give the token that it prints: --token")
        })?;
        serde_json::from_str(said).map_err(|error| self.broken(&format!("{said}: {error}")))
    }

    async fn send(&mut self, at: &str, form: &str) -> Result<(), Problem> {
        for _ in 0..TIMES {
            let page = self.ask("POST", at, Some(form)).await?;
            match page.status {
                303 => return Ok(()),
                422 => tokio::time::sleep(AGAIN).await,
                status => return Err(self.broken(&format!("{status} for {form}"))),
            }
        }
        Err(self.broken(&format!("{form} is refused")))
    }

    async fn ask(&mut self, method: &str, path: &str, form: Option<&str>) -> Result<Page, Problem> {
        for _ in 0..TIMES {
            let page = self.browser.ask(method, path, form).await;
            let page = page.map_err(|error| self.broken(&error.to_string()))?;
            match page.status {
                429 => tokio::time::sleep(AGAIN).await,
                500.. => return Err(self.broken(&format!("{} for {path}", page.status))),
                _ => return Ok(page),
            }
        }
        Err(self.broken("the server takes no more requests from here"))
    }

    fn broken(&self, what: &str) -> Problem {
        Problem::new(format!("{} at {}: {what}", self.name, self.url))
    }
}
