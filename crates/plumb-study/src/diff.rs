//! What differs between two plans, field by field, and whether one is the other with something appended.

use crate::error::{Error, Kind, Result};
use crate::format;
use crate::id::{JudgeIx, MeasureRef};
use crate::plan::Plan;
use std::fmt;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub field: String,
    /// Before; `None` if it was not there.
    pub before: Option<String>,
    /// After; `None` if it is gone.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.in_the_file();
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{field}: {before} → {after}"),
            (None, Some(after)) => write!(f, "{field}: added {after}"),
            (Some(before), None) => write!(f, "{field}: removed {before}"),
            (None, None) => write!(f, "{field}"),
        }
    }
}

impl Change {
    /// The field as whoever wrote the file knows it: where a plan keeps a domain's tables, and a study's file in them, stands in no file.
    fn in_the_file(&self) -> &str {
        let field = self.field.strip_prefix("sections.").unwrap_or(&self.field);
        field.strip_prefix("study.written.").unwrap_or(field)
    }
}

/// Longest value shown whole.
const SHOWN: usize = 100;

fn show(value: &serde_json::Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

/// Differences of two lists: of named things by name, so that what comes before another moves nothing, and of others by position.
fn lists(field: &str, a: &[serde_json::Value], b: &[serde_json::Value]) -> Vec<Change> {
    let one = |called: &str, x: Option<&serde_json::Value>, y: Option<&serde_json::Value>| {
        let place = format!("{field}[{called}]");
        match (x, y) {
            (Some(x), Some(y)) => values(&place, x, y),
            (x, y) => vec![Change { field: place, before: x.map(show), after: y.map(show) }],
        }
    };
    let (Some(before), Some(after)) = (names(a), names(b)) else {
        return (0..a.len().max(b.len()))
            .flat_map(|at| one(&(at + 1).to_string(), a.get(at), b.get(at)))
            .collect();
    };
    let of = |list: &[&str], name: &str| list.iter().position(|other| *other == name);
    let mut changes: Vec<Change> = before
        .iter()
        .zip(a)
        .flat_map(|(name, x)| one(name, Some(x), of(&after, name).map(|at| &b[at])))
        .collect();
    let added = after.iter().zip(b).filter(|(name, _)| of(&before, name).is_none());
    changes.extend(added.flat_map(|(name, y)| one(name, None, Some(y))));
    let common = |list: &[&str], other: &[&str]| -> Vec<String> {
        list.iter().filter(|name| of(other, name).is_some()).map(|name| (*name).to_owned()).collect()
    };
    let (old, new) = (common(&before, &after), common(&after, &before));
    if old != new {
        let field = format!("{field}: order");
        changes.push(Change { field, before: Some(old.join(", ")), after: Some(new.join(", ")) });
    }
    changes
}

/// The names of a list's things; nothing where one has none or two share one.
fn names(list: &[serde_json::Value]) -> Option<Vec<&str>> {
    let all: Vec<&str> =
        list.iter().map(|v| v.get("id").or_else(|| v.get("name"))?.as_str()).collect::<Option<_>>()?;
    let mut each = all.clone();
    each.sort_unstable();
    each.dedup();
    (each.len() == all.len()).then_some(all)
}

/// Differences of two JSON values; lists of named things are compared by name.
pub(crate) fn values(field: &str, before: &serde_json::Value, after: &serde_json::Value) -> Vec<Change> {
    use serde_json::Value::{Array, Object};
    let join = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
    match (before, after) {
        _ if before == after => Vec::new(),
        (Object(a), Object(b)) => {
            let mut names: Vec<&String> = a.keys().collect();
            names.extend(b.keys().filter(|k| !a.contains_key(*k)));
            names
                .into_iter()
                // The items' digest is told apart, by item.
                .filter(|name| {
                    !(field.is_empty() && (*name == "items" || *name == "rooted" || *name == "root"))
                })
                .flat_map(|name| match (a.get(name), b.get(name)) {
                    (Some(x), Some(y)) => values(&join(name), x, y),
                    (x, y) => vec![Change { field: join(name), before: x.map(show), after: y.map(show) }],
                })
                .collect()
        }
        (Array(a), Array(b)) => lists(field, a, b),
        _ => vec![Change { field: field.to_owned(), before: Some(show(before)), after: Some(show(after)) }],
    }
}

impl Change {
    /// What differs between two JSON values; `field` says what they are.
    pub fn between(field: &str, before: &serde_json::Value, after: &serde_json::Value) -> Vec<Change> {
        values(field, before, after)
    }
}

impl Plan {
    /// What differs from `other`, which came later.
    pub fn diff(&self, other: &Plan) -> Vec<Change> {
        let header = |p: &Plan| serde_json::from_str(&format::canonical(p).header.text).unwrap_or_default();
        let mut changes = values("", &header(self), &header(other));
        let changed = self.items.iter().zip(&other.items).filter(|(a, b)| a != b);
        for (a, b) in changed.clone().take(5) {
            let what = if a.id == b.id { "contents changed".to_owned() } else { format!("now \"{}\"", b.id) };
            changes.push(Change { field: format!("item \"{}\"", a.id), before: None, after: Some(what) });
        }
        let more = changed.count();
        if more > 5 {
            changes.push(Change { field: format!("and {} more items", more - 5), before: None, after: None });
        }
        let count = |n: usize| Some(format!("{n} items"));
        if self.items.len() != other.items.len() {
            changes.push(Change {
                field: "number of items".into(),
                before: count(self.items.len()),
                after: count(other.items.len()),
            });
        }
        changes
    }

    /// The plan amended to `wanted`: legal if `wanted` only appends items, subjects, judges and analyses,
    /// or changes limits. Anything else is an error that names it.
    ///
    /// Judges and analyses that `plumb judge` added to this plan need not be in `wanted`, whose file knows
    /// nothing of them: they stay.
    pub fn amend(&self, wanted: &Plan) -> Result<Plan> {
        let wanted = &self.with_own_additions(wanted);
        let mut base = wanted.clone();
        base.items.truncate(self.items.len());
        base.subjects.truncate(self.subjects.len());
        base.judges.truncate(self.judges.len());
        base.analyses.truncate(self.analyses.len());
        base.sources.truncate(self.sources.len());
        base.limits = self.limits.clone();
        match (&mut base.benchmark, &self.benchmark) {
            (Some(base), Some(own)) => base.deprecated.clone_from(&own.deprecated),
            // A plan that said nothing of itself is marked by a table of its own.
            (Some(new), None) if new.deprecated.is_some() => base.benchmark = None,
            _ => {}
        }
        base.rooted = self.rooted;
        (base.root, base.digest) = (self.root, self.digest);
        if base != *self {
            let changes: Vec<String> = self.diff(&base).iter().map(|c| format!("\n  {c}")).collect();
            return Err(Error::new(
                Kind::Changed,
                format!("this is no amendment, since it changes what was planned:{}", changes.concat()),
            )
            .help("an amendment may append items, subjects, judges and analyses, change limits, or say that the benchmark is deprecated; anything else needs --fresh or a new name"));
        }
        let mut amended = wanted.clone();
        amended.rooted = self.rooted;
        amended.root = self.root;
        format::reseal(&mut amended);
        Ok(amended)
    }

    /// `wanted` with the judges and analyses that this plan has beyond its root and that `wanted` lacks, in
    /// this plan's places.
    fn with_own_additions(&self, wanted: &Plan) -> Plan {
        let mut added = self.judges.iter().skip(self.rooted.judges as usize);
        let own = self.analyses.iter().enumerate().skip(self.rooted.analyses as usize);
        let own: Vec<_> = own.filter(|(_, a)| !wanted.analyses.iter().any(|w| w.id == a.id)).collect();
        if own.is_empty() && added.all(|own| wanted.judges.iter().any(|j| j.name == own.name)) {
            return wanted.clone();
        }
        let mut grown = wanted.clone();
        grown.judges = self.judges.clone();
        grown
            .judges
            .extend(wanted.judges.iter().filter(|j| !self.judges.iter().any(|o| o.name == j.name)).cloned());
        // Judges that both have are taken as wanted, so that a change in one is seen.
        for judge in &wanted.judges {
            if let Some(own) = grown.judges.iter_mut().find(|j| j.name == judge.name) {
                *own = judge.clone();
            }
        }
        let place = |ix: JudgeIx| {
            let name = &wanted.judge(ix).name;
            JudgeIx(grown.judges.iter().position(|j| j.name == *name).unwrap_or_default() as u16)
        };
        let moved = |of: MeasureRef| MeasureRef { judge: place(of.judge), ..of };
        let sources: Vec<_> = wanted
            .sources
            .iter()
            .map(|s| s.judges.as_ref().map(|judges| judges.iter().map(|j| place(*j)).collect()))
            .collect();
        let strategies: Vec<_> = wanted
            .sources
            .iter()
            .map(|s| {
                let mut strategy = s.strategy.clone();
                if let Some(strategy) = &mut strategy {
                    for check in strategy.refusal.iter_mut().chain(&mut strategy.success) {
                        check.of = moved(check.of);
                    }
                }
                strategy
            })
            .collect();
        let analyses: Vec<Vec<MeasureRef>> =
            wanted.analyses.iter().map(|a| a.of.iter().map(|of| moved(*of)).collect()).collect();
        let needs: Vec<_> = wanted
            .judges
            .iter()
            .map(|j| {
                let needs: Vec<JudgeIx> = j.needs.iter().map(|n| place(*n)).collect();
                (j.name.clone(), needs, j.when.map(|(of, label)| (moved(of), label)))
            })
            .collect();
        for (source, judges) in grown.sources.iter_mut().zip(sources) {
            source.judges = judges;
        }
        for (source, strategy) in grown.sources.iter_mut().zip(strategies) {
            source.strategy = strategy;
        }
        for (analysis, of) in grown.analyses.iter_mut().zip(analyses) {
            analysis.of = of;
        }
        for (name, needs, when) in needs {
            if let Some(judge) = grown.judges.iter_mut().find(|j| j.name == name) {
                (judge.needs, judge.when) = (needs, when);
            }
        }
        for (at, analysis) in own {
            grown.analyses.insert(at.min(grown.analyses.len()), analysis.clone());
        }
        grown
    }

    /// An error that shows how `now` differs from this plan, under which data were collected.
    pub fn changed_error(&self, now: &Plan) -> Error {
        let changes: Vec<String> = self.diff(now).iter().map(|c| format!("\n  {c}")).collect();
        Error::new(
            Kind::Changed,
            format!(
                "the plan \"{}\" has changed since its data were collected ({} → {}):{}",
                self.name,
                self.digest.short(),
                now.digest.short(),
                changes.concat()
            ),
        )
        .help("go on with the old plan by restoring it; append to it with --amend \"REASON\"; or start anew with --fresh (the old run is kept)")
    }
}

#[cfg(test)]
mod tests {
    use super::values;
    use serde_json::json;

    #[test]
    fn what_comes_before_another_changes_nothing_but_the_order() {
        let told = |a: serde_json::Value, b: serde_json::Value| -> Vec<String> {
            values("sections.study.written.page", &a, &b).iter().map(ToString::to_string).collect()
        };
        let (x, y) = (json!({ "id": "x", "n": 1 }), json!({ "id": "y", "n": 2 }));
        assert_eq!(told(json!([y]), json!([x, y])), ["page[x]: added {\"id\":\"x\",\"n\":1}"]);
        assert_eq!(told(json!([x, y]), json!([y])), ["page[x]: removed {\"id\":\"x\",\"n\":1}"]);
        assert_eq!(told(json!([x, y]), json!([y, x])), ["page: order: x, y → y, x"]);
        assert_eq!(told(json!([x]), json!([{ "id": "x", "n": 3 }])), ["page[x].n: 1 → 3"]);
        assert_eq!(told(json!([1, 2]), json!([1, 3])), ["page[2]: 2 → 3"]);
        assert_eq!(told(json!([x, x]), json!([x, y])), ["page[2].id: \"x\" → \"y\"", "page[2].n: 1 → 2"]);
    }
}
