//! Planned looks: which look an analysis is, how small p must be for it, and what files and forms say of them.

use crate::example;
use plumb_human::{Occasion, Registration, Sighted, Spent, Study, fixed, outline};
use plumb_stats::sequential::{Spending, levels};

/// The small study of the docs with these lines before its first table of conditions.
fn with(looks: &str) -> Result<Study, String> {
    let folder = format!("{}/../../examples/studies", env!("CARGO_MANIFEST_DIR"));
    let beside = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).map_err(|e| e.to_string());
    let text = beside("first-study.toml").unwrap().replacen("[sample]", &format!("{looks}\n[sample]"), 1);
    Study::parse_with(&text, "study", &beside).map_err(|e| e.to_string())
}

fn completed(completed: Option<u32>) -> Sighted {
    Sighted { completed, days_over: false }
}

fn level(occasion: &Occasion) -> Option<f64> {
    match occasion {
        Occasion::Last(spent) | Occasion::Planned { spent, .. } => Some(spent.level(0.05).unwrap()),
        Occasion::Unplanned => None,
    }
}

#[test]
fn a_look_is_the_plans_only_when_it_is_due_and_once() {
    let study = with("[looks]\nspending = \"obrien-fleming\"\nat = [0.25, 0.5]\n").unwrap();
    assert_eq!(study.looks_at(), [20, 40]);
    let of = |counts: &[u32]| {
        let looks: Vec<Sighted> = counts.iter().map(|n| completed(Some(*n))).collect();
        study.occasions(&looks).pop().unwrap()
    };
    let exact = |shares: &[f64]| levels(Spending::OBrienFleming, 0.05, shares).unwrap().pop().unwrap().level;
    assert_eq!(of(&[19]), Occasion::Unplanned);
    assert_eq!(level(&of(&[20])), Some(exact(&[0.25])));
    // Three people came between the number of the plan and the look: the level is that of the look.
    assert_eq!(level(&of(&[23])), Some(exact(&[23.0 / 80.0])));
    assert_eq!(level(&of(&[23, 23])), Some(exact(&[23.0 / 80.0])), "the same data again");
    assert_eq!(of(&[23, 24]), Occasion::Unplanned, "other data, and that look has been taken");
    assert_eq!(level(&of(&[23, 44])), Some(exact(&[23.0 / 80.0, 0.55])));
    assert_eq!(level(&of(&[44])), Some(exact(&[0.55])), "a look that was not taken has spent nothing");
    assert_eq!(level(&of(&[23, 44, 80])), Some(exact(&[23.0 / 80.0, 0.55, 1.0])));
    assert_eq!(level(&of(&[80])), Some(exact(&[1.0])));
    assert_eq!(study.occasions(&[completed(None)]), [Occasion::Unplanned]);
    // Without [looks] nothing but the end is planned, and the end has all of alpha.
    let plain = example("first-study");
    assert_eq!(
        plain.occasions(&[completed(Some(79)), completed(Some(80))]),
        [Occasion::Unplanned, Occasion::Last(Spent::at_once())]
    );
}

#[test]
fn days_that_are_over_meet_the_rule_of_stopping() {
    let study = with("[looks]\nspending = \"obrien-fleming\"\nat = [0.25, 0.5]\n").unwrap();
    let over = Sighted { completed: Some(31), days_over: true };
    let all = |shares: &[f64]| levels(Spending::OBrienFleming, 0.05, shares).unwrap().pop().unwrap().level;
    // Whoever has come is all that come, so all of alpha is there.
    assert_eq!(level(&study.occasions(&[completed(Some(20)), over])[1]), Some(all(&[0.25, 1.0])));
    assert_eq!(level(&study.occasions(&[over])[0]), Some(all(&[1.0])));
    let unlimited = example("first-study");
    assert!(!unlimited.is_over(completed(Some(31))) && unlimited.is_over(over));
    assert_eq!(unlimited.occasions(&[over]), [Occasion::Last(Spent::at_once())]);
}

#[test]
fn files_and_forms_say_when_outcomes_are_looked_at() {
    let study = with("[looks]\nspending = \"pocock\"\nat = [0.5]\n").unwrap();
    let lines = fixed(&study).join("\n");
    let wanted =
        "when 40 of 80 people have completed; of alpha 0.05 0.03101 is spent, two-sided p at most 0.03101";
    assert!(lines.contains(wanted), "{lines}");
    for form in [Registration::AsPredicted, Registration::Osf] {
        let form = form.fill(&study, "hash");
        assert!(form.contains(wanted) && form.contains("Pocock's type"), "{form}");
    }
    let shown = format!("{:?}", outline(&study, None));
    assert!(shown.contains(wanted), "{shown}");
    // Who claims a difference in either direction claims no sign.
    assert!(lines.contains("two-sided p at most 0.05 with the sign as claimed, adjusted"), "{lines}");
    let either = fixed(&example("interpretability-4")).join("\n");
    assert!(
        either.contains("two-sided p at most 0.05, not adjusted") && !either.contains("claimed"),
        "{either}"
    );
    for (looks, why) in [
        ("[looks]\nspending = \"pocock\"\nat = []\n", "needs rising shares"),
        ("[looks]\nspending = \"pocock\"\nat = [0.5, 1.0]\n", "needs rising shares"),
        ("[looks]\nspending = \"pocock\"\nat = [0.501, 0.502]\n", "the same number of people"),
        ("[looks]\nspending = \"sometimes\"\nat = [0.5]\n", "obrien-fleming"),
    ] {
        let error = with(looks).unwrap_err();
        assert!(error.contains(why) && error.contains("line "), "{error}");
    }
}
