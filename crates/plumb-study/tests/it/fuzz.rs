//! Nothing that a person or a file can hold makes the parsers panic.

use crate::support::{Files, csv, frozen, registry, text};
use plumb_study::{Draft, Journal, format, freeze};
use proptest::prelude::*;

/// A text with some of it cut, doubled or replaced.
fn mangled(text: String) -> impl Strategy<Value = String> {
    let chars: Vec<char> = text.chars().collect();
    let length = chars.len();
    (0..length, 0..40usize, any::<String>()).prop_map(move |(at, cut, put)| {
        let end = (at + cut).min(length);
        chars[..at].iter().chain(put.chars().collect::<Vec<_>>().iter()).chain(&chars[end..]).collect()
    })
}

proptest! {
    #[test]
    fn plans(text in mangled(text("i.csv"))) {
        let (registry, _) = registry();
        let files = Files::default().with("i.csv", csv(4));
        if let Err(error) = frozen(&text, &files, &registry) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_text_as_a_plan(text in any::<String>()) {
        let (registry, _) = registry();
        let _ = Draft::parse(&text, "x.toml").and_then(|d| freeze(d, &registry, &Files::default()));
        let _ = Draft::parse_judges(&text, "x.toml");
    }

    #[test]
    fn any_bytes_as_items(bytes in prop::collection::vec(any::<u8>(), 0..400), reader in 0..3usize) {
        let (registry, _) = registry();
        let reader = ["csv", "jsonl", "json"][reader];
        let plan = format!("name='r'\nseed=1\n[[items]]\nreader='{reader}'\npath='r'\n[[subject]]\nid='s'\nkind='slow'\n");
        let files = Files::default().with("r", bytes);
        let _ = frozen(&plan, &files, &registry);
    }

    #[test]
    fn mangled_rows(rows in mangled(csv(5)), json in mangled("[{\"id\":\"a\",\"prompt\":\"b\",\"kind\":1}]".into())) {
        let (registry, _) = registry();
        for (reader, text) in [("csv", rows), ("json", json.clone()), ("jsonl", json)] {
            let plan = format!("name='r'\nseed=1\n[[items]]\nreader='{reader}'\npath='r'\n[[subject]]\nid='s'\nkind='slow'\n");
            let _ = frozen(&plan, &Files::default().with("r", text), &registry);
        }
    }

    #[test]
    fn numbers_of_a_plan_are_read_as_they_were_written(number in -1e9..1e9_f64) {
        let (registry, _) = registry();
        let mut plan = frozen(&text("i.csv"), &Files::default().with("i.csv", csv(1)), &registry).unwrap();
        plan.sections.insert("steer".into(), serde_json::json!({ "wide": number, "narrow": number as f32 }));
        let stored = format::canonical(&plan);
        let read = format::decode(&stored.header.text, &stored.items.text).unwrap();
        prop_assert_eq!(format::canonical(&read).header.digest, stored.header.digest);
    }

    #[test]
    fn stored_plans(header in mangled(stored().0), items in mangled(stored().1)) {
        let _ = format::decode(&header, &stored().1);
        let _ = format::decode(&stored().0, &items);
    }
}

fn stored() -> (String, String) {
    let (registry, _) = registry();
    let plan = frozen(&text("i.csv"), &Files::default().with("i.csv", csv(3)), &registry).unwrap();
    let canonical = format::canonical(&plan);
    (canonical.header.text.to_string(), canonical.items.text.to_string())
}

#[test]
fn a_file_that_is_no_journal_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.plumb");
    std::fs::write(&path, "this is a text").unwrap();
    let error = Journal::open(&path).err().unwrap();
    assert!(error.to_string().contains("x.plumb"), "{error}");
}
