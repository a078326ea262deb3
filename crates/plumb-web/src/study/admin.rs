//! The page of whoever looks after a study: how far it is, pause and resume, erasing one person.
//!
//! It shows counts and never what anybody answered, and numbers of people, never who they are. It opens with a token
//! that was printed at the start; the token comes by a form, so that it stands in no address.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plumb_human::collect::{ArmProgress, Request};
use plumb_study::people::Collecting;

use super::page::rendered;
use super::person::is_foreign;
use super::shared::Shared;

const COOKIE: &str = "plumb-admin";

#[derive(Template)]
#[template(path = "study/login.html")]
struct Login {
    wrong: bool,
}

#[derive(Template)]
#[template(path = "study/admin.html")]
struct Admin {
    title: String,
    open: bool,
    arms: Vec<ArmRow>,
    platform: Vec<(String, u64)>,
    arrived: usize,
    before: usize,
    ended: Vec<(&'static str, usize)>,
    reports: Vec<(String, u64)>,
    said: Option<String>,
}

struct ArmRow {
    id: String,
    places: String,
    active: usize,
    completed: usize,
    gone: usize,
    /// How long those who completed took; empty where nobody has.
    took: String,
    /// After how many pages those left who left; empty where nobody did.
    left: String,
}

impl ArmRow {
    fn of(arm: ArmProgress) -> ArmRow {
        let minutes = |us: i64| format!("{:.1}", us as f64 / 60e6);
        let took = match (arm.took_us.first(), arm.median_us(), arm.took_us.last()) {
            (Some(least), Some(median), Some(most)) => {
                format!("{} ({} to {})", minutes(median), minutes(*least), minutes(*most))
            }
            _ => String::new(),
        };
        ArmRow {
            places: arm.counts.places.map_or_else(|| "no limit".to_owned(), |places| places.to_string()),
            active: arm.counts.active,
            completed: arm.counts.completed,
            gone: arm.counts.gone,
            left: arm.median_left().map_or_else(String::new, |at| format!("{at} of {}", arm.pages)),
            took,
            id: arm.id,
        }
    }
}

/// Whether a request brings the token.
pub(super) fn is_admin(shared: &Shared, headers: &HeaderMap) -> bool {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut tokens =
        cookies.split(';').filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    // The comparison of hashes takes the same time whatever they are.
    tokens.any(|token| shared.keys.admin(token) == shared.admin)
}

fn login(wrong: bool) -> Response {
    rendered(&Login { wrong }, if wrong { StatusCode::FORBIDDEN } else { StatusCode::OK })
}

/// The page, or the question for the token.
pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if is_admin(&shared, &headers) { show(&shared, None) } else { login(false) }
}

fn show(shared: &Shared, said: Option<String>) -> Response {
    let people = shared.lock();
    let progress = people.collection.progress();
    let arms = progress.arms.into_iter().map(ArmRow::of).collect();
    let mut reports: Vec<(String, u64)> = people.reports.iter().map(|(k, v)| (k.clone(), *v)).collect();
    reports.sort();
    let page = Admin {
        title: people.collection.study().title.clone(),
        open: people.open,
        arms,
        arrived: progress.arrived,
        before: progress.before,
        ended: progress.ended.iter().map(|(end, count)| (end.name(), *count)).collect(),
        platform: people.told.iter().map(|(what, count)| (what.clone(), *count)).collect(),
        reports,
        said,
    };
    rendered(&page, StatusCode::OK)
}

/// Takes a token, a change of enrolment, or a person to be erased.
pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Form(sent): Form<Vec<(String, String)>>,
) -> Response {
    let value = |name: &str| sent.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    if is_foreign(&headers) {
        return login(true);
    }
    let token = value("token");
    if !token.is_empty() {
        if shared.keys.admin(token) != shared.admin {
            return login(true);
        }
        let secure = if shared.secure { "; Secure" } else { "" };
        let cookie = format!("{COOKIE}={token}; Path=/admin; HttpOnly; SameSite=Strict{secure}");
        let place = [(header::LOCATION, "/admin".to_owned()), (header::SET_COOKIE, cookie)];
        return (StatusCode::SEE_OTHER, place).into_response();
    }
    if !is_admin(&shared, &headers) {
        return login(true);
    }
    match value("enrolment") {
        change @ ("open" | "pause") => {
            let open = change == "open";
            if shared.record(Collecting::Enrolment { open }).await {
                shared.lock().open = open;
            }
            show(&shared, None)
        }
        _ => erase(&shared, value("erase")).await,
    }
}

async fn erase(shared: &Shared, number: &str) -> Response {
    let Ok(person) = number.trim().parse() else {
        return show(shared, Some(format!("There is no person {number}.")));
    };
    let said = match shared.perform(&Request::Erase { person }).await {
        Ok(()) => format!("Person {person} is erased."),
        Err(why) => format!("Nobody is erased: {why}."),
    };
    show(shared, Some(said))
}
