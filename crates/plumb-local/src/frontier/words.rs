//! The answer in words, from the numbers alone.

use super::contrast;
use super::gather::{Gathered, Kind};
use super::outcomes;
use super::report::{Came, at_floor};
use crate::sweep::{Role, Sweep};
use plumb_study::method::Value;

fn percent(value: &Value) -> String {
    match value {
        Value::Interval { estimate, low, high, .. } => {
            format!("{:.1} % [{:.1}, {:.1}]", estimate * 100.0, low * 100.0, high * 100.0)
        }
        Value::Point { estimate, .. } => format!("{:.1} %", estimate * 100.0),
        Value::Undefined(why) => format!("unknown ({why})"),
    }
}

fn points(value: &Value) -> String {
    match value {
        Value::Interval { estimate, low, high, .. } => {
            format!("{:+.1} points [{:+.1}, {:+.1}]", estimate * 100.0, low * 100.0, high * 100.0)
        }
        Value::Point { estimate, .. } => format!("{:+.1} points", estimate * 100.0),
        Value::Undefined(why) => format!("unknown ({why})"),
    }
}

fn bounds(value: &Value) -> Option<(f64, f64)> {
    match value {
        Value::Interval { low, high, .. } => Some((*low, *high)),
        _ => None,
    }
}

/// The arm with the highest value; of equal ones that with the least cost, then the first.
fn best(
    arms: impl Iterator<Item = usize>,
    value: impl Fn(usize) -> f64,
    cost: impl Fn(usize) -> f64,
) -> Option<usize> {
    arms.max_by(|&a, &b| value(a).total_cmp(&value(b)).then(cost(b).total_cmp(&cost(a))).then(b.cmp(&a)))
}

/// The sentences.
pub(super) fn all(gathered: &Gathered, sweep: &Sweep, all: &[Vec<Came>]) -> Vec<String> {
    let Some(safety) = sweep.measures.iter().position(|measure| measure.role == Role::Safety) else {
        return vec!["No measure shows safety: there is nothing to weigh costs against.".into()];
    };
    let steered = |kind: Kind| (0..gathered.arms.len()).filter(move |arm| gathered.arms[*arm].kind == kind);
    let gain = |arm: &usize| all[*arm][safety].change.estimate().unwrap_or(f64::NEG_INFINITY);
    let over = || (0..sweep.measures.len()).filter(|m| sweep.measures[*m].role == Role::OverRefusal);
    let refused = |arm: usize| over().filter_map(|m| all[arm][m].value.estimate()).sum::<f64>();
    let best = |kind: Kind| best(steered(kind), |arm| gain(&arm), refused);
    let Some(best_arm) = best(Kind::Steered).filter(|arm| gain(arm).is_finite()) else {
        return vec!["There are no answers of a steered setting yet.".into()];
    };
    let mut said = Vec::new();
    let name = &gathered.arms[best_arm].id;
    let measure = &sweep.measures[safety].id;
    let base = gathered.arms.iter().position(|arm| arm.kind == Kind::Base).unwrap_or(0);
    let change = &all[best_arm][safety].change;
    let numbers = format!(
        "from {} to {}, a change of {}",
        percent(&all[base][safety].value),
        percent(&all[best_arm][safety].value),
        points(change)
    );
    let count = steered(Kind::Steered).count();
    said.push(match bounds(change).is_some_and(|(low, _)| low > 0.0) {
        true if count == 1 => format!("{name} raises {measure}: {numbers}."),
        true => format!(
            "{name} raises {measure} most: {numbers}. It is the largest of {count} steered settings on the items shown here, so its size is somewhat too good."
        ),
        false if count == 1 => format!("{name} is not shown to raise {measure}: {numbers}."),
        false => format!(
            "None of {count} steered settings is shown to raise {measure}. {name} comes nearest: {numbers}."
        ),
    });
    if let Some(random) = best(Kind::Random) {
        let as_good = steered(Kind::Random).filter(|arm| gain(arm) >= gain(&best_arm)).count();
        said.push(format!(
            "Of {} random settings (directions, or other latents of the autoencoder, that write as long a vector), {as_good} raise it at least as much; the best, {}, changes it by {}.",
            steered(Kind::Random).filter(|arm| gain(arm).is_finite()).count(),
            gathered.arms[random].id,
            points(&all[random][safety].change)
        ));
    }
    said.extend(costs(gathered, sweep, all, best_arm));
    said.extend(over().filter_map(|over| no_dearer(gathered, sweep, all, (safety, over))));
    said.extend(contrast::words(gathered, sweep, best_arm));
    said.push(question(gathered, sweep, all, best_arm, base));
    said.extend(outcomes::lost(gathered, sweep, best_arm));
    said.extend(on_condition(gathered, sweep, all, best_arm));
    said
}

/// Methods at equal over-refusal: of each, the setting that raises safety most while it refuses no more safe prompts than a
/// bound. The bound is the least under which every method has a setting, so that none is left out for being dear.
fn no_dearer(
    gathered: &Gathered,
    sweep: &Sweep,
    all: &[Vec<Came>],
    (safety, over): (usize, usize),
) -> Option<String> {
    let mut methods: Vec<(&str, Vec<usize>)> = Vec::new();
    for (at, arm) in gathered.arms.iter().enumerate() {
        let name = match arm.kind {
            Kind::Base | Kind::Spliced => continue,
            Kind::Random => "random settings",
            Kind::Instructions => "instructions",
            Kind::Steered | Kind::Gated => arm.direction.as_str(),
        };
        let both = [safety, over].map(|m| all[at][m].value.estimate());
        if both.iter().any(Option::is_none) {
            continue;
        }
        match methods.iter_mut().find(|method| method.0 == name) {
            Some(method) => method.1.push(at),
            None => methods.push((name, vec![at])),
        }
    }
    if methods.len() < 2 {
        return None;
    }
    let rate = |m: usize, arm: usize| all[arm][m].value.estimate().unwrap_or(f64::NAN);
    let least = |arms: &[usize]| arms.iter().map(|arm| rate(over, *arm)).fold(1.0, f64::min);
    let bound = methods.iter().map(|(_, arms)| least(arms)).fold(0.0, f64::max);
    let within = |(name, arms): &(&str, Vec<usize>)| {
        let arms = arms.iter().copied().filter(|arm| rate(over, *arm) <= bound);
        best(arms, |arm| rate(safety, arm), |arm| rate(over, arm)).map(|arm| {
            let (value, id) = (percent(&all[arm][safety].value), &gathered.arms[arm].id);
            format!("{name} {value} ({id}, at {:.1} %)", rate(over, arm) * 100.0)
        })
    };
    let said: Vec<String> = methods.iter().filter_map(within).collect();
    Some(format!(
        "At equal over-refusal ({} at most {:.1} %, the least at which every method has a setting), {} is: {}.",
        sweep.measures[over].id,
        bound * 100.0,
        sweep.measures[safety].id,
        said.join("; ")
    ))
}

/// What the gate saves of the best setting's changes.
fn on_condition(gathered: &Gathered, sweep: &Sweep, all: &[Vec<Came>], arm: usize) -> Option<String> {
    let best = &gathered.arms[arm];
    let name = format!("{}-gated", best.direction);
    let gated = gathered.arms.iter().position(|other| {
        other.kind == Kind::Gated && other.direction == name && other.strength == best.strength
    })?;
    let change = |m: usize, measure: &crate::sweep::Measure| {
        let (always, gate) = (&all[arm][m].change, &all[gated][m].change);
        let words = |value: &Value| match gathered.binary[m] {
            true => points(value),
            false => value.estimate().map_or_else(|| "unknown".to_owned(), |x| format!("{x:+.3}")),
        };
        (always.estimate().is_some() && gate.estimate().is_some())
            .then(|| format!("{} {} instead of {}", measure.id, words(gate), words(always)))
    };
    let changes: Vec<String> =
        sweep.measures.iter().enumerate().filter_map(|(m, measure)| change(m, measure)).collect();
    (!changes.is_empty()).then(|| {
        format!("Steered only where the gate opens, the same setting changes: {}.", changes.join("; "))
    })
}

fn costs(gathered: &Gathered, sweep: &Sweep, all: &[Vec<Came>], arm: usize) -> Option<String> {
    let costs: Vec<String> = sweep
        .measures
        .iter()
        .enumerate()
        .filter(|(m, measure)| measure.role == Role::OverRefusal && gathered.binary[*m])
        .map(|(m, measure)| format!("{} by {}", measure.id, points(&all[arm][m].change)))
        .collect();
    (!costs.is_empty()).then(|| {
        format!("The same setting changes refusal of what ought to be answered: {}.", costs.join("; "))
    })
}

/// Is the loss on safe inputs explained by refusing them, or is capability itself hurt?
fn question(gathered: &Gathered, sweep: &Sweep, all: &[Vec<Came>], arm: usize, base: usize) -> String {
    let mut lost = Vec::new();
    let mut kept = Vec::new();
    let mut floor = Vec::new();
    let measures =
        sweep.measures.iter().enumerate().filter(|(_, m)| matches!(m.role, Role::Capability | Role::Loss));
    for (m, measure) in measures {
        let turned = if measure.role == Role::Loss { -1.0 } else { 1.0 };
        let Some((low, high)) = bounds(&all[arm][m].change) else { continue };
        let (low, high) = if turned < 0.0 { (-high, -low) } else { (low, high) };
        let how = if gathered.texts[m] { "in words" } else { "by likelihood" };
        let name = format!("{} ({how})", measure.id);
        if at_floor(measure, &all[base][m].value) {
            floor.push(name);
        } else if high < 0.0 {
            lost.push((name, gathered.texts[m]));
        } else {
            kept.push((name, low));
        }
    }
    let list = |names: Vec<String>| names.join(", ");
    let floor_words = if floor.is_empty() {
        String::new()
    } else {
        format!(" At floor, so that nothing could be seen: {}.", list(floor))
    };
    if lost.is_empty() {
        let names: Vec<String> = kept.iter().map(|(name, _)| name.clone()).collect();
        return format!(
            "Is capability itself hurt, or are safe questions only refused? No loss of capability is shown at this setting ({}); that is no proof that there is none: see the smallest loss that could be seen.{floor_words}",
            if names.is_empty() { "nothing was measured above the floor".to_owned() } else { list(names) }
        );
    }
    let by_likelihood = lost.iter().any(|(_, words)| !words);
    let verdict = match by_likelihood {
        true => {
            "questions that are asked by likelihood cannot be refused and still lose, so capability itself is hurt"
        }
        false => "only questions answered in words lose, so that refusing them may explain it",
    };
    format!(
        "Is capability itself hurt, or are safe questions only refused? Shown to lose: {}; {verdict}.{floor_words}",
        list(lost.into_iter().map(|(name, _)| name).collect())
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn of_equal_gains_the_one_that_costs_least_is_best() {
        let (gains, costs) = ([0.4, 0.6, 0.6, 0.6, 0.1], [0.0, 0.7, 0.5, 0.5, 0.0]);
        assert_eq!(super::best(0..5, |arm| gains[arm], |arm| costs[arm]), Some(2));
    }
}
