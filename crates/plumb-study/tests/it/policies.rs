//! Policies of rates: what has no verdict, and empty replies, count as the plan says, and the report says what that did.

use crate::support::{Files, Run, frozen, registry};
use plumb_study::method::Value;
use plumb_study::run::Options;

/// Ten items that fail, ten with an empty reply, ten whose answer says the word, ten whose answer does not.
fn plan(keys: &str) -> String {
    format!(
        r#"
name = "t"
seed = 3
[[items]]
reader = "csv"
path = "i.csv"
[[items]]
reader = "csv"
path = "broken.csv"
subjects = ["slow"]
[[subject]]
id = "a"
kind = "scripted"
factors = {{ model = "a" }}
replies = [{{ if = "empty", say = "" }}, {{ if = "word", say = "the word" }}]
otherwise = "nothing"
[[subject]]
id = "slow"
kind = "slow"
factors = {{ model = "slow" }}
[[judge]]
id = "word"
kind = "says"
word = "word"
[[analysis]]
id = "rate"
of = "word.said"
by = ["model"]
{keys}
"#
    )
}

/// (n, rate, warnings) of both subjects.
fn rates(keys: &str) -> Vec<(u64, Option<f64>, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (registry, _) = registry();
    let rows = |kinds: &[&str]| {
        let rows = (0..10 * kinds.len()).map(|n| format!("{}{n},{} {n}\n", kinds[0], kinds[n % kinds.len()]));
        std::iter::once("id,prompt\n".to_owned()).chain(rows).collect::<String>()
    };
    let files = Files::default()
        .with("i.csv", rows(&["empty", "word", "calm"]))
        .with("broken.csv", rows(&["broken"]));
    let plan = frozen(&plan(keys), &files, &registry).unwrap();
    let stored = plumb_study::format::canonical(&plan);
    assert_eq!(plumb_study::format::decode(&stored.header.text, &stored.items.text).unwrap(), plan);
    let run = Run::new(folder.path(), "one", &plan);
    run.go(&registry, &Options::default(), 2).unwrap();
    let findings = run.results(&registry).estimates.remove(0).findings;
    findings
        .into_iter()
        .map(|f| {
            let warnings: Vec<String> = f.warnings.iter().map(ToString::to_string).collect();
            (f.n, Value::estimate(&f.value), warnings.join("; "))
        })
        .collect()
}

#[test]
fn what_has_no_verdict_counts_as_the_plan_says() {
    let close = |found: &(u64, Option<f64>, String), n: u64, rate: f64| {
        assert_eq!(found.0, n, "{found:?}");
        assert!((found.1.unwrap() - rate).abs() < 1e-12, "{found:?}");
    };
    let plain = rates("");
    close(&plain[0], 30, 10.0 / 30.0);
    close(&plain[1], 30, 10.0 / 30.0);
    assert!(!plain[0].2.contains("policies"), "{plain:?}");
    assert!(
        plain[1].2.contains("10 without a verdict: 25.0 % if none of them were \"yes\", 50.0 % if all were"),
        "{plain:?}"
    );

    let counted = rates("failed = \"yes\"\nempty = \"leave-out\"");
    close(&counted[0], 20, 0.5);
    close(&counted[1], 40, 0.5);
    assert!(
        counted[0].2.contains("policies: 10 empty reply (0 judged yes): leave-out; by verdicts alone 33.3 %"),
        "{counted:?}"
    );
    assert!(counted[1].2.contains("policies: 10 failed: yes; by verdicts alone 33.3 %"), "{counted:?}");

    close(&rates("failed = \"no\"")[1], 40, 0.25);
    close(&rates("empty = \"yes\"")[0], 30, 20.0 / 30.0);
}

#[test]
fn policies_are_keys_of_rates_alone() {
    let (registry, _) = registry();
    let files = Files::default().with("i.csv", "id,prompt\na,b\n").with("broken.csv", "id,prompt\nc,d\n");
    let error = |keys: &str| frozen(&plan(keys), &files, &registry).unwrap_err().to_string();
    assert!(error("failed = \"unsafe\"").contains("`failed`"), "{}", error("failed = \"unsafe\""));
    assert!(error("fialed = \"no\"").contains("fialed"));
}
