//! What was registered before people came, and what happens to it: looks, amendments, people who are left out.

use crate::humans::{Serving, analyzed, folder};
use crate::support::Folder;

const STUDY: &str = "first-study.toml";
const RUN: &str = "runs/first-study";

fn edit(folder: &Folder, from: &str, to: &str) {
    let text = folder.read(STUDY);
    assert!(text.contains(from), "{from}");
    folder.write(STUDY, &text.replace(from, to));
}

/// People of these identifiers go through the whole study.
fn complete(server: &Serving, ids: &[&str]) {
    for id in ids {
        let at = server.begin(id);
        while server.answer(&at) {}
    }
}

#[test]
fn a_planned_look_may_be_confirmatory_and_any_other_never() {
    let folder = folder();
    edit(&folder, "ALONE = 40, ADVISED = 40", "ALONE = 4, ADVISED = 4");
    edit(&folder, "[sample]", "[looks]\nspending = \"pocock\"\nat = [0.5]\n\n[sample]");
    folder.ok(&["plan", STUDY, "--freeze"]);
    let server = Serving::start(&folder, &[]);
    complete(&server, &["a", "b", "c", "d"]);
    let first = analyzed(&folder);
    assert!(
        first.contains("this is planned look 1") && first.contains("Confirmatory: as frozen."),
        "{first}"
    );
    assert!(
        first.contains("0.500 of the information; 3.101e-2 of 0.05 is spent; two-sided p at most 3.101e-2"),
        "{first}"
    );
    let again = analyzed(&folder);
    assert!(
        again.contains("planned look 1") && again.contains("(a planned look)"),
        "the same data again: {again}"
    );
    complete(&server, &["e"]);
    let other = analyzed(&folder);
    assert!(other.contains("the plan lists no look for now") && !other.contains("Confirmatory"), "{other}");
    complete(&server, &["f", "g", "h"]);
    server.kill();
    let last = analyzed(&folder);
    assert!(
        last.contains("stopping rule: met") && last.contains("at a time that the plan does not list"),
        "{last}"
    );
}

#[test]
fn an_amendment_is_appended_with_its_reason_and_what_was_frozen_keeps_its_meaning() {
    let folder = folder();
    edit(&folder, "ALONE = 40, ADVISED = 40", "ALONE = 2, ADVISED = 2");
    folder.ok(&["plan", STUDY, "--freeze"]);
    let early = folder.plumb(&["plan", STUDY, "--amend", "--because", "more"]);
    assert!(early.err.contains("nobody has come yet"), "{}", early.err);
    let server = Serving::start(&folder, &[]);
    complete(&server, &["a", "b", "c"]);
    // What people meet stays.
    let frozen = folder.read(STUDY);
    edit(&folder, "How many beads fill this jar?", "How many beads are there?");
    let refused = folder.plumb(&["plan", STUDY, "--amend", "--because", "words"]);
    assert!(refused.err.contains("an amendment cannot change measure"), "{}", refused.err);
    folder.write(STUDY, &frozen);
    edit(
        &folder,
        "[[exclusion]]",
        "[[outcome]]\nid = \"sure\"\nlabel = \"confidence\"\nof = \"confidence\"\n\n[[exclusion]]",
    );
    let added = "\n[[analysis]]\nid = \"sureness\"\nsection = \"Beside\"\ntitle = \"How sure people are\"\noutcome = \"sure\"\nitems = \"jars\"\n";
    folder.write(STUDY, &(folder.read(STUDY) + added));
    let said = folder.ok(&["plan", STUDY, "--amend", "--because", "a reviewer asks"]).out;
    assert!(said.contains("amended: runs/first-study") && said.contains("sureness"), "{said}");
    assert!(folder.ok(&["plan", STUDY]).out.contains("in force by an amendment"));
    complete(&server, &["d"]);
    server.kill();
    let report = analyzed(&folder);
    assert!(report.contains("confirmatory where planned"), "{report}");
    assert!(report.contains("after 3 people had come, because: a reviewer asks. Of 4 people assigned so far, 3 were so before."), "{report}");
    assert!(
        report.contains("Confirmatory: as frozen.")
            && report.contains("How sure people are: Exploratory: added or changed by an amendment."),
        "{report}"
    );

    // Two more places: who was assigned stays so, and the server goes on with both.
    edit(&folder, "ALONE = 2, ADVISED = 2", "ALONE = 3, ADVISED = 3");
    let unknown = folder.plumb(&["human", "serve", STUDY, "--port", "0"]);
    assert!(unknown.err.contains("--amend"), "{}", unknown.err);
    folder.ok(&["plan", STUDY, "--amend", "--because", "two people were lost"]);
    for ids in [["e"], ["f"]] {
        // Started again between the two: the amendment stands among the arrivals where it was.
        let server = Serving::start(&folder, &[]);
        complete(&server, &ids);
        server.kill();
    }
    folder.ok(&["audit", RUN]);
    folder.ok(&["export", RUN, "--format", "csv"]);
    assert_eq!(folder.read("runs/first-study/export/people.csv").matches(",completed,").count(), 6);
    let report = analyzed(&folder);
    assert!(!report.contains("Confirmatory") && report.contains("after 4 people had come"), "{report}");

    // Places that become unequal: what is open by then is dealt in proportion, and a restart deals the same.
    edit(&folder, "ALONE = 3, ADVISED = 3", "ALONE = 4, ADVISED = 6");
    let said = folder.ok(&["plan", STUDY, "--amend", "--because", "one effect is smaller"]).out;
    assert!(said.contains("in proportion to what is open now"), "{said}");
    for ids in [["g", "h"], ["i", "j"]] {
        let server = Serving::start(&folder, &[]);
        complete(&server, &ids);
        server.kill();
    }
    folder.ok(&["audit", RUN]);
    folder.ok(&["export", RUN, "--format", "csv"]);
    let people = folder.read("runs/first-study/export/people.csv");
    assert_eq!((people.matches("ALONE").count(), people.matches("ADVISED").count()), (4, 6), "{people}");
}

#[test]
fn unequal_places_are_frozen_in_proportion_and_a_lock_from_before_stays_what_it_is() {
    let folder = folder();
    edit(&folder, "ALONE = 40, ADVISED = 40 }", "ALONE = 20, ADVISED = 40 }\ndeal = \"equally\"");
    folder.ok(&["plan", STUDY, "--freeze"]);
    let lock = "first-study.lock";
    assert!(!folder.read(lock).contains("\"deal\""), "as plans were before there was the key");
    edit(&folder, "deal = \"equally\"", "");
    assert!(folder.ok(&["plan", STUDY]).out.contains("locked by"));
    std::fs::remove_file(folder.path().join(lock)).unwrap();
    folder.ok(&["plan", STUDY, "--freeze"]);
    assert!(folder.read(lock).contains("\"deal\": \"in-proportion\""));
    assert!(folder.ok(&["plan", STUDY]).out.contains("locked by"));
    let check = folder.ok(&["human", "check", STUDY]).out;
    assert!(
        check.contains("people are dealt in these proportions") && !check.contains("equally often"),
        "{check}"
    );
}

#[test]
fn who_is_left_out_undeclared_stands_in_the_planned_analysis_and_is_a_deviation() {
    let folder = folder();
    edit(&folder, "ALONE = 40, ADVISED = 40", "ALONE = 3, ADVISED = 3");
    folder.ok(&["plan", STUDY, "--freeze"]);
    let server = Serving::start(&folder, &[]);
    complete(&server, &["a", "b", "c", "d", "e", "f"]);
    folder.ok(&["human", "exclude", RUN, "b", "--because", "said that it was a joke"]);
    server.kill();
    let report = analyzed(&folder);
    assert!(report.contains("participants: 6") && report.contains("confirmatory where planned"), "{report}");
    assert!(report.contains("Deviation: person 2 is left out although no rule of the plan names the person, because: said that it was a joke."), "{report}");
    let (planned, beside) = report.split_once("Without those left out undeclared: Participants").unwrap();
    assert!(planned.contains("Confirmatory: as frozen.") && !beside.contains("Confirmatory"), "{beside}");
    assert!(beside.contains("Exploratory: a deviation from the plan."), "{beside}");
    let again = folder.ok(&["human", "analyze", STUDY, RUN, "--permutations", "199"]).out;
    let again = again.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        again.contains("Tests by running the assignment again") && again.contains("advice given less none"),
        "{again}"
    );
    let unknown = folder.plumb(&["human", "exclude", RUN, "nobody", "--because", "x"]);
    assert!(unknown.err.contains("nobody is known as"), "{}", unknown.err);
}

#[test]
fn when_the_time_is_over_answers_stay_and_nobody_can_tell_whose_they_are() {
    let folder = folder();
    edit(&folder, "retention_days = 90", "retention_days = 0");
    let server = Serving::start(&folder, &[]);
    complete(&server, &["remember-me"]);
    let said = folder.ok(&["human", "erase", RUN, "--due"]).out;
    assert!(said.contains("not known any more who they are: 1; their answers stay"), "{said}");
    assert!(
        server
            .ask("GET", "/?participant=remember-me&session=of-remember-me", &[])
            .1
            .contains("you cannot take part")
    );
    server.kill();
    assert!(folder.ok(&["human", "erase", RUN, "--due"]).out.contains("who they are: 0"), "once is enough");
    let unknown = folder.plumb(&["human", "person", RUN, "remember-me"]);
    assert!(unknown.err.contains("nobody is known as"), "{}", unknown.err);
    folder.ok(&["audit", RUN]);
    folder.ok(&["export", RUN, "--format", "csv"]);
    assert_eq!(folder.read("runs/first-study/export/answers.csv").lines().count(), 1 + 6);
    for file in std::fs::read_dir(folder.path().join(RUN)).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let there = bytes.windows(11).any(|w| w == b"remember-me");
            assert!(!there, "{} still has the identifier", path.display());
        }
    }
}
