//! Levels of looks against rpact (`oracles/stats/sequential.R`; versions in the fixture).
#![allow(clippy::unwrap_used, reason = "test code")]

use plumb_stats::sequential::{Spending, levels};
use serde_json::Value;

#[test]
fn levels_equal_rpact() {
    let path = format!("{}/../../fixtures/stats/sequential.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // A bound that nothing reaches stands as "Inf".
    let number = |v: &Value| v.as_f64().unwrap_or(f64::INFINITY);
    let numbers = |v: &Value| v.as_array().unwrap().iter().map(number).collect::<Vec<_>>();
    let designs = file["designs"].as_array().unwrap();
    assert_eq!(designs.len(), 24);
    for design in designs {
        let spending = match design["spending"].as_str().unwrap() {
            "pocock" => Spending::Pocock,
            _ => Spending::OBrienFleming,
        };
        let ours = levels(spending, design["alpha"].as_f64().unwrap(), &numbers(&design["shares"])).unwrap();
        for (look, (bound, spent)) in
            ours.iter().zip(numbers(&design["bounds"]).into_iter().zip(numbers(&design["spent"])))
        {
            // rpact searches to some 1e-8 of alpha: where less than 1e-6 is spent, its bounds are coarser, or none.
            if spent > 1e-6 {
                assert!((look.bound - bound).abs() < 2e-5, "{look:?} against {bound}: {design}");
            }
            assert!((look.spent - spent).abs() < 1e-6, "{look:?} against {spent}: {design}");
        }
    }
}
