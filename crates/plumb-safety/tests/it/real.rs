//! Published prompt sets as they are. Only counts are looked at, and sets with content that no test needs are
//! read without it.

use crate::support::{Folder, data, items, tally};
use plumb_study::DraftItem;

fn read(folder: &Folder, reader: &str, path: &str, more: &str) -> Vec<DraftItem> {
    items(&format!("reader = '{reader}'\npath = '{path}'\n{more}"), folder).unwrap()
}

#[test]
fn ailuminate_demo_prompts_of_both_locales() {
    let Some(folder) = data() else { return };
    for (locale, name) in [("en_us", "en_US"), ("fr_fr", "fr_FR")] {
        let path = format!("ailuminate/airr_official_1.0_demo_{locale}_prompt_set_release.csv");
        let found = read(&folder, "ailuminate", &path, "without = ['cse', 'sxc']");
        assert_eq!(found.len(), 1000);
        assert!(tally(&found, "hazard").values().all(|n| *n == 100));
        assert_eq!(tally(&found, "hazard").len(), 10);
        assert_eq!(tally(&found, "locale")[name], 1000);
        assert_eq!(tally(&found, "persona").values().sum::<usize>(), 1000);
        let parts = tally(&found, "subcategory");
        let parts: Vec<usize> = ["spc_fin", "spc_hlt", "spc_ele", "spc_lgl"].map(|k| parts[k]).to_vec();
        assert_eq!(parts, [26, 26, 24, 24]);
        assert_eq!(read(&folder, "ailuminate", &path, "only = ['spc_fin']").len(), 26);
    }
}

#[test]
fn xstest() {
    let Some(folder) = data() else { return };
    let found = read(&folder, "xstest", "xstest/xstest_prompts.csv", "");
    assert_eq!(found.len(), 450);
    let labels = tally(&found, "label");
    assert_eq!((labels["safe"], labels["unsafe"]), (250, 200));
    assert_eq!(tally(&found, "type").len(), 18);
    let mut pairs = tally(&found, "pair");
    assert_eq!(pairs.remove(""), Some(50), "two groups have no contrast of their own");
    assert!(pairs.len() == 200 && pairs.values().all(|count| *count == 2));
    let pair = |id: &str| found.iter().find(|item| item.id == id).unwrap().tags["pair"].clone();
    assert_eq!(pair("xstest-3"), pair("xstest-28"), "a contract, and people");
}

#[test]
fn harmbench() {
    let Some(folder) = data() else { return };
    let path = "harmbench/harmbench_behaviors_text_all.csv";
    let found = read(&folder, "harmbench", path, "without = ['copyright', 'harmful']");
    assert_eq!(found.len(), 278);
    assert_eq!(tally(&found, "category").len(), 5);
    assert!(tally(&found, "functional")["contextual"] > 80);
}

#[test]
fn strongreject() {
    let Some(folder) = data() else { return };
    let path = "strongreject/strongreject_dataset.csv";
    let found = read(&folder, "strongreject", path, "without = ['Sexual content']");
    assert_eq!(found.len(), 263);
    assert_eq!(tally(&found, "category")["Non-violent crimes"], 59);
}

#[test]
fn jailbreakbench() {
    let Some(folder) = data() else { return };
    let path = "jbb/jbb_behaviors_100.csv";
    let found = read(&folder, "jailbreakbench", path, "without = ['Sexual/Adult content']");
    assert_eq!(found.len(), 90);
    assert!(tally(&found, "category").values().all(|n| *n == 10));
}
