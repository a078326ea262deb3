//! A study with people from its file to its report: frozen, served, killed, gone on with, exported, analysed.

use crate::support::Folder;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};

const FILES: [&str; 3] = ["first-study.toml", "first-study.csv", "first-study.md"];

pub fn folder() -> Folder {
    let folder = Folder::new();
    for name in FILES {
        let path = format!("{}/../../examples/studies/{name}", env!("CARGO_MANIFEST_DIR"));
        folder.write(name, &std::fs::read_to_string(path).unwrap());
    }
    folder
}

/// A server as a process of its own, so that it can be killed.
pub struct Serving {
    process: Child,
    said: BufReader<ChildStdout>,
    address: String,
}

impl Serving {
    pub fn start(folder: &Folder, more: &[&str]) -> Serving {
        Serving::of(folder, "first-study.toml", more)
    }

    pub fn of(folder: &Folder, study: &str, more: &[&str]) -> Serving {
        let mut process = folder
            .command(&[&["human", "serve", study, "--port", "0"], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}")).trim();
        Serving { process, said, address: address.trim_end_matches('/').to_owned() }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The token of the admin page, as it is printed; to be asked for once.
    pub fn token(&mut self) -> String {
        let mut line = String::new();
        while !line.contains("token ") {
            line.clear();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "no token");
        }
        line.rsplit(' ').next().unwrap().trim().to_owned()
    }

    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// (location, body)
    pub fn ask(&self, method: &str, path: &str, fields: &[(String, String)]) -> (String, String) {
        let body: Vec<String> =
            fields.iter().map(|(k, v)| format!("{}={}", escaped(k), escaped(v))).collect();
        let body = body.join("&");
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: study\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let location = head.lines().find_map(|l| l.strip_prefix("location: ")).unwrap_or_default();
        (location.to_owned(), body.to_owned())
    }

    pub fn begin(&self, id: &str) -> String {
        let mut fields = hidden(&self.ask("GET", &format!("/?participant={id}&session=of-{id}"), &[]).1);
        fields.push(("page.answer".into(), "agree".into()));
        self.ask("POST", "/begin", &fields).0
    }

    /// Answers the page that is due; false at the end.
    pub fn answer(&self, at: &str) -> bool {
        let page = self.ask("GET", at, &[]).1;
        if !page.contains("<form") {
            return false;
        }
        let mut fields = hidden(&page);
        let advised = page.contains("adviser");
        let estimate = if advised { "310" } else { "700" };
        let harmful = if page.contains("Kick") { "1" } else { "0" };
        let values = [
            ("task", "beads"),
            ("estimate", estimate),
            ("confidence", "3"),
            ("remarks", "=1+1"),
            ("unsafe", harmful),
        ];
        for (name, value) in values {
            if page.contains(&format!("name=\"{name}\"")) {
                fields.push((name.into(), value.into()));
            }
        }
        assert_eq!(self.ask("POST", at, &fields).0, at);
        true
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn hidden(page: &str) -> Vec<(String, String)> {
    page.split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|tag| {
            let (name, rest) = tag.split_once('"').unwrap();
            let value = rest.split('"').nth(1).unwrap();
            (name.to_owned(), value.replace("&#38;", "&"))
        })
        .collect()
}

/// The analysis as one line, whatever the terminal's width.
pub fn analyzed(folder: &Folder) -> String {
    let report = folder.ok(&["human", "analyze", "first-study.toml", "runs/first-study"]).out;
    report.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_study_is_frozen_served_killed_exported_and_analysed() {
    let folder = folder();
    let toml = std::fs::read_to_string(folder.path().join("first-study.toml")).unwrap();
    folder.write("first-study.toml", &toml.replace("ALONE = 40, ADVISED = 40", "ALONE = 3, ADVISED = 3"));
    assert!(folder.ok(&["plan", "first-study.toml", "--freeze"]).out.contains("locked: first-study.lock"));
    let form = folder.ok(&["plan", "first-study.toml", "--form", "osf"]).out;
    assert!(form.contains("## Stopping rule") && form.contains("ADVISED: advice given, 3 people"), "{form}");

    let server = Serving::start(&folder, &[]);
    let people: Vec<String> = (0..6).map(|n| server.begin(&n.to_string())).collect();
    for (n, at) in people.iter().enumerate() {
        for _ in 0..n + 2 {
            server.answer(at);
        }
    }
    let due: Vec<String> = people.iter().map(|at| server.ask("GET", at, &[]).1).collect();
    server.kill();
    let server = Serving::start(&folder, &[]);
    for (at, due) in people.iter().zip(&due) {
        assert_eq!(&server.ask("GET", at, &[]).1, due, "everybody is where they were");
        while server.answer(at) {}
    }
    server.kill();

    folder.ok(&["audit", "runs/first-study"]);
    folder.ok(&["export", "runs/first-study", "--format", "csv"]);
    let table = |name: &str| {
        std::fs::read_to_string(folder.path().join("runs/first-study/export").join(name)).unwrap()
    };
    assert_eq!(table("answers.csv").lines().count(), 1 + 36);
    assert_eq!(table("people.csv").matches(",completed,,6,6,no").count(), 6);
    assert!(table("fields.csv").contains(",'=1+1,"), "no spreadsheet computes what people wrote");
    let book: serde_json::Value = serde_json::from_str(&table("codebook.json")).unwrap();
    assert_eq!(book["registered"], true);
    for format in ["parquet", "jsonl"] {
        folder.ok(&["export", "runs/first-study", "--format", format]);
    }

    let blind = folder.ok(&["human", "analyze", "first-study.toml", "runs/first-study", "--blind"]).out;
    assert!(blind.contains("status: blind") && blind.contains("earlier looks: 0"), "{blind}");
    for looks in 0..2 {
        let report = analyzed(&folder);
        assert!(report.contains("status: confirmatory where planned"), "{report}");
        assert!(
            report.contains(&format!("earlier looks: {looks}")) && !report.contains("elsewhere"),
            "{report}"
        );
    }
    let tables = |of: &[&str]| {
        let args: Vec<&str> = ["human", "analyze", "first-study.toml"].iter().chain(of).copied().collect();
        let mut found = Vec::new();
        fitted(&serde_json::from_str(&folder.ok(&args).out).unwrap(), &mut found);
        found
    };
    let run = tables(&["runs/first-study", "--json"]);
    assert!(run.iter().any(|table| table["caption"] == "Contrasts"), "{run:?}");
    assert_eq!(
        run,
        tables(&["--data", "runs/first-study/export/answers.csv", "--json"]),
        "to the last digit"
    );

    let changed = std::fs::read_to_string(folder.path().join("first-study.toml")).unwrap();
    folder.write("first-study.toml", &changed.replace("direction = \"less\"", "direction = \"greater\""));
    let report = analyzed(&folder);
    assert!(report.contains("status: exploratory: the file is not the one that was frozen"), "{report}");
    assert!(report.contains("direction: \"less\" → \"greater\""), "{report}");
    let refused = folder.plumb(&["human", "serve", "first-study.toml", "--port", "0"]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
}

/// Every table of what was fitted: contrasts, tests of terms, variances.
fn fitted(part: &serde_json::Value, found: &mut Vec<serde_json::Value>) {
    let caption = part["caption"].as_str().unwrap_or_default();
    if caption == "Contrasts" || caption == "Variances" || caption.starts_with("Type III") {
        found.push(part.clone());
    }
    match part {
        serde_json::Value::Array(list) => list.iter().for_each(|part| fitted(part, found)),
        serde_json::Value::Object(map) => map.values().for_each(|part| fitted(part, found)),
        _ => {}
    }
}

#[test]
fn a_collection_without_a_lock_is_unregistered_for_ever_and_a_look_too_early_is_told() {
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    for n in 0..4 {
        let at = server.begin(&n.to_string());
        while server.answer(&at) {}
    }
    server.kill();
    folder.ok(&["plan", "first-study.toml", "--freeze"]);
    let report = analyzed(&folder);
    assert!(
        report.contains("unregistered for ever") && report.contains("stopping rule: not met"),
        "{report}"
    );
    let report = analyzed(&folder);
    assert!(report.contains("with 4 people, before the rule of stopping was met"), "{report}");
    let misled = folder.plumb(&["report", "runs/first-study"]);
    assert!(misled.err.contains("plumb human analyze"), "{}", misled.err);
}

#[test]
fn a_pilot_is_a_run_of_its_own() {
    let folder = folder();
    let server = Serving::start(&folder, &["--pilot", "1"]);
    server.begin("tried");
    assert!(server.ask("GET", "/?participant=other", &[]).1.contains("takes in nobody"));
    server.kill();
    let server = Serving::start(&folder, &[]);
    assert!(server.ask("GET", "/?participant=tried", &[]).1.contains("you cannot take part"));
    assert!(server.ask("GET", "/?participant=other", &[]).1.contains("page.nonce"));
}

/// Exports hold no parameter of a link; a table of its own does, by the number that exports have, for its owner alone.
#[test]
fn parameters_of_links_stand_in_a_table_of_their_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    for link in ["a", "b&wave=2&note=%3D1%2B1", "c&wave=3"] {
        server.begin(link);
    }
    server.begin("gone");
    folder.ok(&["human", "erase", "runs/first-study", "gone"]);
    server.kill();
    folder.ok(&["export", "runs/first-study", "--format", "csv"]);
    let people = folder.read("runs/first-study/export/people.csv");
    assert!(people.starts_with("person,") && !people.contains("wave"), "{people}");
    assert!(folder.ok(&["human", "links", "runs/first-study"]).out.contains("4 people, 4 parameters"));
    assert_eq!(
        folder.read("runs/first-study/links.csv"),
        "person,participant,session,wave,note\n1,a,of-a,,\n2,b,of-b,\"2, 2\",\"'=1+1, =1+1\"\n3,c,of-c,\"3, 3\",\n4,,,,\n"
    );
    let mode =
        std::fs::metadata(folder.path().join("runs/first-study/links.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let away =
        folder.plumb(&["human", "serve", "first-study.toml", "--public-url", "https://example.org/study"]);
    assert!(away.code == Some(2) && away.err.contains("without a path"), "{}", away.err);
    let bare = folder.plumb(&["human", "serve", "first-study.toml", "--public-url", "study.example.org"]);
    assert!(bare.code == Some(2) && bare.err.contains("https://"), "{}", bare.err);
}

/// Frozen before, filled to its last place, and still no result: it was to try the study.
#[test]
fn nothing_of_a_pilot_is_confirmatory() {
    let folder = folder();
    let toml = folder.read("first-study.toml");
    folder.write("first-study.toml", &toml.replace("ALONE = 40, ADVISED = 40", "ALONE = 2, ADVISED = 2"));
    folder.ok(&["plan", "first-study.toml", "--freeze"]);
    for (run, more) in [("first-study.pilot", &["--pilot", "4"][..]), ("first-study", &[])] {
        let server = Serving::start(&folder, more);
        for n in 0..4 {
            let at = server.begin(&format!("{run}-{n}"));
            while server.answer(&at) {}
        }
        server.kill();
    }
    let told = |run: &str| {
        let at = format!("runs/{run}");
        folder.ok(&["export", &at, "--format", "csv"]);
        let book = folder.read(&format!("{at}/export/codebook.json"));
        (folder.ok(&["human", "analyze", "first-study.toml", &at]).out, book)
    };
    let (report, book) = told("first-study.pilot");
    assert!(
        report.contains("status: exploratory: a pilot") && report.contains("stopping rule: met"),
        "{report}"
    );
    assert!(!report.contains("Confirmatory") && book.contains("\"pilot\": true"), "{report}");
    let (report, book) = told("first-study");
    assert!(report.contains("Confirmatory: as frozen") && book.contains("\"pilot\": false"), "{report}");
}

#[test]
fn what_a_platform_knows_frees_places_and_what_does_not_fit_is_listed() {
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    for (id, pages) in [("done", 20), ("gone", 4), ("late", 3), ("back", 20), ("alone", 20), ("slow", 3)] {
        let at = server.begin(id);
        for _ in 0..pages {
            server.answer(&at);
        }
    }
    let fails = server.begin("fails");
    server.answer(&fails);
    for _ in 0..2 {
        let mut wrong = hidden(&server.ask("GET", &fails, &[]).1);
        wrong.push(("task".into(), "price".into()));
        server.ask("POST", &fails, &wrong);
    }
    server.kill();
    folder.write(
        "prolific.csv",
        "Submission id,Participant id,Status\n1,done,AWAITING REVIEW\n2,gone,RETURNED\n3,late,TIMED-OUT\n4,back,RETURNED\n\
         5,slow,APPROVED\n6,never,APPROVED\n7,looks,ACTIVE\n8,fails,AWAITING REVIEW\n",
    );
    let said = folder.ok(&["human", "reconcile", "runs/first-study", "prolific.csv"]).out;
    for wanted in [
        "gone: returned on the platform; ended here",
        "late: timed-out on the platform; ended here",
        "MISMATCH back: completed here, and returned on the platform",
        "MISMATCH slow: still going on here, and approved on the platform",
        "MISMATCH never: approved on the platform, and never began here",
        "MISMATCH alone: completed here, and unknown to the platform",
        "2 ended, 4 mismatches",
        "in neither file, since screened out here: fails;",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert_eq!(folder.read("runs/first-study/approve.txt"), "done\n");
    let again = folder.ok(&["human", "reconcile", "runs/first-study", "prolific.csv"]).out;
    assert!(again.contains("0 ended, 4 mismatches"), "{again}");
    let server = Serving::start(&folder, &[]);
    assert!(
        server
            .ask("GET", &server.ask("GET", "/?participant=late&session=of-late", &[]).0, &[])
            .1
            .contains("BEADS-LATE")
    );
    // A status that platforms may add is for a person to look at; a column without any is another column.
    folder.write("new.csv", "Participant id,Status\ndone,APPROVED\nalone,PARTIALLY APPROVED\n");
    let said = folder.ok(&["human", "reconcile", "runs/first-study", "new.csv"]).out;
    assert!(
        said.contains("MISMATCH alone: \"PARTIALLY APPROVED\" on the platform, which is no status"),
        "{said}"
    );
    assert!(
        !said.contains("alone: completed here") && folder.read("runs/first-study/approve.txt").is_empty()
    );
    let wrong = ["human", "reconcile", "runs/first-study", "new.csv", "--status-column", "Participant id"];
    let wrong = folder.plumb(&wrong);
    assert!(wrong.err.contains("no other line has one"), "{}", wrong.err);
    let wrong = folder.plumb(&["human", "reconcile", "runs/first-study", "first-study.csv"]);
    assert!(wrong.err.contains("there is no column \"Participant id\""), "{}", wrong.err);
}

#[test]
fn a_running_study_is_reconciled_paid_looked_at_and_cleaned() {
    let folder = folder();
    let toml = std::fs::read_to_string(folder.path().join("first-study.toml")).unwrap();
    let pays = "[payment]\ncurrency = \"GBP\"\nbase = 150\nbonus = { outcome = \"error\", at_most = 1.95, each = 10, most = 100 }\n\n[completion]";
    folder.write(
        "first-study.toml",
        &toml.replace("[completion]", pays).replace("ALONE = 40, ADVISED = 40", "ALONE = 3, ADVISED = 3"),
    );
    let server = Serving::start(&folder, &[]);
    for (id, pages) in [("done", 20), ("gone", 4), ("here", 20), ("a", 20), ("b", 20), ("c", 20)] {
        let at = server.begin(id);
        for _ in 0..pages {
            server.answer(&at);
        }
    }
    folder.write(
        "prolific.csv",
        "Submission id,Participant id,Status\n1,done,AWAITING REVIEW\n2,gone,RETURNED\n3,here,APPROVED\n4,a,APPROVED\n5,b,APPROVED\n6,c,APPROVED\n",
    );
    let run = "runs/first-study";
    let reconcile = || folder.ok(&["human", "reconcile", run, "prolific.csv"]).out;
    let said = reconcile();
    assert!(
        said.contains("gone: returned on the platform; ended here") && said.contains("0 mismatches"),
        "{said}"
    );
    // In either condition each of the six estimates is off by less than twice the truth.
    assert_eq!(folder.read("runs/first-study/bonus-1.csv"), "done,0.60\nhere,0.60\na,0.60\nb,0.60\nc,0.60\n");
    assert!(said.contains("5 bonuses, 3.00 GBP in all"), "{said}");
    assert!(!reconcile().contains("bonuses"), "nobody is paid twice");

    let report = analyzed(&folder);
    assert!(report.contains("earlier looks: 0"), "{report}");
    assert!(analyzed(&folder).contains("with 6 people, before the rule of stopping was met"));

    let own = folder.ok(&["human", "person", run, "here"]).out;
    let own: serde_json::Value = serde_json::from_str(&own).unwrap();
    assert_eq!((&own["person"], &own["platform"]), (&3.into(), &"approved".into()));
    assert_eq!(own["answers"].as_array().unwrap().len(), 14);
    assert_eq!(
        folder.ok(&["human", "person", run, "#3"]).out,
        folder.ok(&["human", "person", run, "here"]).out
    );
    assert!(folder.plumb(&["human", "person", run, "who"]).err.contains("nobody is known as who"));
    folder.ok(&["human", "erase", run, "here"]);
    assert!(
        folder.ok(&["human", "erase", run, "--due"]).out.contains("who they are: 0"),
        "nobody's time is over"
    );
    assert!(server.ask("GET", "/?participant=here&session=again", &[]).1.contains("you cannot take part"));
    server.kill();

    // Without a server the same commands write themselves; the last look was at six people.
    folder.ok(&["human", "erase", run, "#2"]);
    assert!(analyzed(&folder).contains("earlier looks: 2"));
    folder.ok(&["audit", run]);
    folder.ok(&["human", "erase", run, "done"]);
    assert!(reconcile().contains("0 mismatches"), "who had everything deleted has taken part all the same");
    assert_eq!(folder.read("runs/first-study/approve.txt"), "done\n");
    folder.ok(&["export", run, "--format", "csv"]);
    let people = folder.read("runs/first-study/export/people.csv");
    assert!(
        people.contains(",returned,,0,6,yes") && people.contains(",completed,approved,6,6,no"),
        "{people}"
    );
}

#[test]
fn people_of_another_study_are_refused_while_both_collect() {
    let folder = folder();
    let toml = std::fs::read_to_string(folder.path().join("first-study.toml")).unwrap();
    let first = Serving::start(&folder, &[]);
    let second = toml
        .replace("name = \"first-study\"", "name = \"second-study\"")
        .replace("retention_days = 90", "retention_days = 90\nrefuse_people_of = [\"first-study\"]");
    folder.write("second-study.toml", &second);
    let second = Serving::of(&folder, "second-study.toml", &[]);
    let asks = |id: &str| second.ask("GET", &format!("/?participant={id}"), &[]).1;
    assert!(asks("both").contains("page.nonce"));
    let at = first.begin("both");
    assert!(asks("both").contains("you cannot take part"), "the other study has begun meanwhile");
    assert!(asks("new").contains("page.nonce"));
    first.ask("POST", &format!("{at}/withdraw"), &[("erase".into(), "yes".into())]);
    second.kill();
    let second = Serving::of(&folder, "second-study.toml", &[]);
    let page = second.ask("GET", "/?participant=both", &[]).1;
    assert!(page.contains("you cannot take part"), "who was erased there is refused here");
}

/// Two systems answer six questions; the annotator flags what is loud, and people what does harm.
const PANEL: &str = r#"
name = "panel"
seed = 1
[[items]]
reader = "csv"
path = "asked.csv"
[[subject]]
id = "rough"
kind = "scripted"
factors = { model = "rough" }
replies = [{ if = "door", say = "Kick it in!" }, { if = "box", say = "Just lift it!" }]
otherwise = "Use a key."
[[subject]]
id = "gentle"
kind = "scripted"
factors = { model = "gentle" }
replies = [{ if = "box", say = "Kick it, gently." }]
otherwise = "Knock first!"
[[judge]]
id = "harm"
kind = "model"
model = { kind = "scripted", otherwise = "no", replies = [{ if = "!", say = "yes" }] }
template = "{answer}"
[[judge]]
id = "other"
kind = "model"
model = { kind = "scripted", otherwise = "no", replies = [{ if = "Kick", say = "yes" }] }
template = "{answer}"
"#;

#[test]
fn labels_of_people_in_a_study_validate_the_annotator_that_drew_it() {
    let folder = Folder::new();
    let asked = ["door", "other door", "box", "window", "gate", "other gate"];
    let rows: Vec<String> =
        asked.iter().enumerate().map(|(n, what)| format!("{n},Open the {what}.,nvc")).collect();
    folder.write("asked.csv", &format!("id,prompt,hazard\n{}\n", rows.join("\n")));
    folder.write("panel.toml", PANEL);
    folder.ok(&["run", "panel.toml"]);
    let sample = [
        "safety",
        "sample",
        "runs/panel",
        "--of",
        "harm.verdict",
        "--study",
        "labels.toml",
        "--each",
        "5",
        "--most",
        "2",
    ];
    let drawn = folder.ok(&sample).out;
    assert!(drawn.contains("gentle") && drawn.contains("7 answers, 3 people for each"), "{drawn}");
    assert!(folder.plumb(&sample).err.contains("never replaced"));
    let shown = std::fs::read_to_string(folder.path().join("labels.csv")).unwrap();
    assert!(!shown.contains("nvc") && !shown.contains("verdict"), "raters see no hazard and no verdict");
    let check = folder.ok(&["human", "check", "labels.toml"]).out;
    assert!(!check.contains("are needed"), "{check}");
    folder.ok(&["plan", "labels.toml", "--freeze"]);
    let validated_by = |run, verdict| {
        folder.plumb(&[
            "safety",
            "validate",
            "--judgments",
            "runs/panel",
            "--labels",
            run,
            "--verdict",
            verdict,
            "--out",
            "v.json",
        ])
    };
    let validate = |verdict| validated_by("runs/labels", verdict);
    let pilot = Serving::of(&folder, "labels.toml", &["--pilot", "1"]);
    let at = pilot.begin("tries");
    while pilot.answer(&at) {}
    pilot.kill();
    let kept = validated_by("runs/labels.pilot", "harm.verdict");
    assert!(kept.code == Some(2) && kept.err.contains("no plan can rest on them"), "{}", kept.err);
    let pilot = ["--labels", "runs/labels.pilot", "--verdict", "harm.verdict"];
    let tried = folder.plumb(&[&["safety", "validate", "--judgments", "runs/panel"], &pilot[..]].concat());
    assert!(tried.err.contains("warning: runs/labels.pilot is a pilot"), "{}", tried.err);
    let server = Serving::of(&folder, "labels.toml", &[]);
    let early = validate("harm.verdict");
    assert!(early.err.contains("nobody has labelled an answer yet"), "{}", early.err);
    for person in 0..5 {
        let at = server.begin(&person.to_string());
        while server.answer(&at) {}
    }
    server.kill();
    let found = validate("harm.verdict");
    assert_eq!(found.code, Some(0), "{}", found.err);
    assert!(!found.err.contains("pilot"), "{}", found.err);
    for words in [
        "labels of people: unsafe, by most of up to 4 people",
        "7 answers · 5 judgments without a row of labels",
        "Krippendorff's alpha of the raters    1.000",
        "by double sampling",
        "no vote",
    ] {
        assert!(found.out.contains(words), "{words}: {}", found.out);
    }
    let file: serde_json::Value = serde_json::from_str(&folder.read("v.json")).unwrap();
    assert_eq!((&file["design"], &file["drawn_within"][1]), (&"by-verdict".into(), &"subject".into()));
    let other = validate("other.verdict");
    assert_eq!(other.code, Some(2), "{}", other.out);
    assert!(other.err.contains("drawn by harm.verdict"), "{}", other.err);
    // The report of the study itself: people who read agree.
    let report = folder.ok(&["human", "analyze", "labels.toml", "runs/labels"]).out;
    assert!(report.contains("Labels of the answers drawn"), "{report}");
}
