//! Who somebody is: by the platform's session, by the browser, by a page's address, and never by an identifier alone; and what
//! the platform tells.

use super::world::{ADMIN, NOW_US, PLATFORM, RIGHT, STUDY, Server, takers};
use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use plumb_human::protocol::person::End;

#[tokio::test]
async fn an_identifier_alone_opens_nobodys_page() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("?PROLIFIC_PID=abc&SESSION_ID=s1").await;
    for query in ["?PROLIFIC_PID=abc", "?PROLIFIC_PID=abc&SESSION_ID=guess", "?participant=abc&session="] {
        let page = server.get(&format!("/{query}")).await;
        assert!(page.location().is_empty() && page.body.contains("begun with this identifier"), "{query}");
        assert!(!page.body.contains("/p/"), "{query}");
    }
    let other = server.get("/?PROLIFIC_PID=abc&SESSION_ID=s1").await;
    assert_eq!(other.location(), at, "the platform's session is known on another browser");
    // A plain link: the browser's cookie and the page's address show who it is.
    let plain = server.begin("?participant=7").await;
    assert!(server.get("/?participant=7").await.body.contains("begun with this identifier"));
    let cookie = format!("Cookie: plumb={}\r\n", plain.trim_start_matches("/p/"));
    assert_eq!(server.raw("GET", "/?participant=7", &cookie, None).await.location(), plain);
    let wrong = format!("Cookie: plumb={}\r\n", at.trim_start_matches("/p/"));
    assert!(server.raw("GET", "/?participant=7", &wrong, None).await.location().is_empty());
    assert_eq!(server.get(&plain).await.status, 200);
    assert_eq!(takers(&server.stop().await).len(), 2);
}

#[tokio::test]
async fn somebody_else_at_the_same_computer_comes_by_a_link_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let first = server.begin("?source=lab").await;
    let cookie = format!("Cookie: plumb={}\r\n", first.trim_start_matches("/p/"));
    let known = server.raw("GET", "/?source=lab", &cookie, None).await;
    assert_eq!(known.location(), first, "the browser is known");
    let anew = server.raw("GET", "/?new=1&source=lab&source=b%26b", &cookie, None).await;
    assert!(anew.location().is_empty() && anew.body.contains("page.nonce"));
    let second = server.begin("?new=1&source=lab&source=b%26b").await;
    assert!(second != first);
    let journal = plumb_study::Journal::open(&server.stop().await).unwrap();
    let came: Vec<_> =
        journal.persons().unwrap().into_iter().map(|person| person.identity.unwrap()).collect();
    let of = |came: &str| plumb_human::collect::Identity::read(came).parameters;
    assert_eq!(of(&came[0]), [("source".to_owned(), "lab".to_owned())]);
    let both = ["lab", "b&b"].map(|value| ("source".to_owned(), value.to_owned()));
    assert_eq!(of(&came[1]), both, "all that the link says, and not that it was a new one");
}

#[tokio::test]
async fn a_study_may_say_that_identifiers_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let text = STUDY.replace("retention_days = 90", "retention_days = 90\nresume_by_id = true");
    let server = Server::start(folder.path(), &text).await;
    let at = server.begin("?participant=7").await;
    assert_eq!(server.get("/?participant=7").await.location(), at);
    server.stop().await;
}

#[tokio::test]
async fn who_was_erased_cannot_take_part_again_though_nothing_tells_who_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("?PROLIFIC_PID=qzx-9&SESSION_ID=s1").await;
    server.post(&format!("{at}/withdraw"), &[("erase", "yes")]).await;
    for round in 0..2 {
        let page = server.get("/?PROLIFIC_PID=qzx-9&SESSION_ID=s2").await;
        assert!(page.body.contains("already; so you cannot take part"), "round {round}: {}", page.body);
        assert!(server.get("/?PROLIFIC_PID=other").await.body.contains("page.nonce"));
        if round == 1 {
            break;
        }
        // The same after a restart.
        assert!(takers(&folder.path().join("journal.plumb"))[0].erased);
    }
    server.stop().await;
    let server = Server::start(folder.path(), STUDY).await;
    assert!(server.get("/?PROLIFIC_PID=qzx-9").await.body.contains("already; so you cannot take part"));
    server.stop().await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(5).any(|w| w == b"qzx-9"), "the identifier is gone");
    }
}

/// A message as the platform signs it.
async fn told(server: &Server, secret: &str, at_s: i64, id: &str, status: &str) -> u16 {
    let body = format!(
        r#"{{"resource_id":"r","event_type":"submission.status.change","participant_id":"{id}","status":"{status}"}}"#
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(at_s.to_string().as_bytes());
    mac.update(body.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let head = format!(
        "Content-Type: application/json\r\nX-Prolific-Request-Signature: {signature}\r\nX-Prolific-Request-Timestamp: {at_s}\r\n"
    );
    server.sent("POST", "/hooks/prolific", &head, &body).await.status
}

#[tokio::test]
async fn what_the_platform_tells_counts_with_its_signature_alone_and_opens_places() {
    let folder = tempfile::tempdir().unwrap();
    let text = STUDY.replace("ALONE = 40, ADVISED = 40", "ALONE = 1, ADVISED = 1");
    let server = Server::start(folder.path(), &text).await;
    let now_s = NOW_US / 1_000_000;
    for id in ["done", "gone"] {
        let at = server.begin(&format!("?PROLIFIC_PID={id}&SESSION_ID=s-{id}")).await;
        for _ in 0..if id == "done" { 9 } else { 3 } {
            let page = server.get(&at).await;
            server.answer(&at, &page, &RIGHT).await;
        }
    }
    assert!(server.get("/").await.body.contains("BEADS-FULL"));
    assert_eq!(told(&server, "another secret", now_s, "gone", "RETURNED").await, 401);
    assert_eq!(told(&server, PLATFORM, now_s - 3600, "gone", "RETURNED").await, 401, "too old");
    assert!(server.get("/").await.body.contains("BEADS-FULL"));
    for _ in 0..2 {
        // Messages may come twice.
        assert_eq!(told(&server, PLATFORM, now_s, "gone", "RETURNED").await, 200);
        assert_eq!(told(&server, PLATFORM, now_s, "done", "APPROVED").await, 200);
        assert_eq!(told(&server, PLATFORM, now_s, "never", "RETURNED").await, 200);
    }
    let next = server.begin("?PROLIFIC_PID=next").await;
    server.finish(&next).await;
    let all = takers(&server.stop().await);
    assert_eq!((all[0].end, all[0].platform.as_deref()), (Some(End::Completed), Some("approved")));
    assert_eq!((all[1].end, all[1].platform.as_deref()), (Some(End::Returned), Some("returned")));
    assert_eq!(all[1].arm, all[2].arm);
}

#[tokio::test]
async fn the_admin_page_says_how_long_people_took_and_where_they_left() {
    let folder = tempfile::tempdir().unwrap();
    let later = |minutes: i64| NOW_US + minutes * 60_000_000;
    let server = Server::start(folder.path(), STUDY).await;
    let (stays, leaves) = (server.begin("").await, server.begin("").await);
    // Instructions, the check, and two jars.
    for _ in 0..4 {
        let page = server.get(&leaves).await;
        server.answer(&leaves, &page, &RIGHT).await;
    }
    server.stop().await;
    let shown = |page: String| {
        let cells: Vec<&str> =
            page.split("<td>").filter_map(|cell| cell.split_once("</td>")).map(|c| c.0).collect();
        cells
            .iter()
            .filter(|cell| cell.contains(" of ") || cell.contains('('))
            .map(|c| (*c).to_owned())
            .collect()
    };
    let open = async |server: &Server| -> Vec<String> {
        let opened = server.post("/admin", &[("token", ADMIN)]).await;
        let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let mut cells: Vec<String> =
            shown(server.raw("GET", "/admin", &format!("Cookie: {cookie}\r\n"), None).await.body);
        cells.sort();
        cells
    };
    let server = Server::with(folder.path(), STUDY, later(5), |config| config).await;
    assert_eq!(open(&server).await, Vec::<String>::new());
    server.finish(&stays).await;
    server.post(&format!("{leaves}/withdraw"), &[]).await;
    let said = open(&server).await;
    assert_eq!(said, ["2 of 7", "5.0 (5.0 to 5.0)"]);
    server.stop().await;
    // A restart counts the same, from the journal.
    let server = Server::with(folder.path(), STUDY, later(60), |config| config).await;
    assert_eq!(open(&server).await, said);
    server.stop().await;
}
