//! Pages that ask for time to be read, and pages in another language.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::world::{NOW_US, RIGHT, STUDY, Server, takers};

#[tokio::test]
async fn a_page_is_not_taken_before_its_time_to_be_read_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let text = STUDY
        .replace("kind = \"instructions\"\n", "kind = \"instructions\"\nreading_s = 20\n")
        .replace("id = \"estimate-alone\"\n", "id = \"estimate-alone\"\nreading_s = 3\n")
        .replace("id = \"estimate-advised\"\n", "id = \"estimate-advised\"\nreading_s = 3\n");
    let clock = Arc::new(AtomicI64::new(NOW_US));
    let shown = clock.clone();
    let server = Server::with(folder.path(), &text, NOW_US, |mut config| {
        config.outside.now_us = Arc::new(move || shown.load(Ordering::Relaxed));
        config
    })
    .await;
    let later = |seconds: i64| clock.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    let at = server.begin("?participant=quick").await;
    let page = server.get(&at).await;
    assert!(page.body.contains("You can go on after 20 seconds."), "{}", page.body);
    later(19);
    let early = server.answer(&at, &page, &RIGHT).await;
    assert_eq!(early.status, 422);
    assert!(early.body.contains("role=\"alert\"") && early.body.contains("20"), "{}", early.body);
    // The time counts from the first time that the page was shown: a reload does not begin it anew.
    server.get(&at).await;
    later(1);
    assert_eq!(server.answer(&at, &page, &RIGHT).await.status, 303);
    let check = server.get(&at).await;
    assert_eq!(server.answer(&at, &check, &RIGHT).await.status, 303);
    let trial = server.get(&at).await;
    let early = server.answer(&at, &trial, &RIGHT).await;
    assert_eq!(early.status, 422);
    assert!(early.body.contains("value=\"300\""), "what was typed stays: {}", early.body);
    later(3);
    assert_eq!(server.answer(&at, &trial, &RIGHT).await.status, 303);
    let taker = takers(&server.stop().await).remove(0);
    assert_eq!(taker.items.len(), 1);
    assert_eq!(taker.answers.len(), 3, "what came too early is not there");
}

#[tokio::test]
async fn the_server_s_own_words_are_in_the_study_s_language() {
    let folder = tempfile::tempdir().unwrap();
    let title = "title = \"How many beads are in the jar?\"";
    let text = STUDY.replacen(title, "title = \"Wie viele Perlen?\"\nlanguage = \"de\"", 1);
    let server = Server::start(folder.path(), &text).await;
    let door = server.get("/?participant=p").await.body;
    for words in ["<html lang=\"de\">", "Zum Inhalt der Seite", "Ich stimme zu und möchte teilnehmen"] {
        assert!(door.contains(words), "{words}: {door}");
    }
    let at = server.begin("?participant=p").await;
    let instructions = server.get(&at).await;
    assert!(
        instructions.body.contains("kommen Sie mit der Adresse dieser Seite wieder"),
        "{}",
        instructions.body
    );
    server.answer(&at, &instructions, &RIGHT).await;
    let check = server.get(&at).await;
    server.answer(&at, &check, &RIGHT).await;
    let trial = server.get(&at).await;
    let wrong = server.answer(&at, &trial, &[("estimate", "many"), ("confidence", "4")]).await;
    assert!(wrong.body.contains("Bitte sehen Sie diese Antworten noch einmal an"), "{}", wrong.body);
    server.finish(&at).await;
    let end = server.get(&at).await.body;
    assert!(
        end.contains("Mit diesem Code können Sie später zurücktreten") && end.contains("BEADS-DONE"),
        "{end}"
    );
    let withdraw = server.get("/withdraw").await.body;
    assert!(withdraw.contains("Ihr Code zum Zurücktreten"), "{withdraw}");
    let nowhere = server.get("/p/none").await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.body.contains("Dieser Link führt zu nichts"), "{}", nowhere.body);
    for page in [&door, &instructions.body, &wrong.body, &end, &withdraw] {
        for english in ["Skip", "Please", "Withdraw<", "I agree", "optional)"] {
            assert!(!page.contains(english), "{english}: {page}");
        }
    }
}
