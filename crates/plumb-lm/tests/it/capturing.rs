//! Activations as a file: only a whole one has its name, and a place has one table.

use plumb_lm::{Edits, Labelled, Site, capture};

use crate::support;

fn text(text: &str) -> Labelled {
    support::tiny("llama").label_text(text).unwrap()
}

#[test]
fn what_has_the_name_is_whole() {
    let model = support::tiny("llama");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acts.safetensors");
    let part = folder.path().join("acts.safetensors.part");
    let mut seen = Vec::new();
    let sites = [Site::ResidPost(1), Site::Logits];
    let mut look = |rows| seen.push((rows, path.exists(), part.exists()));
    let rows =
        capture(&model, &[text("plumb"), text("line")], &sites, &Edits::NONE, &path, &mut look).unwrap();
    assert_eq!((rows, seen), (9, vec![(5, false, true), (9, false, true)]));
    assert!(path.exists() && !part.exists());
    let bytes = std::fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("logits").unwrap().shape(), [9, model.config().vocab]);
    // One that fails leaves what was there before.
    let strange = Labelled { tokens: vec![5, 9999], classes: text("ab").classes };
    let error = capture(&model, &[text("a"), strange], &sites, &Edits::NONE, &path, &mut |_| ()).unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert!(!part.exists() && std::fs::read(&path).unwrap() == bytes);
}

#[test]
fn what_does_not_fit_is_told_before_anything_is_computed() {
    let model = support::tiny("llama");
    let folder = tempfile::tempdir().unwrap();
    let long = Labelled { tokens: vec![5; 97], classes: text(&"a".repeat(97)).classes };
    let mut computed = |_| panic!("nothing is computed");
    let path = folder.path().join("acts.safetensors");
    let sequences = [text("a"), long];
    let error = capture(&model, &sequences, &[Site::Logits], &Edits::NONE, &path, &mut computed).unwrap_err();
    assert!(error.is_too_long() && error.to_string().contains("97 tokens"), "{error}");
}

#[test]
fn a_place_is_named_once() {
    let model = support::tiny("llama");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acts.safetensors");
    let names = ["resid_post.1", "blocks.1.hook_resid_post"];
    let sites = names.map(|name| Site::parse(name, model.config()).unwrap());
    let error = capture(&model, &[text("a")], &sites, &Edits::NONE, &path, &mut |_| ()).unwrap_err();
    assert!(
        error.is_invalid_request() && error.to_string().contains("resid_post.1 is named twice"),
        "{error}"
    );
    assert!(!path.exists());
}
