//! The published statistics of four experiments, recomputed from the authors' data (not in this repository; tests read
//! them from PLUMB_DATA). A value is compared at the last digit that is printed for it: `[N]` values are those of the
//! authors' public notebooks, the others were computed from the same data with R 4.2.2, lme4 1.1-31 and lmerTest 3.1-3.

use crate::example;
use plumb_human::{Analysed, AnalysisResult, Contrasted, Data, Modelled, analyse};

fn experiment(n: u8) -> Option<Analysed> {
    let Ok(root) = std::env::var("PLUMB_DATA") else {
        eprintln!(
            "skipped: PLUMB_DATA is not set (the authors' data have no licence and are not in the repository)"
        );
        return None;
    };
    let path = format!("{root}/studies/poursabzi_2021/exp{n}/data.csv");
    let Ok(csv) = std::fs::read(&path) else {
        eprintln!("skipped: {path} is not there");
        return None;
    };
    let study = example(&format!("interpretability-{n}"));
    let data = Data::read(&study, &csv, "data.csv").unwrap();
    Some(analyse(&study, &data).unwrap())
}

fn of<'a>(all: &'a Analysed, id: &str) -> &'a AnalysisResult {
    all.analyses.iter().find(|a| a.id == id).unwrap()
}

/// `printed` as a text, so that its digits say how exact it is: `.0159`, `-1.188`, `2.03e-8`.
#[track_caller]
fn same(ours: f64, printed: &str, what: &str) {
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, d)| d.len()) as i32;
    let theirs: f64 = printed.parse().unwrap();
    let unit = 10_f64.powi(exponent.parse::<i32>().unwrap() - decimals);
    assert!((ours - theirs).abs() <= 0.5001 * unit, "{what}: {ours}, printed {printed}");
}

#[track_caller]
fn means(all: &Analysed, id: &str, printed: &[(&str, &str)]) {
    let result = of(all, id);
    for (condition, value) in printed {
        let group = result.groups.iter().find(|g| g.condition == *condition).unwrap();
        same(group.mean.unwrap(), value, &format!("mean of {id} in {condition}"));
    }
}

fn planned(result: &AnalysisResult) -> &Modelled {
    result.model.as_ref().unwrap()
}

/// (term, F, p or empty).
#[track_caller]
fn terms(all: &Analysed, id: &str, df: &str, printed: &[(&str, &str, &str)]) {
    let model = planned(of(all, id));
    for (name, f, p) in printed {
        let term = model.terms.iter().find(|t| t.term == *name).unwrap();
        same(term.f, f, &format!("F of {name} in {id}"));
        same(term.residual_df, df, &format!("df of {name} in {id}"));
        if !p.is_empty() {
            same(term.p, p, &format!("p of {name} in {id}"));
        }
    }
}

/// Random variance (of the first group), residual, REML criterion.
#[track_caller]
fn variances(model: &Modelled, random: &str, residual: &str, criterion: &str) {
    same(model.random[0].variance(0), random, &model.formula);
    same(model.residual, residual, &model.formula);
    same(model.criterion.unwrap(), criterion, &model.formula);
}

fn contrast<'a>(all: &'a Analysed, id: &str) -> &'a Contrasted {
    let all = all.analyses.iter();
    let mut list = all
        .flat_map(|a| a.model.iter().flat_map(|m| &m.contrasts).chain(a.welch.iter().map(|w| &w.contrast)));
    list.find(|c| c.hypothesis == id).unwrap()
}

/// Statistics of a contrast by name: `b` estimate, `se`, `t`, `p`, `df`, `d`.
#[track_caller]
fn contrasts(all: &Analysed, id: &str, printed: &[(&str, &str)]) {
    let c = contrast(all, id);
    for (name, value) in printed {
        let ours = match *name {
            "b" => c.test.estimate,
            "se" => c.test.std_error,
            "t" => c.test.t,
            "p" => c.test.p,
            "df" => c.test.df,
            "d" => c.effect.unwrap().estimate,
            other => panic!("{other}"),
        };
        same(ours, value, &format!("{name} of {id}"));
    }
}

const THREE: [&str; 3] = ["transparency", "features", "transparency:features"];

fn three<'a>(f: [&'a str; 3], p: [&'a str; 3]) -> [(&'static str, &'a str, &'a str); 3] {
    [0, 1, 2].map(|i| (THREE[i], f[i], p[i]))
}

#[test]
fn experiment_1_on_ordinary_apartments() {
    let Some(all) = experiment(1) else { return };
    means(
        &all,
        "deviation",
        &[("CLEAR-2", ".1552"), ("CLEAR-8", ".1636"), ("BB-2", ".1445"), ("BB-8", ".1505")],
    );
    means(
        &all,
        "simulation",
        &[("CLEAR-2", ".1317"), ("CLEAR-8", ".2611"), ("BB-2", ".2060"), ("BB-8", ".2395")],
    );
    means(
        &all,
        "prediction-all",
        &[
            ("CLEAR-2", ".2329"),
            ("CLEAR-8", ".2480"),
            ("BB-2", ".2323"),
            ("BB-8", ".2345"),
            ("NO-MODEL", ".3306"),
        ],
    );
    means(
        &all,
        "confidence",
        &[("CLEAR-2", "3.487"), ("CLEAR-8", "3.369"), ("BB-2", "3.225"), ("BB-8", "3.239")],
    );
    terms(&all, "deviation", "994", &three(["5.8295", "2.1520", ".0552"], [".0159", ".1427", ".8143"]));
    contrasts(
        &all,
        "deviation-clear-2-bb-8",
        &[("b", ".00465"), ("se", ".00691"), ("t", ".673"), ("p", ".5009")],
    );
    contrasts(&all, "deviation-clear-8", &[("b", ".0404"), ("se", ".0171"), ("t", "2.369"), ("p", ".0180")]);
    contrasts(&all, "deviation-clear-2", &[("t", ".411"), ("p", ".6815")]);
    variances(planned(of(&all, "deviation")), ".004361", ".016599", "-11263.4");
    terms(&all, "simulation", "994", &three(["12.573", "119.536", "41.483"], [".00041", "", "1.85e-10"]));
    contrasts(&all, "simulation-clear-2", &[("b", "-.3116"), ("se", ".0259"), ("t", "-12.055")]);
    contrasts(&all, "simulation-clear-8", &[("b", ".206"), ("t", "7.957")]);
    variances(planned(of(&all, "simulation")), ".009739", ".040975", "-2319.7");
    terms(&all, "confidence", "994", &three(["22.568", "1.584", "2.582"], ["", "", ""]));
    contrasts(
        &all,
        "confidence-clear-2-bb-8",
        &[("b", ".248"), ("se", ".0581"), ("t", "4.270"), ("d", ".229")],
    );
    variances(planned(of(&all, "confidence")), ".3406", ".8433", "28249.1");
    terms(&all, "prediction", "994", &[("condition", "2.43", ".0642")]);
    contrasts(&all, "prediction-clear-8", &[("t", "2.679"), ("p", ".0075")]);
    variances(planned(of(&all, "prediction")), ".001736", ".039311", "-3579.3");
    terms(&all, "prediction-all", "1245", &[("condition", "59.80", "")]);
    contrasts(&all, "prediction-no-model", &[("b", ".375"), ("se", ".0245"), ("t", "15.284")]);
    variances(planned(of(&all, "prediction-all")), ".002828", ".047227", "-2062");
}

#[test]
fn experiment_1_on_unusual_apartments_and_with_items_as_a_sample() {
    let Some(all) = experiment(1) else { return };
    means(
        &all,
        "apartment-11",
        &[("CLEAR-2", ".1560"), ("CLEAR-8", ".1457"), ("BB-2", ".1664"), ("BB-8", ".1551")],
    );
    means(
        &all,
        "apartment-12",
        &[("CLEAR-2", ".2298"), ("CLEAR-8", ".2202"), ("BB-2", ".2437"), ("BB-8", ".2793")],
    );
    means(
        &all,
        "apartment-12-estimate",
        &[
            ("CLEAR-2", "1.4766"),
            ("CLEAR-8", "1.3826"),
            ("BB-2", "1.3551"),
            ("BB-8", "1.2520"),
            ("NO-MODEL", "1.0393"),
        ],
    );
    terms(&all, "apartment-11", "994", &[("condition", "1.0293", ".3788")]);
    contrasts(&all, "apartment-11-clear", &[("b", "-.0197"), ("t", "-1.188"), ("p", ".2351")]);
    terms(&all, "apartment-11-factors", "994", &three(["1.37953", "1.70457", ".00379"], ["", "", ""]));
    terms(
        &all,
        "apartment-11-prediction",
        "994",
        &[(THREE[0], "31.983", "2.03e-8"), (THREE[1], "45.194", "")],
    );
    contrasts(&all, "apartment-11-no-model", &[("b", "-.488"), ("se", ".0611"), ("t", "-7.988")]);
    terms(&all, "apartment-12", "994", &[("condition", "4.4211", ".004259")]);
    terms(&all, "apartment-12-factors", "994", &[(THREE[0], "8.81", ".0031")]);
    contrasts(
        &all,
        "apartment-12-clear",
        &[("b", "-.0729"), ("se", ".0248"), ("t", "-2.943"), ("p", ".0033")],
    );
    // Computed with lme4: participants and items crossed.
    let beside = of(&all, "deviation").beside.as_ref().unwrap();
    assert_eq!(beside.passed.len(), 1, "slopes by item are on the boundary, so the plainer model counts");
    let model = beside.model.as_ref().unwrap();
    variances(model, ".004454", ".0156649", "-11746.44");
    same(model.random[1].variance(0), ".000934", "item");
    let test = |at: usize| model.coefficients[at].1.unwrap();
    same(test(0).estimate + test(1).estimate + test(2).estimate + test(3).estimate, ".16356", "CLEAR-8");
    same(model.terms[0].f, "5.8295", "F");
}

#[test]
fn experiment_2() {
    let Some(all) = experiment(2) else { return };
    means(
        &all,
        "deviation",
        &[("CLEAR-2", ".0143"), ("CLEAR-8", ".0159"), ("BB-2", ".0140"), ("BB-8", ".0139")],
    );
    means(
        &all,
        "simulation",
        &[("CLEAR-2", ".0118"), ("CLEAR-8", ".0259"), ("BB-2", ".0204"), ("BB-8", ".0224")],
    );
    means(
        &all,
        "prediction-all",
        &[
            ("CLEAR-2", ".0218"),
            ("CLEAR-8", ".0257"),
            ("BB-2", ".0229"),
            ("BB-8", ".0231"),
            ("NO-MODEL", ".0311"),
        ],
    );
    means(
        &all,
        "apartment-12-estimate",
        &[
            ("CLEAR-2", ".145733"),
            ("CLEAR-8", ".135600"),
            ("BB-2", ".132449"),
            ("BB-8", ".121656"),
            ("NO-MODEL", ".105855"),
        ],
    );
    terms(&all, "deviation", "594", &three(["3.331", "1.295", "1.823"], [".0685", "", ""]));
    contrasts(&all, "deviation-clear-2-bb-8", &[("t", ".488"), ("p", ".626")]);
    contrasts(&all, "deviation-clear-8", &[("t", "2.493"), ("p", ".0129")]);
    terms(&all, "simulation", "594", &three(["7.545", "75.448", "43.143"], ["", "", ""]));
    contrasts(&all, "simulation-clear-2", &[("t", "-10.405")]);
    contrasts(&all, "simulation-clear-8", &[("t", "7.230")]);
    terms(&all, "prediction", "594", &[("condition", "8.60", "")]);
    contrasts(&all, "prediction-clear-8", &[("t", "4.778")]);
    contrasts(&all, "prediction-no-model", &[("t", "10.619")]);
    terms(&all, "confidence", "594", &three([".308", ".807", ".518"], ["", "", ""]));
    contrasts(&all, "confidence-clear-2-bb-8", &[("t", "1.031"), ("d", ".071")]);
    contrasts(&all, "apartment-11-clear", &[("t", "-1.821"), ("p", ".0692")]);
    contrasts(&all, "apartment-12-clear", &[("t", "-4.163"), ("p", "3.6e-5")]);
    terms(&all, "apartment-12-factors", "594", &[(THREE[0], "17.53", "")]);
}

#[test]
fn experiment_3() {
    let Some(all) = experiment(3) else { return };
    means(
        &all,
        "deviation-expert",
        &[
            ("CLEAR-2", ".1231"),
            ("CLEAR-8", ".1248"),
            ("BB-2", ".1425"),
            ("BB-8", ".1307"),
            ("EXPERT", ".1266"),
        ],
    );
    means(
        &all,
        "advice-expert",
        &[
            ("CLEAR-2", ".6420"),
            ("CLEAR-8", ".6449"),
            ("BB-2", ".5518"),
            ("BB-8", ".6052"),
            ("EXPERT", ".6156"),
        ],
    );
    let medians = [("CLEAR-2", ".5"), ("CLEAR-8", ".5455"), ("BB-2", ".5"), ("BB-8", ".5"), ("EXPERT", ".6")];
    for (condition, median) in medians {
        let groups = &of(&all, "advice-expert").groups;
        let group = groups.iter().find(|g| g.condition == condition).unwrap();
        same(group.median.unwrap(), median, &format!("median in {condition}"));
    }
    terms(&all, "deviation", "798", &three(["4.20", ".66", "1.20"], [".0409", "", ""]));
    contrasts(&all, "deviation-clear-2-bb-8", &[("b", "-.00759"), ("t", "-.871"), ("p", ".384")]);
    contrasts(
        &all,
        "deviation-expert-contrast",
        &[("b", ".00411"), ("t", ".447"), ("p", ".655"), ("df", "994")],
    );
    terms(&all, "advice", "817.77", &three(["10.47", "2.07", "1.57"], [".0013", "", ""]));
    let advice = planned(of(&all, "advice"));
    same(advice.random[0].variance(0), ".05041", "participant");
    same(advice.residual, ".20449", "residual");
    assert_eq!((advice.rows, advice.random[0].levels), (6927, 802));
    assert_eq!(of(&all, "advice").missing, [("denominator is zero".to_owned(), 1093)]);
    assert_eq!(of(&all, "advice-expert").missing, [("denominator is zero".to_owned(), 1340)]);
    contrasts(
        &all,
        "advice-clear-2-bb-8",
        &[("b", ".0346"), ("se", ".0273"), ("df", "819"), ("t", "1.270"), ("p", ".2045")],
    );
    contrasts(&all, "advice-clear-2", &[("b", ".118"), ("df", "826"), ("t", "1.761"), ("p", ".0786")]);
    contrasts(
        &all,
        "advice-expert-contrast",
        &[("b", "-.0101"), ("df", "1005"), ("t", "-.379"), ("p", ".705")],
    );
    terms(&all, "apartment-11", "798", &[("condition", "4.622", ".0033")]);
    contrasts(&all, "apartment-11-clear", &[("t", "-.961")]);
    terms(&all, "apartment-12", "798", &[("condition", "3.551", ".0142")]);
    contrasts(&all, "apartment-12-clear", &[("t", "-.193"), ("p", ".847")]);
    for (id, share) in [("apartment-12-below", "88.8"), ("apartment-12-above", "7.2")] {
        let groups = &of(&all, id).groups;
        let count: f64 = groups.iter().map(|g| g.mean.unwrap() * g.rows as f64).sum();
        same(100.0 * count / groups.iter().map(|g| g.rows as f64).sum::<f64>(), share, id);
    }
}

#[test]
fn experiment_4() {
    let Some(all) = experiment(4) else { return };
    let means_of = |id: &str, hypothesis: &str| {
        let compared = of(&all, id).welch.iter().find(|w| w.contrast.hypothesis == hypothesis).unwrap();
        compared.means
    };
    let (focus, none) = means_of("flat-726", "focus-726");
    same(focus, "-.2328", "focus 726");
    same(none, "-.1272", "no focus 726");
    let (focus, none) = means_of("flat-350", "focus-350");
    same(focus, "-.2335", "focus 350");
    same(none, "-.1264", "no focus 350");
    contrasts(&all, "focus-726", &[("t", "-4.7242"), ("df", "791.35"), ("p", "2.73e-6"), ("d", "-.334")]);
    contrasts(&all, "focus-350", &[("t", "-4.9981"), ("df", "795.36"), ("p", "7.12e-7"), ("d", "-.353")]);
    contrasts(&all, "focus-788", &[("t", "1.0867"), ("p", ".2775")]);
    contrasts(
        &all,
        "bb-no-focus-726",
        &[("t", "-3.6503"), ("df", "392.86"), ("p", "2.97e-4"), ("d", "-.367")],
    );
    contrasts(
        &all,
        "bb-no-focus-350",
        &[("t", "-3.5101"), ("df", "394.70"), ("p", "5.00e-4"), ("d", "-.352")],
    );
    contrasts(&all, "bb-no-focus-788", &[("t", "-1.8355"), ("p", ".0672")]);
    contrasts(&all, "bb-focus-726", &[("t", "-.0049"), ("p", ".996")]);
    contrasts(&all, "bb-focus-350", &[("t", "-1.6446"), ("p", ".1009")]);
    for (id, values) in [
        ("flat-726-estimate", ["1.427692", "1.319802", "1.267327", "1.267164"]),
        ("flat-350-estimate", ["1.025128", ".923762", ".892079", ".840796"]),
        ("flat-788-estimate", [".915897", ".884653", ".914356", ".910945"]),
    ] {
        let conditions = ["CLEAR-NO-FOCUS", "BB-NO-FOCUS", "CLEAR-FOCUS", "BB-FOCUS"];
        let printed: Vec<(&str, &str)> = conditions.into_iter().zip(values).collect();
        means(&all, id, &printed);
    }
}
