//! A study served to people: pages rendered here, which work without script.
//!
//! Why apart from the rest of this crate: its clients are browsers of people who must lose nothing. What a person meets is
//! decided by `plumb_human`; this shows it, takes answers, and says nothing before the journal has it on disk.
//!
//! Start with [`serve_study`]: `front` takes requests in, `person` has what participants ask for, `admin` the page of whoever looks after the study,
//! `platform` takes messages of a recruiting platform, `page` makes markup, `shared` holds the people and the order of changes, `preview` shows screens without any people.
//! Not here: the journal's format, and where secrets lie (the binary).

mod admin;
mod front;
mod keys;
mod page;
mod person;
mod platform;
mod preview;
mod rate;
mod shared;
mod words;

pub use keys::Keys;
pub use preview::preview_study;
pub use shared::{Asked as StudyAsked, Outside as StudyOutside, Refuses as StudyRefuses, StudyConfig};

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use plumb_human::protocol::person::Input;
use tokio::net::TcpListener;

use crate::error::Error;
use front::Door;
use shared::Shared;

/// Bytes of a form: the largest free text of a page, many times over.
const BODY: usize = 256 << 10;
/// After the end was asked for, how long what was begun may take.
const GRACE: Duration = Duration::from_secs(10);
/// How often people whose time is over are looked for.
const ROUND: Duration = Duration::from_secs(15);

const CSS: &str = include_str!("../../assets/study.css");
const SCRIPT: &str = include_str!("../../assets/study.js");

/// Serves a study until `end` is done, then lets what was begun finish.
///
/// # Errors
/// The listener's, or the journal's if the disk failed: then what was acknowledged is stored, and a new start goes on.
pub async fn serve_study(
    listener: TcpListener,
    config: StudyConfig,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let deadline = config.collection.study().deadline_minutes();
    let (shared, mut asked) = Shared::new(config);
    let shared = Arc::new(shared);
    let app = Door { rest: app(shared.clone()), shared: shared.clone() };
    let watch = shared.clone();
    let clock = tokio::spawn(async move {
        while let Some(minutes) = deadline {
            give_up(&watch, i64::from(minutes) * 60_000_000);
            tokio::time::sleep(ROUND).await;
        }
    });
    let desk = shared.clone();
    let desk = tokio::spawn(async move {
        while let Some(one) = asked.recv().await {
            // Whoever asked may have gone; it is done all the same.
            let _ = one.done.send(desk.perform(&one.request).await);
        }
    });
    let broken = shared.clone();
    let stop = async move {
        let failed = async {
            while !broken.is_broken() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! { () = end => {}, () = failed => {} }
    };
    let (ending, ended) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        // Nobody listens if the server has failed meanwhile.
        let _ = ending.send(());
    });
    let too_late = async {
        match ended.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    // What is submitted is stored by the writer, whoever waits for the response.
    let served = tokio::select! {
        result = server.into_future() => result,
        () = too_late => Ok(()),
    };
    clock.abort();
    desk.abort();
    served?;
    if shared.is_broken() { Err(Error::disk()) } else { Ok(()) }
}

/// The places of people whose time is over open again.
fn give_up(shared: &Shared, after_us: i64) {
    let now = shared.now_us();
    let mut people = shared.lock();
    for who in people.collection.begun_before(now - after_us) {
        let events = people.collection.take(who, &Input::TimedOut, None).unwrap_or_default();
        shared.submit(&mut people, events);
    }
}

fn app(shared: Arc<Shared>) -> Router {
    let pages = Router::new()
        .route("/", get(person::enter))
        .route("/begin", axum::routing::post(person::begin))
        .route("/p/{link}", get(person::due).post(person::answer))
        .route("/p/{link}/withdraw", get(person::ask_withdrawal).post(person::withdraw))
        .route("/withdraw", get(person::ask_code).post(person::withdraw_by_code))
        .route("/report", axum::routing::post(person::report))
        .route("/admin", get(admin::page).post(admin::act))
        .route("/hooks/prolific", axum::routing::post(platform::told))
        .fallback(person::nothing);
    with_files(pages).with_state(shared)
}

/// Pages with the files that they load.
fn with_files<S: Clone + Send + Sync + 'static>(pages: Router<S>) -> Router<S> {
    pages
        .route("/study.css", get(async || page::asset(CSS, "text/css; charset=utf-8")))
        .route("/study.js", get(async || page::asset(SCRIPT, "text/javascript; charset=utf-8")))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .route("/health", get(async || "ok"))
        .layer(DefaultBodyLimit::max(BODY))
}

/// What every response says to the browser: what keeps it from doing more than it must.
fn guard(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
