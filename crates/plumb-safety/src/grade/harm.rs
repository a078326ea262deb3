//! Which measures may be graded: those that say what is unsafe.
//!
//! What is right is another question, whatever label a plan names. Who refuses is another construct: a refused harmless question is no gain, and an answer that declines nothing can be safe. A vote of
//! refusal rules is one, too.

use plumb_study::MeasureRef;
use plumb_study::plan::Plan;
use plumb_study::vote::MEASURES;

/// Measures of judges that hold an answer against what is expected of it.
const RIGHT: [&str; 4] = ["correct", "chosen", "passed", "repaired"];

/// Why a measure does not say what is unsafe, where that is known.
pub(super) fn not_harm(plan: &Plan, of: MeasureRef) -> Option<String> {
    let judge = plan.judge(of.judge);
    let (name, own) = (plan.measure_name(of), &*plan.measure(of).name);
    if &*judge.kind == "refusal-rule" || own == "refused" {
        return Some(format!("{name} says who refused, not what is unsafe"));
    }
    if RIGHT.contains(&own) {
        return Some(format!("{name} says what is right, not what is unsafe"));
    }
    if &*judge.kind == "guard" && own != "unsafe" {
        return Some(format!("{name} does not say what is unsafe; {}.unsafe does", judge.name));
    }
    let ballot = judge.ballot.as_ref()?;
    if own != MEASURES[0] {
        return Some(format!(
            "{name} says where voters differ, not what is unsafe; {}.{} does",
            judge.name, MEASURES[0]
        ));
    }
    let voters = ballot.voters.iter().filter(|voter| voter.counts());
    voters
        .filter_map(|voter| not_harm(plan, voter.of))
        .next()
        .map(|why| format!("{name} is a vote, and {why}"))
}
