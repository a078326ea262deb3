//! The kind of judge `similarity` through the spine: frozen from TOML, run, read back from the journal.

use crate::support::{Files, frozen, ran, shown};

fn plan(judge: &str) -> String {
    format!(
        r#"
name = "similar"
seed = 3
[[items]]
reader = "csv"
path = "i.csv"
[[subject]]
id = "s"
kind = "scripted"
otherwise = "no code"
replies = [
    {{ if = "p-same", say = "Here:\n```python\n    return 1\n```\nUse it." }},
    {{ if = "p-near", say = "```\n    return 2" }},
    {{ if = "p-bare", say = "\n    return 1\n" }},
]
[[judge]]
id = "sim"
kind = "similarity"
{judge}
[[analysis]]
id = "mean"
of = "{of}"
"#,
        of = if judge.contains('[') { "sim.edit" } else { "sim" }
    )
}

fn files() -> Files {
    let csv = "id,prompt,target\nsame,p-same,\"    return 1\n\"\nnear,p-near,    return 1\nbare,p-bare,    return 1\nnone,p-none,\n";
    Files::of([("i.csv", csv.as_bytes())])
}

#[test]
fn code_is_taken_out_and_compared_with_the_target() {
    let results = ran(&plan("metric = ['edit', 'exact', 'nltk-bleu-6']\nlanguage = 'python'"), &files());
    let nothing = "judge abstained: no trigram matches, so smoothing method 6 is undefined";
    let shown = shown(&results);
    for line in [
        "same sim.edit = 1 [code: block 1 of 1]".to_owned(),
        "same sim.exact = 1".to_owned(),
        format!("same sim.nltk-bleu-6 = {nothing}"),
        "near sim.exact = 0".to_owned(),
        "near sim.edit = 0.9166666666666666 [code: block 1 of 1, which has no end]".to_owned(),
        "bare sim.edit = 1 [code: the whole answer, which has no fence]".to_owned(),
        "none sim.edit = judge abstained: the item has no target".to_owned(),
    ] {
        assert!(shown.contains(&line), "no {line:?} in {shown:#?}");
    }
}

#[test]
fn keys_decide_what_is_compared() {
    let whole = shown(&ran(&plan("metric = 'exact'\ncode = 'whole'\ntrim = false"), &files()));
    assert!(whole.contains(&"bare sim.exact = 0".to_owned()), "{whole:#?}");
    for (judge, words) in [
        ("", "`metric` is missing"),
        ("metric = 'bleu'", "`metric` names \"bleu\", which is none"),
        ("metric = ['edit', 'edit']", "names \"edit\" twice"),
        ("metric = 'edit'\nreference = 'web'", "`reference` is \"web\"; it must be one of target"),
        ("metric = 'edit'\nlanguge = 'python'", "unknown key `languge`"),
    ] {
        let error = frozen(&plan(judge), &files()).err().unwrap().to_string();
        assert!(error.contains(words), "{judge}: {error}");
    }
}
