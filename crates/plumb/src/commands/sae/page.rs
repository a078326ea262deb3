//! A latent for people: terminal text, JSON, and one page that needs nothing else. Texts come from data and are made safe.

use super::features::{Context, Feature};
use plumb_report::escaped;
use std::fmt::Write as _;

/// A token's text in one line: what would move the cursor, or hide, is written out.
fn shown(text: &str) -> String {
    let safe = |c: char| match c {
        '\n' => "⏎".to_owned(),
        '\t' => "⇥".to_owned(),
        c if c.is_control()
            || ('\u{202A}'..='\u{202E}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c) =>
        {
            c.escape_unicode().to_string()
        }
        c => c.to_string(),
    };
    text.chars().map(safe).collect()
}

fn head(feature: &Feature) -> Vec<String> {
    let share = 100.0 * feature.active as f64 / feature.tokens.max(1) as f64;
    let mut lines = vec![
        format!(
            "latent {} of {} ({} latents, {})",
            feature.latent, feature.name, feature.latents, feature.hook
        ),
        format!("model {} ({:.12}), autoencoder {:.12}", feature.model, feature.model_digest, feature.digest),
        format!("active in {} of {} tokens ({share:.3} %)", feature.active, feature.tokens),
    ];
    if let Some(strong) = feature.strong {
        lines.push(format!(
            "largest activation {:.3}, 99th percentile over the {} active tokens {strong:.3}",
            feature.largest, feature.active
        ));
    }
    lines
}

pub fn terminal(feature: &Feature, colour: bool) -> String {
    let mut out = head(feature).join("\n");
    let mut list = |title: &str, rows: &[(String, f32)]| {
        if !rows.is_empty() {
            let rows: Vec<String> =
                rows.iter().map(|(text, x)| format!("{:?} {x:+.2}", shown(text))).collect();
            let _ = write!(out, "\n\n{title}\n  {}", rows.join("  "));
        }
    };
    list("tokens that it promotes", &feature.promoted);
    list("tokens that it demotes", &feature.demoted);
    let near: Vec<String> =
        feature.neighbours.iter().map(|(latent, cosine)| format!("{latent} ({cosine:.2})")).collect();
    let _ = write!(out, "\n\nlatents with the nearest directions (cosine)\n  {}", near.join("  "));
    if feature.active > 0 {
        let most = feature.histogram.iter().copied().max().unwrap_or(1).max(1);
        let _ = write!(out, "\n\nactivations, from 0 to {:.3}", feature.largest);
        for (bin, count) in feature.histogram.iter().enumerate() {
            let from = feature.largest * bin as f32 / feature.histogram.len() as f32;
            let bar = "█".repeat((count * 40).div_ceil(most));
            let _ = write!(out, "\n  {from:>8.3}  {bar} {count}");
        }
    }
    let _ = write!(out, "\n\ntop contexts, one a document");
    for context in &feature.contexts {
        let _ = write!(out, "\n  {:>8.3} {:<9} ", context.activation, context.class);
        for (text, value) in &context.tokens {
            let strength = value.map_or(0.0, |value| value / feature.largest);
            match (colour, strength > 0.0) {
                (true, true) => {
                    // From pale to full orange, black letters.
                    let fade = (255.0 - 200.0 * strength) as u8;
                    let _ = write!(out, "\x1b[30;48;2;255;{};{fade}m{}\x1b[0m", 160.max(fade), shown(text));
                }
                (false, true) if strength > 0.5 => {
                    let _ = write!(out, "⟦{}⟧", shown(text));
                }
                _ => out.push_str(&shown(text)),
            }
        }
    }
    if feature.contexts.is_empty() {
        out.push_str("\n  none: it was active in no token that was looked at");
    }
    out
}

pub fn json(feature: &Feature) -> String {
    let context = |context: &Context| {
        let tokens: Vec<_> =
            context.tokens.iter().map(|(text, value)| serde_json::json!([text, value])).collect();
        serde_json::json!({ "activation": context.activation, "class": context.class, "tokens": tokens })
    };
    serde_json::json!({
        "name": feature.name, "latent": feature.latent, "digest": feature.digest, "model": feature.model,
        "model_digest": feature.model_digest, "hook": feature.hook, "tokens": feature.tokens, "active": feature.active, "largest": feature.largest,
        "p99": feature.strong, "histogram": feature.histogram, "promoted": feature.promoted,
        "demoted": feature.demoted, "neighbours": feature.neighbours,
        "contexts": feature.contexts.iter().map(context).collect::<Vec<_>>(),
    })
    .to_string()
}

fn safe(text: &str) -> String {
    escaped(&shown(text))
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;\
background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}code,.c{font-family:ui-monospace,monospace;\
font-size:.85rem}.c{border-top:1px solid #ddd;padding:.4rem 0;overflow-wrap:anywhere}.c b{display:inline-block;\
min-width:9rem;font-weight:600}.bar{display:flex;gap:.5rem;align-items:center;font-size:.85rem}.bar i{background:#c2571a;\
height:.8rem;display:block}.bar span:first-child{width:5rem;text-align:right}table{border-collapse:collapse}td{padding:\
.1rem .8rem .1rem 0}@media(prefers-color-scheme:dark){body{background:#16181c;color:#e6e6e6}.c{border-color:#444}}";

pub fn html(feature: &Feature) -> String {
    let title = format!("latent {} of {}", feature.latent, feature.name);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0}</title><style>{STYLE}</style>\n<h1>{0}</h1>\n",
        safe(&title)
    );
    for line in head(feature).iter().skip(1) {
        let _ = writeln!(out, "<p>{}</p>", safe(line));
    }
    out.push_str("<h2>Top contexts, one a document</h2>\n");
    for context in &feature.contexts {
        let _ = write!(out, "<div class=\"c\"><b>{:.3} {}</b> ", context.activation, context.class);
        for (text, value) in &context.tokens {
            match value.map(|value| value / feature.largest).filter(|strength| *strength > 0.0) {
                Some(strength) => {
                    let value = value.unwrap_or_default();
                    let _ = write!(
                        out,
                        "<span title=\"{value:.3}\" style=\"background:rgba(238,120,30,{strength:.2})\">{}</span>",
                        safe(text)
                    );
                }
                None => out.push_str(&safe(text)),
            }
        }
        out.push_str("</div>\n");
    }
    if feature.contexts.is_empty() {
        out.push_str("<p>It was active in no token that was looked at.</p>\n");
    }
    if feature.active > 0 {
        out.push_str("<h2>Activations</h2>\n");
        let most = feature.histogram.iter().copied().max().unwrap_or(1).max(1);
        for (bin, count) in feature.histogram.iter().enumerate() {
            let from = feature.largest * bin as f32 / feature.histogram.len() as f32;
            let width = 400 * count / most;
            let _ = writeln!(
                out,
                "<div class=\"bar\"><span>{from:.3}</span><i style=\"width:{width}px\"></i><span>{count}</span></div>"
            );
        }
    }
    for (title, rows) in
        [("Tokens that it promotes", &feature.promoted), ("Tokens that it demotes", &feature.demoted)]
    {
        if !rows.is_empty() {
            let _ = writeln!(out, "<h2>{title}</h2>\n<table>");
            for (text, x) in rows {
                let _ = writeln!(out, "<tr><td><code>{}</code><td>{x:+.2}", safe(text));
            }
            out.push_str("</table>\n");
        }
    }
    out.push_str("<h2>Latents with the nearest directions</h2>\n<table>\n");
    for (latent, cosine) in &feature.neighbours {
        let _ = writeln!(out, "<tr><td>{latent}<td>{cosine:.3}");
    }
    out.push_str("</table>\n</html>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(text: &str) -> Feature {
        Feature {
            name: "tiny".into(),
            latent: 3,
            latents: 8,
            digest: "0123456789abcdef".into(),
            model: "model".into(),
            model_digest: "fedcba9876543210".into(),
            hook: "blocks.1.hook_resid_post".into(),
            tokens: 100,
            active: 2,
            largest: 4.0,
            strong: Some(4.0),
            histogram: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
            contexts: vec![Context {
                activation: 4.0,
                class: "user",
                tokens: vec![("a ".into(), None), (text.into(), Some(4.0)), (" b".into(), Some(1.0))],
            }],
            promoted: vec![("yes".into(), 1.5)],
            demoted: vec![("no".into(), -1.5)],
            neighbours: vec![(5, 0.5)],
        }
    }

    #[test]
    fn text_of_data_moves_no_cursor_and_opens_no_tag() {
        let feature = feature("<script>\u{1b}[2J\n\u{202E}");
        for text in [terminal(&feature, false), html(&feature)] {
            assert!(!text.contains('\u{1b}') && !text.contains('\u{202E}'), "{text}");
        }
        assert!(!html(&feature).contains("<script>"));
        assert!(terminal(&feature, true).contains("\x1b[30;48;2;255;"));
    }

    #[test]
    fn the_terminal_form_tells_what_matters() {
        let text = terminal(&feature("token"), false);
        for part in
            ["latent 3 of tiny", "2 of 100 tokens", "99th percentile", "⟦token⟧", "\"yes\" +1.50", "5 (0.50)"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
