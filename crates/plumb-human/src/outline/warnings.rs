//! What a study file leaves open, or does in a way that a reader should know of first.

use std::collections::BTreeMap;

use plumb_stats::model::Formula;

use super::raters;
use crate::study::{Analysis, AttributeKind, Block, PageKind, Position, ShownModel, Study};

pub(super) fn warnings(study: &Study) -> Vec<String> {
    let mut warnings = Vec::new();
    design(study, &mut warnings);
    places(study, &mut warnings);
    screens(study, &mut warnings);
    for analysis in &study.analysis {
        sampled_units(study, analysis, &mut warnings);
    }
    for hypothesis in study.hypothesis.iter().filter(|h| !h.welch.is_empty()) {
        let items =
            study.analysis.iter().find(|a| a.id == hypothesis.analysis).map(|a| a.item_ids(study).len());
        if let Some(items @ 2..) = items {
            warnings.push(format!(
                "Hypothesis {}: Welch's test takes each person's mean over {items} items, so what it says holds for these items \
                 and no others.",
                hypothesis.id
            ));
        }
    }
    for exclusion in &study.exclusion {
        let reads = if exclusion.fewer_than.is_some() {
            "how many items a person answered"
        } else {
            "which attention checks a person missed"
        };
        warnings.push(format!(
            "Exclusion {} reads {reads}, which is known only after assignment: conditions can lose different people by it. The \
             report has the analysis of all assigned beside it.",
            exclusion.id
        ));
    }
    warnings
}

fn design(study: &Study, warnings: &mut Vec<String>) {
    if study.assignment.is_none() {
        warnings.push("The file does not say how people come into conditions: add [assignment].".to_owned());
    }
    if study.block.is_empty() {
        warnings.push("The file does not say in which order items come: add [[block]].".to_owned());
    }
    let nowhere: Vec<&str> = study
        .items()
        .filter(|id| !study.block.is_empty() && !study.block.iter().any(|b| b.item_ids(study).contains(id)))
        .collect();
    match nowhere[..] {
        [] => {}
        [one] => warnings.push(format!("Item {one} stands in no block, so nobody is shown it.")),
        _ => {
            warnings.push(format!("Items {} stand in no block, so nobody is shown them.", nowhere.join(", ")))
        }
    }
    for condition in &study.condition {
        for block in study.block.iter().filter(|_| !study.step.is_empty()) {
            if !study.step.iter().any(|s| s.is_for(&block.id, &condition.id)) {
                warnings.push(format!("Condition {} has no step in block {}.", condition.id, block.id));
            }
        }
    }
}

fn places(study: &Study, warnings: &mut Vec<String>) {
    for condition in &study.condition {
        let Some(places) = study.assignment.as_ref().and_then(|a| a.places.get(&condition.id)) else {
            continue;
        };
        for block in study.block.iter().filter(|b| b.take.is_none()) {
            let ids = block.item_ids(study);
            if let Some(rows) = block.arrangement(&ids).rows().filter(|rows| places % rows != 0) {
                warnings.push(format!(
                    "Condition {}: its {places} places are no multiple of the {rows} orders of block {}, so some orders \
                     are used once more than others.",
                    condition.id, block.id
                ));
            }
        }
    }
    if let Some(assignment) = &study.assignment {
        let places = || study.condition.iter().filter_map(|c| assignment.places.get(&c.id));
        let (fewest, most) = (places().min(), places().max());
        if fewest < most && study.shares().is_none() {
            warnings.push(
                "Conditions have unequal places, and people come into conditions equally often until one is full: whoever comes last \
                 is in the larger ones, so that time and condition go together. Give every condition places and leave `deal` out: \
                 people are then dealt in proportion."
                    .to_owned(),
            );
        }
    }
    let people = study.people();
    for block in &study.block {
        let (Some(take), Some(each), Some(people)) = (block.take, block.people_per_item, people) else {
            continue;
        };
        let items = block.item_ids(study).len();
        // Where a between factor splits people, each condition needs its own ratings of every item.
        let needed = each * items * study.condition.len();
        if people * take < needed {
            warnings.push(format!(
                "Block {}: {people} people with {take} items each give {} ratings, but {each} people for each of {items} \
                 items in {} conditions are {needed}.",
                block.id,
                people * take,
                study.condition.len()
            ));
        }
        distinct(study, block, each, warnings);
        let Some(sample) = &study.sample else { continue };
        if let (Some(icc), Some(reliability)) = (sample.icc, sample.reliability)
            && each < raters(icc, reliability)
        {
            warnings.push(format!(
                "Block {}: {each} people an item are too few for a reliability of {reliability} at an intraclass correlation \
                 of {icc}: {} are needed.",
                block.id,
                raters(icc, reliability)
            ));
        }
    }
}

/// Whether people who meet one item of each value are enough for a value with several items.
fn distinct(study: &Study, block: &Block, each: usize, warnings: &mut Vec<String>) {
    let (Some(attribute), Some(assignment)) = (&block.distinct, &study.assignment) else { return };
    let conditions = study.condition.len();
    let fixed = study.condition.iter().map(|c| assignment.places.get(&c.id)).collect::<Option<Vec<_>>>();
    let fewest = match (fixed, assignment.people) {
        (Some(places), _) => places.into_iter().copied().min(),
        // Which condition gets the people that are left over is open until the end, and so is who leaves.
        (None, Some(people)) => {
            Some((people / conditions).saturating_sub(usize::from(people % conditions > 0)))
        }
        (None, None) => None,
    };
    let mut of: BTreeMap<String, usize> = BTreeMap::new();
    for item in block.item_ids(study) {
        *of.entry(study.attribute_text(item, attribute)).or_insert(0) += 1;
    }
    let Some((value, items)) = of.into_iter().max_by_key(|(_, items)| *items) else { return };
    if fewest.is_some_and(|fewest| each * items > fewest) {
        warnings.push(format!(
            "Block {}: {attribute} {value} has {items} items, of which a person meets one, so {each} people for each are {} people of \
             each condition, more than are sure to come into it. Ask for fewer people an item, or give each condition as many \
             places.",
            block.id,
            each * items
        ));
    }
}

fn screens(study: &Study, warnings: &mut Vec<String>) {
    if !study.consents() {
        warnings.push("The file has no [consent], so it can be analysed but not shown to people.".to_owned());
        return;
    }
    if study.sample.is_none() {
        warnings.push(
            "The file does not say when collection ends, nor why with so many people: add [sample]."
                .to_owned(),
        );
    }
    if study.retention_days().is_none() {
        warnings.push(
            "The file does not say how long data that tell people apart are kept: add [session] retention_days."
                .to_owned(),
        );
    }
    let long = study.block.iter().map(|b| b.take.unwrap_or(b.item_ids(study).len())).sum::<usize>() > 30;
    if long && !study.page.iter().any(|p| p.kind == PageKind::Attention) {
        warnings.push("More than 30 items and no check of attention.".to_owned());
    }
    for question in &study.question {
        if !study.page.iter().any(|p| p.asks.contains(&question.id)) {
            warnings.push(format!("Question {} stands on no page.", question.id));
        }
    }
    for step in study.step.iter().filter(|s| s.model != ShownModel::Nothing) {
        for condition in study.conditions() {
            let meets = step.conditions.is_empty() || step.conditions.iter().any(|c| c == condition);
            if meets && study.shown_model(condition).is_none() {
                warnings.push(format!(
                    "Step {} shows a model, but condition {condition} has none to show.",
                    step.id
                ));
            }
        }
    }
    for page in study.page.iter().filter(|p| p.at != Position::Entry && !p.asks.is_empty()) {
        if page.kind == PageKind::Questionnaire && page.at != Position::End {
            warnings.push(format!(
                "Questionnaire {} comes between items: what it asks can change how people go on.",
                page.id
            ));
        }
    }
    if study.attribute.iter().any(|a| a.kind == AttributeKind::Code) && study.language.tag() != "en" {
        warnings.push("Code stays in its own language, whatever the language of the pages.".to_owned());
    }
}

/// Where a sample of units stands in an analysis and its model does not know of it (Clark 1973, *Journal of Verbal Learning
/// and Verbal Behavior* 12: 335–359; Barr, Levy, Scheepers & Tily 2013, *Journal of Memory and Language* 68: 255–278).
fn sampled_units(study: &Study, analysis: &Analysis, warnings: &mut Vec<String>) {
    let Some(formula) = analysis.models().first().and_then(|f| Formula::parse(f).ok()) else { return };
    let items = analysis.item_ids(study).len();
    let groups = |unit: &str| {
        formula.random.iter().filter(move |r| r.group.0.iter().any(|g| &**g == unit)).collect::<Vec<_>>()
    };
    let say = |unit: &str, what: String| format!("Analysis {}: {what}", analysis.id).replace("{unit}", unit);
    if items > 1 && groups("participant").is_empty() {
        warnings.push(say(
            "",
            format!(
                "each person answers {items} items, but the model has no intercept of participants, so it counts answers as \
                 if each came from another person."
            ),
        ));
    }
    if items < 2 {
        return;
    }
    let of_items = groups("item");
    if of_items.is_empty() {
        warnings.push(say(
            "",
            format!(
                "the model has no intercept of items, so what it says holds for these {items} items and no others. Add \
                 (1 | item), or say that the items are all that matter."
            ),
        ));
        return;
    }
    let sloped = of_items.iter().flat_map(|r| &r.terms).any(|t| !t.0.is_empty());
    if !sloped && analysis.condition_ids(study).len() > 1 {
        warnings.push(say(
            "",
            "conditions differ within items, but the model has no slope of theirs by item, so an effect that only some items \
             have can count as one of all."
                .to_owned(),
        ));
    }
}
