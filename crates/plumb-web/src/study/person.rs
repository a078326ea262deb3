//! What participants ask for: the way in, the screen that is due, an answer, withdrawal.
//!
//! A GET or HEAD changes nothing, so a preview of a link uses nothing up. An answer names the screen it belongs to; one
//! that is not due leads to the screen that is. Every POST ends in a redirect, so going back or reloading sends nothing
//! twice.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Form, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plumb_human::collect::{Identity, Known, Newcomer, Paged};
use plumb_human::protocol::person::{End, Input, Screen};
use plumb_human::screen::{self, View};
use plumb_study::people::PersonIx;

use super::admin::is_admin;
use super::keys::Keys;
use super::page::{FormPage, Refused, ScreenPage};
use super::shared::{Shared, State as People};
use super::words::{Words, words};

/// Too many requests of one address.
pub(super) fn busy(shared: &Shared) -> Response {
    says(shared, StatusCode::TOO_MANY_REQUESTS, |w| w.busy)
}

/// For whom has sent more than is taken.
pub(super) fn too_long(shared: &Shared) -> Response {
    says(shared, StatusCode::PAYLOAD_TOO_LARGE, |w| w.too_long)
}

/// Whatever else is asked for.
pub(super) async fn nothing(State(shared): State<Arc<Shared>>) -> Response {
    says(&shared, StatusCode::NOT_FOUND, |w| w.unknown)
}

type Sent = Vec<(String, String)>;

/// The cookie by which a browser comes back without an identifier.
const COOKIE: &str = "plumb";

/// Words of a study's pages: the screens' and the server's.
fn words_of(people: &People) -> (&'static Words, &'static screen::Words) {
    let own = people.collection.study().words();
    (words(own.tag), own)
}

fn says(shared: &Shared, status: StatusCode, pick: impl FnOnce(&'static Words) -> &'static str) -> Response {
    let people = shared.lock();
    let (words, own) = words_of(&people);
    ScreenPage::says(&people.collection.study().title, pick(words), words, own).respond(status)
}

fn parameters(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
}

fn value<'a>(sent: &'a [(String, String)], name: &str) -> &'a str {
    sent.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    all.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// A form of another site that a browser sends here.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    matches!(site, Some("cross-site" | "same-site"))
}

fn to(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, place.to_owned())]).into_response()
}

/// The way in: consent, or the screen that is due for whoever is known already.
pub(super) async fn enter(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let mut parameters = parameters(&query.unwrap_or_default());
    // What the last page's link asks for is nothing by which somebody came.
    let anew = parameters.extract_if(.., |(key, _)| key == "new").count() > 0;
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
    let identity = Identity { parameters };
    let Some(nonce) = shared.nonce() else {
        return says(&shared, StatusCode::SERVICE_UNAVAILABLE, |w| w.broken);
    };
    let people = shared.lock();
    if let Some(response) = known(&shared, &people, &identity, &headers) {
        return response;
    }
    let own = cookie(&headers).filter(|link| people.collection.by_link(Keys::hash(link)).is_some());
    if let (Some(link), false, None) = (own, anew, identity.id()) {
        return to(&format!("/p/{link}"));
    }
    if let Some(closed) = closed(&shared, &people, &identity) {
        return closed;
    }
    let (words, own) = words_of(&people);
    let study = people.collection.study();
    let mut view = screen::consent(study);
    let (submit, decline) = (std::mem::take(&mut view.submit), view.decline.take());
    let mut page = ScreenPage::of(view, words, own, &Refused::default());
    page.form = Some(FormPage {
        action: "/begin".to_owned(),
        hidden: vec![
            ("page.nonce", nonce.clone()),
            ("page.mark", shared.keys.start(&nonce, &query)),
            ("page.query", query),
        ],
        submit,
        decline,
        wide: study.least_width().map(|width| (width, screen::fill(words.wide, &[&width.to_string()]))),
    });
    page.respond(StatusCode::OK)
}

/// Where somebody goes who began before, by what the link says and the browser has; nothing for newcomers.
fn known(shared: &Shared, people: &People, identity: &Identity, headers: &HeaderMap) -> Option<Response> {
    let says = |pick: fn(&Words) -> &'static str| {
        let (words, own) = words_of(people);
        let title = &people.collection.study().title;
        Some(ScreenPage::says(title, pick(words), words, own).respond(StatusCode::OK))
    };
    let mark = identity.id().map(|id| shared.keys.mark(id));
    let who = match people.collection.known(identity, mark.as_deref()) {
        Known::No => return None,
        Known::Gone => return says(|w| w.known),
        Known::Person(who) => who,
        Known::Unproven(who) => {
            let own = cookie(headers).and_then(|link| people.collection.by_link(Keys::hash(link)));
            if own != Some(who) {
                return says(|w| w.unproven);
            }
            who
        }
    };
    let nonce = people.collection.nonce(who)?;
    Some(to(&format!("/p/{}", shared.keys.link(nonce))))
}

/// What somebody is told whom the study does not take in now.
fn closed(shared: &Shared, people: &People, identity: &Identity) -> Option<Response> {
    let (words, own) = words_of(people);
    let says = |text: &str| {
        ScreenPage::says(&people.collection.study().title, text, words, own).respond(StatusCode::OK)
    };
    if identity.id().is_some_and(|id| (shared.refused)(id)) {
        return Some(says(words.known));
    }
    if !people.open || shared.most.is_some_and(|most| people.collection.arrived() >= most) {
        return Some(says(words.paused));
    }
    let over = shared.closes_us.is_some_and(|closes| closes <= shared.now_us());
    if over || !people.collection.has_room() {
        return Some(end_page(people, End::Full).respond(StatusCode::OK));
    }
    None
}

/// Consent: somebody begins, or does not.
pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    let (nonce, query) = (value(&sent, "page.nonce"), value(&sent, "page.query"));
    if is_foreign(&headers) || value(&sent, "page.mark") != shared.keys.start(nonce, query) {
        return says(&shared, StatusCode::BAD_REQUEST, |w| w.stale);
    }
    if value(&sent, "page.answer") == "decline" {
        // Nothing about this person is kept.
        return end_page(&shared.lock(), End::Declined).respond(StatusCode::OK);
    }
    let identity = Identity { parameters: parameters(query) };
    let link = shared.keys.link(nonce);
    let mut salt = [0; 32];
    if !(shared.outside.random)(&mut salt) {
        return says(&shared, StatusCode::SERVICE_UNAVAILABLE, |w| w.broken);
    }
    let (who, link) = {
        let mut people = shared.lock();
        match people.collection.by_link(Keys::hash(&link)) {
            Some(who) => (who, link),
            None => {
                if let Some(response) = known(&shared, &people, &identity, &headers) {
                    return response;
                }
                if let Some(closed) = closed(&shared, &people, &identity) {
                    return closed;
                }
                let newcomer = Newcomer { link: Keys::hash(&link), salt, nonce: nonce.to_owned(), identity };
                let now = shared.now_us();
                let (who, mut events) = people.collection.arrive(newcomer, now);
                events.extend(people.collection.take(who, &Input::Agree, None).unwrap_or_default());
                shared.submit(&mut people, events);
                (who, link)
            }
        }
    };
    if !shared.settled(who).await {
        return says(&shared, StatusCode::SERVICE_UNAVAILABLE, |w| w.broken);
    }
    let secure = if shared.secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={link}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000{secure}");
    let mut response = to(&format!("/p/{link}"));
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The screen that is due.
pub(super) async fn due(
    State(shared): State<Arc<Shared>>,
    Path(link): Path<String>,
    headers: HeaderMap,
) -> Response {
    due_at(&shared, &link, &headers).await
}

/// The same, asked for without a route.
pub(super) async fn due_at(shared: &Shared, link: &str, headers: &HeaderMap) -> Response {
    let hash = Keys::hash(link);
    let found = {
        let people = shared.lock();
        people.collection.by_link(hash).map(|who| (who, people.last(who)))
    };
    let Some((who, last)) = found else { return says(shared, StatusCode::NOT_FOUND, |w| w.unknown) };
    if !shared.reached(last).await {
        return says(shared, StatusCode::SERVICE_UNAVAILABLE, |w| w.broken);
    }
    let now = shared.now_us();
    let mut people = shared.lock();
    let Some(screen) = people.collection.person(who).map(|person| person.due()) else {
        return to("/");
    };
    people.shown(who, screen, now);
    let page = person_page(shared, &people, who, link, &Refused::default());
    let due = rehearsed(shared, &people, who, headers);
    // Others need not wait while this one's page is written.
    drop(people);
    let mut response = page.respond(StatusCode::OK);
    if let Some(due) = due {
        response.headers_mut().insert(DUE, due);
    }
    response
}

/// A header that says what is due, for simulated people: they answer by item and condition. Only a pilot's server sends it, whose
/// journal is never merged with others, and only to whoever has the token of the admin page.
const DUE: &str = "plumb-due";

fn rehearsed(shared: &Shared, people: &People, who: PersonIx, headers: &HeaderMap) -> Option<HeaderValue> {
    if shared.most.is_none() || !is_admin(shared, headers) {
        return None;
    }
    let due = serde_json::to_vec(&people.collection.due(who)?).ok()?;
    HeaderValue::from_bytes(&due).ok()
}

fn person_page(shared: &Shared, people: &People, who: PersonIx, link: &str, refused: &Refused) -> ScreenPage {
    let (words, own) = words_of(people);
    let collection = &people.collection;
    let study = collection.study();
    if let Some(Screen::End(end)) = collection.screen(who) {
        let mut page = end_page(people, end);
        if collection.is_erased(who) {
            page.notes.push(words.erased.to_owned());
        } else if end != End::Full {
            page.notes.push(screen::fill(words.withdraw_later, &[&shared.keys.withdrawal(who)]));
            page.links.push(("/withdraw".to_owned(), words.withdraw_title.to_owned()));
        }
        page.links.push(("/?new=1".to_owned(), words.other_person.to_owned()));
        return page;
    }
    let Some(person) = collection.person(who) else {
        return ScreenPage::says(&study.title, words.unknown, words, own);
    };
    let mut view: View = screen::view(study, person);
    let submit = std::mem::take(&mut view.submit);
    let mut page = ScreenPage::of(view, words, own, refused);
    page.form = Some(FormPage {
        action: format!("/p/{link}"),
        hidden: vec![
            ("page.screen", person.due().to_string()),
            ("page.mark", shared.keys.page(link, person.due())),
        ],
        submit,
        decline: None,
        wide: None,
    });
    page.notes.push(words.bookmark.to_owned());
    page.links.push((format!("/p/{link}/withdraw"), own.withdraw.to_owned()));
    page
}

/// The end, with its code.
fn end_page(people: &People, end: End) -> ScreenPage {
    let (words, own) = words_of(people);
    let study = people.collection.study();
    let mut page = ScreenPage::of(screen::ending(study, end), words, own, &Refused::default());
    page.ending = study
        .completion(end)
        .map(|ending| (own.code.to_owned(), ending.code, ending.url, own.go_back.to_owned()));
    page
}

/// An answer.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    answer_at(&shared, &link, &headers, sent).await
}

/// The same, sent without a route.
pub(super) async fn answer_at(shared: &Shared, link: &str, headers: &HeaderMap, sent: Sent) -> Response {
    let back = format!("/p/{link}");
    let screen = value(&sent, "page.screen").parse::<usize>().ok();
    // What an older page or another site sends leads to the screen that is due.
    let screen = screen.filter(|screen| {
        !is_foreign(headers) && value(&sent, "page.mark") == shared.keys.page(link, *screen)
    });
    let (now, hash) = (shared.now_us(), Keys::hash(link));
    let taken = {
        let mut people = shared.lock();
        people.collection.by_link(hash).map(|who| {
            let refused = screen.and_then(|screen| take(shared, &mut people, (who, screen, now), sent));
            (who, people.last(who), refused)
        })
    };
    let Some((who, last, refused)) = taken else {
        return says(shared, StatusCode::NOT_FOUND, |w| w.unknown);
    };
    // Where nothing was taken the next page waits for the disk by itself.
    if screen.is_some() && !shared.reached(last).await {
        return says(shared, StatusCode::SERVICE_UNAVAILABLE, |w| w.broken);
    }
    match refused {
        None => to(&back),
        Some(refused) => {
            let page = person_page(shared, &shared.lock(), who, link, &refused);
            page.respond(StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

/// Takes an answer if its screen is due; what cannot be taken comes back.
fn take(
    shared: &Shared,
    people: &mut People,
    (who, screen, now): (PersonIx, usize, i64),
    sent: Sent,
) -> Option<Refused> {
    let (_, own) = words_of(people);
    let person = people.collection.person(who).filter(|person| person.due() == screen)?;
    if matches!(people.collection.screen(who), Some(Screen::End(_)) | None) {
        return None;
    }
    let asked = screen::asked(people.collection.study(), person);
    let shown_us = people.was_shown(who, screen);
    if let (Some(seconds), Some(shown)) = (asked.reading_s, shown_us)
        && now - shown < i64::from(seconds) * 1_000_000
    {
        let message = screen::fill(own.reading, &[&seconds.to_string()]);
        return Some(Refused { sent, wrong: Vec::new(), messages: vec![message] });
    }
    let values = match screen::read(&asked.fields, &sent, own) {
        Ok(values) => values,
        Err(wrong) => return Some(Refused { sent, wrong, messages: Vec::new() }),
    };
    let mut paged = Paged { shown_us, ..Paged::default() };
    for (name, text) in &sent {
        if let Some(name) = name.strip_prefix("count.") {
            paged.count(name, text);
        }
    }
    let events = people.collection.take(who, &Input::Answer { screen, values }, Some(paged))?;
    shared.submit(people, events);
    None
}

/// The question whether to withdraw; `link` is the person's, or nothing where a code is asked for. After the end there is nothing
/// to choose: a withdrawal deletes all.
fn withdraw_page(people: &People, action: String, link: Option<&str>, message: Option<&str>) -> ScreenPage {
    let (words, own) = words_of(people);
    let who = link.and_then(|link| people.collection.by_link(Keys::hash(link)));
    let ended = who.is_some_and(|who| matches!(people.collection.screen(who), Some(Screen::End(_))));
    let mut fields = Vec::new();
    if link.is_none() {
        fields.push(screen::Field {
            id: "code".to_owned(),
            label: words.withdraw_code.to_owned(),
            help: None,
            required: true,
            kind: screen::FieldKind::Text { most: 20, lines: 1 },
        });
    }
    let erase = screen::Field {
        id: "erase".to_owned(),
        label: words.withdraw_title.to_owned(),
        help: None,
        required: false,
        kind: screen::FieldKind::Choice {
            options: vec![("yes".to_owned(), words.withdraw_erase.to_owned())],
            many: true,
        },
    };
    fields.extend((!ended).then_some(erase));
    let text = match link {
        _ if ended => words.withdraw_ended.to_owned(),
        Some(_) => words.withdraw_text.to_owned(),
        None => format!("{} {}", words.withdraw_text, words.withdraw_ended),
    };
    let view = View {
        title: words.withdraw_title.to_owned(),
        parts: vec![screen::Part::Text(text)],
        fields,
        ..View::default()
    };
    let refused =
        Refused { messages: message.map(str::to_owned).into_iter().collect(), ..Refused::default() };
    let mut page = ScreenPage::of(view, words, own, &refused);
    // A box that need not be ticked says so by itself.
    page.fields.iter_mut().for_each(|field| field.mark = "");
    page.form = Some(FormPage {
        action,
        hidden: Vec::new(),
        submit: words.withdraw_yes.to_owned(),
        decline: None,
        wide: None,
    });
    if let Some(link) = link {
        page.links.push((format!("/p/{link}"), words.withdraw_no.to_owned()));
    }
    page
}

/// Asks before a withdrawal.
pub(super) async fn ask_withdrawal(State(shared): State<Arc<Shared>>, Path(link): Path<String>) -> Response {
    let people = shared.lock();
    if people.collection.by_link(Keys::hash(&link)).is_none() {
        drop(people);
        return says(&shared, StatusCode::NOT_FOUND, |w| w.unknown);
    }
    withdraw_page(&people, format!("/p/{link}/withdraw"), Some(&link), None).respond(StatusCode::OK)
}

/// Withdraws whoever has the link.
pub(super) async fn withdraw(
    State(shared): State<Arc<Shared>>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    let found = shared.lock().collection.by_link(Keys::hash(&link));
    let Some(who) = found else { return says(&shared, StatusCode::NOT_FOUND, |w| w.unknown) };
    if is_foreign(&headers) {
        return to(&format!("/p/{link}"));
    }
    leave(&shared, who, value(&sent, "erase") == "yes").await.unwrap_or_else(|| to(&format!("/p/{link}")))
}

/// Asks for a code of withdrawal.
pub(super) async fn ask_code(State(shared): State<Arc<Shared>>) -> Response {
    withdraw_page(&shared.lock(), "/withdraw".to_owned(), None, None).respond(StatusCode::OK)
}

/// Withdraws whoever has the code.
pub(super) async fn withdraw_by_code(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    let code = value(&sent, "code");
    let count = shared.lock().collection.arrived() as u32;
    let found = (0..count).map(PersonIx).find(|who| Keys::is_code(&shared.keys.withdrawal(*who), code));
    let Some(who) = found.filter(|_| !is_foreign(&headers)) else {
        let people = shared.lock();
        let (words, _) = words_of(&people);
        return withdraw_page(&people, "/withdraw".to_owned(), None, Some(words.withdraw_wrong))
            .respond(StatusCode::UNPROCESSABLE_ENTITY);
    };
    match leave(&shared, who, value(&sent, "erase") == "yes").await {
        Some(broken) => broken,
        None => {
            let people = shared.lock();
            let mut page = end_page(&people, End::Withdrawn);
            page.ending = None;
            if people.collection.is_erased(who) {
                page.notes.push(words_of(&people).0.erased.to_owned());
            }
            page.respond(StatusCode::OK)
        }
    }
}

/// Ends a person's part, and erases it if wished. A response only if it could not be stored.
async fn leave(shared: &Shared, who: PersonIx, erase: bool) -> Option<Response> {
    {
        let mut people = shared.lock();
        // Whoever comes back after the end can only mean what was answered.
        let ended = matches!(people.collection.screen(who), Some(Screen::End(_)));
        let events = if erase || ended {
            people.collection.erase(who, |id| shared.keys.mark(id))
        } else {
            people.collection.take(who, &Input::Withdraw, None).unwrap_or_default()
        };
        shared.submit(&mut people, events);
    }
    (!shared.settled(who).await).then(|| says(shared, StatusCode::SERVICE_UNAVAILABLE, |w| w.broken))
}

/// What a browser reports of an error in a page: counted by its text, for whoever looks after the study.
pub(super) async fn report(
    State(shared): State<Arc<Shared>>,
    Form(sent): Form<HashMap<String, String>>,
) -> Response {
    /// Different texts that are kept.
    const MOST: usize = 50;
    let text: String = sent.get("what").map_or("", String::as_str).chars().take(200).collect();
    let mut people = shared.lock();
    if people.reports.len() < MOST || people.reports.contains_key(&text) {
        *people.reports.entry(text).or_insert(0) += 1;
    }
    StatusCode::NO_CONTENT.into_response()
}
