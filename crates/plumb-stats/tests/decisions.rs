//! Supported, contradicted, inconclusive: by the interval, and by Holm in a family.
#![allow(clippy::unwrap_used, reason = "test code")]

use plumb_stats::decide::{Adjustment, Claim, Decision, Hypothesis, decide};
use plumb_stats::{ClusterRows, ClusterSums, Draws, Resample, Support, Undefined, Wanted};

/// 60 clusters whose values spread evenly around `centre` by ±1 (standard error about 0.075).
fn around(centre: f64) -> ClusterSums {
    let mut rows = ClusterRows::new(1);
    for g in 0..60_u32 {
        rows.add(g, 0, centre + f64::from(g) / 29.5 - 1.0).unwrap();
    }
    rows.build().unwrap()
}

fn decide_all(claims: &[(f64, Claim)], adjustment: Adjustment) -> Vec<Decision> {
    let sums: Vec<ClusterSums> = claims.iter().map(|(centre, _)| around(*centre)).collect();
    let inferences: Vec<_> = sums
        .iter()
        .map(|s| {
            let resample = Resample::draw(s, Draws { seed: 4, replicates: 4_000 }).unwrap();
            resample.rate(0, Support::Real, Wanted::Default).unwrap()
        })
        .collect();
    let family: Vec<_> = claims
        .iter()
        .zip(&inferences)
        .map(|((_, claim), i)| (Hypothesis { claim: *claim, alpha: 0.05 }, i))
        .collect();
    decide(&family, adjustment).unwrap().into_iter().map(|d| d.unwrap().decision).collect()
}

#[test]
fn each_claim_alone() {
    use Decision::{Contradicted, Inconclusive, Supported};
    let greater = Claim::Greater { null: 0.0 };
    let less = Claim::Less { null: 0.0 };
    let different = Claim::Different { null: 0.0 };
    let inside = Claim::Inside { low: -0.2, high: 0.2 };
    for (centre, claim, expected) in [
        (0.4, greater, Supported),
        (0.05, greater, Inconclusive),
        (-0.4, greater, Contradicted),
        (0.4, less, Contradicted),
        (-0.4, less, Supported),
        (0.4, different, Supported),
        (-0.4, different, Supported),
        (0.05, different, Inconclusive),
        (0.0, inside, Supported),
        (0.15, inside, Inconclusive),
        (0.5, inside, Contradicted),
        (-0.5, inside, Contradicted),
    ] {
        assert_eq!(decide_all(&[(centre, claim)], Adjustment::Holm), [expected], "{centre} {claim:?}");
    }
}

#[test]
fn a_family_asks_more() {
    // About 1.9 standard errors: enough alone at one-sided 5 %, not as one of three.
    let claims = [0.142, 0.142, 0.0].map(|centre| (centre, Claim::Greater { null: 0.0 }));
    assert_eq!(decide_all(&claims[..1], Adjustment::Holm), [Decision::Supported]);
    assert_eq!(decide_all(&claims, Adjustment::Holm), [Decision::Inconclusive; 3]);
    assert_eq!(decide_all(&claims, Adjustment::None)[0], Decision::Supported);
}

#[test]
fn a_hypothesis_without_an_interval_keeps_its_place() {
    let good = around(0.142);
    let good = Resample::draw(&good, Draws { seed: 4, replicates: 4_000 }).unwrap();
    let good = good.rate(0, Support::Real, Wanted::Default).unwrap();
    let empty = ClusterRows::new(1).build().unwrap();
    let empty =
        Resample::draw(&empty, Draws::seeded(1)).unwrap().rate(0, Support::Real, Wanted::Default).unwrap();
    let hypothesis = Hypothesis { claim: Claim::Greater { null: 0.0 }, alpha: 0.05 };
    let decided =
        decide(&[(hypothesis, &good), (hypothesis, &empty), (hypothesis, &empty)], Adjustment::Holm).unwrap();
    let first = decided[0].unwrap();
    assert_eq!(first.decision, Decision::Inconclusive);
    assert!((first.p_adjusted - 3.0 * first.p).abs() < 1e-12);
    assert_eq!(decided[1], Err(Undefined::NoData));
}

#[test]
fn mistakes_are_errors() {
    let sums = around(0.0);
    let inference =
        Resample::draw(&sums, Draws::seeded(1)).unwrap().rate(0, Support::Real, Wanted::Default).unwrap();
    for (claim, alpha) in [
        (Claim::Greater { null: 0.0 }, 0.5),
        (Claim::Greater { null: 0.0 }, f64::NAN),
        (Claim::Less { null: f64::INFINITY }, 0.05),
        (Claim::Inside { low: 0.1, high: 0.1 }, 0.05),
    ] {
        assert!(
            decide(&[(Hypothesis { claim, alpha }, &inference)], Adjustment::Holm).is_err(),
            "{claim:?} {alpha}"
        );
    }
}
