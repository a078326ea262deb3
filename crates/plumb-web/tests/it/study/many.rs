//! Many at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::world::{RIGHT, STUDY, Server, takers};

fn five_arms() -> String {
    let mut text = STUDY.replace(
        "places = { ALONE = 40, ADVISED = 40 }",
        "places = { ALONE = 40, ADVISED = 40, A = 40, B = 40, C = 40 }",
    );
    for arm in ["A", "B", "C"] {
        text = text.replacen("[[measure]]", &format!("[[condition]]\nid = \"{arm}\"\n\n[[measure]]"), 1);
    }
    text = text.replace("error ~ advice", "error ~ condition");
    text.replace("conditions = [\"ALONE\"]", "conditions = [\"ALONE\", \"A\", \"B\", \"C\"]")
}

async fn two_hundred(rule: &str) {
    let folder = tempfile::tempdir().unwrap();
    let text = five_arms().replace("rule = \"block\"", &format!("rule = \"{rule}\""));
    let text = if rule == "block" { text } else { text.replace("sizes = [1, 2, 3]", "") };
    let server = Arc::new(Server::start(folder.path(), &text).await);
    let starts = (0..200).map(|n| {
        let server = server.clone();
        tokio::spawn(async move {
            let at = server.begin(&format!("?participant=p{n}")).await;
            for _ in 0..2 {
                let page = server.get(&at).await;
                // Impatient: every second click comes twice.
                let (one, _) =
                    tokio::join!(server.answer(&at, &page, &RIGHT), server.answer(&at, &page, &RIGHT));
                assert_eq!(one.status, 303);
            }
            server.get(&at).await.body
        })
    });
    for start in starts.collect::<Vec<_>>() {
        assert!(start.await.unwrap().contains("How many beads?"));
    }
    // The next one finds it full.
    assert!(server.get("/?participant=late").await.body.contains("BEADS-FULL"));
    let path = Arc::try_unwrap(server).ok().unwrap().stop().await;
    let mut arms: BTreeMap<String, usize> = BTreeMap::new();
    for taker in takers(&path) {
        assert_eq!(taker.answers.len(), 1);
        *arms.entry(taker.arm.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(arms.values().copied().collect::<Vec<_>>(), [40; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_fill_five_arms_of_forty_by_blocks() {
    two_hundred("block").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_fill_five_arms_of_forty_by_counts() {
    two_hundred("least-filled").await;
}
