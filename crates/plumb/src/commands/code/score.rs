//! `plumb code score`: pass@k of results, and the difference of two.

use super::{SEED, bytes, wrong};
use crate::cli::CodeScore as Args;
use crate::exit::{Exit, Problem, say};
use crate::show::style;
use plumb_code::results::{Paired, Tally, Which, paired};
use plumb_report::document_terminal;
use plumb_stats::{Draws, Inference, Level};
use plumb_study::document::{Cell, Document, Table};
use plumb_study::method::{Unit, Value as Known};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Replicates for the intervals over both levels: their standard error needs fewer than a tail does.
const BOTH: Draws = Draws { seed: SEED, replicates: 2_000 };
/// The k that are shown unless others are asked for.
const USUAL: [u64; 3] = [1, 10, 100];

pub fn run(args: &Args) -> Result<Exit, Problem> {
    let first = read(&args.results)?;
    enough(args, &args.results, &first)?;
    let (document, json) = match &args.other {
        None => single(args, &first)?,
        Some(other) => compared(args, &first, &read(other)?)?,
    };
    if args.json {
        say(json);
    } else {
        say(document_terminal(&document, style()).trim_end());
    }
    Ok(Exit::Done)
}

/// Whether all problems have the samples that the k need; a smaller k is the caller's choice. Of two files, those that are in
/// both decide, later.
fn enough(args: &Args, path: &Path, counted: &[Counted]) -> Result<(), Problem> {
    let Some(k) = args.k.iter().max().filter(|_| args.other.is_none()) else { return Ok(()) };
    for Counted { tally, .. } in counted {
        let all = tally.problems.len();
        let few = tally.problems.iter().filter(|(_, counts)| counts.samples < *k);
        let Some((name, least)) = few.clone().min_by_key(|(_, counts)| counts.samples) else { continue };
        let (few, least) = (few.count(), least.samples);
        return Err(Problem::usage(format!(
            "{}: pass@{k} needs {k} samples of each problem; {few} of {all} problems have fewer, {name} has {least}",
            path.display()
        ))
        .help(match least {
            0 => "run samples of every problem until they have a verdict".to_owned(),
            least => format!("--k takes {least} at most here"),
        }));
    }
    Ok(())
}

/// One way to count a file.
struct Counted {
    /// `raw`, `repaired`, or the name of a suite.
    name: &'static str,
    tally: Tally,
}

fn read(path: &Path) -> Result<Vec<Counted>, Problem> {
    let (bytes, name) = (bytes(path)?, path.display().to_string());
    let ways = [
        ("raw", Which::Raw),
        ("repaired", Which::Repaired),
        ("base", Which::Suite("base")),
        ("plus", Which::Suite("plus")),
    ];
    let mut found = Vec::new();
    for (way, which) in ways {
        if let Some(tally) = Tally::read(&bytes, &name, which).map_err(wrong)? {
            found.push(Counted { name: way, tally });
        }
    }
    if found.iter().all(|counted| counted.tally.counts().is_empty()) {
        return Err(Problem::usage(format!("{name}: there is no sample with a verdict")));
    }
    Ok(found)
}

fn ks(args: &Args, least: u64) -> Vec<u64> {
    if args.k.is_empty() { USUAL.into_iter().filter(|k| *k <= least).collect() } else { args.k.clone() }
}

fn known(of: &Inference) -> Known {
    match (of.estimate(), of.interval(Level::P95)) {
        (Ok(estimate), Ok(i)) => {
            Known::Interval { estimate, low: i.low, high: i.high, level: Level::P95.get() }
        }
        (Ok(estimate), Err(why)) => Known::Point { estimate, reason: why.to_string().into() },
        (Err(why), _) => Known::Undefined(why.to_string().into()),
    }
}

fn number(of: &Known) -> Value {
    match of {
        Known::Interval { estimate, low, high, level } => {
            json!({ "estimate": estimate, "low": low, "high": high, "level": level })
        }
        Known::Point { estimate, reason } => json!({ "estimate": estimate, "no_interval": reason }),
        Known::Undefined(why) => json!({ "undefined": why }),
    }
}

fn single(args: &Args, counted: &[Counted]) -> Result<(Document, Value), Problem> {
    let mut document = Document::new("Functional correctness", args.results.display().to_string());
    let mut json = Map::new();
    for Counted { name, tally } in counted {
        let (table, of) = scored(args, tally)?;
        let counts = tally.counts();
        let samples: u64 = counts.iter().map(|c| c.samples).sum();
        let correct: u64 = counts.iter().map(|c| c.correct).sum();
        let section = document.section(*name);
        section.prose(format!("{} problems · {samples} samples · {correct} passed", counts.len()));
        section.table(table);
        for (why, n) in &tally.undecided {
            section.note(match n {
                1 => format!("One sample has no verdict ({why}); it counts neither way."),
                n => format!("{n} samples have no verdict ({why}); they count neither way."),
            });
        }
        for (why, n) in &tally.uncounted {
            let whose = if *n == 1 { "one sample".to_owned() } else { format!("{n} samples") };
            section.note(format!("Tests of {whose} are not counted: {why}."));
        }
        json.insert((*name).into(), of);
    }
    Ok((document, Value::Object(json)))
}

fn scored(args: &Args, tally: &Tally) -> Result<(Table, Value), Problem> {
    let mut table = Table::new("", &["", "over problems", "over problems and samples"]);
    let mut of = Map::new();
    let counts = tally.counts();
    of.insert("problems".into(), json!(counts.len()));
    of.insert("samples".into(), json!(counts.iter().map(|c| c.samples).sum::<u64>()));
    of.insert("passed".into(), json!(counts.iter().map(|c| c.correct).sum::<u64>()));
    of.insert("undecided".into(), json!(tally.undecided));
    of.insert("verdicts".into(), json!(tally.verdicts));
    for k in ks(args, tally.least_samples()) {
        let over = tally.pass_at_k(k, Draws::seeded(SEED)).map_err(wrong)?;
        let value = known(&over);
        let both = tally.both_levels(k, BOTH).map_err(wrong)?;
        let both = match both.interval(Level::P95) {
            Some(i) => {
                Known::Interval { estimate: both.estimate, low: i.low, high: i.high, level: Level::P95.get() }
            }
            None => Known::Point { estimate: both.estimate, reason: "nothing varies".into() },
        };
        table.row([
            Cell::text(format!("pass@{k}")),
            Cell::Value(value.clone(), Unit::Number),
            Cell::Value(both.clone(), Unit::Number),
        ]);
        let method = over.method().map_or_else(|why| why.to_string(), |method| method.to_string());
        of.insert(
            format!("pass@{k}"),
            json!({ "over_problems": number(&value), "method": method, "over_both": number(&both) }),
        );
    }
    if let Some(partial) = tally.partial(Draws::seeded(SEED)).map_err(wrong)? {
        let value = known(&partial);
        of.insert("tests_held".into(), number(&value));
        table.row([Cell::text("tests held"), Cell::Value(value, Unit::Number)]);
    }
    of.insert("tests_uncounted".into(), json!(tally.uncounted));
    Ok((table, Value::Object(of)))
}

fn compared(args: &Args, first: &[Counted], second: &[Counted]) -> Result<(Document, Value), Problem> {
    let other = args.other.as_ref().map_or_else(String::new, |path| path.display().to_string());
    let mut document =
        Document::new("Comparison of results", format!("{other} against {}", args.results.display()));
    document.about = Some("Differences are the second file's value less the first's.".into());
    let mut json = Map::new();
    let other_of = |name: &str| second.iter().find(|counted| counted.name == name);
    let shares = |of: &Counted| {
        let theirs = other_of(of.name).map_or(&[][..], |other| other.tally.problems.as_slice());
        of.tally.problems.iter().any(|(name, _)| theirs.iter().any(|(other, _)| other == name))
    };
    if !first.iter().any(shares) {
        let some =
            |of: &[Counted]| of.iter().flat_map(|c| &c.tally.problems).next().map(|(name, _)| name.clone());
        let (one, two) = (some(first).unwrap_or_default(), some(second).unwrap_or_default());
        return Err(Problem::usage(format!(
            "no problem is in both files: {} has {one}, {other} has {two}",
            args.results.display()
        )));
    }
    for Counted { name, tally } in first {
        let Some(other) = other_of(name) else { continue };
        let least = tally.least_samples().min(other.tally.least_samples());
        let mut table = Table::new("", &["", "difference", "gained", "lost"]);
        let mut of = Map::new();
        let mut last: Option<Paired> = None;
        for k in ks(args, least) {
            let pair = paired(tally, &other.tally, k, Draws::seeded(SEED)).map_err(wrong)?;
            let value = known(&pair.difference);
            table.row([
                Cell::text(format!("pass@{k}")),
                Cell::Value(value.clone(), Unit::Number),
                Cell::Count(pair.gained.len() as u64),
                Cell::Count(pair.lost.len() as u64),
            ]);
            of.insert(format!("pass@{k}"), number(&value));
            last = Some(pair);
        }
        let Some(pair) = last else { continue };
        let section = document.section(*name);
        section.prose(format!("{} problems are in both files.", pair.problems));
        section.table(table);
        for (what, names) in [
            ("Solved by the second alone", &pair.gained),
            ("Solved by the first alone", &pair.lost),
            ("In one file alone, and left out", &pair.alone),
        ] {
            if !names.is_empty() {
                section.prose(format!("{what}: {}", names.join(", ")));
            }
        }
        of.insert("problems".into(), json!(pair.problems));
        of.insert("gained".into(), json!(pair.gained));
        of.insert("lost".into(), json!(pair.lost));
        of.insert("alone".into(), json!(pair.alone));
        json.insert((*name).into(), Value::Object(of));
    }
    Ok((document, Value::Object(json)))
}
