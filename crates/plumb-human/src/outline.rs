//! What a participant of a study meets, condition by condition, as a document: `plumb human check`.
//!
//! Start at [`outline`]. The sequence of one person is [`sequence`], which the outline shows for the first people of each
//! condition and a server would record at assignment.

use plumb_study::document::{Cell, Document, Section, Table};
use sha2::{Digest, Sha256};

use crate::protocol::assign::Rule;
use crate::protocol::order;
use crate::protocol::sequence::sequence;
use crate::study::{Block, Study};

/// Writes what the study's file says of conditions, assignment, blocks and steps, and warns of what it leaves open.
pub fn outline(study: &Study) -> Document {
    let mut document = Document::new("Outline of a study", study.title.clone());
    document.about = study.about.clone();
    document.fact("conditions", study.condition.len().to_string());
    document.fact("items", study.item.len().to_string());
    document.fact("hypotheses", study.hypothesis.len().to_string());
    for warning in warnings(study) {
        document.warn(warning);
    }
    for note in &study.notes {
        document.warn(note.clone());
    }
    assignment(document.section("Assignment"), study);
    if !study.block.is_empty() {
        blocks(document.section("Blocks"), study);
    }
    if !study.step.is_empty() {
        steps(document.section("Steps of an item"), study);
    }
    document
}

fn warnings(study: &Study) -> Vec<String> {
    let mut warnings = Vec::new();
    if study.assignment.is_none() {
        warnings.push("The file does not say how people come into conditions: add [assignment].".to_owned());
    }
    if study.block.is_empty() {
        warnings.push("The file does not say in which order items come: add [[block]].".to_owned());
    }
    for item in &study.item {
        if !study.block.is_empty() && !study.block.iter().any(|b| b.item_ids(study).contains(&&*item.id)) {
            warnings.push(format!("Item {} stands in no block, so nobody is shown it.", item.id));
        }
    }
    for condition in &study.condition {
        for block in study.block.iter().filter(|_| !study.step.is_empty()) {
            if !study.step.iter().any(|s| s.is_for(&block.id, &condition.id)) {
                warnings.push(format!("Condition {} has no step in block {}.", condition.id, block.id));
            }
        }
        if let Some(places) = study.assignment.as_ref().and_then(|a| a.places.get(&condition.id)) {
            for block in &study.block {
                if let Some(rows) =
                    block.arrangement(&block.item_ids(study)).rows().filter(|rows| places % rows != 0)
                {
                    warnings.push(format!(
                        "Condition {}: its {places} places are no multiple of the {rows} orders of block {}, so some \
                         orders are used once more than others.",
                        condition.id, block.id
                    ));
                }
            }
        }
    }
    for exclusion in &study.exclusion {
        warnings.push(format!(
            "Exclusion {} reads how many items a person answered, which is known only after assignment: conditions can \
             lose different people by it. Report it beside the analysis of all assigned.",
            exclusion.id
        ));
    }
    warnings
}

fn assignment(section: &mut Section, study: &Study) {
    let Some(assignment) = &study.assignment else {
        section.prose("Not said.");
        return;
    };
    section.prose(match assignment.rule() {
        Rule::Simple => "Simple: each condition with an open place has the same probability.".to_owned(),
        Rule::Block(sizes) => {
            let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
            format!(
                "Shuffled blocks, which hold each condition {} times, drawn anew for each.",
                sizes.join(" or ")
            )
        }
        Rule::LeastFilled => {
            "A draw among the conditions with the fewest people, active and completed, or one more."
                .to_owned()
        }
    });
    if let Some(people) = assignment.people {
        section.prose(format!("{people} people in all."));
    }
    let mut table = Table::new("", &["condition", "factors", "#places"]);
    for condition in &study.condition {
        let levels: Vec<String> =
            condition.at.iter().map(|(factor, level)| format!("{factor} {level}")).collect();
        let places = assignment.places.get(&condition.id);
        table.row([
            Cell::text(condition.id.clone()),
            Cell::text(if levels.is_empty() { "outside the factors".to_owned() } else { levels.join(", ") }),
            places.map_or_else(|| Cell::text("no limit"), |&n| Cell::Count(n as u64)),
        ]);
    }
    section.table(table);
}

fn blocks(section: &mut Section, study: &Study) {
    for block in &study.block {
        section.heading(block.title.clone());
        section.prose(order_in_words(block));
        let ids = block.item_ids(study);
        let mut table =
            Table::new("Orders of five people of a condition, as an example", &["person", "items"]);
        for nth in 0..5_u64 {
            let seed: [u8; 32] = Sha256::digest(nth.to_be_bytes()).into();
            let items = block.arrangement(&block.item_ids(study)).sequence(nth, seed);
            let items: Vec<&str> = items.into_iter().map(|i| ids[i]).collect();
            table.row([Cell::text((nth + 1).to_string()), Cell::text(items.join(" · "))]);
        }
        section.table(table);
    }
}

fn order_in_words(block: &Block) -> String {
    let mut words = match block.order {
        order::Rule::AsListed => "As listed".to_owned(),
        order::Rule::Shuffle => "Shuffled for each person".to_owned(),
        order::Rule::LatinSquare => "A cyclic Latin square, one row a person".to_owned(),
        order::Rule::Williams => "A Williams design, one row a person".to_owned(),
    };
    let mut fixed: Vec<(usize, &str)> = block.fixed.iter().map(|(id, &at)| (at, id.as_str())).collect();
    fixed.sort_unstable();
    for (at, id) in fixed {
        words.push_str(&format!("; item {id} at position {at}"));
    }
    if !block.turn.is_empty() {
        words.push_str(&format!(
            "; items {} take each other's positions from person to person",
            block.turn.join(", ")
        ));
    }
    words.push('.');
    words
}

fn steps(section: &mut Section, study: &Study) {
    let label = |id: &String| {
        study.measure.iter().find(|m| m.id == *id).map_or_else(|| id.clone(), |m| m.label.clone())
    };
    let words = |ids: &[String]| ids.iter().map(label).collect::<Vec<_>>().join("; ");
    let all = |ids: &[String]| if ids.is_empty() { "all".to_owned() } else { ids.join(", ") };
    let mut table = Table::new("", &["step", "conditions", "blocks", "shows", "asks for"]);
    for step in &study.step {
        table.row([
            Cell::text(step.title.clone()),
            Cell::text(all(&step.conditions)),
            Cell::text(all(&step.blocks)),
            Cell::text(words(&step.shows)),
            Cell::text(words(&step.asks)),
        ]);
    }
    section.table(table);
    let mut table = Table::new("Pages of one person", &["condition", "#pages"]);
    for condition in &study.condition {
        let pages = sequence(study, &condition.id, 0, &[0; 32]).len();
        table.row([Cell::text(condition.id.clone()), Cell::Count(pages as u64)]);
    }
    section.table(table);
}
