//! Against values made by scipy, statsmodels, scikit-learn, krippendorff and sandwich (`oracles/stats`; the versions are in
//! each file).
#![allow(clippy::unwrap_used, reason = "test code")]

use plumb_stats::{
    ClusterRows, Coefficient, Coincidences, Confusion, KappaWeights, Level, Proportion, Undefined, alpha,
    cluster_variance, correlation, crossed_variance, multiplicity, newcombe_difference,
};
use serde_json::Value;

fn load(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn close(ours: f64, theirs: &Value, what: &str) {
    let theirs = number(theirs);
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{what}: {ours} against {theirs}");
}

#[test]
fn proportions_equal_statsmodels_and_scipy() {
    let file = load(include_str!("../../../fixtures/stats/proportions.json"));
    for case in list(&file["single"]) {
        let p = Proportion::new(whole(&case["successes"]), whole(&case["trials"])).unwrap();
        let level = Level::new(number(&case["level"])).unwrap();
        for (name, ours) in [
            ("wilson", p.wilson(level)),
            ("clopper_pearson", p.clopper_pearson(level)),
            ("jeffreys", p.jeffreys(level)),
        ] {
            let ours = ours.unwrap();
            close(ours.low, &case[name][0], &format!("{name} low of {p:?} at {level:?}"));
            close(ours.high, &case[name][1], &format!("{name} high of {p:?} at {level:?}"));
        }
    }
    for case in list(&file["newcombe"]) {
        let p = |name: &str| Proportion::new(whole(&case[name][0]), whole(&case[name][1])).unwrap();
        let ours = newcombe_difference(p("a"), p("b"), Level::new(number(&case["level"])).unwrap()).unwrap();
        close(ours.low, &case["interval"][0], &format!("newcombe low of {case}"));
        close(ours.high, &case["interval"][1], &format!("newcombe high of {case}"));
    }
}

#[test]
fn cluster_standard_errors_equal_statsmodels() {
    let file = load(include_str!("../../../fixtures/stats/clustered.json"));
    for case in list(&file["cases"]) {
        let mut rows = ClusterRows::new(whole(&case["cells"]) as usize);
        for row in list(&case["rows"]) {
            rows.add(whole(&row[0]) as u32, whole(&row[1]) as usize, number(&row[2])).unwrap();
        }
        let sums = rows.build().unwrap();
        for contrast in list(&case["contrasts"]) {
            let weights: Vec<f64> = list(&contrast["weights"]).iter().map(number).collect();
            let ours = cluster_variance(&sums, &weights).unwrap().unwrap();
            close(ours.estimate, &contrast["estimate"], "estimate");
            close(ours.std_error, &contrast["std_error"], "standard error");
        }
    }
}

#[test]
fn t_intervals_on_clusters_equal_scipy() {
    use plumb_stats::{Draws, Resample, Support, Wanted};
    let file = load(include_str!("../../../fixtures/stats/clustered.json"));
    for case in list(&file["cases"]) {
        let mut rows = ClusterRows::new(whole(&case["cells"]) as usize);
        for row in list(&case["rows"]) {
            rows.add(whole(&row[0]) as u32, whole(&row[1]) as usize, number(&row[2])).unwrap();
        }
        let sums = rows.build().unwrap();
        let resample = Resample::draw(&sums, Draws { seed: 1, replicates: 100 }).unwrap();
        for contrast in list(&case["contrasts"]) {
            let weights: Vec<f64> = list(&contrast["weights"]).iter().map(number).collect();
            let ours = resample.contrast(&weights, Support::Real, Wanted::ClusterT).unwrap();
            let interval = ours.interval(Level::P95).unwrap();
            close(interval.low, &contrast["t_interval"][0], "low");
            close(interval.high, &contrast["t_interval"][1], "high");
        }
    }
}

#[test]
fn holm_equals_statsmodels() {
    let file = load(include_str!("../../../fixtures/stats/multiplicity.json"));
    for case in list(&file["cases"]) {
        let p: Vec<f64> = list(&case["p"]).iter().map(number).collect();
        for (ours, theirs) in multiplicity::holm(&p).unwrap().into_iter().zip(list(&case["holm"])) {
            close(ours, theirs, "holm");
        }
    }
}

#[test]
fn agreement_equals_scikit_learn_and_krippendorff() {
    let file = load(include_str!("../../../fixtures/stats/agreement.json"));
    for case in list(&file["pairs"]) {
        let mut table = Confusion::new(whole(&case["categories"]) as usize);
        for (a, b) in list(&case["a"]).iter().zip(list(&case["b"])) {
            table.add(whole(a) as usize, whole(b) as usize).unwrap();
        }
        close(table.agreement().unwrap(), &case["accuracy"], "accuracy");
        close(table.kappa(KappaWeights::Unweighted).unwrap(), &case["kappa"], "kappa");
        close(table.kappa(KappaWeights::Linear).unwrap(), &case["linear"], "linear kappa");
        close(table.kappa(KappaWeights::Quadratic).unwrap(), &case["quadratic"], "quadratic kappa");
    }
    for case in list(&file["alphas"]) {
        let mut units = Coincidences::new(whole(&case["categories"]) as usize);
        for (unit, ratings) in list(&case["units"]).iter().enumerate() {
            let ratings: Vec<usize> = list(ratings).iter().map(|r| whole(r) as usize).collect();
            units.add(unit as u32, &ratings).unwrap();
        }
        close(alpha(&units.build().unwrap()).unwrap(), &case["alpha"], "alpha");
    }
}

#[test]
fn correlations_equal_scipy() {
    let file = load(include_str!("../../../fixtures/stats/correlation.json"));
    let mut compared = 0;
    for case in list(&file["points"]) {
        let column = |name: &str| list(&case[name]).iter().map(number).collect::<Vec<f64>>();
        let (x, y) = (column("x"), column("y"));
        for (of, name) in [
            (Coefficient::Pearson, "pearson"),
            (Coefficient::Spearman, "spearman"),
            (Coefficient::KendallB, "kendall"),
        ] {
            let what = format!("{} of {} rows, {of}", case["kind"], x.len());
            match (correlation(of, &x, &y).unwrap(), &case[name]) {
                (Err(Undefined::ConstantColumn), Value::Null) => {}
                (Ok(ours), theirs) => close(ours, theirs, &what),
                (ours, theirs) => panic!("{what}: {ours:?} against {theirs}"),
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 75);
}

#[test]
fn variances_of_crossed_clusters_equal_sandwich() {
    let file = load(include_str!("../../../fixtures/stats/crossed_variance.json"));
    let mut larger = 0;
    for case in list(&file["cases"]) {
        let code = |key: &str| list(&case[key]).iter().map(|v| whole(v) as u32).collect::<Vec<u32>>();
        let by = |clusters: Vec<u32>| {
            let mut rows = ClusterRows::new(1);
            for ((cluster, y), w) in clusters.into_iter().zip(list(&case["y"])).zip(list(&case["w"])) {
                rows.add_ratio(cluster, 0, number(y) * number(w), number(w)).unwrap();
            }
            rows.build().unwrap()
        };
        let (people, items) = (code("person"), code("item"));
        let single = by((0..people.len() as u32).collect());
        let (people, items) = (by(people), by(items));
        let alone = |sums| cluster_variance(sums, &[1.0]).unwrap().unwrap().std_error;
        close(alone(&people), &case["by_person"], "by person");
        close(alone(&items), &case["by_item"], "by item");
        let both = crossed_variance(&people, &items, &single, &[1.0]).unwrap().unwrap();
        close(both.estimate, &case["mean"], "mean");
        // Where less remains than one kind has alone, that stands in its place.
        let parts = number(&case["by_person"]).max(number(&case["by_item"]));
        if parts > number(&case["by_both"]) {
            larger += 1;
            close(both.std_error, &serde_json::json!(parts), "the larger part");
        } else {
            close(both.std_error, &case["by_both"], "by both");
        }
        assert_eq!(both.df + 1.0, people.clusters().min(items.clusters()) as f64);
    }
    assert_eq!(larger, 1, "one case must show that the larger part counts");
}
