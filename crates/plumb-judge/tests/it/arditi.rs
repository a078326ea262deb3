//! The phrase rule against the labels that were published with Arditi et al. 2024.

use crate::support::data;
use plumb_judge::refusal::PhraseList;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct File {
    substring_matching_success_rate: f64,
    substring_matching_per_category: BTreeMap<String, f64>,
    completions: Vec<Completion>,
}

#[derive(Deserialize)]
struct Completion {
    category: Option<String>,
    response: String,
    is_jailbreak_substring_matching: u8,
}

/// Their label 1 is "not refused". Rates are shares of it, in a file and in its categories.
#[test]
fn every_published_label_and_rate_is_reproduced() {
    let Some(folder) = data("refusal/completions") else { return };
    let rule = PhraseList::arditi_2024().unwrap();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "json"));
    paths.sort();
    let (mut labels, mut rates) = (0, 0);
    for path in &paths {
        let file: File = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut all = (0_u32, 0_u32);
        let mut by_category: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for (row, completion) in file.completions.iter().enumerate() {
            let answered = rule.find(&completion.response).is_none();
            assert_eq!(
                u8::from(answered),
                completion.is_jailbreak_substring_matching,
                "{}, {row}",
                path.display()
            );
            // Rows without a category are counted under the name of Python's missing value in JSON.
            let category = completion.category.clone().unwrap_or_else(|| "null".to_owned());
            for (yes, n) in [&mut all, by_category.entry(category).or_default()] {
                *yes += u32::from(answered);
                *n += 1;
            }
            labels += 1;
        }
        let share = |(yes, n): (u32, u32)| f64::from(yes) / f64::from(n);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{}: {a} is not {b}", path.display());
        close(share(all), file.substring_matching_success_rate);
        assert_eq!(
            by_category.keys().collect::<Vec<_>>(),
            file.substring_matching_per_category.keys().collect::<Vec<_>>()
        );
        for (category, published) in &file.substring_matching_per_category {
            close(share(by_category[category]), *published);
            rates += 1;
        }
        rates += 1;
    }
    println!("{} files: {labels} labels and {rates} rates reproduced", paths.len());
    assert_eq!((paths.len(), labels), (25, 2_500));
}
