//! Real templates against `transformers` (`oracles/transformers/chat.py`).

use std::path::Path;

use serde_json::Value;

use super::{Date, Message, Template};

/// Renders every list of the document with a template; what differs, by list.
fn differences(document: &Value, source: &str, texts: &Value) -> Vec<String> {
    let named = document["texts"].as_object().unwrap();
    let named = named.iter().map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect();
    let template = match Template::new(source, named) {
        Ok(template) => template,
        Err(fault) => return vec![format!("does not compile: {fault}")],
    };
    let date = Date { year: 2026, month: 7, day: 4 };
    let differs = |(name, messages): (&String, &Value)| {
        let messages: Vec<Message> = serde_json::from_value(messages.clone()).unwrap();
        let ours = template.render(&messages, Some(date));
        match (&ours, texts[name].as_str()) {
            (Ok(ours), Some(theirs)) if ours == theirs => None,
            // What one template rejects the other must reject too, in whatever words.
            (Err(_), None) => None,
            _ => Some(format!("{name}: {ours:?}, expected {}", texts[name])),
        }
    };
    document["lists"].as_object().unwrap().iter().filter_map(differs).collect()
}

#[test]
fn real_templates_render_as_in_transformers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lm/chat");
    let document = std::fs::read_to_string(folder.join("rendered.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let templates = document["rendered"].as_object().unwrap();
    assert!(templates.len() >= 12 && document["lists"].as_object().unwrap().len() >= 12);
    let mut wrong = Vec::new();
    for (name, stored) in templates {
        let source = std::fs::read_to_string(folder.join(format!("{name}.jinja"))).unwrap();
        let found = differences(&document, &source, &stored["texts"]);
        wrong.extend(found.into_iter().map(|difference| format!("{name}, {difference}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
