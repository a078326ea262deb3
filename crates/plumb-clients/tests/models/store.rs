//! The cache: only the right file is ever handed out, whatever happened before.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime};

use plumb_clients::models::{NoProgress, Status};

use crate::world::{FakeHub, HUB, Manner, Told, World, content, path_source, sha256};

fn world_with_file(bytes: &[u8]) -> World {
    let dir = tempfile::tempdir().unwrap();
    let given = dir.path().join("given.gguf");
    fs::write(&given, bytes).unwrap();
    let source = path_source(&given);
    World::in_dir(dir, &[&source])
}

#[test]
fn a_local_file_is_taken() {
    let world = world_with_file(&content());
    let entry = world.registry.get("tiny").unwrap();
    let path = world.store().fetch(entry, &NoProgress).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(world.store().find(entry).unwrap(), Some(path.clone()));
    assert_eq!(world.store().status(entry), Status::Ready(path));
}

#[test]
fn a_wrong_local_file_is_refused_with_the_reason() {
    let mut other = content();
    other[0] ^= 1;
    let expected = format!("its sha256 is {}, not {}", sha256(&other), sha256(&content()));
    for (bytes, expected) in [
        (other, expected.as_str()),
        (vec![1], "it has 1 bytes, not 400000"),
        (vec![], "it has 0 bytes, not 400000"),
    ] {
        let world = world_with_file(&bytes);
        let error = world.store().fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(world.names().is_empty(), "nothing is left: {:?}", world.names());
    }
    let world = World::new(&[&path_source(std::path::Path::new("/nonexistent/m.gguf"))]);
    let error = world.store().fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap_err();
    assert!(error.to_string().contains("local file /nonexistent/m.gguf: No such file"), "{error}");
}

#[test]
fn a_file_put_there_by_hand_is_verified_once() {
    let world = World::new(&[HUB]);
    let entry = world.registry.get("tiny").unwrap();
    let store = world.store();
    fs::create_dir_all(world.folder()).unwrap();
    fs::write(store.path(entry), content()).unwrap();
    assert_eq!(store.status(entry), Status::Unverified(store.path(entry)));
    assert_eq!(store.find(entry).unwrap(), Some(store.path(entry)));
    assert_eq!(store.status(entry), Status::Ready(store.path(entry)));

    // Proof that it is not read again: other bytes of the same size and time of change go unnoticed.
    let time = fs::metadata(store.path(entry)).unwrap().modified().unwrap();
    fs::write(store.path(entry), vec![0; content().len()]).unwrap();
    let set_time =
        |t: SystemTime| fs::File::options().write(true).open(store.path(entry)).unwrap().set_modified(t);
    set_time(time).unwrap();
    assert_eq!(store.find(entry).unwrap(), Some(store.path(entry)));

    // And a file that was changed is verified again.
    set_time(time + Duration::from_secs(1)).unwrap();
    let error = store.find(entry).unwrap_err();
    assert!(error.is_wrong_file() && error.to_string().contains("never used"), "{error}");
    assert_eq!(store.find(entry).unwrap(), None);
    assert_eq!(world.names(), [".tiny.gguf.wrong"]);
}

#[test]
fn a_wrong_file_under_the_right_name_is_replaced() {
    let world = world_with_file(&content());
    let entry = world.registry.get("tiny").unwrap();
    let store = world.store();
    fs::create_dir_all(world.folder()).unwrap();
    fs::write(store.path(entry), &content()[..1000]).unwrap();
    // As if a verification of an older file had stayed behind.
    fs::write(world.folder().join("tiny.gguf.verified"), "size 1000\n").unwrap();
    let told = Told::default();
    let path = store.fetch(entry, &told).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert!(told.all().contains("it has 1000 bytes, not 400000"), "{}", told.all());
}

#[test]
fn what_a_killed_fetch_left_is_cleared() {
    let world = world_with_file(&content());
    let entry = world.registry.get("tiny").unwrap();
    fs::create_dir_all(world.folder().join(".tiny.gguf.packages/0/tmp")).unwrap();
    fs::write(world.folder().join(".tiny.gguf.part"), &content()[..5000]).unwrap();
    fs::write(world.folder().join("tiny.gguf.verified.part"), "si").unwrap();
    assert_eq!(world.store().status(entry), Status::Partial);
    let path = world.store().fetch(entry, &NoProgress).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(world.names(), ["tiny.gguf", "tiny.gguf.verified"]);
}

#[test]
fn two_at_once_fetch_once() {
    let hub = FakeHub::new(Manner::Good);
    let world = World::new(&[HUB]);
    let store = world.store().with_hub(hub.as_hub());
    let entry = world.registry.get("tiny").unwrap();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let path = store.fetch(entry, &NoProgress).unwrap();
                assert_eq!(fs::read(path).unwrap(), content());
            });
        }
    });
    // Two questions about the file and one for it.
    assert_eq!(hub.asked().len(), 3, "{:?}", hub.asked());
}

#[test]
fn a_cache_that_cannot_be_written_says_so() {
    let world = world_with_file(&content());
    let blocked = world.dir.path().join("cache");
    fs::write(&blocked, "a file where a folder is due").unwrap();
    let error = world.store().fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap_err();
    let expected = format!("cannot make the folder {}", blocked.join("models/tiny").display());
    assert!(error.to_string().contains(&expected), "{error}");
}
