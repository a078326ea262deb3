//! The same people at any server of the small study: from its link through all its pages, one after another. They neither
//! reload nor leave, so that servers that know nothing of Plumbline's pages can be held beside it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plumb_clients::browser::{Browser, Form, Page};
use plumb_mock::Dice;

use super::{Think, Took, script};
use crate::Problem;
use crate::serving::Example;

/// Who walks, and where.
#[derive(Clone)]
pub struct Walk {
    pub address: SocketAddr,
    /// Path of the link that people got, up to their number.
    pub link: Arc<str>,
    pub people: u32,
    pub think: Think,
    /// Over how long they come.
    pub ramp: Duration,
    pub seed: u64,
}

/// More pages than the study has: somebody walks in a circle.
const PAGES: u64 = 40;

impl Walk {
    /// Everybody comes to a page without a form, or it is an error.
    pub async fn run(self) -> Result<Took, Problem> {
        let begun = Instant::now();
        let mut people = Vec::new();
        for n in 0..self.people {
            let walk = self.clone();
            people.push(tokio::spawn(async move { Walker::new(walk, n).walk().await }));
        }
        let (mut all, mut all_posts) = (Vec::new(), 0);
        for person in people {
            let (posts, latencies) = person.await.map_err(|error| error.to_string())??;
            all_posts += posts;
            all.extend(latencies);
        }
        Ok(Took::new(all, all_posts, begun.elapsed()))
    }
}

struct Walker {
    n: u32,
    walk: Walk,
    dice: Dice,
    client: Browser,
    latencies: Vec<u32>,
}

impl Walker {
    fn new(walk: Walk, n: u32) -> Walker {
        let dice = Dice::new(walk.seed.wrapping_add(u64::from(n) << 20));
        Walker { n, client: Browser::new(walk.address), walk, dice, latencies: Vec::new() }
    }

    async fn walk(mut self) -> Result<(u64, Vec<u32>), Problem> {
        tokio::time::sleep(self.walk.ramp.mul_f64(self.dice.percent() / 100.0)).await;
        let (mut posts, mut at) = (0, format!("{}{}", self.walk.link, self.n + 1));
        loop {
            let page = self.ask("GET", &at, None).await?;
            if !page.location.is_empty() {
                at = page.location;
                continue;
            }
            let Some(form) = page.form() else { return Ok((posts, self.latencies)) };
            tokio::time::sleep(self.walk.think.time(&form.fields, &mut self.dice)).await;
            let to = form.action.unwrap_or(&at).to_owned();
            let form = filled(&form, self.n);
            let taken = self.ask("POST", &to, Some(&form)).await?;
            if !matches!(taken.status, 302 | 303) {
                return Err(format!("participant {}: {} for {form} to {to}", self.n + 1, taken.status));
            }
            at = taken.location;
            posts += 1;
            if posts > PAGES {
                return Err(format!("participant {}: no end after {PAGES} pages, at {at}", self.n + 1));
            }
        }
    }

    async fn ask(&mut self, method: &str, path: &str, form: Option<&str>) -> Result<Page, Problem> {
        let begun = Instant::now();
        let page = self.client.ask(method, path, form).await;
        self.latencies.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        page.map_err(|error| format!("participant {}: {method} {path}: {error}", self.n + 1))
    }
}

/// A page's form with an answer to each field that it has, consent among them.
fn filled(form: &Form<'_>, n: u32) -> String {
    let agrees = ["agree", "page.answer"].into_iter().filter(|name| form.fields.contains(name));
    agrees.fold(script::form(Example::First, form, n, 0), |sent, name| sent + &format!("&{name}=agree"))
}
