//! What a plan says beforehand of its grades.

use crate::support::Files;
use plumb_safety::grade::planned;
use plumb_study::{Draft, Registry, freeze};

/// What will not be graded, where a second subject without the factor has these keys.
fn refused(keys: &str) -> Vec<String> {
    let mut registry = Registry::new();
    plumb_judge::register(&mut registry);
    plumb_safety::register(&mut registry);
    let plan = format!(
        "name = \"g\"\nseed = 1\n[[items]]\nreader = \"csv\"\npath = \"i.csv\"\n\
         [[subject]]\nid = \"usual\"\nkind = \"scripted\"\notherwise = \"no\"\nfactors = {{ model = \"usual\" }}\n\
         [[subject]]\nid = \"other\"\nkind = \"scripted\"\notherwise = \"no\"\n{keys}\n\
         [[judge]]\nid = \"harm\"\nkind = \"match\"\ntarget = \"exact\"\n\
         [[analysis]]\nid = \"grades\"\nof = \"harm.matched\"\nby = [\"model\", \"hazard\"]\nmethod = \"grade\"\n\
         scheme = \"v0.5\"\nreference = \"usual\"\n"
    );
    let files = Files::default().with("i.csv", "id,prompt,hazard,target\na,x,fire,yes\nb,y,fire,yes\n");
    let plan = freeze(Draft::parse(&plan, "t.toml").unwrap(), &registry, &files).unwrap().plan;
    planned(&plan).unwrap().into_iter().filter(|line| line.contains("not be graded")).collect()
}

/// In the rows of an analysis it is of the level that says so, and is held against the reference by what it is asked like any other.
#[test]
fn a_subject_without_the_factor_is_a_system_like_others() {
    let alike = refused("");
    assert!(alike.is_empty(), "{alike:?}");
    let differs = refused("sampling = { temperature = 0.5 }");
    assert!(differs.len() == 1 && differs[0].contains("(none) on fire"), "{differs:?}");
    assert!(differs[0].contains("temperature 0.5"), "its own sampling is named: {differs:?}");
}
