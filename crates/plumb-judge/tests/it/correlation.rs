//! Numbers that people gave beside numbers that a rule reads, through the spine.

use crate::support::{Files, frozen, ran};
use plumb_study::method::{Missing, Value};

/// Forty answers in two groups; the rating follows the first number loosely, the second not at all.
fn rated() -> String {
    let mut rows = String::from("id,prompt,answer,model,rating,other,group\n");
    for at in 0..40_u32 {
        let (number, noise) = (at * 37 % 41, at * 17 % 23);
        let rating = match at {
            7 => "none given".to_owned(),
            9 => String::new(),
            _ => (f64::from(number + noise) / 10.0).to_string(),
        };
        let group = if at % 2 == 0 { "even" } else { "odd" };
        rows.push_str(&format!("i{at},q{at},It is {number}.,m,{rating},{noise},{group}\n"));
    }
    rows
}

fn plan(analysis: &str) -> String {
    format!(
        r#"
name = "rated"
seed = 5
[[items]]
reader = "csv"
path = "r.csv"
columns = {{ answer = "answer", subject = "model" }}
labels = ["rating", "other"]
tags = ["group"]
[[judge]]
id = "read"
kind = "numeric"
[[judge]]
id = "large"
kind = "match"
regex = "[23]\\d"
[[judge]]
id = "people"
kind = "recorded"
column = "rating"
number = true
[[judge]]
id = "noise"
kind = "recorded"
column = "other"
number = true
[[judge]]
id = "labels"
kind = "recorded"
column = "other"
map = {{ "1" = "one", "2" = "two", "3" = "three" }}
[[analysis]]
id = "a"
method = "correlation"
{analysis}
"#
    )
}

#[test]
fn numbers_are_compared_with_ratings() {
    let files = Files::default().with("r.csv", rated());
    let of = "of = ['read.value', 'large.matched', 'people.value']\ncoefficient = ['spearman', 'pearson']";
    let (_, results, _folder) = ran(&plan(of), &files);
    let findings = &results.estimates[0].findings;
    let names: Vec<String> =
        findings.iter().map(|f| format!("{} of {}", f.quantity.name, f.quantity.of)).collect();
    assert_eq!(
        names,
        [
            "Spearman's rho of read.value against people.value",
            "Pearson's r of read.value against people.value",
            "Spearman's rho of large.matched against people.value",
            "Pearson's r of large.matched against people.value",
            "Spearman's rho difference of read.value − large.matched, against people.value",
            "Pearson's r difference of read.value − large.matched, against people.value",
        ]
    );
    for finding in findings {
        assert_eq!((finding.n, finding.clusters), (38, 38), "{}", finding.quantity.of);
        assert_eq!(finding.missing, [(Missing::Abstained, 2)]);
        assert!(matches!(finding.value, Value::Interval { low, high, .. } if low < high));
        assert_eq!(finding.test.is_some(), finding.quantity.name.contains("difference"));
        assert!(finding.method.contains("bootstrap over clusters; clusters: item"), "{}", finding.method);
    }
    assert!(findings[0].value.estimate().unwrap() > 0.7);
}

#[test]
fn groups_are_told_apart_and_all_coefficients_are_the_default() {
    let files = Files::default().with("r.csv", rated());
    let (_, results, _folder) = ran(&plan("of = ['noise', 'people']\nby = ['group']"), &files);
    let findings = &results.estimates[0].findings;
    assert_eq!(findings.len(), 6, "three coefficients in two groups");
    assert_eq!(findings.iter().map(|f| f.n).sum::<u64>(), 3 * 38);
}

#[test]
fn what_has_no_correlation_is_an_error_of_the_plan() {
    let files = Files::default().with("r.csv", rated());
    for (analysis, words) in [
        ("of = ['read.value']", "at least two measures"),
        ("of = ['read.value', 'labels.label']", "labels.label is one of one, two, three"),
        ("of = ['noise', 'noise']", "`of` names noise.value twice"),
        ("of = ['noise', 'people']\ncoefficient = 'r'", "one or several of pearson, spearman, kendall"),
        ("of = ['noise', 'people']\ncoefficient = ['kendall', 'kendall']", "names \"kendall\" twice"),
    ] {
        let error = frozen(&plan(analysis), &files).err().unwrap().to_string();
        assert!(error.contains(words), "{analysis}: {error}");
    }
    let both = plan("of = ['noise', 'people']").replace("number = true", "number = true\nmap = { a = 'b' }");
    assert!(frozen(&both, &files).err().unwrap().to_string().contains("take one"));
}
