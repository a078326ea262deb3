//! What a plan keeps of a local model, and what its author is told.

use crate::support::{Shelf, open, plan, registry, spec};
use plumb_local::has_chat_template;
use std::sync::atomic::Ordering;

#[test]
fn the_plan_holds_the_files_identity_and_every_default() {
    let registry = registry(&Shelf::new());
    let frozen = plan(&registry, &["tiny", "plain"], "").unwrap();
    let tiny = spec(&frozen, 0);
    let sha256 = tiny.settings["sha256"].as_str().unwrap();
    assert_eq!(
        tiny.settings,
        serde_json::json!({
            "model": "tiny", "file": "tiny.gguf", "sha256": sha256,
            "unset": { "temperature": 0.0, "top_p": 1.0, "max_tokens": 512 },
        })
    );
    assert_eq!(tiny.engine.as_str(), format!("local:{}", &sha256[..12]));
    assert!(tiny.can.chat && tiny.can.completion && tiny.can.choose && tiny.can.deterministic);
    assert!(!spec(&frozen, 1).can.chat, "no template, no chats");
    assert_ne!(spec(&frozen, 1).engine, tiny.engine);
}

#[test]
fn every_key_of_sampling_stands_in_the_plan_and_is_read_back() {
    let registry = registry(&Shelf::new());
    let all =
        "sampling = { temperature = 0.5, top_p = 0.9, top_k = 40, min_p = 0.05, repetition_penalty = 1.1 }";
    let frozen = plan(&registry, &["tiny"], all).unwrap();
    let sampling = &spec(&frozen, 0).sampling;
    assert_eq!(
        (sampling.top_k, sampling.min_p, sampling.repetition_penalty),
        (Some(40), Some(0.05), Some(1.1))
    );
    let canonical = plumb_study::format::canonical(&frozen);
    assert_eq!(plumb_study::format::decode(&canonical.header.text, &canonical.items.text).unwrap(), frozen);
    assert!(plan(&registry, &["tiny"], "sampling = { min_p = 1.5 }").is_err());
}

#[test]
fn errors_name_the_place() {
    let shelf = Shelf::new();
    let registry = registry(&shelf);
    let error = |model: &str, more: &str| plan(&registry, &[model], more).unwrap_err();
    let unknown = error("huge", "");
    assert_eq!(unknown.to_string(), "t.toml:6: [[subject]]: there is no model \"huge\"");
    assert_eq!(unknown.help_text(), Some("known: tiny, other, plain"));
    assert!(error("tiny", "device = \"gpu\"").to_string().contains("unknown key `device`"));
    assert!(error("unhashed", "").to_string().contains("is no SHA-256"));
    let missing = plan(&registry, &["gone"], "").unwrap();
    let kind = registry.find_party("local").unwrap();
    assert!(kind.check(spec(&missing, 0)).unwrap_err().is_party());
    assert!(kind.check(spec(&plan(&registry, &["tiny"], "").unwrap(), 0)).is_ok());
    assert_eq!(shelf.opened.load(Ordering::SeqCst), 0, "neither freezing nor checking loads a file");
}

#[test]
fn a_file_of_ones_own() {
    let shelf = Shelf::new();
    let registry = registry(&shelf);
    assert!(has_chat_template(&shelf.file("tiny")).unwrap());
    assert!(!has_chat_template(&shelf.file("plain")).unwrap());
    for name in ["damaged", "gone"] {
        let error = has_chat_template(&shelf.file(name)).unwrap_err();
        assert_eq!(error.to_string().matches(&format!("{name}.gguf")).count(), 1, "{error}");
    }
    let path = shelf.file("plain");
    let frozen = plan(&registry, &[path.to_str().unwrap()], "").unwrap();
    assert_eq!(spec(&frozen, 0).settings["file"], "plain.gguf");
    assert!(!open(&registry, &frozen, 0).unwrap().can().chat);
}

#[test]
fn a_file_that_cannot_be_loaded_is_an_error_of_the_run() {
    let registry = registry(&Shelf::new());
    for (model, expected) in [
        ("damaged", "model \"damaged\" cannot be loaded: "),
        ("gone", "model \"gone\" cannot be loaded: "),
        ("lying", "model \"lying\" has no chat template"),
    ] {
        let frozen = plan(&registry, &[model], "").unwrap();
        let error = open(&registry, &frozen, 0).err().unwrap();
        assert!(error.is_party() && error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn one_file_is_loaded_once_and_let_go_when_nobody_uses_it() {
    let shelf = Shelf::new();
    let registry = registry(&shelf);
    let frozen = plan(&registry, &["tiny", "same", "other"], "").unwrap();
    let all: Vec<_> = (0..3).map(|subject| open(&registry, &frozen, subject).unwrap()).collect();
    assert_eq!(shelf.opened.load(Ordering::SeqCst), 2);
    assert_eq!(all[0].engine(), all[1].engine());
    assert_ne!(all[0].engine(), all[2].engine());
    drop(all);
    drop(open(&registry, &frozen, 0).unwrap());
    assert_eq!(shelf.opened.load(Ordering::SeqCst), 3);
}
