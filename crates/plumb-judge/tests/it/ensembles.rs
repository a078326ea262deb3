//! Several judges together: votes are recorded, counted in the ledger, and barred where a voter did not pass.

use crate::support::{Files, amend, frozen, ran, ran_with, registry, run_again, shown};
use futures_util::future::BoxFuture;
use plumb_study::party::{Abilities, Ask, Reply, Responder};
use plumb_study::plan::PartySpec;
use plumb_study::scripted::EVERYTHING;
use plumb_study::{
    Draft, EngineId, Failure, Fields, FrozenParty, Inputs, JudgeIx, Opening, PartyKind, Result, freeze_judges,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Four answers; what each judge says of them stands in the answer's name: `a` to `d`.
fn plan(judges: &str) -> String {
    format!(
        "name = \"e\"\nseed = 3\n[[items]]\nid = \"i\"\nreader = \"csv\"\npath = \"i.csv\"\n\
         [[subject]]\nid = \"s\"\nkind = \"scripted\"\notherwise = \"?\"\n\
         replies = [{{ if = \"qa\", say = \"<a>\" }}, {{ if = \"qb\", say = \"<b>\" }}, {{ if = \"qc\", say = \"<c>\" }}, \
         {{ if = \"qd\", say = \"<d>\" }}]\n{judges}"
    )
}

fn files() -> Files {
    Files::default().with("i.csv", "id,prompt\na,qa\nb,qb\nc,qc\nd,qd\n")
}

/// A model judge that says yes of the answers in `yes`, nothing readable of those in `odd`, else no.
fn voter(id: &str, yes: &str, odd: &str, more: &str) -> String {
    let reply = |c: char, say: &str| format!("{{ if = \"<{c}>\", say = \"{say}\" }}");
    let replies: Vec<String> =
        yes.chars().map(|c| reply(c, "yes")).chain(odd.chars().map(|c| reply(c, "hm"))).collect();
    format!(
        "[[judge]]\nid = \"{id}\"\nkind = \"model\"\ntemplate = \"{{answer}}\"\n{more}\
         model = {{ kind = \"scripted\", otherwise = \"no\", replies = [{}] }}\n",
        replies.join(", ")
    )
}

fn three() -> String {
    voter("one", "ab", "", "") + &voter("two", "a", "d", "") + &voter("three", "abc", "d", "")
}

#[test]
fn rules_and_what_led_to_them() {
    let ensembles = r#"
[[judge]]
id = "most"
kind = "ensemble"
voters = ["one", "two", "three"]
[[judge]]
id = "any"
kind = "ensemble"
voters = ["one", "two", "three"]
rule = "any"
[[judge]]
id = "weighed"
kind = "ensemble"
rule = "weighted"
tie = "yes"
least = 1
voters = [{ measure = "one", weight = 3 }, { measure = "two", weight = 2 }, "three"]
"#;
    let (journal, results, _folder) = ran(&plan(&(three() + ensembles)), &files());
    insta::assert_snapshot!(shown(results.transcripts));
    let mut judges = Vec::new();
    journal
        .judged(|row| {
            judges.push(row.judge);
            Ok(())
        })
        .unwrap();
    assert_eq!(judges.len(), 12, "three votes on four answers are recorded, and no verdict of an ensemble");
    assert!(judges.iter().all(|j| *j < JudgeIx(3)));
    assert_eq!(results.counts.judged, [4, 4, 4, 4, 4, 4]);
}

/// The costly judge is asked where the cheap ones disagree, and nowhere else.
#[test]
fn a_cascade_asks_the_costly_judge_only_where_the_cheap_ones_disagree() {
    let cascade = "[[judge]]\nid = \"cheap\"\nkind = \"ensemble\"\nvoters = [\"one\", \"two\"]\n".to_owned()
        + &voter("costly", "d", "", "when = { measure = \"cheap.split\", is = \"yes\" }\n")
        + "[[judge]]\nid = \"harm\"\nkind = \"ensemble\"\nrule = \"cascade\"\n\
           voters = [\"cheap.verdict\", \"costly\"]\n";
    let voters = voter("one", "ab", "", "") + &voter("two", "a", "d", "");
    let (journal, results, _folder) = ran(&plan(&(voters + &cascade)), &files());
    insta::assert_snapshot!(shown(results.transcripts));
    let mut asked = 0;
    journal
        .judged(|row| {
            asked += u32::from(row.judge == JudgeIx(3));
            Ok(())
        })
        .unwrap();
    assert_eq!(asked, 2, "the cheap ones agree on a and c");
}

/// Says nothing readable the first `n` times that it is asked about an answer, then yes.
struct Late(u32);

struct Talker {
    odd: u32,
    asked: AtomicU32,
}

impl PartyKind for Late {
    fn freeze(&self, _: &mut Fields, _: &dyn Inputs) -> Result<FrozenParty> {
        let can = Abilities { deterministic: false, ..EVERYTHING };
        Ok(FrozenParty { settings: serde_json::json!({}), engine: EngineId::from("late"), can })
    }

    fn open(&self, _: &PartySpec, _: &Opening) -> Result<Arc<dyn Responder>> {
        Ok(Arc::new(Talker { odd: self.0, asked: AtomicU32::new(0) }))
    }
}

impl Responder for Talker {
    fn can(&self) -> Abilities {
        Abilities { deterministic: false, ..EVERYTHING }
    }

    fn engine(&self) -> EngineId {
        EngineId::from("late")
    }

    fn respond<'a>(&'a self, _: &'a Ask) -> BoxFuture<'a, Result<Reply, Failure>> {
        let odd = self.asked.fetch_add(1, Ordering::SeqCst) < self.odd;
        Box::pin(std::future::ready(Ok(Reply::text(if odd { "hm" } else { "yes" }))))
    }
}

fn late(retries: &str) -> String {
    let late = format!(
        "[[judge]]\nid = \"late\"\nkind = \"model\"\ntemplate = \"{{answer}}\"\n{retries}\
         model = {{ kind = \"late\" }}\n"
    );
    let both = "[[judge]]\nid = \"both\"\nkind = \"ensemble\"\nvoters = [\"one\", \"late\"]\nleast = 2\n";
    plan(&(voter("one", "a", "", "") + &late + both))
}

#[test]
fn a_reply_that_cannot_be_read_is_asked_again_and_never_kept_for_good() {
    let one = Files::default().with("i.csv", "id,prompt\na,qa\n");
    // Two odd replies: with two retries the verdict comes at once.
    let mut patient = registry();
    patient.party("late", Late(2));
    let (_, results, _folder) = ran_with(&late("retries = 2\n"), &one, &patient);
    assert!(shown(results.transcripts).contains("late.verdict = yes"));
    // Without, it abstains with the raw text, and the ensemble has too few votes.
    let mut strict = registry();
    strict.party("late", Late(1));
    let (journal, results, folder) = ran_with(&late(""), &one, &strict);
    let before = shown(results.transcripts);
    assert!(before.contains("late.verdict = judge abstained: no label where one was asked for: \"hm\" [hm]"));
    assert!(
        before.contains(
            "both.verdict = judge abstained [one.verdict yes, late.verdict judge abstained; 1 of 2"
        )
    );
    assert_eq!(results.estimates.len(), 0);
    // The next run asks again, as a second attempt, and the ensemble follows without an event of its own.
    let mut ready = registry();
    ready.party("late", Late(0));
    let (journal, results) = run_again(journal, &ready);
    let after = shown(results.transcripts);
    assert!(after.contains("late.verdict = yes [yes]") && after.contains("both.verdict = yes"), "{after}");
    assert_eq!(plumb_study::audit(&journal).unwrap().discrepancies, Vec::<String>::new());
    drop(folder);
}

#[test]
fn a_deterministic_model_is_not_asked_the_same_again() {
    let judge = voter("one", "", "a", "retries = 5\n");
    let one = Files::default().with("i.csv", "id,prompt\na,qa\n");
    let (journal, results, _folder) = ran(&plan(&judge), &one);
    assert!(shown(results.transcripts).contains("one.verdict = judge abstained"));
    assert_eq!(results.judging.requests, 1);
    let (_, again) = run_again(journal, &registry());
    assert_eq!(again.judging.requests, 1);
}

/// As `plumb safety validate --out` writes it, for a judge of another program.
fn validation(passed: bool, of: Option<(&str, &str)>) -> String {
    let (name, digest) =
        of.map_or(("x", String::new()), |(name, d)| (name, format!("\"annotator_digest\": \"{d}\",")));
    format!(
        "{{\"format\": 1, \"annotator\": \"{name}\", {digest} \"labels_by\": \"people\", \"design\": \"without-regard\", \
         \"passed\": {passed}, \"why\": \"the lower bound of its Youden's J is 0.08, under 0.2\", \"groups\": []}}"
    )
}

#[test]
fn who_did_not_pass_has_no_vote() {
    let judges = frozen(&plan(&three()), &files()).unwrap().plan;
    let of = |at: u16, name: &str, passed| {
        validation(passed, Some((name, &judges.judge_digest(JudgeIx(at)).hex())))
    };
    let files = files()
        .with("1.json", of(0, "one.verdict", true))
        .with("2.json", of(1, "two.verdict", false))
        .with("3.json", of(2, "three.verdict", true));
    let ensemble = "[[judge]]\nid = \"most\"\nkind = \"ensemble\"\n\
        voters = [{ measure = \"one\", validation = \"1.json\" }, { measure = \"two\", validation = \"2.json\" }, \
        { measure = \"three\", validation = \"3.json\" }]\n";
    let (_, results, _folder) = ran(&plan(&(three() + ensemble)), &files);
    let all = shown(results.transcripts);
    let most: Vec<&str> = all.lines().filter(|l| l.contains("most.")).collect();
    insta::assert_snapshot!(most.join("\n"));
    assert_eq!(
        results.warnings,
        ["most: no vote, since they did not pass their validation: two.verdict"],
        "what a report says before its numbers"
    );
}

#[test]
fn a_changed_template_is_another_judge_and_another_ensemble() {
    let most = "[[judge]]\nid = \"most\"\nkind = \"ensemble\"\nvoters = [\"one\", \"two\", \"three\"]\n";
    let digests = |judges: &str| {
        let plan = frozen(&plan(judges), &files()).unwrap().plan;
        (plan.judge_digest(JudgeIx(0)), plan.judge_digest(JudgeIx(3)), plan)
    };
    let (one, ensemble, first) = digests(&(three() + most));
    let edited = three().replacen("{answer}", "{answer} ", 1);
    let (changed, other, _) = digests(&(edited + most));
    assert_ne!(one, changed);
    assert_ne!(ensemble, other);
    let (_, stricter, _) = digests(&(three() + most + "least = 3\n"));
    assert_ne!(ensemble, stricter);
    // A validation of the judge as it stands is accepted, one of another is not.
    let with = |of: Option<(&str, &str)>| {
        let files = files().with("v.json", validation(true, of));
        let voters = "[[judge]]\nid = \"most\"\nkind = \"ensemble\"\n\
            voters = [{ measure = \"one\", validation = \"v.json\" }, \"two\"]\n";
        frozen(&plan(&(three() + voters)), &files).map_err(|e| e.to_string())
    };
    let (own, before) = (one.hex(), changed.hex());
    assert!(with(Some(("one.verdict", &own))).is_ok());
    for (of, why) in [
        (Some(("one.verdict", &*before)), "have changed since it was validated"),
        (Some(("other.verdict", &*own)), "it is of other.verdict, not of one.verdict"),
        (None, "nothing in it tells which judge it is of"),
    ] {
        let error = with(of).unwrap_err();
        assert!(error.contains("the validation is not of \"one\" as it stands here"), "{error}");
        assert!(error.contains(why), "{error}");
    }
    // The stored plan is read back with its ballot.
    let canonical = plumb_study::format::canonical(&first);
    assert_eq!(plumb_study::format::decode(&canonical.header.text, &canonical.items.text).unwrap(), first);
}

#[test]
fn an_ensemble_added_later_asks_nobody() {
    let (journal, results, _folder) = ran(&plan(&three()), &files());
    let before = results.total.requests;
    let added = "[[judge]]\nid = \"most\"\nkind = \"ensemble\"\nvoters = [\"one\", \"two\", \"three\"]\n\
        [[analysis]]\nid = \"rate\"\nof = \"most.verdict\"\n";
    let plan = journal.plan().unwrap();
    let draft = Draft::parse_judges(added, "j.toml").unwrap();
    let amended = freeze_judges(draft, &plan, &registry(), &files()).unwrap();
    amend(&journal, &plan, &amended);
    let (_, results) = run_again(journal, &registry());
    assert_eq!(results.total.requests, before);
    let rate = &results.estimates[0].findings[0];
    assert_eq!(rate.n, 3, "on d there are too few votes");
    let bounds = "1 without a verdict: 50.0 % if none of them were \"yes\", 75.0 % if all were";
    assert!(rate.warnings.iter().any(|w| &**w == bounds), "{:?}", rate.warnings);
}

#[test]
fn faults_of_an_ensemble_are_named() {
    let files = files().with("bad.json", validation(false, None));
    let mut shown = String::new();
    for ensemble in [
        "",
        "voters = ['one']",
        "voters = ['one', 'one']",
        "voters = ['one', 'four']",
        "voters = ['one', 'number']",
        "voters = ['one', 'kind']",
        "voters = ['one', 7]",
        "voters = ['one', { measure = 'two', wieght = 2 }]",
        "voters = ['one', { measure = 'two', weight = 2 }]",
        "voters = ['one', 'two']\nrule = 'unanimous'",
        "voters = ['one', 'two']\nrule = 'any'\ntie = 'yes'",
        "voters = ['one', 'two']\nabove = 0.3",
        "voters = ['one', 'two']\nleast = 3",
        "voters = ['one', 'two']\nrule = 'cascade'",
        "voters = ['one', 'two']\nwhen = { measure = 'one', is = 'yes' }",
        "voters = [{ measure = 'one', validation = 'bad.json' }, { measure = 'two', validation = 'bad.json' }]",
        "voters = [{ measure = 'one', validation = 'none.json' }, 'two']",
        "voters = [{ measure = 'one', validation = 'i.csv' }, 'two']",
    ] {
        let others = "[[judge]]\nid = 'number'\nkind = 'recorded'\ncolumn = 'c'\nnumber = true\n\
            [[judge]]\nid = 'kind'\nkind = 'recorded'\ncolumn = 'c'\nmap = { a = 'low', b = 'high' }\n";
        let judges = format!("{}{others}[[judge]]\nid = 'e'\nkind = 'ensemble'\n{ensemble}\n", three());
        let error = frozen(&plan(&judges), &files).unwrap_err();
        shown.push_str(&format!("# {}\n{error}\n", ensemble.replace('\n', "; ")));
        if let Some(help) = error.help_text() {
            shown.push_str(&format!("  help: {help}\n"));
        }
        shown.push('\n');
    }
    insta::assert_snapshot!(shown);
}
