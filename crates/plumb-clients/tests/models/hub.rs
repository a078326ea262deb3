//! The model hub as a source.

use std::fs;
use std::time::{Duration, Instant};

use plumb_clients::models::{Hub, NoProgress, Patience, Status};

use crate::world::{FakeHub, HUB, Manner, TAG, Told, World, content, path_source};

/// A file that a later source in a world can give.
fn good_file(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let path = dir.path().join("given.gguf");
    fs::write(&path, content()).unwrap();
    path
}

#[test]
fn a_file_comes_from_the_hub() {
    let hub = FakeHub::new(Manner::Good);
    let world = World::new(&[HUB]);
    let store = world.store().with_hub(hub.as_hub());
    let entry = world.registry.get("tiny").unwrap();
    let told = Told::default();
    assert_eq!(store.status(entry), Status::Absent);
    let path = store.fetch(entry, &told).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(path, world.folder().join("tiny.gguf"));
    assert_eq!(world.names(), ["tiny.gguf", "tiny.gguf.verified"]);
    assert_eq!(*told.most.lock().unwrap(), content().len() as u64);
    assert_eq!(told.all(), "trying hub o/r/m.gguf (main)");
    assert!(hub.asked()[0].starts_with("GET /o/r/resolve/main/m.gguf"), "{:?}", hub.asked());

    let requests = hub.asked().len();
    assert_eq!(store.fetch(entry, &told).unwrap(), path);
    assert_eq!(hub.asked().len(), requests, "a cached file asks nobody");
}

/// Each way in which a hub can fail is named, and the next source is tried.
#[test]
fn a_hub_that_fails_is_named_and_passed_over() {
    for (manner, expected) in [
        (Manner::Silent, "no answer within 0.6 s"),
        (Manner::Stalls, "nothing came for 0.6 s"),
        (Manner::WrongBytes, "not the file that the registry names: its sha256 is"),
        (Manner::WrongTag, "the hub's file has sha256 0000"),
        (Manner::WrongSize, "the hub's file has 400001 bytes, not 400000"),
        (Manner::NotFound, "404"),
    ] {
        let hub = FakeHub::new(manner);
        let dir = tempfile::tempdir().unwrap();
        let given = path_source(&good_file(&dir));
        let world = World::in_dir(dir, &[HUB, &given]);
        let store = world.store().with_hub(hub.as_hub());
        let told = Told::default();
        let path = store.fetch(world.registry.get("tiny").unwrap(), &told).unwrap();
        assert_eq!(fs::read(path).unwrap(), content());
        assert!(told.all().contains(expected), "expected {expected:?} in:\n{}", told.all());
        assert_eq!(world.names(), ["tiny.gguf", "tiny.gguf.verified"]);
    }
}

/// With the patience that users get, a network that swallows everything costs less than five seconds.
#[test]
fn a_hub_that_cannot_be_reached_costs_little() {
    let patience = Patience::default();
    assert!(patience.first_answer < Duration::from_secs(5));
    // A port where nobody listens, and an address from a block kept for documentation (RFC 5737).
    for endpoint in ["http://127.0.0.1:9", "http://192.0.2.1"] {
        let world = World::new(&[HUB]);
        let store = world.store().with_hub(Hub { endpoint: endpoint.to_owned(), token: None });
        let began = Instant::now();
        let error = store.fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(5));
        assert!(error.is_all_sources_failed());
        let said = error.to_string();
        assert!(
            said.contains("hub o/r/m.gguf (main): ") && said.contains("put the file there by hand"),
            "{said}"
        );
    }
}

fn kept(world: &World, bytes: &[u8]) {
    let blobs = world.folder().join(".tiny.gguf.hub/hub/models--o--r/blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(format!("{TAG}.part")), bytes).unwrap();
}

#[test]
fn a_download_that_was_killed_goes_on() {
    let hub = FakeHub::new(Manner::Good);
    let world = World::new(&[HUB]);
    kept(&world, &content()[..123_456]);
    let store = world.store().with_hub(hub.as_hub());
    let entry = world.registry.get("tiny").unwrap();
    assert_eq!(store.status(entry), Status::Partial);
    let path = store.fetch(entry, &NoProgress).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert!(hub.asked().last().unwrap().ends_with("bytes=123456-"), "{:?}", hub.asked());
}

#[test]
fn a_download_that_stalled_goes_on_next_time() {
    let hub = FakeHub::new(Manner::Stalls);
    let world = World::new(&[HUB]);
    let store = world.store().with_hub(hub.as_hub());
    let entry = world.registry.get("tiny").unwrap();
    let error = store.fetch(entry, &NoProgress).unwrap_err().to_string();
    assert!(error.contains("kept for the next try"), "{error}");
    hub.hang_up();
    hub.now(Manner::Good);
    let path = store.fetch(entry, &NoProgress).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert!(!hub.asked().last().unwrap().ends_with("bytes=0-"), "{:?}", hub.asked());
}

/// What is left of an earlier download may be wrong; then everything is fetched anew.
#[test]
fn bad_leftovers_do_not_stay() {
    for left in [vec![7; 1000], vec![7; 400_000], vec![7; 400_001]] {
        let hub = FakeHub::new(Manner::Good);
        let world = World::new(&[HUB]);
        kept(&world, &left);
        let store = world.store().with_hub(hub.as_hub());
        let entry = world.registry.get("tiny").unwrap();
        let path = store.fetch(entry, &NoProgress).unwrap();
        assert_eq!(fs::read(path).unwrap(), content(), "{} bytes were left", left.len());
    }
}
