//! Runs against an endpoint: secrets, failures, a broken endpoint, the answer cache, repetitions.

use crate::support::Folder;
use plumb_mock::{Config, Fault, Server};

fn folder(server: &Server, extra: &str, items: usize) -> Folder {
    let folder = Folder::new();
    let rows: String = (0..items).map(|n| format!("i{n},Say something about stone {n}\n")).collect();
    folder.write("items.csv", &format!("id,prompt\n{rows}"));
    folder.write(
        "plan.toml",
        &format!(
            "name = 'e'\nseed = 1\n[[items]]\nreader = 'csv'\npath = 'items.csv'\n{extra}\n[[subject]]\nid = 'm'\nkind = 'openai'\n\
             base_url = '{}'\nmodel = 'm'\nsampling = {{ temperature = 0.0, max_tokens = 8 }}\n[[judge]]\nid = 'echo'\nkind = 'match'\n\
             contains = 'echo '\n[[analysis]]\nid = 'rate'\nof = 'echo.matched'\n[limits]\nin_flight = 8\ntries = 2\ndeadline_s = 5\n",
            server.base_url()
        ),
    );
    folder
}

#[test]
fn some_failures_are_exit_code_3_and_stay_out_of_the_rate() {
    let server = Server::start(Config::with_fault(Fault::NullContent, 10.0)).unwrap();
    let folder = folder(&server, "", 200);
    let ended = folder.plumb(&["run", "plan.toml"]);
    assert_eq!(ended.code, Some(3), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("failed"), "{}", ended.err);
    folder.ok(&["audit", "runs/e"]);
}

#[test]
fn an_endpoint_that_fails_everything_is_exit_code_4_with_its_words() {
    let server = Server::start(Config::with_fault(Fault::HtmlBadGateway, 100.0)).unwrap();
    let folder = folder(&server, "", 300);
    let ended = folder.plumb(&["run", "plan.toml"]);
    assert_eq!(ended.code, Some(4), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("Its words:") && ended.err.contains("502"), "{}", ended.err);
    assert!(server.stats().requests < 200, "{}", server.stats().requests);
}

#[test]
fn a_missing_secret_is_told_before_anything_is_asked_and_a_set_one_is_never_written() {
    let server = Server::start(Config::default()).unwrap();
    let folder = folder(&server, "", 3);
    let plan = folder.read("plan.toml").replace("model = 'm'", "model = 'm'\nsecret = 'TEST_KEY'");
    folder.write("plan.toml", &plan);
    let refused = folder.plumb(&["run", "plan.toml"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("TEST_KEY"), "{}", refused.err);
    assert_eq!(server.stats().requests, 0);
    assert!(!folder.path().join("runs").exists(), "no run is begun, so that the plan can be mended");
    let secret = "sk-very-secret-0123456789";
    let ran = folder.command(&["run", "plan.toml"]).env("TEST_KEY", secret).output().unwrap();
    assert!(ran.status.success());
    for file in std::fs::read_dir(folder.path().join("runs/e")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
    }
}

#[test]
fn repetitions_are_asked_each_and_the_cache_is_used_only_when_it_is_asked_for() {
    let server = Server::start(Config::default()).unwrap();
    let folder = folder(&server, "repeat = 5", 4);
    let cached = |args: &[&str]| {
        let out = folder.command(args).env("PLUMB_CACHE", folder.path().join("cache")).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        server.stats().requests
    };
    assert_eq!(cached(&["run", "plan.toml", "--cache"]), 20);
    assert_eq!(cached(&["run", "plan.toml", "--fresh"]), 40);
    assert_eq!(cached(&["run", "plan.toml", "--fresh", "--cache"]), 40);
}
