//! Answers alone: how many a server stores and acknowledges in a second while nobody asks for a page.
//!
//! A page must be fetched before it can be answered, since it carries its form's mark. So the people go in step: everybody
//! fetches the page that is due, which is not timed; then all forms are sent as fast as connections take them, and the time
//! runs from the first to the last acknowledgement. Each answer is on disk before it is acknowledged. [`super::Crowd::check`]
//! holds the export against what was acknowledged.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use plumb_clients::browser::Browser;

use super::{Seen, Told, Took, screen, script};
use crate::Problem;
use crate::serving::Example;

/// Who answers, and where.
#[derive(Clone, Copy)]
pub struct Posts {
    pub people: u32,
    pub address: SocketAddr,
    pub example: Example,
    /// How many send at once; people share connections.
    pub connections: u32,
}

/// Somebody between two pages.
struct Somebody {
    n: u32,
    at: String,
    told: u32,
    seen: Seen,
    /// The form that is due, its screen, whether it asks something, and whether it tells who it is.
    due: Option<(String, u32, bool, bool)>,
}

/// A connection and the people who share it.
struct Line {
    client: Browser,
    people: Vec<Somebody>,
}

impl Posts {
    /// Everybody goes through to the end. `Told::took` is of the answers alone.
    pub async fn run(self) -> Result<Told, Problem> {
        let mut lines: Vec<Line> = (0..self.connections.clamp(1, self.people.max(1)))
            .map(|_| Line { client: Browser::new(self.address), people: Vec::new() })
            .collect();
        for n in 0..self.people {
            let at = format!("/?participant=crowd-{0}&session=of-{0}", n + 1);
            let who = Somebody { n, at, told: 0, seen: Seen::default(), due: None };
            let line = n as usize % lines.len();
            lines[line].people.push(who);
        }
        let (mut latencies, mut posts, mut wall) = (Vec::new(), 0, Duration::ZERO);
        loop {
            lines = together(lines, |line| line.fetch(self.example))
                .await?
                .into_iter()
                .map(|(line, ())| line)
                .collect();
            if lines.iter().flat_map(|line| &line.people).all(|who| who.due.is_none()) {
                break;
            }
            let begun = Instant::now();
            let sent = together(lines, |line| line.send()).await?;
            wall += begun.elapsed();
            lines = Vec::new();
            for (line, took) in sent {
                posts += took.len() as u64;
                latencies.extend(took);
                lines.push(line);
            }
        }
        let mut everybody: Vec<Somebody> = lines.into_iter().flat_map(|line| line.people).collect();
        everybody.sort_by_key(|who| who.n);
        let seen = everybody.into_iter().map(|who| who.seen).collect();
        Ok(Told { seen, took: Took::new(latencies, posts, wall) })
    }
}

/// Every line does the same at once; what each gave comes back with it.
async fn together<T: Send + 'static, F>(
    lines: Vec<Line>,
    what: impl Fn(Line) -> F,
) -> Result<Vec<(Line, T)>, Problem>
where
    F: Future<Output = Result<(Line, T), Problem>> + Send + 'static,
{
    let running: Vec<_> = lines.into_iter().map(|line| tokio::spawn(what(line))).collect();
    let mut all = Vec::with_capacity(running.len());
    for one in running {
        all.push(one.await.map_err(|error| error.to_string())??);
    }
    Ok(all)
}

impl Line {
    /// The page that is due for each, through redirects.
    async fn fetch(mut self, example: Example) -> Result<(Line, ()), Problem> {
        for who in &mut self.people {
            while !who.seen.ended {
                let page = ask(&mut self.client, "GET", &who.at, None).await?;
                if !page.location.is_empty() {
                    who.at = page.location;
                    continue;
                }
                let Some(form) = page.form() else {
                    who.seen.ended = true;
                    break;
                };
                let Some(due) = screen(&form) else {
                    // Consent: the way in is no answer.
                    let form = form.filled([("page.answer", "agree")]);
                    who.at = ask(&mut self.client, "POST", "/begin", Some(&form)).await?.location;
                    continue;
                };
                let tells = form.fields.contains(&script::telling(example));
                let filled = script::form(example, &form, who.n, who.told);
                who.due = Some((filled, due, !form.fields.is_empty(), tells));
                break;
            }
        }
        Ok((self, ()))
    }

    /// Sends each form that is due, and how long each took in microseconds.
    async fn send(mut self) -> Result<(Line, Vec<u32>), Problem> {
        let mut took = Vec::with_capacity(self.people.len());
        for who in &mut self.people {
            let Some((form, screen, asks, tells)) = who.due.take() else { continue };
            let begun = Instant::now();
            let page = ask(&mut self.client, "POST", &who.at, Some(&form)).await?;
            took.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
            if page.status != 303 {
                return Err(format!(
                    "participant {}: {} for {form}: {}",
                    who.n + 1,
                    page.status,
                    page.body()
                ));
            }
            who.told += u32::from(tells);
            if asks {
                who.seen.acknowledged.insert(screen);
            }
        }
        Ok((self, took))
    }
}

async fn ask(
    client: &mut Browser,
    method: &str,
    path: &str,
    form: Option<&str>,
) -> Result<plumb_clients::browser::Page, Problem> {
    client.ask(method, path, form).await.map_err(|error| format!("{method} {path}: {error}"))
}
