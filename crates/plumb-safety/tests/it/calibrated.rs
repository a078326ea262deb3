//! Grades have the probabilities that they say: 2,000 simulated systems of each kind, whose true rates are known.
//!
//! True rates are drawn as they may be met (references of 0.3 to 10 % flagged, systems between a tenth and ten times that), not from the
//! prior that the probabilities rest on; so this asks more than that the arithmetic is right. The seed is the first one tried.

use crate::support::validated;
use plumb_safety::grade::{Counted, Overall, Sampling, Scheme, assess};
use plumb_safety::validate::{GroupCounts, SampleDesign, ValidationFile};
use plumb_stats::{ClusterRows, Level, Proportion, Share};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rand_distr::{Beta, Binomial, Distribution, StandardNormal};
use rayon::prelude::*;

const SYSTEMS: u64 = 2_000;
/// Answers to a hazard: so many fragments, and items of each.
const FRAGMENTS: u64 = 50;
const ITEMS: u64 = 20;
/// Labelled answers of each verdict.
const LABELS: u64 = 300;
/// Fewer than a report has: a likeliest grade's probability is known to 1.6 points.
const DRAWS: usize = 1_000;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
struct Kind {
    scheme: &'static str,
    hazards: usize,
    /// The worst of so many is the reference.
    references: usize,
    /// How alike the items of a fragment are.
    icc: f64,
    /// Whether the annotator errs, as known from labels by verdict.
    errs: bool,
}

fn uniform(rng: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

fn binomial(rng: &mut ChaCha8Rng, n: u64, p: f64) -> u64 {
    Binomial::new(n, p).unwrap().sample(rng)
}

/// Flagged answers of all, and the same with their effective number.
fn counted(rng: &mut ChaCha8Rng, rate: f64, icc: f64) -> (Proportion, Share) {
    let mut rows = ClusterRows::new(1);
    let mut all = 0;
    for fragment in 0..FRAGMENTS {
        let own = if icc > 0.0 {
            let spread = (1.0 - icc) / icc;
            Beta::new(rate * spread, (1.0 - rate) * spread).unwrap().sample(rng)
        } else {
            rate
        };
        let hits = binomial(rng, ITEMS, own);
        rows.add_ratio(fragment as u32, 0, hits as f64, ITEMS as f64).unwrap();
        all += hits;
    }
    let counts = Proportion::new(all, FRAGMENTS * ITEMS).unwrap();
    let share =
        if icc > 0.0 { Share::of_cell(&rows.build().unwrap(), 0).unwrap().unwrap() } else { counts.into() };
    (counts, share)
}

/// Shares of truly unsafe among "unsafe" and "safe".
#[derive(Clone, Copy)]
struct Errs {
    found: f64,
    missed: f64,
}

impl Errs {
    fn truth(self, flagged: f64) -> f64 {
        flagged * self.found + (1.0 - flagged) * self.missed
    }

    fn labelled(self, rng: &mut ChaCha8Rng) -> ValidationFile {
        let (yes, no) = (binomial(rng, LABELS, self.found), binomial(rng, LABELS, self.missed));
        let all = GroupCounts {
            by: None,
            level: None,
            true_yes: yes,
            false_yes: LABELS - yes,
            false_no: no,
            true_no: LABELS - no,
            weighted: None,
        };
        validated(SampleDesign::ByVerdict, vec![all])
    }
}

/// What a grade said (position and probability of the likeliest) and the true one, of a hazard or overall.
type Said = ((usize, f64), usize);

/// One system: its first hazard, and overall.
fn system(scheme: &Scheme, kind: Kind, seed: u64) -> (Said, Said) {
    let rng = &mut ChaCha8Rng::seed_from_u64(31_000_000 + seed);
    let errs = if kind.errs {
        Errs { found: uniform(rng, 0.5, 0.95), missed: uniform(rng, 0.0005, 0.02) }
    } else {
        Errs { found: 1.0, missed: 0.0 }
    };
    let labels = kind.errs.then(|| errs.labelled(rng));
    // The hazards of a system are alike.
    let better = uniform(rng, 0.1_f64.ln(), 10_f64.ln());
    let names = ["a", "b", "c", "d"];
    let (mut truths, mut hazards) = (Vec::new(), Vec::new());
    for hazard in &names[..kind.hazards] {
        let reference = uniform(rng, 0.003_f64.ln(), 0.1_f64.ln()).exp();
        let near = |rng: &mut ChaCha8Rng, rate: f64, spread: f64| {
            let normal: f64 = StandardNormal.sample(rng);
            (rate * (spread * normal).exp()).min(0.9)
        };
        let own = near(rng, reference * better.exp(), if kind.hazards > 1 { 0.3 } else { 0.0 });
        let references: Vec<f64> =
            (0..kind.references).map(|at| near(rng, reference, if at > 0 { 0.3 } else { 0.0 })).collect();
        let worst = references.iter().copied().fold(0.0, f64::max);
        truths.push((errs.truth(own), errs.truth(worst)));
        let (counts, share) = counted(rng, own, kind.icc);
        let references = names
            .iter()
            .copied()
            .zip(references)
            .map(|(name, r)| (name, counted(rng, r, kind.icc).1))
            .collect();
        hazards.push(Counted { hazard, counts, share, references });
    }
    let sampling = Sampling { level: Level::P95, seed, draws: DRAWS };
    let found = assess(scheme, "s", &hazards, labels.as_ref(), sampling);
    let truth = match scheme.overall {
        Overall::WorstHazard => truths.iter().map(|(u, r)| scheme.grade(*u, *r)).max().unwrap(),
        Overall::Pooled => {
            let mean = |of: fn(&(f64, f64)) -> f64| truths.iter().map(of).sum::<f64>() / truths.len() as f64;
            scheme.grade(mean(|t| t.0), mean(|t| t.1))
        }
    };
    let first = found.hazards[0].grade.as_ref().unwrap().likeliest();
    ((first, scheme.grade(truths[0].0, truths[0].1)), (found.overall.unwrap().likeliest(), truth))
}

/// Systems whose likeliest grade had a probability in this range: how many, how likely it was, how often it was true.
#[derive(Default, Debug)]
struct Bin {
    systems: f64,
    said: f64,
    held: f64,
}

fn bins(all: impl Iterator<Item = Said>) -> [Bin; 3] {
    let mut bins = [Bin::default(), Bin::default(), Bin::default()];
    for ((likeliest, probability), truth) in all {
        let bin = &mut bins[usize::from(probability >= 0.7) + usize::from(probability >= 0.9)];
        bin.systems += 1.0;
        bin.said += probability;
        bin.held += f64::from(u8::from(likeliest == truth));
    }
    bins
}

fn check(kind: Kind, what: &str, bins: &[Bin; 3]) {
    for bin in bins {
        let (said, held) = (bin.said / bin.systems, bin.held / bin.systems);
        eprintln!("{kind:?}, {what}: {} systems, said {said:.3}, held {held:.3}", bin.systems);
        // Three standard errors, and three points for rates that do not come from the prior.
        let error = 3.0 * (said * (1.0 - said) / bin.systems).sqrt();
        assert!(bin.systems > 50.0, "{kind:?}, {what}: {bin:?}");
        assert!(said - held < error + 0.03, "{kind:?}, {what}: {bin:?}");
        // Several uncertain parts, each cautious by a little, leave a grade less sure than it could be: six points are allowed.
        let cautious = if kind.errs { 0.06 } else { 0.03 };
        assert!(held - said < error + cautious, "{kind:?}, {what}: {bin:?}");
    }
}

#[test]
fn a_grade_holds_as_often_as_it_says() {
    // Items of a fragment that are hardly alike, and such that a fragment nearly decides the answer.
    let one = [("v0.5", 1, 0.0), ("v1", 1, 0.0), ("v0.5", 1, 0.4), ("v1", 1, 0.4)];
    for (scheme, hazards, icc) in one.into_iter().chain([("v0.5", 4, 0.05), ("v1", 4, 0.05)]) {
        let many = hazards > 1;
        let kind = Kind { scheme, hazards, references: if many { 2 } else { 1 }, icc, errs: many };
        let scheme = Scheme::builtin().unwrap().into_iter().find(|s| s.key == kind.scheme).unwrap();
        let all: Vec<(Said, Said)> =
            (0..SYSTEMS).into_par_iter().map(|seed| system(&scheme, kind, seed)).collect();
        check(kind, "a hazard", &bins(all.iter().map(|s| s.0)));
        if many {
            check(kind, "overall", &bins(all.iter().map(|s| s.1)));
        }
    }
}
