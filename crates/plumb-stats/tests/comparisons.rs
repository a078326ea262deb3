//! Tests of two groups, effect sizes, rank tests, tables, ICC and cluster-robust errors against R
//! (`oracles/stats/models.R`; versions in each fixture).
#![allow(clippy::unwrap_used, reason = "test code")]

use plumb_stats::compare::*;
use plumb_stats::model::*;
use plumb_stats::{Level, icc};
use serde_json::Value;

fn load(name: &str) -> Value {
    let path = format!("{}/../../fixtures/stats/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

#[track_caller]
fn close(ours: f64, theirs: &Value, relative: f64, what: &str) {
    let theirs = number(theirs);
    assert!((ours - theirs).abs() <= relative * theirs.abs().max(1e-6), "{what}: {ours} against {theirs}");
}

#[test]
fn t_tests_equal_r() {
    let file = load("two_groups");
    let [a, b, p1, p2] = ["a", "b", "p1", "p2"].map(|n| numbers(&file[n]));
    let shift = 0.1;
    for (name, test, add) in [
        ("student", student(&a, &b), 0.0),
        ("welch", welch(&a, &b), 0.0),
        ("paired", paired(&p1, &p2), 0.0),
        ("one", one_sample(&a, shift), shift),
    ] {
        let (test, theirs) = (test.unwrap(), &file[name]);
        close(test.t, &theirs["t"], 1e-10, name);
        close(test.df, &theirs["df"], 1e-10, name);
        close(test.p, &theirs["p"], 1e-9, name);
        close(test.interval(Level::P95).low + add, &theirs["low"], 1e-8, name);
        close(test.interval(Level::P95).high + add, &theirs["high"], 1e-8, name);
    }
    // Two one-sided tests are, by definition, the 90 % interval's bounds.
    let test = welch(&a, &b).unwrap();
    let interval = test.interval(Level::P90);
    assert!((equivalence(&test, interval.low, 10.0).unwrap().p - 0.05).abs() < 1e-9);
    assert!((equivalence(&test, -10.0, interval.high).unwrap().p - 0.05).abs() < 1e-9);
    assert!(equivalence(&test, 1.0, 1.0).is_err());
    assert!(welch(&[1.0, 1.0], &[1.0, 1.0]).is_err());
}

#[test]
fn effect_sizes_equal_effectsize() {
    let file = load("two_groups");
    let [a, b, p1, p2] = ["a", "b", "p1", "p2"].map(|n| numbers(&file[n]));
    for (name, effect) in [
        ("d", cohens_d(&a, &b, Level::P95)),
        ("g", hedges_g(&a, &b, Level::P95)),
        ("d_paired", cohens_d_paired(&p1, &p2, Level::P95)),
    ] {
        let effect = effect.unwrap();
        close(effect.estimate, &file[name]["estimate"], 1e-10, name);
        // effectsize searches its bounds to about 1e-5.
        close(effect.interval.low, &file[name]["low"], 1e-4, name);
        close(effect.interval.high, &file[name]["high"], 1e-4, name);
    }
    for case in file["noncentral"].as_array().unwrap() {
        let ours = noncentral_t_cdf(number(&case["t"]), number(&case["df"]), number(&case["ncp"]));
        close(ours, &case["cdf"], 1e-9, &case.to_string());
    }
    for case in file["power"].as_array().unwrap() {
        let ours = t_test_power(number(&case["n"]) as u32, number(&case["d"]), 0.05).unwrap();
        close(ours, &case["power"], 1e-8, &case.to_string());
    }
}

#[test]
fn rank_tests_equal_r() {
    let file = load("two_groups");
    let get = |n: &str| numbers(&file[n]);
    let differences: Vec<f64> = get("p1").iter().zip(get("p2")).map(|(a, b)| a - b).collect();
    for (name, test, exact) in [
        ("mann_whitney", mann_whitney(&get("a"), &get("b")), true),
        ("mann_whitney_ties", mann_whitney(&get("ties_a"), &get("ties_b")), false),
        ("signed_rank_exact", signed_rank(&[1.1, -0.3, 2.2, 0.7, -0.9, 1.6, 3.1, 0.2]), true),
        (
            "signed_rank_ties",
            signed_rank(&[1.0, 1.0, 2.0, -1.0, 3.0, 0.0, -2.0, 4.0, 2.0, 5.0, 1.0, -3.0]),
            false,
        ),
    ] {
        let test = test.unwrap();
        close(test.statistic, &file[name]["statistic"], 1e-12, name);
        close(test.p, &file[name]["p"], 1e-10, name);
        assert_eq!(test.exact, exact, "{name}");
    }
    assert!(signed_rank(&differences).is_ok());
    assert!(signed_rank(&[0.0]).is_err());
}

#[test]
fn tables_of_counts_equal_r() {
    let file = load("two_groups");
    let test = chi_square(&[vec![12, 9, 11], vec![5, 7, 3]]).unwrap();
    close(test.statistic, &file["chi_square"]["statistic"], 1e-12, "χ²");
    close(test.p, &file["chi_square"]["p"], 1e-10, "χ² p");
    let test = fisher([[8, 3], [2, 11]], Level::P95).unwrap();
    close(test.p, &file["fisher"]["p"], 1e-10, "Fisher");
    close(test.p_greater, &file["fisher"]["greater"], 1e-10, "Fisher greater");
    close(test.p_less, &file["fisher"]["less"], 1e-10, "Fisher less");
    // R searches the inverse of a large ratio to about 1e-4 of 1, so its upper bound has four digits.
    close(test.odds_ratio, &file["fisher"]["odds_ratio"], 1e-4, "odds ratio");
    close(test.interval.low, &file["fisher"]["low"], 1e-4, "odds ratio low");
    close(test.interval.high, &file["fisher"]["high"], 1e-3, "odds ratio high");
    close(fisher([[1, 11], [9, 3]], Level::P95).unwrap().p, &file["fisher_skewed"], 1e-10, "Fisher skewed");
    assert!(chi_square(&[vec![1, 0], vec![2, 0]]).is_err());
}

#[test]
fn intraclass_correlations_equal_psych() {
    let file = &load("two_groups")["icc"];
    let table = [
        [9.0, 2.0, 5.0, 8.0],
        [6.0, 1.0, 3.0, 2.0],
        [8.0, 4.0, 6.0, 8.0],
        [7.0, 1.0, 2.0, 6.0],
        [10.0, 5.0, 6.0, 9.0],
        [6.0, 2.0, 4.0, 7.0],
    ];
    let table: Vec<Vec<f64>> = table.iter().map(|r| r.to_vec()).collect();
    for (at, form) in icc(&table, Level::P95).unwrap().iter().enumerate() {
        let what = format!("{form:?}");
        close(form.estimate, &file["value"][at], 1e-10, &what);
        close(form.f, &file["f"][at], 1e-10, &what);
        close(form.p, &file["p"][at], 1e-8, &what);
        close(form.interval.low, &file["low"][at], 1e-8, &what);
        close(form.interval.high, &file["high"][at], 1e-8, &what);
    }
}

#[test]
fn cluster_robust_errors_equal_club_sandwich() {
    let file = load("cluster_robust");
    let get = |n: &str| numbers(&file["data"][n]);
    let clusters: Vec<u32> = numbers(&file["data"]["g"]["codes"]).iter().map(|c| *c as u32).collect();
    let table = Table::new(clusters.len()).numeric("y", get("y")).unwrap().numeric("x", get("x")).unwrap();
    let table = table.numeric("z", get("z")).unwrap();
    let fit = LinearModel::fit(&table, &Formula::parse("y ~ x + z").unwrap(), Coding::Treatment).unwrap();
    let corrections = [Correction::Cr1Stata, Correction::Cr1, Correction::Cr2];
    for (correction, theirs) in corrections.iter().zip(file["fits"].as_array().unwrap()) {
        let robust = ClusterRobust::new(&fit, &clusters, *correction).unwrap();
        for (at, (name, test)) in robust.coefficients().into_iter().enumerate() {
            let test = test.unwrap();
            close(test.std_error, &theirs["SE"][at], 1e-9, &format!("{correction:?} {name}"));
            close(test.df, &theirs["df"][at], 1e-8, &format!("{correction:?} df of {name}"));
        }
    }
}

#[test]
fn values_that_are_all_the_same_have_an_error_of_zero_and_its_degrees_of_freedom() {
    let table = Table::new(3).numeric("y", vec![1.5; 3]).unwrap();
    let fit = LinearModel::fit(&table, &Formula::parse("y ~ 1").unwrap(), Coding::Treatment).unwrap();
    let test = ClusterRobust::new(&fit, &[0, 1, 2], Correction::Cr2).unwrap().test(&[1.0]).unwrap();
    assert!(test.std_error.abs() < 1e-12 && (test.df - 2.0).abs() < 1e-9, "{test:?}");
}

#[test]
fn tables_with_small_counts_have_an_exact_p() {
    // Summed over all tables with the margins in exact arithmetic; the first is scipy 1.17's fisher_exact, too.
    for (first, second, p) in [
        (&[2, 0][..], &[27, 28][..], 0.491_228_070_175_438_6),
        (&[3, 0, 1, 5], &[40, 42, 39, 37], 0.065_697_018_641_421_95),
        (&[0, 0, 0], &[5, 6, 7], 1.0),
    ] {
        let ours = freeman_halton(first, second).unwrap().unwrap();
        assert!((ours - p).abs() < 1e-9, "{first:?}: {ours}");
    }
    assert!(freeman_halton(&[1], &[2]).is_err());
    let shares = goodness_of_shares(&[40, 80], &[1.0, 2.0]).unwrap();
    assert!(shares.statistic < 1e-12 && (shares.p - 1.0).abs() < 1e-12);
    assert_eq!(goodness_of_shares(&[40, 80], &[1.0, 1.0]), goodness_of_fit(&[40, 80]));
}

#[test]
fn rank_sums_at_both_ends_are_as_unlikely() {
    let (low, high): (Vec<f64>, Vec<f64>) =
        ((0..49).map(f64::from).collect(), (100..149).map(f64::from).collect());
    // scipy.stats.mannwhitneyu(high, low, method="exact"), scipy 1.17
    let wanted = 7.850_029_192_963_322e-29;
    for (a, b) in [(&low, &high), (&high, &low)] {
        let p = mann_whitney(a, b).unwrap().p;
        assert!((p / wanted - 1.0).abs() < 1e-6, "{p}");
    }
}

#[test]
fn an_effect_of_clustered_values_is_as_wide_as_its_test() {
    let (a, b) = ([3.0, 3.5, 6.0, 6.5, 8.0, 8.5], [1.0, 1.5, 4.0, 4.5, 5.0, 5.5]);
    let plain = cohens_d(&a, &b, Level::P95).unwrap();
    // With the error of independent values it is the plain interval.
    let same = cohens_d_clustered(&a, &b, &student(&a, &b).unwrap(), Level::P95).unwrap();
    assert!((same.interval.low - plain.interval.low).abs() < 1e-9);
    let people = student(&[3.25, 6.25, 8.25], &[1.25, 4.25, 5.25]).unwrap();
    let wide = cohens_d_clustered(&a, &b, &people, Level::P95).unwrap();
    assert_eq!(wide.estimate, plain.estimate);
    assert!(wide.interval.high - wide.interval.low > plain.interval.high - plain.interval.low);
}
