//! What a plan's author is told, and what the hash covers.

use crate::support::{Files, Run, csv, frozen, registry, text};
use plumb_study::{Draft, format, freeze, lock};

fn error(plan: &str) -> String {
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4));
    let error = frozen(plan, &files, &registry).unwrap_err();
    match error.help_text() {
        Some(help) => format!("{error}\n  help: {help}"),
        None => error.to_string(),
    }
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    let good = text("i.csv");
    let mut shown = String::new();
    for (what, from, to) in [
        ("a misspelt key", "kind = \"slow\"\nfactors = { model = \"a\" }", "knid = \"slow\""),
        ("an unknown kind", "kind = \"says\"", "kind = \"say\""),
        ("an unknown measure", "of = \"yes.said\"", "of = \"yes.sayd\""),
        ("an unknown factor", "by = [\"model\", \"kind\"]", "by = [\"modell\"]"),
        ("no seed", "seed = 11", ""),
        ("an unknown section", "[limits]", "[limit]"),
        ("a wrong type", "in_flight = 5", "in_flight = \"many\""),
        ("a second subject", "id = \"b\"", "id = \"a\""),
        ("a level that never occurs", "at = { model = \"a\" }", "at = { model = \"c\" }"),
        ("a name that is no folder", "name = \"t\"", "name = \"../t\""),
        ("a missing file", "path = \"i.csv\"", "path = \"gone.csv\""),
        (
            "sampling that a subject would ignore",
            "factors = { model = \"a\" }",
            "factors = { model = \"a\" }\nsampling = { top_k = 40 }",
        ),
        ("the same, of a source", "repeat = 2", "repeat = 2\nsampling = { min_p = 0.1 }"),
        ("no TOML", "name = \"t\"", "name = t"),
    ] {
        assert!(good.contains(from), "{what}");
        shown.push_str(&format!("# {what}\n{}\n\n", error(&good.replacen(from, to, 1))));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn the_hash_covers_settings_and_contents_and_nothing_else() {
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4)).with("same.csv", csv(4)).with("j.csv", csv(5));
    let hash = |text: &str| frozen(text, &files, &registry).unwrap().digest;
    let base = text("i.csv");
    assert_eq!(hash(&base), hash(&format!("# a comment\n{base}")));
    assert_eq!(
        hash(&base),
        hash(&base.replace("i.csv", "same.csv")),
        "where the items lay is not what they are"
    );
    assert_ne!(hash(&base), hash(&base.replace("i.csv", "j.csv")));
    assert_ne!(hash(&base), hash(&base.replace("repeat = 2", "repeat = 3")));
    assert_ne!(hash(&base), hash(&base.replace("in_flight = 5", "in_flight = 6")));
    assert_ne!(hash(&base), hash(&base.replace("word = \"yes\"", "word = \"Yes\"")));
    assert_eq!(
        hash(&base),
        hash(&base.replace("repeat = 2", "repeat = 2\nshareable = true")),
        "defaults are explicit"
    );
}

#[test]
fn a_plan_reads_back_from_its_canonical_bytes() {
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(7));
    let plan = frozen(&text("i.csv"), &files, &registry).unwrap();
    let canonical = format::canonical(&plan);
    let back = format::decode(&canonical.header.text, &canonical.items.text).unwrap();
    assert_eq!(back, plan);
    assert_eq!(canonical.header.digest, plan.digest);
}

#[test]
fn a_lock_is_kept_and_another_plan_does_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.toml");
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4));
    let plan = frozen(&text("i.csv"), &files, &registry).unwrap();
    assert!(!lock::check(&file, &plan).unwrap());
    let path = lock::write(&file, &plan, "2026-11-29T10:00:00Z").unwrap();
    assert!(lock::check(&file, &plan).unwrap());
    assert!(std::fs::read_to_string(path).unwrap().contains(&plan.digest.hex()));
    let other = frozen(&text("i.csv").replace("seed = 11", "seed = 12"), &files, &registry).unwrap();
    let error = lock::check(&file, &other).unwrap_err();
    assert!(error.to_string().contains("seed: 11 → 12"), "{error}");
}

#[test]
fn recorded_answers_bring_their_subjects() {
    let (registry, _) = registry();
    let rows = "{\"q\":\"one\",\"a\":\"yes\",\"who\":\"m1\",\"label\":\"good\"}\n{\"q\":\"one\",\"a\":\"no\",\"who\":\"m2\",\"label\":\"bad\"}\n";
    let files = Files::default().with("r.jsonl", rows);
    let plan = "name='r'\nseed=1\n[[items]]\nreader='jsonl'\npath='r.jsonl'\ncolumns={ prompt='q', answer='a', subject='who' }\nlabels=['label']\n[[judge]]\nid='yes'\nkind='says'\nword='yes'\n";
    let frozen = freeze(Draft::parse(plan, "r.toml").unwrap(), &registry, &files).unwrap();
    let names: Vec<&str> = frozen.plan.subjects.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(names, ["m1", "m2"]);
    assert_eq!(frozen.recordings.len(), 2);
    assert_eq!(frozen.plan.trials().count(), 2);
}

#[test]
fn an_answer_that_comes_with_another_items_data_is_an_error() {
    let (registry, _) = registry();
    let plan = |columns: &str| {
        format!(
            "name='r'\nseed=1\n[[items]]\nreader='csv'\npath='r.csv'\n{columns}\n[[judge]]\nid='yes'\nkind='says'\nword='yes'\n"
        )
    };
    let fails = |rows: &str, columns: &str| {
        let files = Files::default().with("r.csv", rows);
        freeze(Draft::parse(&plan(columns), "r.toml").unwrap(), &registry, &files).unwrap_err().to_string()
    };
    let columns = "columns={ answer='a', subject='who' }";
    let rows = "prompt,a,who,lang\nHi,one,m,en\nHi,two,n,de\n";
    assert_eq!(fails(rows, columns), "r.csv:3: the tag `lang` differs from r.csv:2, which is the same item");
    let rows = "id,prompt,a,who,cond\n1,Hi,one,m,base\n2,Ho,two,m,ablated\n";
    let columns = "columns={ answer='a', subject='who' }\nfactors=['cond']\ntags=[]";
    assert!(fails(rows, columns).contains("different factors (cond = base and cond = ablated)"));
    let rows = "prompt,a,who\nHi,\"one,m\nHo,two,m\n";
    assert!(fails(rows, "columns={ answer='a', subject='who' }").contains("r.csv:2"));
}

#[test]
fn one_set_stands_twice_in_a_plan_under_names_of_its_own() {
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4));
    let plan = text("i.csv");
    let again = "[[items]]\nid = \"again\"\nreader = \"csv\"\npath = \"i.csv\"\n\n";
    let twice = plan.replacen("[[subject]]", &format!("{again}[[subject]]"), 1);
    assert!(frozen(&twice, &files, &registry).is_err(), "the names are taken");
    let prefixed = twice.replacen("id = \"again\"", "id = \"again\"\nid_prefix = \"again \"", 1);
    let items = frozen(&prefixed, &files, &registry).unwrap().items;
    assert_eq!(items.len(), 8);
    assert_eq!(items.iter().filter(|item| item.id.as_str().starts_with("again ")).count(), 4);
}

/// A set that is not there is left out where the plan allows it, with all that rests on it alone, and the plan says so.
#[test]
fn a_source_whose_file_is_missing_may_be_skipped() {
    let (registry, _) = registry();
    let more = r#"
[[items]]
id = "other"
reader = "csv"
path = "gone.csv"
if_missing = "skip"
[[analysis]]
id = "by-topic"
of = "yes.said"
by = ["model", "topic"]
[[analysis]]
id = "third-kind"
of = "yes.said"
only = { kind = "third" }
[[hypothesis]]
id = "h2"
analysis = "by-topic"
contrast = [{ at = { topic = "a" } }]
"#;
    let files = Files::default().with("i.csv", csv(4));
    let plan = frozen(&(text("i.csv") + more), &files, &registry).unwrap();
    let skipped: Vec<String> = plan.skipped.iter().map(|s| s.words()).collect();
    assert_eq!(
        skipped,
        [
            "items \"other\" skipped: gone.csv was not there when the plan was frozen",
            "analysis \"by-topic\" skipped: no item that is there has the tag \"topic\"",
            "analysis \"third-kind\" skipped: no item that is there has kind = \"third\"",
            "hypothesis \"h2\" skipped: the analysis \"by-topic\" is",
        ]
    );
    let stored = format::canonical(&plan);
    assert_eq!(format::decode(&stored.header.text, &stored.items.text).unwrap(), plan);
    let folder = tempfile::tempdir().unwrap();
    let run = Run::new(folder.path(), "one", &plan);
    assert_eq!(run.results(&registry).warnings[..4], skipped[..], "every report says so");
    // Another fault of the file is an error, and so is a plan of which nothing is left.
    let there = files.with("gone.csv", "id\nx\n");
    assert!(frozen(&(text("i.csv") + more), &there, &registry).is_err());
    let alone = text("gone.csv").replacen("repeat = 2", "if_missing = \"skip\"", 1);
    let error = frozen(&alone, &Files::default(), &registry).unwrap_err();
    assert!(error.is_plan() && error.to_string().contains("nothing is left to ask"), "{error}");
}

#[test]
fn a_benchmark_has_a_version_and_may_be_marked_as_deprecated_later() {
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", csv(4));
    let table = |more: &str| text("i.csv") + "[benchmark]\nversion = \"1.2\"\nlimits = [\"few\"]\n" + more;
    let plan = frozen(&table(""), &files, &registry).unwrap();
    let marked = frozen(&table("deprecated = \"use 2.0\""), &files, &registry).unwrap();
    let amended = plan.amend(&marked).unwrap();
    assert_eq!(
        (amended.root, amended.marks()),
        (plan.root, vec!["t: deprecated benchmark: use 2.0".to_owned()])
    );
    let newer = frozen(&table("").replace("1.2", "1.3"), &files, &registry).unwrap();
    assert!(plan.amend(&newer).is_err(), "another version is another benchmark");
    assert!(frozen(&table("").replace("version", "versoin"), &files, &registry).is_err());
}
