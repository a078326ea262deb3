//! Linear, mixed and ordinal models against R (`oracles/stats/models.R`; versions in each fixture).
#![allow(clippy::unwrap_used, reason = "test code")]

use plumb_stats::model::*;
use plumb_stats::tukey_upper;
use serde_json::Value;

fn load(name: &str) -> Value {
    let path = format!("{}/../../fixtures/stats/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn table(data: &Value) -> Table {
    let columns = data.as_object().unwrap();
    let length = |v: &Value| v.as_array().or_else(|| v["codes"].as_array()).unwrap().len();
    let mut table = Table::new(length(columns.values().next().unwrap()));
    for (name, column) in columns {
        table = match column.as_array() {
            Some(values) => table.numeric(name, values.iter().map(number).collect()).unwrap(),
            None => {
                let levels: Vec<&str> =
                    column["levels"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
                let values: Vec<&str> = column["codes"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| levels[c.as_u64().unwrap() as usize])
                    .collect();
                table.factor(name, &levels, &values).unwrap()
            }
        };
    }
    table
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[track_caller]
fn close(ours: f64, theirs: f64, relative: f64, what: &str) {
    assert!((ours - theirs).abs() <= relative * theirs.abs().max(1e-9), "{what}: {ours} against {theirs}");
}

fn check_terms(ours: &[TermTest], theirs: &Value, relative: f64, what: &str) {
    let theirs = theirs.as_array().unwrap();
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for row in theirs {
        let name = row["term"].as_str().unwrap();
        let ours = ours.iter().find(|t| t.term == name).unwrap();
        close(ours.df, number(&row["df"]), 1e-9, name);
        close(ours.f, number(&row["f"]), relative, &format!("{what} F of {name}"));
        close(ours.p, number(&row["p"]), 100.0 * relative, &format!("{what} p of {name}"));
        if let Some(df) = row["residual_df"].as_f64() {
            close(ours.residual_df, df, 1e-3, &format!("{what} df of {name}"));
        }
    }
}

#[test]
fn least_squares_equal_r() {
    let file = load("linear_models");
    let table = table(&file["data"]);
    let formula = Formula::parse(file["formula"].as_str().unwrap()).unwrap();
    let fit = LinearModel::fit(&table, &formula, Coding::Treatment).unwrap();
    let names: Vec<&str> = file["names"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    for (at, (name, test)) in fit.coefficients().iter().enumerate() {
        let test = test.as_ref().unwrap();
        assert_eq!(name, names[at]);
        let theirs = &file["coefficients"];
        close(test.estimate, number(&theirs["Estimate"][at]), 1e-9, name);
        close(test.std_error, number(&theirs["Std. Error"][at]), 1e-9, name);
        close(test.p, number(&theirs["Pr(>|t|)"][at]), 1e-8, name);
    }
    close(fit.sigma(), number(&file["sigma"]), 1e-10, "sigma");
    close(fit.r_squared(), number(&file["r_squared"]), 1e-10, "R²");
    check_terms(&fit.type_one(), &file["type1"], 1e-9, "type I");
    check_terms(&fit.type_two(), &file["type2"], 1e-9, "type II");
    check_terms(&fit.type_three(&table).unwrap(), &file["type3"], 1e-8, "type III");
    check_means(&fit, &file);
}

fn check_means(fit: &LinearModel, file: &Value) {
    let means = cell_means(fit, &["a"]).unwrap();
    for (at, mean) in means.iter().filter_map(|cell| cell.mean).enumerate() {
        close(mean.estimate, number(&file["means"]["emmean"][at]), 1e-9, "mean");
        close(mean.std_error, number(&file["means"]["SE"][at]), 1e-9, "SE of a mean");
        close(
            mean.interval(plumb_stats::Level::P95).low,
            number(&file["means"]["lower.CL"][at]),
            1e-8,
            "bound",
        );
    }
    for (at, cell) in cell_means(fit, &["a", "b"]).unwrap().iter().enumerate() {
        close(cell.mean.unwrap().estimate, number(&file["cells"]["emmean"][at]), 1e-9, "cell");
    }
    let pairs = pairs(fit, &means);
    let tests: Vec<Tested> = pairs.iter().map(|p| p.2).collect();
    for (how, name) in [(Adjust::Tukey { means: 3 }, "pairs_tukey"), (Adjust::Holm, "pairs_holm")] {
        for (at, p) in adjusted(&tests, how).unwrap().into_iter().enumerate() {
            let theirs = number(&file[name]["p.value"][at]);
            assert!((p - theirs).abs() < 1e-10 + 1e-8 * theirs, "{name}: {p} against {theirs}");
        }
    }
}

#[test]
fn the_studentized_range_equals_r() {
    for case in load("linear_models")["tukey"].as_array().unwrap() {
        let (q, k, df) = (number(&case["q"]), number(&case["k"]), number(&case["df"]));
        let ours = tukey_upper(q, k, df);
        assert!((ours - number(&case["upper"])).abs() < 1e-8, "{case}: {ours}");
    }
}

#[test]
fn mixed_models_equal_lme4_and_lmertest() {
    let file = load("mixed_models");
    for case in file["fits"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let table = table(&file["data"][case["data"].as_str().unwrap()]);
        let formula = Formula::parse(case["formula"].as_str().unwrap()).unwrap();
        let likelihood =
            if case["reml"].as_bool().unwrap() { Likelihood::Restricted } else { Likelihood::Full };
        let fit = MixedModel::fit(&table, &formula, likelihood).unwrap();
        close(fit.criterion(), number(&case["criterion"]), 1e-8, &format!("{name} criterion"));
        for row in case["variances"].as_array().unwrap() {
            check_variance(&fit, row, name);
        }
        let theirs = &case["coefficients"];
        for (at, (column, test)) in fit.coefficients().iter().enumerate() {
            let test = test.as_ref().unwrap();
            let what = format!("{name} {column}");
            assert_eq!(column, case["names"][at].as_str().unwrap());
            close(test.estimate, number(&theirs["Estimate"][at]), 1e-5, &what);
            close(test.std_error, number(&theirs["SE"][at]), 1e-5, &what);
            close(test.df, number(&theirs["df"][at]), 1e-3, &format!("{what} df"));
        }
        check_terms(&fit.type_three(&table).unwrap(), &case["type3"], 1e-5, name);
        let singular = fit.warnings().iter().any(|w| matches!(w, MixedWarning::Boundary { .. }));
        assert_eq!(singular, name == "Dyestuff2", "{name} {:?}", fit.warnings());
        assert!(
            !fit.warnings().iter().any(|w| matches!(w, MixedWarning::NotConverged { .. })),
            "{name} {:?}",
            fit.warnings()
        );
    }
}

/// lme4 names a group that is split by `||` Subject, Subject.1, …
fn check_variance(fit: &MixedModel, row: &Value, name: &str) {
    let theirs = number(&row["value"]);
    let group = row["group"].as_str().unwrap();
    if group == "Residual" {
        return close(fit.sigma() * fit.sigma(), theirs, 1e-5, name);
    }
    let parts = |text: &str| {
        let mut p: Vec<String> = text.split(':').map(str::to_owned).collect();
        p.sort();
        p
    };
    let bare = group.strip_suffix(".1").unwrap_or(group);
    let ours = fit
        .groups()
        .iter()
        .find(|g| parts(&g.group) == parts(bare))
        .unwrap_or_else(|| panic!("{name} {group} {:?}", fit.groups()));
    let effect = |key: &str| row[key].as_str().map(|n| ours.names.iter().position(|o| o == n).unwrap());
    let (a, b) = (effect("a").unwrap(), effect("b"));
    let value = ours.covariance[a * ours.names.len() + b.unwrap_or(a)];
    if theirs == 0.0 {
        assert_eq!(value, 0.0, "{name} {group}");
    } else {
        close(value, theirs, 1e-5, &format!("{name} {row}"));
    }
}

#[test]
fn mixed_models_say_what_is_wrong() {
    let file = load("mixed_models");
    let table = table(&file["data"]["Dyestuff"]);
    for (formula, wanted) in [
        ("Yield ~ 1", "needs a random term"),
        ("Yield ~ 1 + (1 | Nobody)", "no column Nobody"),
        ("Yield ~ 1 + (1 | Yield)", "a factor is needed"),
        ("Batch ~ 1 + (1 | Batch)", "numbers are needed"),
    ] {
        let message = MixedModel::fit(&table, &Formula::parse(formula).unwrap(), Likelihood::Full)
            .unwrap_err()
            .to_string();
        assert!(message.contains(wanted), "{formula}: {message}");
    }
}

#[test]
fn a_dependent_column_is_named_and_the_rest_is_as_without_it() {
    let table = table(&load("mixed_models")["data"]["sleepstudy"]);
    let days: Vec<f64> = table.numbers("Days").unwrap().iter().map(|d| 3.0 * d + 1.0).collect();
    let table = table.numeric("again", days).unwrap();
    let fit = |f: &str| MixedModel::fit(&table, &Formula::parse(f).unwrap(), Likelihood::Restricted).unwrap();
    let (with, without) =
        (fit("Reaction ~ Days + again + (1 | Subject)"), fit("Reaction ~ Days + (1 | Subject)"));
    assert_eq!(with.warnings(), [MixedWarning::Dropped { columns: vec!["again".into()] }]);
    close(with.criterion(), without.criterion(), 1e-12, "criterion");
    assert!(with.coefficients()[2].1.is_err());
    assert_eq!(with.type_three(&table).unwrap(), [], "nothing tells the two apart");
}

/// A table of two crossed factors, so many rows in each cell `[a][b]`.
fn crossing(rows: &[&[usize]]) -> Table {
    let noise = |n: usize| ((n * 7919 + 13) % 1000) as f64 / 500.0 - 1.0;
    let (mut a, mut b, mut y) = (Vec::new(), Vec::new(), Vec::new());
    for (i, cells) in rows.iter().enumerate() {
        for (j, n) in cells.iter().enumerate() {
            for _ in 0..*n {
                y.push((i * 2 + i * j) as f64 + noise(y.len()));
                a.push(format!("a{i}"));
                b.push(format!("b{j}"));
            }
        }
    }
    Table::new(y.len()).numeric("y", y).unwrap().factor("a", &[], &a).unwrap().factor("b", &[], &b).unwrap()
}

fn crossed_fit(table: &Table) -> LinearModel {
    LinearModel::fit(table, &Formula::parse("y ~ a * b").unwrap(), Coding::Treatment).unwrap()
}

#[test]
fn type_three_tests_with_an_empty_cell_compare_what_is_there_on_both_sides() {
    let table = crossing(&[&[4, 3, 5], &[6, 2, 0]]);
    let fit = crossed_fit(&table);
    let cells = cell_means(&fit, &["a", "b"]).unwrap();
    let there: Vec<bool> = cells.iter().map(|cell| cell.mean.is_some()).collect();
    assert_eq!(there, [true, true, true, true, true, false]);
    // Cells run a0 b0, a1 b0, a0 b1, a1 b1, a0 b2, a1 b2. By hand: a where both of its levels are, b0 and b1 with equal weight.
    let of = |weights: [f64; 6]| contrast(&fit, &cells, &weights).unwrap();
    let tests = fit.type_three(&table).unwrap();
    let names: Vec<(&str, f64)> = tests.iter().map(|test| (test.term.as_str(), test.df)).collect();
    assert_eq!(names, [("a", 1.0), ("b", 2.0), ("a:b", 1.0)]);
    let a = of([0.5, -0.5, 0.5, -0.5, 0.0, 0.0]);
    close(tests[0].f, a.t * a.t, 1e-9, "a");
    let both = of([1.0, -1.0, -1.0, 1.0, 0.0, 0.0]);
    close(tests[2].f, both.t * both.t, 1e-9, "a:b");
    // What involves the empty cell is an error, whatever else it holds; a mean without it is not.
    assert!(contrast(&fit, &cells, &[1.0, 0.0, 0.0, 0.0, 0.0, -1.0]).is_err());
    let (types, two) = (fit.type_one(), fit.type_two());
    assert_eq!((types.len(), two.len()), (3, 3));
    let disconnected = crossed_fit(&crossing(&[&[4, 3], &[6, 0]]));
    assert_eq!(disconnected.type_one().len(), 2, "nothing is left to the interaction");
}

#[test]
fn type_three_tests_do_not_depend_on_the_way_they_are_computed() {
    // The same rows and a column that depends on others: the way for dependent columns must give what the other gives without it.
    let table = crossing(&[&[4, 3, 5], &[6, 2, 1], &[2, 2, 7]]);
    let twice: Vec<f64> = vec![3.0; table.rows()];
    let table = table.numeric("three", twice).unwrap();
    let fit = |formula: &str| {
        LinearModel::fit(&table, &Formula::parse(formula).unwrap(), Coding::Treatment).unwrap()
    };
    let (plain, dependent) = (fit("y ~ a * b"), fit("y ~ a * b + three"));
    let (plain, dependent) = (plain.type_three(&table).unwrap(), dependent.type_three(&table).unwrap());
    assert_eq!(plain.len(), 3);
    assert_eq!(dependent.iter().map(|test| test.term.as_str()).collect::<Vec<_>>(), ["a", "b", "a:b"]);
    for (one, other) in plain.iter().zip(&dependent) {
        close(one.f, other.f, 1e-8, &one.term);
        assert_eq!(one.df, other.df);
    }
}

#[test]
fn ordinal_models_equal_the_package_ordinal() {
    let file = load("ordinal_models");
    let table = table(&file["data"]);
    for (formula, name) in
        [("rating ~ temp + contact", "clm"), ("rating ~ temp + contact + (1 | judge)", "clmm")]
    {
        let fit = OrdinalModel::fit_laplace(&table, &Formula::parse(formula).unwrap()).unwrap();
        let theirs = &file[name];
        close(fit.log_likelihood(), number(&theirs["log_likelihood"]), 1e-8, name);
        for (at, (label, test)) in fit.thresholds().iter().chain(fit.coefficients()).enumerate() {
            assert_eq!(label, theirs["names"][at].as_str().unwrap());
            close(test.estimate, number(&theirs["estimate"][at]), 1e-5, label);
            close(test.std_error, number(&theirs["SE"][at]), 1e-4, label);
        }
        if let Some(variance) = theirs["variance"].as_f64() {
            close(fit.variances()[0].2, variance, 1e-5, "variance");
        }
        assert_eq!(fit.warnings(), [], "{name}");
        // Temperature and contact vary within each of the nine judges: 72 ratings, less 1, 8 and 2.
        let df = if name == "clm" { f64::INFINITY } else { 61.0 };
        assert!(fit.coefficients().iter().all(|(_, test)| test.df == df), "{name}");
    }
    let fit = OrdinalModel::fit(
        &table,
        &Formula::parse("rating ~ temp + contact + (1 | judge) + (1 | bottle)").unwrap(),
    )
    .unwrap();
    close(fit.log_likelihood(), number(&file["clmm_two"]["log_likelihood"]), 1e-7, "two groups");
    assert_eq!(fit.warnings(), [OrdinalWarning::Boundary { group: "bottle".into() }]);
}

/// The integral over people's intercepts beside the package's own, by Laplace's method (one node), by nine nodes and by fifty.
#[test]
fn intercepts_of_people_are_integrated_as_ordinal_does() {
    let file = load("ordinal_quadrature");
    let people = &file["people"];
    let codes = |name: &str| -> Vec<u32> {
        people[name].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
    };
    let names = |n: u32| (0..n).map(|n| n.to_string()).collect::<Vec<String>>();
    let drawn = Table::new(codes("c").len())
        .coded("c", &names(5), codes("c"))
        .and_then(|t| t.coded("who", &names(30), codes("who")))
        .and_then(|t| t.numeric("help", codes("help").into_iter().map(f64::from).collect()))
        .unwrap();
    let wine = table(&load("ordinal_models")["data"]);
    // The error of what belongs to people as wholes allows for the two means taken from thirty people; both of wine vary within judges.
    let cases = [
        ("people", drawn, "c ~ help + (1 | who)", 28.0, (30.0_f64 / 28.0).sqrt()),
        ("wine", wine, "rating ~ temp + contact + (1 | judge)", 61.0, 1.0),
    ];
    for (name, table, formula, df, stretch) in cases {
        let formula = Formula::parse(formula).unwrap();
        let (laplace, whole) =
            (OrdinalModel::fit_laplace(&table, &formula), OrdinalModel::fit(&table, &formula));
        let (laplace, whole) = (laplace.unwrap(), whole.unwrap());
        for theirs in file[name]["fits"].as_array().unwrap() {
            let nodes = theirs["nodes"].as_u64().unwrap();
            let ours = if nodes == 1 { &laplace } else { &whole };
            let label = format!("{name}, {nodes} nodes");
            close(ours.log_likelihood(), number(&theirs["log_likelihood"]), 1e-7, &label);
            close(ours.variances()[0].2, number(&theirs["variance"]), 5e-5, &label);
            for (at, (_, test)) in ours.thresholds().iter().chain(ours.coefficients()).enumerate() {
                close(test.estimate, number(&theirs["estimate"][at]), 5e-5, &label);
                let stretch = if at < ours.thresholds().len() { 1.0 } else { stretch };
                // The package's numerical second derivatives are rough by Laplace's method.
                let by = if nodes == 1 { 1e-3 } else { 1e-4 };
                close(test.std_error, stretch * number(&theirs["SE"][at]), by, &label);
            }
            assert!(ours.coefficients().iter().all(|(_, test)| test.df == df), "{label}");
        }
        assert!(whole.variances()[0].2 > laplace.variances()[0].2, "{name}");
    }
}

#[test]
fn separation_is_named() {
    let values: Vec<f64> = (0..40).map(f64::from).collect();
    let levels: Vec<&str> = values.iter().map(|v| if *v < 20.0 { "low" } else { "high" }).collect();
    let x = values.iter().map(|v| f64::from(u8::from(*v >= 20.0))).collect();
    let table = Table::new(40).factor("y", &["low", "high"], &levels).unwrap().numeric("x", x).unwrap();
    let fit = OrdinalModel::fit(&table, &Formula::parse("y ~ x").unwrap()).unwrap();
    assert!(
        fit.warnings().contains(&OrdinalWarning::Separation { column: "x".into() }),
        "{:?}",
        fit.warnings()
    );
}

/// Three cells with levels of one to six rows, whose means differ by `spread`.
fn uneven(spread: f64) -> (Table, CellIntercepts) {
    let (mut y, mut cell, mut level) = (Vec::new(), Vec::new(), Vec::new());
    let mut sums = CellIntercepts::new(3);
    let noise = |n: usize| ((n * 7919 + 13) % 1000) as f64 / 500.0 - 1.0;
    for person in 0..40_usize {
        let (c, rows) = (person % 3, 1 + (person * 5) % 6);
        let own = spread * noise(1000 + person);
        let values: Vec<f64> = (0..rows).map(|r| 5.0 + c as f64 + own + noise(person * 17 + r)).collect();
        let mean = values.iter().sum::<f64>() / rows as f64;
        sums.add(c, rows as u32, mean, values.iter().map(|v| (v - mean) * (v - mean)).sum());
        y.extend(values);
        cell.extend(std::iter::repeat_n(c as u32, rows));
        level.extend(std::iter::repeat_n(person as u32, rows));
    }
    let names: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let table = Table::new(y.len()).numeric("y", y).unwrap();
    let table = table.coded("cell", &["a", "b", "c"], cell).unwrap().coded("who", &names, level).unwrap();
    (table, sums)
}

#[test]
fn sums_of_cells_give_the_model_of_their_rows() {
    for spread in [0.0, 0.3, 2.0] {
        let (table, sums) = uneven(spread);
        let formula = Formula::parse("y ~ cell + (1 | who)").unwrap();
        let whole = MixedModel::fit(&table, &formula, Likelihood::Restricted).unwrap();
        let short = sums.fit().unwrap();
        let close = |a: f64, b: f64, by: f64| {
            assert!((a - b).abs() <= by * (1.0 + b.abs()), "{spread}: {a} and {b}");
        };
        close(short.criterion(), whole.criterion(), 1e-8);
        close(short.variances().0, whole.groups()[0].variance(0), 1e-5);
        close(short.variances().1, whole.sigma() * whole.sigma(), 1e-6);
        let means = cell_means(&whole, &["cell"]).unwrap();
        for weights in [[1.0, -1.0, 0.0], [-1.0, 3.0, -2.0], [0.0, 0.0, 1.0]] {
            let (a, b) = (short.contrast(&weights), contrast(&whole, &means, &weights).unwrap());
            close(a.estimate, b.estimate, 1e-7);
            close(a.std_error, b.std_error, 1e-6);
            close(a.df, b.df, 1e-3);
            close(a.p, b.p, 1e-5);
        }
    }
}

#[test]
fn sums_of_cells_with_strata_beside_them_give_the_model_of_their_rows() {
    let noise = |n: usize| ((n * 7919 + 13) % 1000) as f64 / 500.0 - 1.0;
    let design = |cell: usize| {
        let mut row = vec![0.0; 4];
        row[cell / 2] = 1.0;
        row[3] = (cell % 2) as f64;
        row
    };
    // One cell has nobody: the others determine every coefficient.
    let mut sums = CellIntercepts::additive((0..6).map(design).collect());
    let (mut y, mut codes) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    for person in 0..60_usize {
        let (c, s, rows) = (person % 3, (person / 7) % 2, 1 + (person * 5) % 4);
        if (c, s) == (2, 1) {
            continue;
        }
        let own = 0.7 * noise(1000 + person) + 3.0 * s as f64;
        let values: Vec<f64> = (0..rows).map(|r| c as f64 + own + noise(person * 17 + r)).collect();
        let mean = values.iter().sum::<f64>() / rows as f64;
        sums.add(c * 2 + s, rows as u32, mean, values.iter().map(|v| (v - mean) * (v - mean)).sum());
        y.extend(values);
        codes.iter_mut().zip([c, s, person]).for_each(|(list, code)| list.extend(vec![code as u32; rows]));
    }
    let names: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    let [cell, stratum, who] = codes;
    let table = Table::new(y.len()).numeric("y", y).unwrap().coded("cell", &["a", "b", "c"], cell).unwrap();
    let table = table.coded("stratum", &["s", "t"], stratum).unwrap().coded("who", &names, who).unwrap();
    let formula = Formula::parse("y ~ stratum + cell + (1 | who)").unwrap();
    let whole = MixedModel::fit(&table, &formula, Likelihood::Restricted).unwrap();
    let short = sums.fit().unwrap();
    close(short.criterion(), whole.criterion(), 1e-8, "criterion");
    let means = cell_means(&whole, &["cell"]).unwrap();
    let half: Vec<f64> = [1.0, -1.0, 0.0].iter().flat_map(|w| [w / 2.0, w / 2.0]).collect();
    let (a, b) = (short.contrast(&half), contrast(&whole, &means, &[1.0, -1.0, 0.0]).unwrap());
    for (a, b, by) in [(a.estimate, b.estimate, 1e-7), (a.std_error, b.std_error, 1e-6), (a.df, b.df, 1e-3)] {
        close(a, b, by, "contrast");
    }
}

#[test]
fn groups_that_always_say_the_same_are_named() {
    let codes = |n: usize| -> Vec<u32> { (0..30_u32).flat_map(|who| std::iter::repeat_n(who, n)).collect() };
    let noise = |n: u32| ((n * 7919 + 13) % 1000) as f64 / 500.0 - 1.0;
    let who = codes(4);
    let names: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    let table = Table::new(who.len())
        .numeric("y", who.iter().map(|w| noise(*w)).collect())
        .and_then(|t| t.coded("rating", &["1", "2", "3"], who.iter().map(|w| w * 7 % 3).collect()))
        .and_then(|t| t.coded("cell", &["a", "b"], who.iter().map(|w| w % 2).collect()))
        .and_then(|t| t.coded("who", &names, who.clone()))
        .unwrap();
    let formula = Formula::parse("y ~ cell + (1 | who)").unwrap();
    let error = MixedModel::fit(&table, &formula, Likelihood::Restricted).unwrap_err().to_string();
    assert!(error.contains("within groups nothing varies"), "{error}");
    let mut sums = CellIntercepts::new(2);
    (0..30).for_each(|w| sums.add(w as usize % 2, 4, noise(w), 0.0));
    assert!(sums.fit().unwrap_err().to_string().contains("within groups nothing varies"));
    let formula = Formula::parse("rating ~ cell + (1 | who)").unwrap();
    let error = OrdinalModel::fit(&table, &formula).unwrap_err().to_string();
    assert!(error.contains("within who no answer differs"), "{error}");
    // One of them changes an answer once.
    let mut ratings: Vec<u32> = who.iter().map(|w| w * 7 % 3).collect();
    ratings[0] = 1;
    let table = table.coded("rating", &["1", "2", "3"], ratings).unwrap();
    let ordinal = OrdinalModel::fit(&table, &formula).unwrap();
    assert!(
        ordinal.warnings().contains(&OrdinalWarning::Runaway { group: "who".into() }),
        "{:?} {:?}",
        ordinal.warnings(),
        ordinal.variances()
    );
}

#[test]
fn cells_that_cannot_be_fitted_say_so() {
    let mut empty = CellIntercepts::new(2);
    empty.add(0, 3, 1.0, 0.5);
    assert!(empty.fit().unwrap_err().to_string().contains("cell 1 has no values"));
    let mut single = CellIntercepts::new(1);
    (0..5).for_each(|n| single.add(0, 1, f64::from(n), 0.0));
    assert!(single.fit().unwrap_err().to_string().contains("as many groups as rows"));
}
