//! The page: complete, closed to the network, and deaf to what models say.

use crate::world;
use plumb_report::html;
use sha2::{Digest, Sha256};

/// Start tags of a page with their attributes, as a browser would find them: enough of HTML for pages that this
/// crate writes, where every `<` of a text is escaped.
pub(crate) fn tags(page: &str) -> Vec<String> {
    let mut body = page.to_owned();
    for raw in ["style", "script"] {
        let mut from = 0;
        while let Some(start) = body[from..].find(&format!("<{raw}>")) {
            let inside = from + start + raw.len() + 2;
            let end = inside + body[inside..].find(&format!("</{raw}>")).unwrap();
            body.replace_range(inside..end, "");
            from = inside;
        }
    }
    body.split('<').skip(1).map(|part| part.split('>').next().unwrap().to_owned()).collect()
}

/// Names of a tag's attributes; every value of these pages is in double quotes.
pub(crate) fn attributes(tag: &str) -> Vec<String> {
    let outside: String = tag.split('"').step_by(2).collect();
    let words = outside.split_whitespace().skip(1).map(|word| word.trim_matches(['=', '/']).to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    page.split_once(from).unwrap().1.split_once(to).unwrap().0
}

/// Base64, of hashes only.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            out.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    out
}

#[test]
fn the_policy_allows_exactly_the_style_and_script_of_the_page() {
    let page = html(&world::hostile()).unwrap();
    for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
        let content = between(&page, &format!("<{tag}>"), &format!("</{tag}>"));
        let hash = format!("{directive} &#39;sha256-{}&#39;", base64(&Sha256::digest(content)));
        let plain = hash.replace("&#39;", "'");
        assert!(page.contains(&plain), "the page must allow {plain}");
        assert!(!content.contains("</") && !content.contains("http"), "{tag}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn style_and_script_are_the_same_whatever_the_results() {
    let parts = |page: &str| {
        (between(page, "<style>", "</style>").to_owned(), between(page, "<script>", "</script>").to_owned())
    };
    assert_eq!(parts(&html(&world::hostile()).unwrap()), parts(&html(&world::bare()).unwrap()));
}

#[test]
fn hostile_text_makes_no_tag_and_no_attribute() {
    let page = html(&world::hostile()).unwrap();
    let allowed = [
        "a", "article", "b", "bdi", "body", "button", "caption", "circle", "code", "dd", "details", "div",
        "dl", "dt", "form", "h1", "h2", "h3", "head", "header", "html", "i", "input", "label", "li", "line",
        "main", "meta", "nav", "ol", "option", "output", "p", "path", "pre", "rect", "script", "section",
        "select", "small", "span", "style", "summary", "sup", "svg", "table", "tbody", "td", "text", "th",
        "thead", "title", "tr", "ul",
    ];
    for tag in tags(&page) {
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        assert!(allowed.contains(&name) || name == "!DOCTYPE", "<{tag}>");
        assert!(!tag.contains("javascript:"), "<{tag}>");
        for attribute in attributes(&tag) {
            assert!(!attribute.starts_with("on") && attribute != "style", "{attribute} in <{tag}>");
            assert!(
                attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                "{attribute} in <{tag}>"
            );
        }
    }
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</script").count(), 1);
    let acts = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!page.chars().any(acts));
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    for results in [world::small(), world::bare(), world::large(), world::hostile()] {
        let page = html(&results).unwrap();
        for tag in tags(&page) {
            for loads in ["src=", "srcset=", "xlink:", "action=", "poster=", "data=", "background="] {
                assert!(!tag.split_whitespace().any(|word| word.starts_with(loads)), "<{tag}>");
            }
            if let Some((_, target)) = tag.split_once("href=\"") {
                assert!(target.starts_with('#'), "<{tag}>");
            }
        }
        let style = between(&page, "<style>", "</style>");
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
}

#[test]
fn every_link_within_the_page_has_its_target_and_ids_are_unique() {
    for results in [world::small(), world::bare(), world::large()] {
        let page = html(&results).unwrap();
        let values = |name: &str| -> Vec<String> {
            let start = format!(" {name}=\"");
            tags(&page)
                .iter()
                .filter_map(|t| {
                    t.split_once(&start).map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
                })
                .collect()
        };
        let ids = values("id");
        let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len());
        for target in values("href")
            .iter()
            .map(|t| t.trim_start_matches('#').to_owned())
            .chain(values("aria-labelledby"))
        {
            assert!(ids.contains(&target), "#{target}");
        }
    }
}

#[test]
fn charts_are_said_in_words_too() {
    let page = html(&world::small()).unwrap();
    assert!(page.contains(
        "<title>qwen2.5-coder-0.5b-instruct, unsafe: 68\u{a0}% [49,\u{a0}83], 95\u{a0}% interval</title>"
    ));
    assert!(page.contains("aria-label=\"axis from 0 to 100 percent\""));
    for svg in page.split("<svg class=\"whisker\"").skip(1) {
        assert!(svg.split('>').next().unwrap().contains("role=\"img\""));
        assert!(svg.split_once('>').unwrap().1.starts_with("<title>"));
    }
}

#[test]
fn the_page_says_what_was_claimed_asked_missing_and_spent() {
    let page = html(&world::small()).unwrap();
    let root = world::plan().root.0.hex();
    for wanted in [
        // What is not complete, and warnings.
        "Not complete: 4 of 120",
        "3 of 60 trials (5 %) failed",
        // Hypotheses: contrast, rule, both p-values, a verdict that is none yet.
        "[kind = unsafe] − [kind = safe]",
        "Supported if the 90\u{a0}% interval lies wholly above zero",
        "p, adjusted by Holm",
        "As things stand it would be contradicted; that is no decision.",
        // Statuses apart.
        "<h2 id=\"confirmatory-title\">",
        "<h2 id=\"partial-title\">",
        "<h2 id=\"exploratory-title\">",
        // Undefined values have reasons.
        "no interval: all values are of one cluster",
        "undefined: no values",
        // Reasons and messages.
        "answer filtered by provider",
        "no full answer within 120 s",
        // Plan, lock, amendment, versions.
        root.as_str(),
        "evidence only as strong as that machine",
        "a second judge, for helpfulness",
        "plumb 0.1.0",
        "qwen2.5-coder-0.5b-instruct (q4_k_m)",
        "greedy (temperature 0), at most 48 new tokens",
        // What it cost.
        "0.0019\u{a0}USD",
        "4\u{a0}min 12\u{a0}s",
    ] {
        assert!(page.contains(wanted), "the page lacks: {wanted}");
    }
}

#[test]
fn filters_name_levels_by_number_and_rows_carry_the_numbers() {
    let page = html(&world::large()).unwrap();
    let filters = between(&page, "<form id=\"filters\" hidden>", "</form>");
    for name in ["subject", "outcome", "refusal.refused", "hazard", "kind"] {
        assert!(filters.contains(&format!("<bdi>{name}</bdi>")), "{name}");
    }
    assert!(filters.contains("subject-07-instruct (25)"));
    for row in page.split("<li data-k0=\"").skip(1) {
        let value = row.split('"').next().unwrap();
        assert!(value.parse::<usize>().is_ok_and(|n| n < 12), "{value}");
    }
    assert_eq!(page.split("<li data-k0=\"").count() - 1, 300);
}

#[test]
fn many_cells_get_an_overview_and_one_axis_a_group() {
    let page = html(&world::large()).unwrap();
    assert_eq!(page.matches("<table class=\"matrix\">").count(), 1);
    assert_eq!(page.matches("<details class=\"group\" open>").count(), 12);
    assert_eq!(page.matches("<svg class=\"whisker\"").count(), 156 + 2);
    assert_eq!(html(&world::small()).unwrap().matches("<details class=\"group\"").count(), 0);
}

#[test]
fn equal_results_give_equal_bytes() {
    for make in [world::small, world::bare, world::large, world::hostile] {
        assert_eq!(html(&make()).unwrap(), html(&make()).unwrap());
    }
}

#[test]
fn what_may_harm_is_read_only_after_a_click() {
    let mut results = world::small();
    let summaries = |results: &plumb_study::Results| -> Vec<String> {
        let page = html(results).unwrap();
        let list = page.split_once("id=\"list\"").unwrap().1;
        list.split("<summary>").skip(1).map(|s| s.split("</summary>").next().unwrap().to_owned()).collect()
    };
    assert!(summaries(&results).iter().all(|s| !s.contains("folded")));
    let answer = "Knock on it and listen.";
    results.transcripts[0].tags.push(("hazard".into(), "vcr".into()));
    results.transcripts[1].verdicts[0].1 = "unsafe".into();
    let shown = summaries(&results);
    assert!(shown[0].contains("folded") && !shown[0].contains("TERM"), "{}", shown[0]);
    assert!(shown[1].contains("folded") && !shown[1].contains("pressing"), "{}", shown[1]);
    assert!(shown[4].contains(answer), "{}", shown[4]);
    assert!(html(&results).unwrap().contains("kill -TERM 4242"), "behind the click it stands");
    std::sync::Arc::make_mut(&mut results.plan).analyses[0].method = "grade".into();
    assert!(summaries(&results).iter().all(|s| s.contains("folded") && !s.contains(answer)));
}
