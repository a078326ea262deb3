//! What others could try: forged forms, guessed links, other sites, endless texts, the admin page.

use super::world::{ADMIN, NOW_US, RIGHT, STUDY, Server, takers};

#[tokio::test]
async fn forms_that_this_server_did_not_make_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let made_up = [("page.nonce", "00"), ("page.mark", "11"), ("page.query", ""), ("page.answer", "agree")];
    assert_eq!(server.post("/begin", &made_up).await.status, 400);
    let at = server.begin("").await;
    let page = server.get(&at).await;
    let mut fields = page.hidden();
    fields.iter_mut().filter(|(name, _)| name == "page.mark").for_each(|(_, value)| *value = "0".repeat(32));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    server.post(&at, &fields).await;
    let own = page.hidden();
    let own: Vec<(&str, &str)> = own.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    server.raw("POST", &at, "Sec-Fetch-Site: cross-site\r\n", Some(&own)).await;
    assert_eq!(server.get(&at).await.hidden(), page.hidden());
    for path in ["/p/0", "/p/", "/p/../admin", "/nothing", &format!("{at}0"), &format!("{at}/answers")] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.raw("DELETE", &at, "", None).await.status, 405);
    let long = "x".repeat(300 << 10);
    let refused = server.post(&at, &[("remarks", &long)]).await;
    assert_eq!(refused.status, 413);
    assert!(
        refused.body.contains("shorten your texts") && refused.body.contains("<main"),
        "{}",
        refused.body
    );
    assert_eq!(takers(&server.stop().await).len(), 1);
}

#[tokio::test]
async fn pages_let_a_browser_do_no_more_than_they_need() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("").await;
    for path in ["/", &at, "/withdraw", "/admin", "/study.css", "/nothing"] {
        let page = server.get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        for inline in ["<script>", "style=\"", " onclick", "javascript:"] {
            assert!(!page.body.contains(inline), "{path} has {inline}");
        }
    }
    assert_eq!(server.get(&at).await.header("cache-control"), Some("no-store"));
    let page = server.get("/?participant=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert!(!page.body.contains("<script>alert"));
    server.stop().await;
}

#[tokio::test]
async fn who_looks_after_a_study_sees_counts_and_needs_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), STUDY).await;
    let at = server.begin("?participant=some-one").await;
    server.finish(&at).await;
    assert_eq!(server.post("/admin", &[("token", "guess")]).await.status, 403);
    assert_eq!(server.post("/admin", &[("enrolment", "pause")]).await.status, 403);
    let opened = server.post("/admin", &[("token", ADMIN)]).await;
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert!(opened.header("set-cookie").unwrap().contains("HttpOnly; SameSite=Strict"));
    let head = format!("Cookie: {cookie}\r\n");
    let page = server.raw("GET", "/admin", &head, None).await;
    assert!(
        page.body.contains("1 person came") && !page.body.contains("some-one") && !page.body.contains("300")
    );
    server.raw("POST", "/admin", &head, Some(&[("enrolment", "pause")])).await;
    assert!(server.get("/").await.body.contains("takes in nobody"));
    let erased = server.raw("POST", "/admin", &head, Some(&[("erase", "1")])).await;
    assert!(erased.body.contains("Person 1 is erased"), "{}", erased.body);
    let none = server.raw("POST", "/admin", &head, Some(&[("erase", "2")])).await;
    assert!(none.body.contains("there is no person 2"));
    assert!(takers(&server.stop().await)[0].erased);
}

#[tokio::test]
async fn people_of_a_pilot_are_refused_and_a_pilot_takes_so_many() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(folder.path(), STUDY, NOW_US, |mut config| {
        config.refused = Box::new(|id| id == "tried-it");
        config.most = Some(1);
        config
    })
    .await;
    assert!(server.get("/?participant=tried-it").await.body.contains("already; so you cannot take part"));
    let at = server.begin("?participant=new").await;
    let page = server.get(&at).await;
    server.answer(&at, &page, &RIGHT).await;
    assert!(server.get("/?participant=newer").await.body.contains("takes in nobody"));
    assert_eq!(takers(&server.stop().await).len(), 1);
}
