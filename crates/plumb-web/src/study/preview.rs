//! Every screen of every condition without any people: nothing is recorded.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::map_response;
use axum::response::{Redirect, Response};
use axum::routing::get;
use plumb_human::protocol::person::{End, Slot};
use plumb_human::screen::{self, View};
use plumb_human::{Study, sequence};
use tokio::net::TcpListener;

use super::page::{FormPage, Refused, ScreenPage};
use super::words::words;
use crate::error::Error;

/// Serves all screens of a study for looking at them, until `end` is done.
///
/// # Errors
/// The listener's.
pub async fn preview_study(
    listener: TcpListener,
    study: Study,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let pages = Router::new()
        .route("/", get(overview).post(again))
        .route("/consent", get(consent))
        .route("/entry/{at}", get(entry).post(again))
        .route("/end/{end}", get(ending))
        .route("/arm/{arm}/{at}", get(slot).post(again));
    let guarded = map_response(async |mut response: Response| {
        super::guard(&mut response);
        response
    });
    let app = super::with_files(pages).layer(guarded).with_state(Arc::new(study));
    Ok(axum::serve(listener, app).with_graceful_shutdown(end).await?)
}

fn page(study: &Study, view: View) -> ScreenPage {
    let own = study.words();
    ScreenPage::of(view, words(own.tag), own, &Refused::default())
}

/// The page with a form that leads on, as that of a participant has it; it sends nothing that is kept.
fn with_form(study: &Study, mut view: View, action: String) -> ScreenPage {
    let (submit, decline) = (std::mem::take(&mut view.submit), view.decline.take());
    let form = FormPage { action, hidden: Vec::new(), submit, decline, wide: None };
    ScreenPage { form: Some(form), ..page(study, view) }
}

/// What everybody meets before a condition.
fn entries(study: &Study) -> Vec<Slot> {
    study.course().pages.into_iter().map(|entry| Slot::Page { page: entry.page }).collect()
}

fn slots(study: &Study, arm: &str) -> Vec<Slot> {
    sequence(study, arm, 0, &[0; 32])
}

async fn overview(State(study): State<Arc<Study>>) -> Response {
    let mut page = page(&study, View { title: format!("Preview: {}", study.title), ..View::default() });
    page.links.push(("/consent".to_owned(), "consent".to_owned()));
    let before = entries(&study).len();
    if before > 0 {
        page.links.push(("/entry/0".to_owned(), format!("before assignment: {}", screens(before))));
    }
    for arm in study.conditions() {
        let count = slots(&study, arm).len();
        page.links.push((format!("/arm/{arm}/0"), format!("condition {arm}: {}", screens(count))));
    }
    for end in End::ALL {
        page.links.push((format!("/end/{}", end.name()), format!("end: {}", end.name())));
    }
    page.respond(StatusCode::OK)
}

/// A button was pressed: on to the screen that its form names. What was entered is passed over.
async fn again(uri: Uri, Form(sent): Form<Vec<(String, String)>>) -> Redirect {
    let declined = sent.iter().any(|(name, value)| name == "page.answer" && value == "decline");
    Redirect::to(if declined { "/end/declined" } else { uri.path() })
}

async fn consent(State(study): State<Arc<Study>>) -> Response {
    let next = if entries(&study).is_empty() { "/" } else { "/entry/0" };
    with_form(&study, screen::consent(&study), next.to_owned()).respond(StatusCode::OK)
}

async fn ending(State(study): State<Arc<Study>>, Path(name): Path<String>) -> Response {
    let Some(end) = End::ALL.into_iter().find(|end| end.name() == name) else { return nothing(&study) };
    let own = study.words();
    let mut page = page(&study, screen::ending(&study, end));
    page.ending = study
        .completion(end)
        .map(|ending| (own.code.to_owned(), ending.code, ending.url, own.go_back.to_owned()));
    page.respond(StatusCode::OK)
}

async fn slot(State(study): State<Arc<Study>>, Path((arm, at)): Path<(String, usize)>) -> Response {
    let slots = if study.conditions().any(|known| known == arm) { slots(&study, &arm) } else { Vec::new() };
    let Some(slot) = slots.get(at) else { return nothing(&study) };
    let mut view = screen::preview(&study, &arm, slot);
    view.progress = Some((at + 1, slots.len()));
    among(&study, view, &format!("/arm/{arm}"), (at, slots.len()))
}

async fn entry(State(study): State<Arc<Study>>, Path(at): Path<usize>) -> Response {
    let entries = entries(&study);
    let Some(slot) = entries.get(at) else { return nothing(&study) };
    // No page before assignment belongs to a condition.
    among(&study, screen::preview(&study, "", slot), "/entry", (at, entries.len()))
}

/// A screen with links to those beside it; the last one leads back to all.
fn among(study: &Study, view: View, under: &str, (at, of): (usize, usize)) -> Response {
    let next = if at + 1 < of { format!("{under}/{}", at + 1) } else { "/".to_owned() };
    let mut page = with_form(study, view, next);
    for (other, name) in [(at.checked_sub(1), "before"), (Some(at + 1), "after")] {
        if let Some(other) = other.filter(|other| *other < of) {
            page.links.push((format!("{under}/{other}"), format!("the screen {name}")));
        }
    }
    page.links.push(("/".to_owned(), "all screens".to_owned()));
    page.respond(StatusCode::OK)
}

fn screens(count: usize) -> String {
    format!("{count} screen{}", if count == 1 { "" } else { "s" })
}

fn nothing(study: &Study) -> Response {
    let mut page = page(study, View { title: "There is no such screen".to_owned(), ..View::default() });
    page.links.push(("/".to_owned(), "all screens".to_owned()));
    page.respond(StatusCode::NOT_FOUND)
}
