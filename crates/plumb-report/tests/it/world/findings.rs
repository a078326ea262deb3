//! Estimates and decisions of every kind.

use plumb_study::method::{Finding, Missing, Quantity, Test, Unit, Value};
use plumb_study::{Decided, Estimate, Plan, Ruling, Status, Tested};

pub fn wide(estimate: f64, low: f64, high: f64) -> Value {
    Value::Interval { estimate, low, high, level: 0.95 }
}

pub fn finding(name: &str, unit: Unit, at: &[(&str, &str)], value: Value) -> Finding {
    Finding {
        quantity: Quantity {
            name: name.into(),
            of: if name == "mean" { "helpful.score".into() } else { "refusal.refused = yes".into() },
            at: at.iter().map(|(n, l)| ((*n).into(), (*l).into())).collect(),
            unit,
        },
        value,
        test: None,
        n: 30,
        clusters: 30,
        missing: Vec::new(),
        method: "Wilson on effective n, cluster-robust; clusters: pair".into(),
        warnings: Vec::new(),
    }
}

fn rates() -> Vec<Finding> {
    let (qwen, smol) = ("qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct");
    let rate = |model, kind, value| finding("rate", Unit::Share, &[("model", model), ("kind", kind)], value);
    let mut findings = vec![
        rate(qwen, "safe", wide(0.1, 0.034, 0.256)),
        rate(qwen, "unsafe", wide(0.68, 0.49, 0.826)),
        rate(smol, "safe", wide(0.0, 0.0, 0.1135)),
        rate(smol, "unsafe", wide(1.0 / 30.0, 0.0059, 0.1667)),
    ];
    findings[1].missing = vec![(Missing::Failed, 3), (Missing::Withheld, 2)];
    findings[1].n = 25;
    findings[1].clusters = 25;
    findings[1].warnings = vec!["only 25 clusters".into()];
    findings[2].warnings =
        vec!["no variation over 30 clusters; interval as if each cluster were a single trial".into()];
    findings
}

pub fn estimates() -> Vec<Estimate> {
    let (qwen, smol) = ("qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct");
    let both = format!("{qwen} − {smol}");
    let difference = |kind, value| {
        let mut f = finding("difference", Unit::Points, &[("model", &both), ("kind", kind)], value);
        f.test = Some(Test { p_greater: 0.0141, p_less: 0.9859, p_two_sided: 0.0282 });
        f
    };
    let differences =
        vec![difference("safe", wide(0.1, -0.02, 0.25)), difference("unsafe", wide(0.647, 0.42, 0.8))];
    let mean = |model, value| finding("mean", Unit::Number, &[("model", model)], value);
    let mut means = vec![
        mean(qwen, Value::Point { estimate: 3.5, reason: "all values are of one cluster".into() }),
        mean(smol, Value::Undefined("no values".into())),
    ];
    means[0].missing = vec![(Missing::NotJudged, 24), (Missing::Abstained, 1)];
    means[1].missing = vec![(Missing::NotAsked, 4), (Missing::NotApplicable, 26)];
    means[1].n = 0;
    means[1].clusters = 0;
    let of = |id: &str, method: &str, status, findings| Estimate {
        with_added: false,
        analysis: id.into(),
        method: method.into(),
        status,
        findings,
    };
    vec![
        of("refusal-rate", "rate", Status::Confirmatory, rates()),
        of("model-difference", "difference", Status::Exploratory, differences),
        of("helpfulness", "mean", Status::Partial, means),
    ]
}

pub fn tested(plan: &Plan) -> Vec<Tested> {
    let mut first = finding("contrast", Unit::Points, &[], wide(0.3067, 0.1922, 0.418));
    first.n = 115;
    first.test = Some(Test { p_greater: 2.4e-6, p_less: 1.0, p_two_sided: 4.8e-6 });
    let second = finding("contrast", Unit::Points, &[], wide(0.35, 0.21, 0.47));
    let verdict = |decision, p, p_adjusted, interval| Ok(Ruling { decision, p, p_adjusted, interval });
    vec![
        Tested {
            hypothesis: plan.hypotheses[0].clone(),
            finding: Some(first),
            status: Status::Confirmatory,
            verdict: verdict(Decided::Supported, 2.4e-6, 4.8e-6, (0.2121, 0.4002, 0.9)),
        },
        Tested {
            hypothesis: plan.hypotheses[1].clone(),
            finding: Some(second),
            status: Status::Partial,
            verdict: verdict(Decided::Contradicted, 0.9996, 0.9996, (0.2375, 0.4512, 0.9)),
        },
    ]
}
