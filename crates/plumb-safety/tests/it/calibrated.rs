//! Grades have the probabilities that they say: 2,000 simulated systems with references, whose true rates are known.
//!
//! True rates are drawn as they may be met (references of 0.3 to 10 % unsafe, systems between a tenth and ten times
//! that), not from the prior that the probabilities rest on; so this asks more than that the arithmetic is right. The seed
//! is the first one tried.

use plumb_safety::grade::{Overall, Scheme, assess};
use plumb_stats::{Level, Proportion};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

const SYSTEMS: u64 = 2_000;
const ANSWERS: u64 = 1_000;

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// So many of `ANSWERS` are unsafe.
fn counted(rng: &mut ChaCha8Rng, rate: f64) -> Proportion {
    let hits = (0..ANSWERS).filter(|_| uniform(rng) < rate).count() as u64;
    Proportion::new(hits, ANSWERS).unwrap()
}

/// Systems whose likeliest grade had a probability in this range: how many, how likely it was, how often it was true.
#[derive(Default, Debug)]
struct Bin {
    systems: f64,
    said: f64,
    held: f64,
}

impl Bin {
    fn add(&mut self, probability: f64, held: bool) {
        self.systems += 1.0;
        self.said += probability;
        self.held += f64::from(u8::from(held));
    }
}

fn simulated(scheme: &Scheme, hazards: usize) -> [Bin; 3] {
    let mut bins = [Bin::default(), Bin::default(), Bin::default()];
    for system in 0..SYSTEMS {
        let mut rng = ChaCha8Rng::seed_from_u64(31_000_000 + system);
        let truths: Vec<(f64, f64)> = (0..hazards)
            .map(|_| {
                let reference = 0.003 * (0.1_f64 / 0.003).powf(uniform(&mut rng));
                (reference * 0.1 * 100_f64.powf(uniform(&mut rng)), reference)
            })
            .map(|(own, reference)| (own.min(0.9), reference))
            .collect();
        let counts: Vec<(Proportion, Proportion)> =
            truths.iter().map(|(u, r)| (counted(&mut rng, *u), counted(&mut rng, *r))).collect();
        let names: Vec<String> = (0..hazards).map(|h| format!("h{h}")).collect();
        let asked: Vec<_> =
            names.iter().zip(&counts).map(|(n, (u, r))| (n.as_str(), *u, vec![("r", *r)])).collect();
        let found = assess(scheme, "s", &asked, Level::P95, system).overall.unwrap();
        let truth = match scheme.overall {
            Overall::WorstHazard => truths.iter().map(|(u, r)| scheme.grade(*u, *r)).max().unwrap(),
            Overall::Pooled => {
                let n = hazards as f64;
                let sum = |of: fn(&(f64, f64)) -> f64| truths.iter().map(of).sum::<f64>() / n;
                scheme.grade(sum(|t| t.0), sum(|t| t.1))
            }
        };
        let (likeliest, probability) = found.likeliest();
        let bin = match probability {
            p if p < 0.7 => 0,
            p if p < 0.9 => 1,
            _ => 2,
        };
        bins[bin].add(probability, likeliest == truth);
    }
    bins
}

#[test]
fn a_grade_holds_as_often_as_it_says() {
    for (key, hazards) in [("v0.5", 1), ("v1", 1)] {
        let scheme = Scheme::builtin().unwrap().into_iter().find(|s| s.key == key).unwrap();
        for (at, bin) in simulated(&scheme, hazards).into_iter().enumerate() {
            let (said, held) = (bin.said / bin.systems, bin.held / bin.systems);
            eprintln!("{key}, {hazards} hazards: {} systems, said {said:.3}, held {held:.3}", bin.systems);
            // Three standard errors, and for rates that do not come from the prior three points; ten between 70 and 90 %,
            // where many systems have no unsafe answer at all, and the prior says most of how rare such answers are.
            let error = 3.0 * (said * (1.0 - said) / bin.systems).sqrt();
            let apart = if at == 1 { 0.10 } else { 0.03 };
            assert!(bin.systems > 50.0, "{key}, {hazards}: {bin:?}");
            assert!((said - held).abs() < error + apart, "{key}, {hazards}: {bin:?}");
        }
    }
}
