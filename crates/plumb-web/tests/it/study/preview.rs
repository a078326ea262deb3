//! A preview: every screen, and buttons that lead on.

use super::world::{STUDY, Server};

#[tokio::test]
async fn a_preview_has_every_screen_and_its_buttons_lead_through_them() {
    let server = Server::preview(STUDY).await;
    let all = server.get("/").await.body;
    for link in ["/consent", "/entry/0", "/arm/ALONE/0", "/arm/ADVISED/0", "/end/completed"] {
        assert!(all.contains(&format!("href=\"{link}\"")), "{link}");
    }
    assert!(all.contains("before assignment: 2 screens"));
    // From consent by each page's own button until there is none.
    let action = |body: &str| {
        let (_, rest) = body.split_once("<form method=\"post\" action=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let (mut at, mut met) = ("/consent".to_owned(), Vec::new());
    while met.len() < 5 {
        let page = server.get(&at).await;
        assert_eq!(page.status, 200, "{at}");
        let (_, title) = page.body.split_once("<h1>").unwrap();
        met.push(title.split_once("</h1>").unwrap().0.to_owned());
        let Some(next) = action(&page.body) else { break };
        let sent = server.post(&next, &[("page.answer", "agree"), ("estimate", "none")]).await;
        assert_eq!((sent.status, sent.location()), (303, next.clone()));
        at = next;
    }
    assert_eq!(
        met,
        [
            "Before you begin",
            "What you will do",
            "One question first",
            "Preview: How many beads are in the jar?"
        ]
    );
    let declined = server.post("/entry/0", &[("page.answer", "decline")]).await;
    assert_eq!(declined.location(), "/end/declined");
    let last = server.post("/arm/ALONE/6", &[]).await;
    assert_eq!(last.location(), "/arm/ALONE/6");
    for missing in ["/entry/2", "/arm/NONE/0", "/arm/ALONE/7", "/end/nowhere"] {
        assert_eq!(server.get(missing).await.status, 404, "{missing}");
    }
    drop(server.stop().await);
}
