//! Assignment, blocks and steps in words and tables.

use plumb_study::document::{Block as Written, Cell, Section, Table};
use sha2::{Digest, Sha256};

use crate::protocol::assign::Rule;
use crate::protocol::order;
use crate::protocol::person::Slot;
use crate::protocol::sequence::sequence;
use crate::study::{Block, Step, Study};

pub(super) fn assignment(section: &mut Section, study: &Study) {
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
    if study.shares().is_some() {
        section.prose(Rule::IN_SHARES);
    }
    if !assignment.strata.is_empty() {
        section.prose(format!(
            "Each combination of answers to {} is dealt by itself.",
            assignment.strata.join(", ")
        ));
    }
    if let Some(people) = assignment.people {
        section.prose(format!("{people} people in all."));
    }
    let mut table = Table::new("", &["condition", "factors", "model", "#places"]);
    for condition in &study.condition {
        let levels: Vec<String> =
            condition.at.iter().map(|(factor, level)| format!("{factor} {level}")).collect();
        let places = match (assignment.places.get(&condition.id), assignment.people) {
            (Some(&places), _) => Cell::Count(places as u64),
            (None, Some(people)) if study.condition.len() == 1 => Cell::Count(people as u64),
            (None, Some(_)) if assignment.rule() == Rule::Simple => Cell::text("by chance"),
            (None, Some(people)) => Cell::text(format!("at most {}", people.div_ceil(study.condition.len()))),
            (None, None) => Cell::text("no limit"),
        };
        let model = match (&condition.model, study.shown_model(&condition.id)) {
            (Some(_), Some((model, display))) => format!("{}, {}", model.id, display.words()),
            (Some(hidden), None) => format!("{hidden}, never shown"),
            (None, _) => String::new(),
        };
        table.row([
            Cell::text(condition.id.clone()),
            Cell::text(if levels.is_empty() { "outside the factors".to_owned() } else { levels.join(", ") }),
            Cell::text(model),
            places,
        ]);
    }
    section.table(table);
}

pub(super) fn blocks(section: &mut Section, study: &Study) {
    for block in &study.block {
        section.heading(block.title.clone());
        section.prose(order_in_words(block));
        let mut table =
            Table::new("Orders of five people of a condition, as an example", &["person", "items"]);
        let condition = study.conditions().find(|c| study.step.iter().any(|s| s.is_for(&block.id, c)));
        for nth in 0..5_u64 {
            let seed: [u8; 32] = Sha256::digest(nth.to_be_bytes()).into();
            let items = met(study, block, condition.unwrap_or_default(), nth, &seed);
            table.row([Cell::text((nth + 1).to_string()), Cell::text(items.join(" · "))]);
        }
        section.table(table);
    }
}

/// A person's items of a block; where the block has no steps, as its order gives them.
fn met(study: &Study, block: &Block, condition: &str, nth: u64, seed: &[u8; 32]) -> Vec<String> {
    let mut items: Vec<(String, u32)> = sequence(study, condition, nth, seed)
        .into_iter()
        .filter_map(|slot| match slot {
            Slot::Trial { block: of, item, repetition, .. } if of == block.id => Some((item, repetition)),
            _ => None,
        })
        .collect();
    items.dedup();
    if !items.is_empty() {
        return items.into_iter().map(|(item, _)| item).collect();
    }
    let ids = block.item_ids(study);
    block.arrangement(&ids).sequence(nth, *seed).into_iter().map(|i| ids[i].to_owned()).collect()
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
    if let Some(take) = block.take {
        words.push_str(&format!("; each person gets {take} items, those with the fewest people first"));
    }
    if let Some(each) = block.people_per_item {
        words.push_str(&format!("; each item needs {each} people"));
    }
    if let Some(attribute) = &block.distinct {
        words.push_str(&format!("; no {attribute} twice for a person"));
    }
    if block.again > 0 {
        words.push_str(&format!("; {} of a person's items come a second time at the end", block.again));
    }
    words.push('.');
    words
}

pub(super) fn steps(section: &mut Section, study: &Study) {
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
            Cell::text(shows(step, words(&step.shows))),
            Cell::text(words(&step.asks)),
        ]);
    }
    section.table(table);
    let mut table = Table::new("Pages of one person", &["condition", "#pages"]);
    for condition in &study.condition {
        let pages = sequence(study, &condition.id, 0, &[0; 32]).len();
        table.row([Cell::text(condition.id.clone()), Cell::Count(pages as u64)]);
    }
    section.push(Written::Table(table));
}

fn shows(step: &Step, measures: String) -> String {
    let model = step.model.words();
    [model.to_owned(), measures].into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join("; ")
}
