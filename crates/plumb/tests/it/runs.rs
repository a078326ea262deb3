//! Running, going on, changing plans, and the commands on a finished run.

use crate::support::{Folder, PLAN, items, scripted};

#[test]
fn a_run_reports_and_a_second_one_finds_nothing_to_do() {
    let folder = scripted();
    let first = folder.ok(&["run", "plan.toml"]);
    assert!(first.out.contains("a-refuses-more"), "{}", first.out);
    let html = folder.read("runs/scripted/report.html");
    let second = folder.ok(&["run", "plan.toml"]);
    assert!(second.out.contains("nothing to do"), "{}", second.out);
    let table = |out: &str| {
        out.split("\nreport:").next().unwrap().split("\nnothing to do").next().unwrap().trim_end().to_owned()
    };
    assert_eq!(table(&first.out), table(&second.out));
    assert_eq!(folder.read("runs/scripted/report.html"), html);
    folder.ok(&["run", "plan.toml", "--fresh"]);
    assert!(folder.path().join("runs/scripted.1/journal.plumb").is_file());
}

#[test]
fn a_replay_equals_the_live_report_byte_for_byte() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml", "--sample", "7"]);
    folder.ok(&["run", "plan.toml"]);
    let live = (folder.read("runs/scripted/report.html"), folder.read("runs/scripted/report.json"));
    folder.ok(&["report", "runs/scripted"]);
    assert!(live == (folder.read("runs/scripted/report.html"), folder.read("runs/scripted/report.json")));
}

#[test]
fn shards_merge_into_what_one_machine_finds() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml"]);
    for part in 1..=3 {
        folder.ok(&["run", "plan.toml", "--runs", &format!("part{part}"), "--shard", &format!("{part}/3")]);
    }
    folder.ok(&["merge", "runs/merged", "part1/scripted", "part2/scripted", "part3/scripted/journal.plumb"]);
    folder.ok(&["audit", "runs/merged"]);
    folder.ok(&["report", "runs/merged"]);
    let estimates = |run: &str| {
        let report: serde_json::Value =
            serde_json::from_str(&folder.read(&format!("{run}/report.json"))).unwrap();
        (report["estimates"].clone(), report["hypotheses"].clone(), report["counts"].clone())
    };
    assert_eq!(estimates("runs/merged"), estimates("runs/scripted"));
}

#[test]
fn a_changed_plan_is_refused_with_its_difference_and_an_appended_one_can_be_amended() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml"]);
    folder.write("plan.toml", &PLAN.replace("seed = 3", "seed = 4"));
    let refused = folder.plumb(&["run", "plan.toml"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("seed: 3 → 4") && refused.err.contains("--fresh"), "{}", refused.err);
    folder.write("plan.toml", PLAN);
    folder.write("items.csv", &items(14));
    let refused = folder.plumb(&["run", "plan.toml"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("24 items → 28 items"), "{}", refused.err);
    let amended = folder.ok(&["run", "plan.toml", "--amend", "two pairs more"]);
    assert!(amended.err.contains("8 trials to ask"), "{}", amended.err);
    assert!(folder.ok(&["run", "plan.toml"]).out.contains("nothing to do"));
}

#[test]
fn a_lock_is_written_and_a_plan_that_differs_from_it_does_not_run() {
    let folder = scripted();
    let shown = folder.ok(&["plan", "plan.toml", "--freeze"]);
    assert!(shown.out.contains("plan.lock"), "{}", shown.out);
    folder.ok(&["run", "plan.toml"]);
    let report: serde_json::Value = serde_json::from_str(&folder.read("runs/scripted/report.json")).unwrap();
    assert_eq!(report["locked"], true);
    folder.write("plan.toml", &PLAN.replace("seed = 3", "seed = 4"));
    let refused = folder.plumb(&["run", "plan.toml", "--fresh"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("seed: 3 → 4"), "{}", refused.err);
    assert!(
        !folder.path().join("runs/scripted.1").exists(),
        "nothing is put aside for a plan that does not run"
    );
}

#[test]
fn judging_again_sets_old_and_new_side_by_side() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml"]);
    folder.write(
        "judges.toml",
        "[[judge]]\nid = \"phrases\"\nkind = \"refusal-rule\"\nlist = \"arditi-2024\"\n",
    );
    let judged = folder.ok(&["judge", "runs/scripted", "--judges", "judges.toml"]);
    assert!(
        judged.out.contains("rate (phrases)") && judged.out.contains("agreement of refusal and phrases"),
        "{}",
        judged.out
    );
    let report: serde_json::Value = serde_json::from_str(&folder.read("runs/scripted/report.json")).unwrap();
    let status: Vec<(&str, &str)> = report["estimates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["analysis"].as_str().unwrap(), e["status"].as_str().unwrap()))
        .collect();
    assert_eq!(status[0], ("rate", "confirmatory"));
    assert!(status[1..].iter().all(|(_, s)| *s == "exploratory"), "{status:?}");
    let again = folder.ok(&["judge", "runs/scripted", "--judges", "judges.toml"]);
    assert!(again.err.contains("in the run already") && again.out.contains("nothing to do"), "{}", again.out);
    folder.ok(&["audit", "runs/scripted"]);
    let plain = folder.ok(&["run", "plan.toml"]);
    assert!(plain.out.contains("nothing to do"), "the plan's file need not name added judges");
}

#[test]
fn recorded_answers_are_imported_and_judged() {
    let folder = scripted();
    folder.write(
        "answers.csv",
        "question,reply,who,label\nHow?,I cannot help with that.,m,refused\nWhy?,Because.,m,complied\n",
    );
    let imported = folder.ok(&[
        "import",
        "answers.csv",
        "--prompt",
        "question",
        "--answer",
        "reply",
        "--subject",
        "who",
        "--label",
        "label",
    ]);
    assert!(imported.err.contains("plumb judge runs/answers"), "{}", imported.err);
    folder.write("judges.toml", "[[judge]]\nid = \"refusal\"\nkind = \"refusal-rule\"\n[[analysis]]\nid = \"rate\"\nof = \"refusal.refused\"\n");
    let judged = folder.ok(&["judge", "runs/answers", "--judges", "judges.toml"]);
    assert!(judged.out.contains("50"), "{}", judged.out);
    let nothing = folder.plumb(&[
        "import",
        "items.csv",
        "--prompt",
        "prompt",
        "--answer",
        "kind",
        "--subject",
        "nobody",
    ]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.err.contains("nobody"), "{}", nothing.err);
}

#[test]
fn answers_of_several_files_to_one_prompt_are_answers_to_one_item() {
    let folder = Folder::new();
    folder.write("careful.csv", "prompt,answer\nHow?,I cannot help with that.\nWhy?,Because.\n");
    folder.write("eager.csv", "prompt,answer\nHow?,Like this.\nWhy?,Because.\n");
    let imported = folder.ok(&["import", "careful.csv", "eager.csv", "--name", "both"]);
    assert!(imported.out.contains("4 of 4 answers"), "{}", imported.out);
    let refused = folder.plumb(&["judge", "runs/both"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("has no judges") && refused.err.contains("--judges"), "{}", refused.err);
    folder.write("judges.toml", "[[judge]]\nid = \"refusal\"\nkind = \"refusal-rule\"\n[[analysis]]\nid = \"rate\"\nof = \"refusal.refused\"\nby = \"subject\"\n");
    let judged = folder.ok(&["judge", "runs/both", "--judges", "judges.toml", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&judged.out).unwrap();
    assert_eq!(report["counts"]["answered"], 4);
    folder.ok(&["export", "runs/both"]);
    let items: Vec<String> = folder
        .read("runs/both/trials.csv")
        .lines()
        .skip(1)
        .map(|row| row.split(',').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(items[0].split(' ').next(), items[1].split(' ').next(), "{items:?}");
    assert!(items[0].ends_with("careful") && items[1].ends_with("eager"), "{items:?}");
    std::fs::create_dir(folder.path().join("other")).unwrap();
    folder.write("other/eager.csv", "prompt,answer\nHow?,Like that.\n");
    let twice = folder.plumb(&["import", "eager.csv", "other/eager.csv", "--name", "twice"]);
    assert_eq!(twice.code, Some(2));
    assert!(twice.err.contains("--subject"), "{}", twice.err);
}

#[test]
fn what_is_wrong_on_the_command_line_or_in_a_plan_is_exit_code_2() {
    let folder = scripted();
    folder.write("wrong.toml", &PLAN.replace("kind = \"refusal-rule\"", "kind = \"refusal-rul\""));
    for (args, says) in [
        (vec!["run", "gone.toml"], "gone.toml"),
        (vec!["run", "wrong.toml"], "did you mean \"refusal-rule\"?"),
        (vec!["run", "plan.toml", "--shard", "5/4"], "5/4"),
        (vec!["runn"], "run"),
    ] {
        let ended = folder.plumb(&args);
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{args:?}: {}", ended.err);
    }
    let none = folder.plumb(&["audit", "runs/none"]);
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("there is no journal"), "{}", none.err);
}

#[test]
fn an_audit_finds_what_was_changed_by_hand() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml"]);
    folder.ok(&["audit", "runs/scripted"]);
    let report = folder.read("runs/scripted/report.json");
    folder.write("runs/scripted/report.json", &report.replacen("\"answered\": 48", "\"answered\": 47", 1));
    let found = folder.plumb(&["audit", "runs/scripted"]);
    assert_eq!(found.code, Some(5), "{}", found.out);
    assert!(found.out.contains("counts.answered = 47"), "{}", found.out);
}

#[test]
fn an_audit_does_not_count_a_judgment_that_failed_as_judged() {
    let folder = scripted();
    folder.write("sums.csv", "id,prompt,target\na,What is 2 + 2?,4\nb,What is 1 + 3?,four\n");
    folder.write(
        "sums.toml",
        "name = \"sums\"\nseed = 1\n[[items]]\nreader = \"csv\"\npath = \"sums.csv\"\n\
         [[subject]]\nid = \"s\"\nkind = \"scripted\"\notherwise = \"4\"\n\
         [[judge]]\nid = \"sum\"\nkind = \"numeric\"\n\
         [[analysis]]\nid = \"right\"\nof = \"sum.correct\"\n",
    );
    folder.plumb(&["run", "sums.toml"]);
    let found = folder.ok(&["audit", "runs/sums"]).out;
    assert!(found.contains("judge sum: 1 judged, 1 failed"), "{found}");
    let json: serde_json::Value =
        serde_json::from_str(&folder.ok(&["audit", "runs/sums", "--json"]).out).unwrap();
    assert_eq!((&json["judged"][0], &json["judgments_failed"][0]), (&1.into(), &1.into()), "{json:#}");
}

#[test]
fn help_completions_and_doctor_work() {
    let folder = scripted();
    for args in [
        vec!["--help"],
        vec!["run", "--help"],
        vec!["completions", "bash"],
        vec!["doctor"],
        vec!["models", "list"],
    ] {
        assert!(!folder.ok(&args).out.is_empty(), "{args:?}");
    }
    let list: serde_json::Value =
        serde_json::from_str(&folder.ok(&["models", "list", "--json"]).out).unwrap();
    assert_eq!(list[0]["name"], "smollm2-135m-instruct");
    let plan: serde_json::Value =
        serde_json::from_str(&folder.ok(&["plan", "plan.toml", "--json"]).out).unwrap();
    assert_eq!(plan["name"], "scripted");
}

#[test]
fn the_same_judges_file_adds_nothing_a_second_time_and_diverging_runs_do_not_merge() {
    let folder = scripted();
    let own = |id: &str| {
        format!(
            "[[judge]]\nid = \"{id}\"\nkind = \"match\"\ncontains = \"Sure\"\n[[analysis]]\nid = \"{id}-rate\"\nof = \"{id}.matched\"\n"
        )
    };
    folder.write("j1.toml", &own("sure"));
    folder.write("j2.toml", &own("gladly"));
    for (runs, judges) in [("a", "j1.toml"), ("b", "j2.toml")] {
        folder.ok(&["run", "plan.toml", "--runs", runs]);
        for _ in 0..2 {
            folder.ok(&["judge", &format!("{runs}/scripted"), "--judges", judges]);
        }
    }
    let refused = folder.plumb(&["merge", "a/scripted", "b/scripted"]);
    assert!(refused.err.contains("two different ways"), "{}", refused.err);
    folder.ok(&["audit", "a/scripted"]);
    folder.ok(&["audit", "b/scripted"]);
}

#[test]
fn whether_anybody_reads_the_notes_decides_nothing() {
    let folder = scripted();
    let mut command = folder.command(&["run", "plan.toml"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut running = command.spawn().unwrap();
    drop(running.stderr.take());
    assert_eq!(running.wait().unwrap().code(), Some(0));
}

#[test]
fn a_run_that_cannot_be_written_can_be_read() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml"]);
    let run = folder.path().join("runs/scripted");
    let mut permissions = std::fs::metadata(&run).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&run, permissions.clone()).unwrap();
    folder.ok(&["audit", "runs/scripted"]);
    folder.ok(&["export", "runs/scripted", "--out", "trials.csv"]);
    #[expect(clippy::permissions_set_readonly_false, reason = "so that the folder can be deleted")]
    permissions.set_readonly(false);
    std::fs::set_permissions(&run, permissions).unwrap();
}

#[test]
fn what_is_wrong_with_a_users_own_files_stops_only_what_needs_them() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml"]);
    std::fs::create_dir_all(folder.path().join("config/plumbline")).unwrap();
    folder.write("config/plumbline/prices.toml", "price = 3");
    folder.ok(&["report", "runs/scripted"]);
    let refused = folder.plumb(&["run", "plan.toml"]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("prices.toml"), "{}", refused.err);
    let doctor = folder.plumb(&["doctor"]);
    assert!(doctor.out.contains("✗ settings"), "{}", doctor.out);
}
