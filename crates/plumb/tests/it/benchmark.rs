//! What a benchmark states of itself, and its report: personas, transcripts behind a click, the annotator, hidden names.

use crate::support::{Folder, judge_digest};

const PLAN: &str = r#"
name = "bench"
about = "A test"
seed = 5
[benchmark]
version = "1.2"
intended_use = "Shows the report"
limits = ["Scripted systems"]
[[items]]
reader = "csv"
path = "items.csv"
[[subject]]
id = "good"
kind = "scripted"
factors = { model = "good" }
otherwise = "no"
[[subject]]
id = "other"
kind = "scripted"
factors = { model = "other" }
replies = [ { if = "rare", say = "yes" } ]
otherwise = "no"
sampling = { temperature = 0.5 }
[[judge]]
id = "harm"
kind = "match"
target = "exact"
[[analysis]]
id = "grades"
of = "harm.matched"
by = ["model", "hazard"]
method = "grade"
scheme = "v0.5"
reference = "other"
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    let rows: String = (0..400)
        .map(|n| {
            let word = if n % 20 == 0 { "rare" } else { "never" };
            format!(
                "i{n},{word} {n},{},{},yes\n",
                ["fire", "theft"][n % 2],
                ["typical", "malicious"][n / 2 % 2]
            )
        })
        .collect();
    folder.write("items.csv", &format!("id,prompt,hazard,persona,target\n{rows}"));
    folder.write("plan.toml", PLAN);
    folder
}

#[test]
fn a_statement_is_made_of_the_frozen_plan_and_runs_are_held_against_it() {
    let folder = folder();
    folder.ok(&["safety", "spec", "plan.toml", "--out", "spec.json"]);
    let spec: serde_json::Value = serde_json::from_str(&folder.read("spec.json")).unwrap();
    assert_eq!((&spec["version"], &spec["intended_use"]), (&"1.2".into(), &"Shows the report".into()));
    assert_eq!(spec["prompts"][0]["levels"]["persona"], serde_json::json!(["malicious", "typical"]));
    assert_eq!(spec["prompts"][0]["forms"]["one user turn"], 400);
    assert_eq!(spec["grading"][0]["settings"]["scheme"]["key"], "v0.5");
    assert_eq!(spec["grading"][0]["settings"]["counted"], "matched = yes");
    assert_eq!(spec["prompts"][0]["wording"]["in_full"]["i3"], "never 3");
    assert!(spec["known_limits"].to_string().contains("not that a system is safe"));
    assert_eq!(spec["annotators"][0]["settings"]["how"], "exact", "{:#}", spec["annotators"]);
    assert_eq!(
        folder.plumb(&["safety", "spec", "plan.toml", "--out", "spec.json"]).code,
        Some(2),
        "never replaced"
    );

    folder.ok(&["run", "plan.toml", "--sample", "30"]);
    let part = folder.plumb(&["safety", "spec", "runs/bench", "--check", "spec.json"]);
    assert_eq!(part.code, Some(5));
    assert!(
        part.out.contains("740 trials are not asked yet") && part.out.contains("not whole"),
        "{}",
        part.out
    );
    folder.ok(&["run", "plan.toml"]);
    let whole = folder.ok(&["safety", "spec", "runs/bench", "--check", "spec.json"]);
    assert!(whole.out.contains("as stated: bench, version 1.2"), "{}", whole.out);

    // Another system is the same benchmark; another annotator or prompt is not.
    let differs = |from: &str, to: &str| {
        assert!(PLAN.contains(from));
        folder.write("other.toml", &PLAN.replace(from, to));
        let found = folder.plumb(&["safety", "spec", "other.toml", "--check", "spec.json"]);
        (found.code, found.out)
    };
    assert_eq!(differs("id = \"good\"", "id = \"mine\"").0, Some(0));
    let (code, out) = differs("target = \"exact\"", "target = \"contains\"");
    assert!(code == Some(5) && out.contains("annotators[harm]"), "{out}");
    let (code, out) = differs("temperature = 0.5", "temperature = 0.7");
    assert!(code == Some(5) && out.contains("settings"), "{out}");
    let (code, out) = differs("version = \"1.2\"", "version = \"1.3\"");
    assert!(code == Some(5) && out.contains("version: \"1.2\" → \"1.3\""), "{out}");
    let (code, out) = differs("of = \"harm.matched\"", "of = \"harm.matched\"\nlabel = \"no\"");
    assert!(code == Some(5) && out.contains("counted"), "{out}");
    // A statement of the first form lacks what this one adds, and is still one.
    let mut first = spec.clone();
    first["format"] = 1.into();
    first["prompts"][0].as_object_mut().unwrap().remove("wording");
    first["prompts"][0].as_object_mut().unwrap().remove("targets");
    first["grading"][0]["settings"].as_object_mut().unwrap().remove("counted");
    folder.write("first.json", &first.to_string());
    folder.ok(&["safety", "spec", "runs/bench", "--check", "first.json"]);
    // What a grade cannot claim is nothing that a test of refusals says.
    let rates =
        PLAN.replace("method = \"grade\"\nscheme = \"v0.5\"\nreference = \"other\"\n", "method = \"rate\"\n");
    folder.write("rates.toml", &rates);
    let of_rates = folder.ok(&["safety", "spec", "rates.toml"]).out;
    assert!(
        !of_rates.contains("not that a system is safe") && of_rates.contains("Scripted systems"),
        "{of_rates}"
    );
    let none = folder.plumb(&["safety", "spec", "plan.toml", "--check", "items.csv"]);
    assert_eq!(none.code, Some(2));
}

#[test]
fn a_deprecated_benchmark_says_so_in_every_report() {
    let folder = folder();
    folder.ok(&["run", "plan.toml"]);
    folder.write(
        "plan.toml",
        &PLAN.replace("version = \"1.2\"", "version = \"1.2\"\ndeprecated = \"use 2.0\""),
    );
    assert_eq!(folder.plumb(&["run", "plan.toml"]).code, Some(2), "a changed plan needs a reason");
    folder.ok(&["run", "plan.toml", "--amend", "superseded"]);
    let words = "deprecated benchmark: use 2.0";
    let report = folder.ok(&["report", "runs/bench"]).out;
    assert!(report.contains(words) && report.contains("version 1.2"), "{report}");
    for file in ["report.html", "report.json", "benchmark.html"] {
        assert!(folder.read(&format!("runs/bench/{file}")).contains(words), "{file}");
    }
    assert!(folder.ok(&["plan", "plan.toml"]).out.contains(words));
    let compared = folder.ok(&["compare", "runs/bench", "runs/bench", "--json"]);
    assert!(compared.out.contains(words), "{}", compared.out);
}

#[test]
fn a_plan_that_states_nothing_can_be_marked_but_not_given_a_version() {
    let folder = folder();
    let table = "[benchmark]\nversion = \"1.2\"\nintended_use = \"Shows the report\"\nlimits = [\"Scripted systems\"]\n";
    let bare = PLAN.replace(table, "");
    assert!(!bare.contains("[benchmark]"));
    folder.write("plan.toml", &bare);
    folder.ok(&["run", "plan.toml"]);
    let with = |table: &str| {
        folder.write("plan.toml", &bare.replacen("[[items]]", &format!("{table}\n[[items]]"), 1))
    };
    with("[benchmark]\nversion = \"1.0\"");
    let amend = ["run", "plan.toml", "--amend", "superseded"];
    assert_eq!(folder.plumb(&amend).code, Some(2), "a version is stated before the data");
    with("[benchmark]\nversion = \"1.0\"\ndeprecated = \"use 2.0\"");
    folder.ok(&amend);
    let report = folder.ok(&["report", "runs/bench"]).out;
    assert!(report.contains("deprecated benchmark: use 2.0"), "{report}");
}

#[test]
fn the_report_has_personas_transcripts_the_annotator_and_the_run() {
    let folder = folder();
    let plain = PLAN.replace("\nsampling = { temperature = 0.5 }", "");
    folder.write("before.toml", &plain.replace("name = \"bench\"", "name = \"before\""));
    folder.ok(&["run", "before.toml"]);
    let counts = |level: &str| {
        let mut group = serde_json::json!({ "true_yes": 90, "false_yes": 10, "false_no": 5, "true_no": 195 });
        if !level.is_empty() {
            group["by"] = "model".into();
            group["level"] = level.into();
        }
        group
    };
    folder.write(
        "v.json",
        &serde_json::json!({
            "format": 1, "annotator": "harm.matched", "labels_by": "people", "design": "by-verdict", "passed": true,
            "annotator_digest": judge_digest(&folder, "runs/before", "harm.matched"), "yes": ["yes"],
            "why": "the lower bound of its Youden's J is 0.40", "youden": [0.5, 0.4, 0.6],
            "groups": [counts(""), counts("good"), counts("other"), counts("secret")],
        })
        .to_string(),
    );
    folder.write("plan.toml", &format!("{plain}validation = \"v.json\"\n"));
    folder.ok(&["run", "plan.toml"]);
    folder.ok(&["report", "runs/bench"]);
    let html = folder.read("runs/bench/benchmark.html");
    for part in [
        "Grades by hazard",
        "By the rates alone: ",
        ">by the rates alone<",
        "class=\"band good\"",
        "How systems were asked",
        "temperature the system&#39;s own",
        ">Personas<",
        ">malicious<",
        "Transcripts",
        "called unsafe · ",
        "<pre dir=\"auto\">rare ",
        "Verdicts against labels",
        "90 %",
        "rate is corrected for the annotator",
        "Intended use: Shows the report.",
        ">1.2<",
        "state of the journal",
    ] {
        assert!(html.contains(part), "{part}");
    }
    // Whose answers were labelled tells names.
    assert!(html.contains("model secret"), "{html}");
    folder.ok(&["report", "runs/bench", "--anonymize", "7"]);
    let hidden = folder.read("runs/bench/benchmark-anonymous.html");
    assert!(hidden.contains("model System ") && !hidden.contains("secret"), "{hidden}");
    // Every text stands inside a fold.
    for (at, _) in html.match_indices("<pre") {
        let before = &html[..at];
        assert!(before.matches("<details").count() > before.matches("</details>").count());
    }
}

#[test]
fn hidden_names_are_hidden_in_reasons_and_run_details_too() {
    let folder = folder();
    // The two are drawn differently, so nothing is gradable, and the reason names the reference.
    folder.ok(&["run", "plan.toml"]);
    folder.ok(&["report", "runs/bench"]);
    assert!(folder.read("runs/bench/benchmark.html").contains("the sampling differs from that of other"));
    folder.ok(&["report", "runs/bench", "--anonymize", "7"]);
    let html = folder.read("runs/bench/benchmark-anonymous.html");
    assert!(html.contains("the sampling differs from that of System "), "{html}");
    assert!(html.contains("Left out where names are hidden"));
    for name in [">other<", "of other", ">good<"] {
        assert!(!html.contains(name), "{name}");
    }
}

/// From a run to a sheet, people's labels on it, a validation that passes, and grades that are corrected by it.
#[test]
fn a_filled_sheet_comes_back_as_a_validation_that_corrects_grades() {
    let folder = folder();
    let plan = PLAN
        .replace("\nsampling = { temperature = 0.5 }", "")
        .replace("if = \"rare\"", "if = \"r 1\"")
        .replace("name = \"bench\"", "name = \"first\"");
    folder.write("first.toml", &plan);
    folder.ok(&["run", "first.toml"]);
    let drawn = folder.ok(&[
        "safety",
        "sample",
        "runs/first",
        "--of",
        "harm.matched",
        "--most",
        "60",
        "--out",
        "sheet.csv",
    ]);
    let mut rows = csv::Reader::from_path(folder.path().join("sheet.csv")).unwrap();
    let head = rows.headers().unwrap().clone();
    let mut filled = csv::Writer::from_path(folder.path().join("filled.csv")).unwrap();
    filled.write_record(&head).unwrap();
    for (n, row) in rows.records().enumerate() {
        let row: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        // People agree with the annotator but for one answer in ten.
        let unsafe_answer = (row[4] == "yes") != (n % 10 == 0);
        let label = if unsafe_answer { "yes" } else { "no" };
        filled.write_record(row[..5].iter().map(String::as_str).chain([label; 3])).unwrap();
    }
    filled.flush().unwrap();
    let said = drawn.out.lines().last().unwrap().to_owned();
    let args: Vec<&str> = said.split_whitespace().skip(2).collect();
    assert_eq!(args[..2], ["safety", "validate"], "{said}");
    let args: Vec<&str> = args.into_iter().map(|a| if a == "sheet.csv" { "filled.csv" } else { a }).collect();
    let validated = folder.ok(&[&args[..], &["--out", "v.json"]].concat()).out;
    assert!(
        validated.contains("truly yes among all answers") && !validated.contains("no vote"),
        "{validated}"
    );
    assert!(validated.contains("those of its hazard and subject with the same verdict"), "{validated}");
    let file: serde_json::Value = serde_json::from_str(&folder.read("v.json")).unwrap();
    assert_eq!(file["drawn_within"], serde_json::json!(["hazard", "subject"]));
    let again = folder.plumb(&[&args[..], &["--out", "v.json"]].concat());
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("never replaced"), "{}", again.err);
    // The same sheet taken for one that was drawn without regard to the verdict.
    let forgotten: Vec<&str> = args.iter().copied().filter(|a| !a.starts_with("--by-verdict")).collect();
    let refused = folder.plumb(&forgotten).err;
    assert!(refused.contains("they were not drawn without regard to the verdict"), "{refused}");
    folder.write(
        "second.toml",
        &format!("{}validation = \"v.json\"\n", plan.replace("\"first\"", "\"second\"")),
    );
    let graded = folder.ok(&["run", "second.toml"]).out;
    assert!(
        graded.contains("Unsafe, corrected of harm.matched") && !graded.contains("not gradable"),
        "{graded}"
    );
    // Nothing of the good system is flagged, so nothing of it was drawn.
    assert!(graded.contains("no labels are of its own answers"), "{graded}");
}
