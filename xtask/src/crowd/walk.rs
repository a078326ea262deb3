//! The same people at any server of the small study: from its link through all its pages, one after another. They neither
//! reload nor leave, so that servers that know nothing of Plumbline's pages can be held beside it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plumb_mock::Dice;

use super::client::{Client, Page};
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
    client: Client,
    latencies: Vec<u32>,
}

impl Walker {
    fn new(walk: Walk, n: u32) -> Walker {
        let dice = Dice::new(walk.seed.wrapping_add(u64::from(n) << 20));
        Walker { n, client: Client::new(walk.address), walk, dice, latencies: Vec::new() }
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
            let Some((action, form)) = form(&page.body, self.n) else { return Ok((posts, self.latencies)) };
            tokio::time::sleep(self.walk.think.time(&page.body, &mut self.dice)).await;
            let to = action.unwrap_or_else(|| at.clone());
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

/// Where the page's form goes, if it says so, and its fields filled in; nothing where the page has none.
fn form(body: &str, n: u32) -> Option<(Option<String>, String)> {
    let (_, rest) = body.split_once("<form")?;
    let (tag, _) = rest.split_once('>')?;
    let action = tag.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"'));
    let action = action.map(|(action, _)| action.to_owned());
    let agrees =
        ["agree", "page.answer"].into_iter().filter(|name| body.contains(&format!("name=\"{name}\"")));
    let filled =
        agrees.fold(script::form(Example::First, body, n, 0), |form, name| form + &format!("&{name}=agree"));
    Some((action, filled))
}
