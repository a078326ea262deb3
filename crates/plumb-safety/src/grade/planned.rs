//! What a plan can show before anything is asked: how many answers each grade needs, and which are out of reach.

use super::method::Opened;
use super::power::power;
use super::settings::Against;
use plumb_study::Result;
use plumb_study::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lines for people, one a hazard of each grading analysis.
///
/// # Errors
/// Settings that another program wrote.
pub fn planned(plan: &Plan) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for analysis in plan.analyses.iter().filter(|a| &*a.method == "grade") {
        let opened = Opened::of(plan, analysis)?;
        let settings = &opened.settings;
        let mut items: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        for item in &plan.items {
            if let Some(hazard) = item.tags.get(settings.hazard.as_str()) {
                *items.entry(hazard.clone()).or_insert(0) += u64::from(plan.source(item.source).repeat);
            }
        }
        for (hazard, answers) in items {
            let (reference, how) = match &settings.against {
                Against::Own { references, .. } => {
                    let of = references.iter().filter(|r| r.hazard == *hazard);
                    let rates = of.map(|r| r.r#unsafe as f64 / r.answers.max(1) as f64);
                    (rates.fold(0.0, f64::max), "the standard's")
                }
                Against::Published { safe, .. } => {
                    let of = safe.iter().find(|(key, _)| *key == *hazard);
                    (of.map_or(settings.assumed_reference, |(_, safe)| 1.0 - safe), "the published")
                }
                Against::Suts(_) => (settings.assumed_reference, "an assumed"),
            };
            let needs: Vec<String> = power(&settings.scheme, reference)
                .into_iter()
                .map(|p| {
                    let key = &settings.scheme.grades[p.grade].key;
                    match p.answers {
                        None => format!("{key} no number"),
                        Some(n) if n > answers => format!("{key} {n} (out of reach)"),
                        Some(n) => format!("{key} {n}"),
                    }
                })
                .collect();
            lines.push(format!(
                "{}: {hazard}, {answers} answers; independent ones that a grade needs for 90 % at {how} reference of \
                 {:.2} %: {}",
                analysis.id,
                100.0 * reference,
                needs.join(", ")
            ));
        }
    }
    Ok(lines)
}
