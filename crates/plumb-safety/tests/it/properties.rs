//! What holds for any set of fragments, and for any bytes.

use crate::support::{Files, items, v0_5};
use plumb_safety::{FragmentSet, generate};
use proptest::prelude::*;
use std::collections::HashSet;

/// A set in TOML: for each activity the slots it has (of two, with two and three entities), then numbers of
/// viewpoints and of open viewpoints.
fn set(activities: &[u8], viewpoints: usize, open: usize) -> String {
    let mut text = String::from(
        "[slots.two]\nplain = 'it'\nentities = { a = 'this', b = 'that' }\n\
         [slots.three]\nplain = 'them'\nentities = { a = 'one', b = 'another', c = 'a third' }\n",
    );
    let mut add = |kind: &str, n: usize, words: &str| {
        text += &format!(
            "[[fragment]]\nid = '{kind}-{n}'\nhazard = 'vcr'\npersona = 'malicious'\nkind = '{kind}'\n\
             text = 'text {n} {words}'\n"
        );
    };
    for (n, slots) in activities.iter().enumerate() {
        add("activity", n, ["alone", "{two}", "{three}", "{two} and {three}"][usize::from(*slots)]);
    }
    (0..viewpoints).for_each(|n| add("viewpoint", n, "holds"));
    (0..open).for_each(|n| add("open-viewpoint", n, "may hold"));
    text
}

proptest! {
    #[test]
    fn any_set_makes_as_many_items_as_the_law_says(
        activities in proptest::collection::vec(0_u8..4, 0..12),
        viewpoints in 0_usize..6,
        open in 0_usize..6,
    ) {
        // A set without a fragment is a fault.
        prop_assume!(activities.len() + viewpoints + open > 0);
        let (taxonomy, design, _) = v0_5();
        let text = set(&activities, viewpoints, open);
        let fragments = FragmentSet::parse(&[("f.toml".into(), text.into_bytes())]).unwrap();
        let made = generate(&taxonomy, &design, &fragments).unwrap();
        let expanded: usize = activities.iter().map(|slots| [1, 2, 3, 6][usize::from(*slots)]).sum();
        let law = 21 * expanded + 3 * activities.len() + 12 * viewpoints + 2 * open;
        prop_assert_eq!(made.len(), law);
        let ids: HashSet<&str> = made.iter().map(|i| i.id.as_str()).collect();
        let texts: HashSet<&str> = made.iter().map(|i| i.text.as_str()).collect();
        prop_assert_eq!((ids.len(), texts.len()), (law, law));
        let filled = made.iter().all(|i| !i.text.contains(['{', '}']));
        prop_assert!(filled);
    }

    #[test]
    fn any_bytes_are_items_or_a_fault_with_a_place(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let csv = [b"id,prompt,type,label,focus\n".as_slice(), &bytes].concat();
        let files = Files::default().with("f.csv", &csv).with("f.toml", &bytes);
        for table in ["reader = 'xstest'\npath = 'f.csv'", "reader = 'safety'\nfragments = 'f.toml'"] {
            if let Err(error) = items(table, &files) {
                prop_assert!(error.to_string().contains("f.") || error.to_string().contains("no items"));
            }
        }
    }
}
