//! The published table of v0.5, cell by cell, counted from items that were really made.

use crate::support::v0_5;
use plumb_safety::{Counts, FragmentSet, Kind, generate, placeholders};
use std::collections::HashSet;

/// Columns of the tables below.
const TYPES: [&str; 13] = [
    "viewpoint",
    "open",
    "how",
    "impact",
    "whether",
    "request-viewpoint",
    "opinion-knowledge",
    "support-intent",
    "support-support",
    "intent",
    "know",
    "previously",
    "support",
];

/// arXiv 2404.12241: the table of items by hazard, persona and interaction type.
const TYPICAL: [usize; 13] = [40, 50, 100, 100, 100, 80, 25, 25, 25, 50, 50, 25, 50];
const OTHER: [(&str, &str, [usize; 13]); 7] = [
    ("cae", "malicious", [40, 110, 200, 200, 200, 80, 50, 50, 50, 100, 100, 50, 100]),
    ("hat", "malicious", [40, 2510, 5000, 5000, 5000, 80, 50, 50, 50, 2500, 2500, 1250, 2500]),
    ("cbr", "malicious", [40, 130, 240, 240, 240, 80, 60, 60, 60, 120, 120, 60, 120]),
    ("nvc", "malicious", [40, 150, 280, 280, 280, 80, 70, 70, 70, 140, 140, 70, 140]),
    ("scr", "malicious", [40, 110, 200, 200, 200, 80, 50, 50, 50, 100, 100, 50, 100]),
    ("ssh", "vulnerable", [40, 90, 160, 160, 160, 80, 40, 40, 40, 80, 80, 40, 80]),
    ("vcr", "malicious", [40, 400, 780, 780, 780, 80, 55, 55, 55, 390, 390, 195, 390]),
];
/// The same paper: items by hazard, and by interaction type.
const HAZARDS: [(&str, usize); 7] = [
    ("cae", 2050),
    ("hat", 27250),
    ("cbr", 2290),
    ("nvc", 2530),
    ("scr", 2050),
    ("ssh", 1810),
    ("vcr", 5110),
];
const OVERALL: [usize; 13] = [560, 3850, 7560, 7560, 7560, 1120, 550, 550, 550, 3780, 3780, 1890, 3780];

#[test]
fn published_numbers_of_fragments_make_the_published_table() {
    let (taxonomy, design, _) = v0_5();
    let set = placeholders(&design);
    let kind = |kind| set.fragments.iter().filter(|f| f.kind == kind).count();
    assert_eq!(kind(Kind::Activity), 550);
    assert_eq!(kind(Kind::Viewpoint) + kind(Kind::OpenViewpoint), 175);
    let items = generate(&taxonomy, &design, &set).unwrap();
    let counts = Counts::of(&items);
    for (hazard, persona, expected) in OTHER {
        for (column, key) in TYPES.iter().enumerate() {
            assert_eq!(counts.cell(hazard, "typical", key), TYPICAL[column], "{hazard} typical {key}");
            assert_eq!(counts.cell(hazard, persona, key), expected[column], "{hazard} {persona} {key}");
        }
        assert_eq!(counts.row(hazard, "typical"), 720);
    }
    for (hazard, expected) in HAZARDS {
        let rows = ["typical", "malicious", "vulnerable"].map(|persona| counts.row(hazard, persona));
        assert_eq!(rows.iter().sum::<usize>(), expected, "{hazard}");
    }
    for (key, expected) in TYPES.iter().zip(OVERALL) {
        assert_eq!(counts.column(key), expected, "{key}");
    }
    assert_eq!(counts.total(), 43_090);
    assert_eq!(counts.rows(&taxonomy).len(), 14);
    assert_eq!(counts.columns(&design), TYPES);
    let ids: HashSet<&str> = items.iter().map(|i| i.id.as_str()).collect();
    let texts: HashSet<&str> = items.iter().map(|i| i.text.as_str()).collect();
    assert_eq!((ids.len(), texts.len()), (43_090, 43_090));
}

#[test]
fn the_design_has_the_published_numbers_of_types_and_templates() {
    let (taxonomy, design, _) = v0_5();
    assert_eq!(design.interactions.len(), 13);
    assert_eq!(design.interactions.iter().map(|i| i.templates.len()).sum::<usize>(), 32);
    let viewpoints = design.interactions.iter().filter(|i| i.takes[0].kind != Kind::Activity).count();
    assert_eq!(viewpoints, 2);
    assert_eq!(taxonomy.hazards.len(), 13);
    assert_eq!(taxonomy.hazards.iter().filter(|h| h.tested).count(), 7);
}

/// The rows of the table that differ.
fn changed(before: &FragmentSet, after: &FragmentSet) -> Vec<(String, String, i64)> {
    let (taxonomy, design, _) = v0_5();
    let make = |set| generate(&taxonomy, &design, set).unwrap();
    let (old, new) = (make(before), make(after));
    let (old, new) = (Counts::of(&old), Counts::of(&new));
    let all = taxonomy.hazards.iter().flat_map(|h| taxonomy.personas.iter().map(|p| (&h.key, &p.key)));
    all.map(|(h, p)| (h.clone(), p.clone(), new.row(h, p) as i64 - old.row(h, p) as i64))
        .filter(|(_, _, n)| *n != 0)
        .collect()
}

#[test]
fn a_changed_fragment_changes_its_own_cells() {
    let (_, design, _) = v0_5();
    let set = placeholders(&design);
    let row = |hazard: &str, n| vec![(hazard.to_owned(), "malicious".to_owned(), n)];
    let at = |id: &str| set.fragments.iter().position(|f| &*f.id == id).unwrap();
    // 21 items of an expanded activity and 3 of types that are not expanded.
    let mut less = set.clone();
    less.fragments.remove(at("cbr-malicious-activity-7"));
    assert_eq!(changed(&set, &less), row("cbr", -24));
    // An entity more: 21 items for each of the 50 activities with that slot.
    let mut more = set.clone();
    let slot = more.slots.iter_mut().find(|s| &*s.name == "hat-malicious").unwrap();
    let mut entity = slot.entities[0].clone();
    entity.key = "another".into();
    slot.entities.push(entity);
    assert_eq!(changed(&set, &more), row("hat", 50 * 21));
    // 4 items that express it and 8 that ask for it, in place of 2 open requests.
    let mut other = set.clone();
    other.fragments[at("vcr-malicious-open-viewpoint-1")].kind = Kind::Viewpoint;
    assert_eq!(changed(&set, &other), row("vcr", 12 - 2));
    // Another wording changes the texts of its items only.
    let mut said = set.clone();
    said.fragments[at("nvc-malicious-activity-1")].text = "do something else".into();
    assert!(changed(&set, &said).is_empty());
    let (taxonomy, _, _) = v0_5();
    let make = |set| generate(&taxonomy, &design, set).unwrap();
    let differ = make(&set).iter().zip(&make(&said)).filter(|(a, b)| a.text != b.text).count();
    assert_eq!(differ, 24);
}

#[test]
fn our_own_set_keeps_the_rules_and_has_six_hazards() {
    let (taxonomy, design, set) = v0_5();
    assert_eq!(plumb_safety::style::lint(&design, &set).unwrap(), []);
    let items = generate(&taxonomy, &design, &set).unwrap();
    let counts = Counts::of(&items);
    let mut hazards: Vec<&str> = counts.rows(&taxonomy).into_iter().map(|(hazard, _)| hazard).collect();
    hazards.dedup();
    assert_eq!(hazards, ["vcr", "nvc", "scr", "cbr", "ssh", "hat"]);
    assert_eq!(counts.row("cae", "typical") + counts.row("cae", "malicious"), 0);
    let texts: HashSet<(&str, &str)> = items.iter().map(|i| (&*i.persona, i.text.as_str())).collect();
    assert_eq!(texts.len(), items.len());
}
