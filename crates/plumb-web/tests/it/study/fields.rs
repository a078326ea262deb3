//! Every kind of field and of part, from markup to what is stored.

use super::world::{Server, takers};

const FIELDS: &str = include_str!("fields.toml");

#[tokio::test]
async fn every_kind_of_field_is_labelled_and_taken() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), FIELDS).await;
    let at = server.begin("").await;
    let page = server.get(&at).await;
    for wanted in [
        "<label for=\"f-number\">What is it worth?</label>",
        "aria-describedby=\"u-number\"",
        "data-slider=\"f-slider\" hidden",
        "min=\"0.0\" max=\"3.0\" step=\"0.1\"",
        "aria-describedby=\"h-slider u-slider\"",
        "<legend>How sure are you?</legend>",
        "type=\"checkbox\" id=\"f-many\"",
        "maxlength=\"200\"",
        "(may be left empty)",
        "<strong>1.2 million</strong>",
        "Read <strong>this</strong> first.",
    ] {
        assert!(page.body.contains(wanted), "{wanted}: {}", page.body);
    }
    let range = page.body.split("type=\"range\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(!range.contains("value=") && !range.contains("name="), "a slider has no preset value: {range}");
    let order: Vec<usize> =
        (1..=7).map(|n| page.body.find(&format!("name=\"likert\" value=\"{n}\"")).unwrap()).collect();
    assert!(order.windows(2).all(|w| w[0] > w[1]), "from high to low");

    let nothing = server.answer(&at, &page, &[]).await;
    assert_eq!(nothing.status, 422);
    assert_eq!(nothing.body.matches("Please answer this question.").count(), 2 * 5, "{}", nothing.body);
    let answers = [
        ("number", "1,5"),
        ("slider", "0.3"),
        ("likert", "7"),
        ("choice", "b"),
        ("many", "a"),
        ("many", "b"),
    ];
    let wrong = server.answer(&at, &page, &[&answers[..5], &[("number", "9")]].concat()).await;
    assert_eq!(wrong.status, 422, "two numbers for one field are none");
    assert_eq!(server.answer(&at, &page, &answers).await.status, 303);
    let parts = server.get(&at).await;
    assert!(
        parts.body.contains("return x  # &#60;b&#62;") && parts.body.contains("three &#60; four"),
        "{}",
        parts.body
    );
    assert!(parts.body.contains("<th scope=\"col\">name</th>"));
    server.answer(&at, &parts, &[]).await;
    let taker = takers(&server.stop().await).remove(0);
    let stored: Vec<(&str, &str)> =
        taker.answers.iter().map(|a| (a.field.as_str(), a.text.as_str())).collect();
    assert_eq!(
        stored,
        [
            ("number", "1.5"),
            ("slider", "0.3"),
            ("likert", "7"),
            ("choice", "b"),
            ("many", "a,b"),
            ("text", "")
        ]
    );
    assert_eq!(taker.items[0].answers.len(), 6);
}
