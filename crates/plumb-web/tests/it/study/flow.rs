//! From the link to the code, and every way of doing a thing twice.

use super::world::{NOW_US, RIGHT, STUDY, Server, takers};
use plumb_human::protocol::person::End;

#[tokio::test]
async fn a_person_comes_to_the_end_and_every_answer_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("?PROLIFIC_PID=abc&SESSION_ID=x&STUDY_ID=s%261").await;
    // Instructions, a check, six jars, a questionnaire.
    assert_eq!(server.finish(&at).await, 9);
    let end = server.get(&at).await;
    assert!(end.body.contains("BEADS-DONE"), "{}", end.body);
    // Whoever comes again by the same link, on whatever browser, is at the end again.
    assert_eq!(server.get("/?PROLIFIC_PID=abc&SESSION_ID=x").await.location(), at);
    assert!(server.get(&at).await.body.contains("BEADS-DONE"));
    let all = takers(&server.stop().await);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].end, Some(End::Completed));
    assert_eq!(all[0].items.len(), 6);
    assert_eq!(all[0].answers.len(), 14);
    let estimate = &all[0].items[0].answers;
    assert_eq!(
        estimate,
        &[("estimate".to_owned(), "300".to_owned()), ("confidence".to_owned(), "4".to_owned())]
    );
    let remarks = all[0].answers.iter().find(|a| a.field == "remarks").unwrap();
    assert_eq!(remarks.text, RIGHT[3].1);
}

#[tokio::test]
async fn previews_and_refreshes_use_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    for _ in 0..3 {
        assert_eq!(server.raw("HEAD", "/?PROLIFIC_PID=abc", "", None).await.status, 200);
        assert_eq!(server.get("/?PROLIFIC_PID=abc").await.status, 200);
    }
    let at = server.begin("?PROLIFIC_PID=abc").await;
    for _ in 0..3 {
        assert_eq!(server.raw("HEAD", &at, "", None).await.status, 200);
        assert!(server.get(&at).await.body.contains("What you will do"));
    }
    let all = takers(&server.stop().await);
    assert_eq!((all.len(), all[0].answers.len()), (1, 0));
}

#[tokio::test]
async fn what_is_sent_twice_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    // Consent, twice at once.
    let page = server.get("/").await;
    let fields = page.hidden();
    let mut fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    fields.push(("page.answer", "agree"));
    let (one, two) = tokio::join!(server.post("/begin", &fields), server.post("/begin", &fields));
    assert_eq!(one.location(), two.location());
    let at = one.location();
    // Two windows show the same page; both send, one of them much later.
    let instructions = server.get(&at).await;
    let (one, two) =
        tokio::join!(server.answer(&at, &instructions, &RIGHT), server.answer(&at, &instructions, &RIGHT));
    assert_eq!([one.status, two.status], [303, 303]);
    let check = server.get(&at).await;
    assert!(check.body.contains("One question first"), "{}", check.body);
    assert_eq!(server.answer(&at, &instructions, &RIGHT).await.location(), at);
    assert_eq!(server.get(&at).await.body, check.body);
    server.finish(&at).await;
    // The back button, after the end.
    server.answer(&at, &check, &[("task", "price")]).await;
    assert!(server.get(&at).await.body.contains("BEADS-DONE"));
    let all = takers(&server.stop().await);
    assert_eq!((all.len(), all[0].answers.len()), (1, 14));
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_and_what_was_typed_stays() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("").await;
    for _ in 0..2 {
        let page = server.get(&at).await;
        server.answer(&at, &page, &RIGHT).await;
    }
    let page = server.get(&at).await;
    let sent = server.answer(&at, &page, &[("estimate", "a \"lot\" <b>")]).await;
    assert_eq!(sent.status, 422);
    assert!(sent.body.contains("a &#34;lot&#34; &#60;b&#62;"), "{}", sent.body);
    assert!(sent.body.contains("aria-invalid=\"true\"") && sent.body.contains("role=\"alert\""));
    assert_eq!(sent.hidden(), page.hidden(), "the same screen is still due");
    server.finish(&at).await;
    assert_eq!(takers(&server.stop().await)[0].answers.len(), 14);
}

#[tokio::test]
async fn a_check_has_tries_and_then_its_own_code_before_assignment() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("").await;
    let page = server.get(&at).await;
    server.answer(&at, &page, &[]).await;
    for _ in 0..2 {
        let page = server.get(&at).await;
        server.answer(&at, &page, &[("task", "price")]).await;
    }
    assert!(server.get(&at).await.body.contains("BEADS-CHECK"));
    let all = takers(&server.stop().await);
    assert_eq!((all[0].end, all[0].arm.as_deref()), (Some(End::ScreenedOut), None));
}

#[tokio::test]
async fn who_declines_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let page = server.get("/?PROLIFIC_PID=abc").await;
    let fields = page.hidden();
    let mut fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    fields.push(("page.answer", "decline"));
    assert!(server.post("/begin", &fields).await.body.contains("BEADS-NO"));
    assert!(takers(&server.stop().await).is_empty());
}

#[tokio::test]
async fn a_restart_changes_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let mut people = Vec::new();
    for n in 0..6 {
        let at = server.begin(&format!("?participant={n}&session=s{n}")).await;
        for _ in 0..n {
            let page = server.get(&at).await;
            server.answer(&at, &page, &RIGHT).await;
        }
        people.push((at.clone(), server.get(&at).await.body));
    }
    server.stop().await;
    let server = Server::start(folder.path(), STUDY).await;
    for (n, (at, body)) in people.iter().enumerate() {
        assert_eq!(&server.get(at).await.body, body);
        assert_eq!(&server.get(&format!("/?participant={n}&session=s{n}")).await.location(), at);
        server.finish(at).await;
    }
    let all = takers(&server.stop().await);
    assert!(all.iter().all(|taker| taker.answers.len() == 14 && taker.items.len() == 6));
}

#[tokio::test]
async fn who_withdraws_ends_there_and_can_have_everything_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("?participant=one").await;
    let page = server.get(&at).await;
    server.answer(&at, &page, &[]).await;
    let ask = server.get(&format!("{at}/withdraw")).await;
    assert!(ask.body.contains("name=\"erase\""));
    server.post(&format!("{at}/withdraw"), &[]).await;
    let end = server.get(&at).await;
    assert!(end.body.contains("BEADS-STOP"));
    let again = server.get(&format!("{at}/withdraw")).await;
    assert!(again.body.contains("deletes everything") && !again.body.contains("name=\"erase\""));
    let other = server.begin("?participant=qzx-9").await;
    server.finish(&other).await;
    assert!(
        server.get("/withdraw").await.body.contains("deletes everything"),
        "it says what a code does after the end"
    );
    // A code from the end page, used from anywhere.
    let body = server.get(&other).await.body;
    let code = body.split("deleted: ").nth(1).unwrap()[..14].to_owned();
    assert_eq!(server.post("/withdraw", &[("code", "AAAA-AAAA-AAAA")]).await.status, 422);
    assert!(server.post("/withdraw", &[("code", &code.to_lowercase())]).await.body.contains("deleted"));
    let all = takers(&server.stop().await);
    assert_eq!(all[0].end, Some(End::Withdrawn));
    assert!(!all[0].erased && all[1].erased && all[1].answers.is_empty() && all[1].items.is_empty());
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(5).any(|w| w == b"qzx-9"), "the identifier is gone");
    }
}

#[tokio::test]
async fn nobody_new_is_let_in_after_the_days_of_collection_and_who_began_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("").await;
    server.stop().await;
    let server = Server::with(folder.path(), STUDY, NOW_US + 1_000_000, |mut config| {
        config.closes_us = Some(NOW_US + 1_000_000);
        config
    })
    .await;
    assert!(server.get("/").await.body.contains("BEADS-FULL"));
    server.finish(&at).await;
    assert!(server.get(&at).await.body.contains("BEADS-DONE"));
    server.stop().await;
}

#[tokio::test]
async fn places_of_people_whose_time_is_over_open_again() {
    let folder = tempfile::tempdir().unwrap();
    let text = STUDY.replace("ALONE = 40, ADVISED = 40", "ALONE = 1, ADVISED = 1");
    let server = Server::start(folder.path(), &text).await;
    let mut links = Vec::new();
    for _ in 0..2 {
        let at = server.begin("").await;
        for _ in 0..2 {
            let page = server.get(&at).await;
            server.answer(&at, &page, &RIGHT).await;
        }
        links.push(at);
    }
    assert!(server.get("/").await.body.contains("BEADS-FULL"));
    server.finish(&links[0]).await;
    let path = server.stop().await;
    // The round is made at the start, too.
    let server = Server::with(folder.path(), &text, NOW_US + 3_601_000_000, |config| config).await;
    assert!(server.get(&links[1]).await.body.contains("BEADS-LATE"));
    assert!(server.get(&links[0]).await.body.contains("BEADS-DONE"));
    let at = server.begin("").await;
    server.finish(&at).await;
    server.stop().await;
    let all = takers(&path);
    assert_eq!(all[1].arm, all[2].arm, "the place that opened is the one that was left");
    assert_eq!(all[2].end, Some(End::Completed));
}
