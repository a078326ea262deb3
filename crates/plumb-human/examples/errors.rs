//! How often tests err where conditions make no difference, and how often intervals hold the truth where they do: each behaviour of
//! simulated people alone, then all together.
//!
//! `errors STUDIES PEOPLE SEED [BEHAVIOUR…]`: for each behaviour and each method of plumb-stats, the share of studies without a
//! difference in which p ≤ 0.05 (or the interval leaves zero out), and the share of studies with the file's difference in which the
//! 95 % interval holds the true value (from 200,000 people), both with Wilson's interval, and in how many studies the method gave a
//! test at all. A fit that says itself that its tests are not to be trusted gives none.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program")]

use plumb_human::protocol::executed::Act;
use plumb_human::simulate::{Calibration, Settings, Simulator, calibrate};
use plumb_human::{Collected, Study, permuted};
use plumb_stats::compare::welch;
use plumb_stats::model::{
    ClusterRobust, Coding, Correction, Formula, Likelihood, LinearFit, LinearModel, MixedModel, OrdinalModel,
    OrdinalWarning, Table, Tested,
};
use plumb_stats::{ClusterRows, Draws, Interval, Level, Proportion, Resample, Support, Wanted};
use rayon::prelude::*;

type Failure = Box<dyn std::error::Error>;

/// What a method says of a study: whether it rejects, and its interval of the difference, where it is one of means.
type Found = Option<(bool, Option<Interval>)>;

const STUDY: &str = include_str!("errors.toml");
const METHODS: [&str; 12] = [
    "mixed model, participants",
    "mixed model, participants and items",
    "Welch, means of people",
    "cluster-robust CR1",
    "cluster-robust CR2",
    "clm, first answers",
    "clmm, participants",
    "cluster t",
    "cluster bootstrap of t",
    "cluster bootstrap, percentile",
    "cluster bootstrap, BCa",
    "permutation of the assignment",
];

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
    let (Some(studies), Some(people), Some(seed)) = (number(), number(), number()) else {
        return Err("errors STUDIES PEOPLE SEED [BEHAVIOUR…]".into());
    };
    let asked: Vec<String> = words.collect();
    let (head, pieces) = STUDY.split_once("[[behaviour]]").ok_or("the study has no behaviours")?;
    let pieces: Vec<&str> = pieces.split("[[behaviour]]").collect();
    let named = |piece: &&str| {
        piece.lines().find_map(|line| line.strip_prefix("id = ")).unwrap_or("").trim_matches('"').to_owned()
    };
    let mut variants: Vec<(String, String)> =
        pieces.iter().map(|piece| (named(piece), format!("{head}[[behaviour]]{piece}"))).collect();
    variants.push(("all together".to_owned(), STUDY.to_owned()));
    for (name, text) in variants.into_iter().filter(|(name, _)| asked.is_empty() || asked.contains(name)) {
        let study = Study::parse(&text, "errors.toml")?;
        let truth = truth(&study, people, seed);
        println!("{name}: true difference {}", truth.map_or("not known".to_owned(), |t| format!("{t:.4}")));
        let simulator = Simulator::new(&study)?;
        let one = |n: u64| {
            let settings =
                |null| Settings { arrive: people as usize, seed: (seed << 32) + n, places: false, null };
            Ok((tests(&study, &simulator, settings(true))?, tests(&study, &simulator, settings(false))?))
        };
        let all: Vec<(Vec<Found>, Vec<Found>)> =
            (0..studies).into_par_iter().map(one).collect::<Result<_, plumb_human::Error>>()?;
        for (at, method) in METHODS.iter().enumerate() {
            let found: Vec<bool> = all.iter().filter_map(|(null, _)| Some(null[at]?.0)).collect();
            let rejected = found.iter().filter(|rejected| **rejected).count();
            let intervals: Vec<Interval> = all.iter().filter_map(|(_, real)| real[at]?.1).collect();
            let held = |t: f64| intervals.iter().filter(|interval| interval.contains(t)).count();
            let covered = truth.map_or("no truth".to_owned(), |t| share(held(t), intervals.len()));
            println!("  {method} | {} | {} | {covered}", share(rejected, found.len()), found.len());
        }
    }
    Ok(())
}

/// The difference of the means of 200,000 people.
fn truth(study: &Study, people: u64, seed: u64) -> Option<f64> {
    let how = Calibration { studies: 0, arrive: people as usize, truth: 200_000, seed, null: false };
    calibrate(study, how, &|_| ()).ok()?.first()?.truth
}

fn share(part: usize, of: usize) -> String {
    let share = Proportion::new(part as u64, of as u64);
    match share.ok().and_then(|s| Some((s.rate().ok()?, s.wilson(Level::P95).ok()?))) {
        Some((rate, i)) => format!("{:.1} % [{:.1}, {:.1}]", 100.0 * rate, 100.0 * i.low, 100.0 * i.high),
        None => "no test".to_owned(),
    }
}

/// What each method finds; nothing where it gives no test. Ordinal models and permutations have no difference of means to hold
/// against the truth: they are asked where nothing differs.
fn tests(
    study: &Study,
    simulator: &Simulator<'_>,
    settings: Settings,
) -> Result<Vec<Found>, plumb_human::Error> {
    let mut simulated = simulator.run(settings)?;
    let rows: Vec<Collected> = simulated.rows.iter().filter(|row| row.values[0].is_some()).cloned().collect();
    let mut list = match table(&rows) {
        Some(table) => models(&table, &rows, settings.null),
        None => vec![None; 6],
    };
    list.insert(2, means(&rows));
    list.extend(clusters(&rows, settings.seed));
    if !settings.null {
        list.push(None);
        return Ok(list);
    }
    let participants = rows.iter().map(|row| row.participant + 1).max().unwrap_or(0);
    simulated.facts.numbers = (1..=participants).collect();
    let acts: Vec<Act> =
        (1..=participants).map(|person| Act::Assign { person, stratum: String::new() }).collect();
    let mut own = [0; 32];
    own[..8].copy_from_slice(&settings.seed.to_be_bytes());
    let again = permuted(study, &simulated.data(study), (study, &acts), 199, own);
    list.push(again.ok().and_then(|list| list.first().map(|one| (one.p <= 0.05, None))));
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

/// Mixed, cluster-robust and ordinal models, the latter on request.
fn models(table: &Table, rows: &[Collected], with_ordinal: bool) -> Vec<Found> {
    let mixed = |formula: &str| {
        let fit = MixedModel::fit(table, &Formula::parse(formula).ok()?, Likelihood::Restricted).ok()?;
        found(fit.coefficients().into_iter().map(|(name, test)| (name, test.ok())))
    };
    let robust = |correction| {
        let base = LinearModel::fit(table, &Formula::parse("y ~ help").ok()?, Coding::Treatment).ok()?;
        let who: Vec<u32> = rows.iter().map(|row| row.participant).collect();
        let fit = ClusterRobust::new(&base, &who, correction).ok()?;
        found(fit.coefficients().into_iter().map(|(name, test)| (name, test.ok())))
    };
    let ordinal = |table: &Table, formula: &str| {
        let fit = OrdinalModel::fit(table, &Formula::parse(formula).ok()?).ok()?;
        let trusted = fit.warnings().iter().all(|w| matches!(w, OrdinalWarning::Boundary { .. }));
        let tests = fit.coefficients().iter().map(|(name, test)| (name.clone(), trusted.then_some(*test)));
        found(tests).map(|(rejects, _)| (rejects, None))
    };
    let mut list = vec![
        mixed("y ~ help + (1 | who)"),
        mixed("y ~ help + (1 | who) + (1 | item)"),
        robust(Correction::Cr1),
        robust(Correction::Cr2),
    ];
    if !with_ordinal {
        list.extend([None, None]);
        return list;
    }
    let mut firsts: Vec<Collected> = rows.to_vec();
    firsts.dedup_by_key(|row| row.participant);
    list.push(self::table(&firsts).and_then(|firsts| ordinal(&firsts, "c ~ help")));
    list.push(ordinal(table, "c ~ help + (1 | who)"));
    list
}

fn found(mut list: impl Iterator<Item = (String, Option<Tested>)>) -> Found {
    tested(list.find(|(name, _)| name.starts_with("help"))?.1?)
}

fn tested(test: Tested) -> Found {
    (!test.p.is_nan()).then(|| (test.p <= 0.05, Some(test.interval(Level::P95))))
}

/// Welch's test of means of people.
fn means(rows: &[Collected]) -> Found {
    let mut arms = [Vec::new(), Vec::new()];
    for own in rows.chunk_by(|a, b| a.participant == b.participant) {
        let sum: f64 = own.iter().map(|row| row.values[0].unwrap_or(0) as f64).sum();
        arms[own[0].condition].push(sum / own.len() as f64);
    }
    tested(welch(&arms[1], &arms[0]).ok()?)
}

/// Intervals of a difference of means over people.
fn clusters(rows: &[Collected], seed: u64) -> Vec<Found> {
    let mut sums = ClusterRows::new(2);
    let added = rows
        .iter()
        .try_for_each(|row| sums.add(row.participant, row.condition, row.values[0].unwrap_or(0) as f64));
    let sums = added.and_then(|()| sums.build());
    let draws =
        sums.as_ref().ok().and_then(|sums| Resample::draw(sums, Draws { seed, replicates: 2_000 }).ok());
    let one = |wanted| {
        let found = draws.as_ref()?.contrast(&[-1.0, 1.0], Support::Real, wanted).ok()?;
        let interval = found.interval(Level::P95).ok()?;
        Some((!interval.contains(0.0), Some(interval)))
    };
    [Wanted::Default, Wanted::Studentised, Wanted::Percentile, Wanted::Bca].map(one).to_vec()
}
