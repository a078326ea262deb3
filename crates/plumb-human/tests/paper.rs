//! The published statistics of four experiments, recomputed from the authors' data (not in this repository; tests read
//! them from PLUMB_DATA). Values are those printed in the authors' public notebooks unless a comment says that they were
//! computed from the data with R.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr, reason = "test code")]

use plumb_human::{Analysed, AnalysisResult, Contrasted, Data, Modelled, Study, analyse};

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
    let study = study(n);
    let data = Data::read(&study, &csv, "data.csv").unwrap();
    Some(analyse(&study, &data).unwrap())
}

fn study(n: u8) -> Study {
    let path = format!("{}/../../examples/studies/interpretability-{n}.toml", env!("CARGO_MANIFEST_DIR"));
    Study::parse(&std::fs::read_to_string(&path).unwrap(), "study").unwrap()
}

fn main_of(n: u8) {
    let Some(a) = experiment(n) else { return };
    for r in &a.analyses {
        println!("== {} {:?}", r.id, r.missing);
        for g in &r.groups {
            println!(
                "   {} n={} rows={} mean={:?} median={:?}",
                g.condition, g.participants, g.rows, g.mean, g.median
            );
        }
        for m in r.model.iter().chain(r.beside.iter().filter_map(|b| b.model.as_ref())) {
            println!(
                "  {} REML {:?} resid {} rand {:?} {:?}",
                m.formula,
                m.criterion,
                m.residual,
                m.random.iter().map(|g| (g.group.clone(), g.covariance.clone())).collect::<Vec<_>>(),
                m.warnings
            );
            for t in &m.terms {
                println!("    {} F({},{})={} p={}", t.term, t.df, t.residual_df, t.f, t.p);
            }
            for c in &m.contrasts {
                println!("    {} {:?} {:?} {:?}", c.label, c.test, c.effect.map(|e| e.estimate), c.verdict);
            }
        }
        if let Some(b) = &r.beside {
            for p in &b.passed {
                println!("   passed {p:?}");
            }
        }
        for w in &r.welch {
            println!(
                "    {} {:?} {:?} {:?}",
                w.contrast.label,
                w.means,
                w.contrast.test,
                w.contrast.effect.map(|e| e.estimate)
            );
        }
    }
}
#[test]
fn p1() {
    main_of(1)
}
#[test]
fn p2() {
    main_of(2)
}
#[test]
fn p3() {
    main_of(3)
}
#[test]
fn p4() {
    main_of(4)
}
