//! How often tests err where conditions make no difference, and how often intervals hold the truth where they do: each behaviour of
//! simulated people alone, then all together.
//!
//! `errors STUDIES PEOPLE SEED`: prints, for each behaviour, coverage of the planned model's 95 % interval against the true value (from
//! 200,000 people), and for each method of plumb-stats the share of studies without a difference in which p ≤ 0.05 (or the interval
//! leaves zero out), with Wilson's interval, and in how many studies it gave a test at all.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program")]

use plumb_human::protocol::executed::Act;
use plumb_human::simulate::{Calibration, Settings, Simulator, calibrate};
use plumb_human::{Collected, Study, permuted};
use plumb_stats::compare::welch;
use plumb_stats::model::{
    ClusterRobust, Coding, Correction, Formula, Likelihood, LinearFit, LinearModel, MixedModel, OrdinalModel,
    Table,
};
use plumb_stats::{ClusterRows, Draws, Level, Proportion, Resample, Support, Wanted};
use rayon::prelude::*;

type Failure = Box<dyn std::error::Error>;

const STUDY: &str = include_str!("errors.toml");
const METHODS: [&str; 11] = [
    "mixed model, participants",
    "mixed model, participants and items",
    "Welch, means of people",
    "cluster-robust CR1",
    "cluster-robust CR2",
    "clm, first answers",
    "clmm, participants",
    "cluster bootstrap, percentile",
    "cluster bootstrap, BCa",
    "cluster t",
    "permutation of the assignment",
];

fn main() -> Result<(), Failure> {
    let words: Vec<u64> = std::env::args().skip(1).map(|w| w.parse()).collect::<Result<_, _>>()?;
    let [studies, people, seed] = words[..] else { return Err("errors STUDIES PEOPLE SEED".into()) };
    let (head, pieces) = STUDY.split_once("[[behaviour]]").ok_or("the study has no behaviours")?;
    let pieces: Vec<&str> = pieces.split("[[behaviour]]").collect();
    let named = |piece: &&str| {
        piece.lines().find_map(|line| line.strip_prefix("id = ")).unwrap_or("").trim_matches('"').to_owned()
    };
    let mut variants: Vec<(String, String)> =
        pieces.iter().map(|piece| (named(piece), format!("{head}[[behaviour]]{piece}"))).collect();
    variants.push(("all together".to_owned(), STUDY.to_owned()));
    for (name, text) in variants {
        let study = Study::parse(&text, "errors.toml")?;
        println!("{name}");
        coverage(&study, studies, people, seed);
        let simulator = Simulator::new(&study)?;
        let one = |n: u64| {
            let settings =
                Settings { arrive: people as usize, seed: (seed << 32) + n, places: false, null: true };
            tests(&study, &simulator, settings)
        };
        let all: Vec<Vec<Option<bool>>> =
            (0..studies).into_par_iter().map(one).collect::<Result<_, plumb_human::Error>>()?;
        for (at, method) in METHODS.iter().enumerate() {
            let found: Vec<bool> = all.iter().filter_map(|study| study[at]).collect();
            let rejected = found.iter().filter(|rejected| **rejected).count();
            println!("  {method}: {} of {} studies", share(rejected, found.len()), found.len());
        }
    }
    Ok(())
}

fn coverage(study: &Study, studies: u64, people: u64, seed: u64) {
    let how =
        Calibration { studies: studies as usize, arrive: people as usize, truth: 200_000, seed, null: false };
    match calibrate(study, how, &|_| ()) {
        Ok(list) => {
            for one in list {
                let (held, of) = (one.covered.successes(), one.covered.trials());
                let truth = one.truth.map_or("none".to_owned(), |t| format!("{t:.4}"));
                println!(
                    "  {}: true value {truth}, mean estimate {:.4}, interval holds it: {}",
                    one.id,
                    one.mean,
                    share(held as usize, of as usize)
                );
            }
        }
        Err(why) => println!("  planned model: no test: {why}"),
    }
}

fn share(part: usize, of: usize) -> String {
    let share = Proportion::new(part as u64, of as u64);
    match share.ok().and_then(|s| Some((s.rate().ok()?, s.wilson(Level::P95).ok()?))) {
        Some((rate, i)) => format!("{:.1} % [{:.1}, {:.1}]", 100.0 * rate, 100.0 * i.low, 100.0 * i.high),
        None => "no test".to_owned(),
    }
}

/// For each method whether it rejects; nothing where it gives no test.
fn tests(
    study: &Study,
    simulator: &Simulator<'_>,
    settings: Settings,
) -> Result<Vec<Option<bool>>, plumb_human::Error> {
    let mut simulated = simulator.run(settings)?;
    let rows: Vec<Collected> = simulated.rows.iter().filter(|row| row.values[0].is_some()).cloned().collect();
    let mut list = match table(&rows) {
        Some(table) => models(&table, &rows),
        None => vec![None; 7],
    };
    list.insert(2, means(&rows));
    list.extend(clusters(&rows, settings.seed));
    let participants = rows.iter().map(|row| row.participant + 1).max().unwrap_or(0);
    simulated.facts.numbers = (1..=participants).collect();
    let acts: Vec<Act> =
        (1..=participants).map(|person| Act::Assign { person, stratum: String::new() }).collect();
    let mut own = [0; 32];
    own[..8].copy_from_slice(&settings.seed.to_be_bytes());
    let again = permuted(study, &simulated.data(study), &acts, 199, own);
    list.push(again.ok().and_then(|list| list.first().map(|one| one.p <= 0.05)));
    Ok(list)
}

fn table(rows: &[Collected]) -> Option<Table> {
    let names = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<String>>();
    let codes = |pick: &dyn Fn(&Collected) -> u32| rows.iter().map(pick).collect::<Vec<u32>>();
    let people = names(rows.iter().map(|row| row.participant as usize + 1).max().unwrap_or(0));
    Table::new(rows.len())
        .numeric("y", rows.iter().map(|row| row.values[0].unwrap_or(0) as f64).collect())
        .and_then(|t| t.coded("c", &names(5), codes(&|row| row.values[1].map_or(0, |c| c as u32 - 1))))
        .and_then(|t| t.coded("who", &people, codes(&|row| row.participant)))
        .and_then(|t| t.coded("item", &names(5), codes(&|row| row.item as u32)))
        .and_then(|t| t.coded("help", &names(2), codes(&|row| row.condition as u32)))
        .ok()
}

/// Mixed, cluster-robust and ordinal models.
fn models(table: &Table, rows: &[Collected]) -> Vec<Option<bool>> {
    let mixed = |formula: &str| {
        let fit = MixedModel::fit(table, &Formula::parse(formula).ok()?, Likelihood::Restricted).ok()?;
        rejects(fit.coefficients().into_iter().map(|(name, test)| (name, test.ok())))
    };
    let robust = |correction| {
        let base = LinearModel::fit(table, &Formula::parse("y ~ help").ok()?, Coding::Treatment).ok()?;
        let who: Vec<u32> = rows.iter().map(|row| row.participant).collect();
        let fit = ClusterRobust::new(&base, &who, correction).ok()?;
        rejects(fit.coefficients().into_iter().map(|(name, test)| (name, test.ok())))
    };
    let ordinal = |table: &Table, formula: &str| {
        let fit = OrdinalModel::fit(table, &Formula::parse(formula).ok()?).ok()?;
        rejects(fit.coefficients().iter().map(|(name, test)| (name.clone(), Some(*test))))
    };
    let mut firsts: Vec<Collected> = rows.to_vec();
    firsts.dedup_by_key(|row| row.participant);
    vec![
        mixed("y ~ help + (1 | who)"),
        mixed("y ~ help + (1 | who) + (1 | item)"),
        robust(Correction::Cr1),
        robust(Correction::Cr2),
        self::table(&firsts).and_then(|firsts| ordinal(&firsts, "c ~ help")),
        ordinal(table, "c ~ help + (1 | who)"),
    ]
}

fn rejects(mut list: impl Iterator<Item = (String, Option<plumb_stats::model::Tested>)>) -> Option<bool> {
    let test = list.find(|(name, _)| name.starts_with("help"))?.1?;
    (!test.p.is_nan()).then_some(test.p <= 0.05)
}

/// Welch's test of means of people.
fn means(rows: &[Collected]) -> Option<bool> {
    let mut arms = [Vec::new(), Vec::new()];
    for own in rows.chunk_by(|a, b| a.participant == b.participant) {
        let sum: f64 = own.iter().map(|row| row.values[0].unwrap_or(0) as f64).sum();
        arms[own[0].condition].push(sum / own.len() as f64);
    }
    let test = welch(&arms[0], &arms[1]).ok()?;
    (!test.p.is_nan()).then_some(test.p <= 0.05)
}

/// Intervals of a difference of means over people.
fn clusters(rows: &[Collected], seed: u64) -> Vec<Option<bool>> {
    let one = |wanted| {
        let mut sums = ClusterRows::new(2);
        for row in rows {
            sums.add(row.participant, row.condition, row.values[0]? as f64).ok()?;
        }
        let sums = sums.build().ok()?;
        let draws = Resample::draw(&sums, Draws { seed, replicates: 500 }).ok()?;
        let found = draws.contrast(&[-1.0, 1.0], Support::Real, wanted).ok()?;
        found.interval(Level::P95).ok().map(|interval| !interval.contains(0.0))
    };
    [Wanted::Percentile, Wanted::Bca, Wanted::ClusterT].map(one).to_vec()
}
