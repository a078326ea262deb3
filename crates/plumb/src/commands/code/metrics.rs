//! `plumb code metrics`: similarity of candidates to references, from a table of pairs or two files.

use super::{SEED, bytes, wrong};
use crate::cli::CodeMetrics;
use crate::exit::{Exit, Problem, say};
use plumb_code::Metric;
use plumb_code::extract::{Which, extract};
use plumb_code::pairs::{Columns, Form, Pair, Scores, read_pairs, score_pairs};
use plumb_stats::{Draws, Level};
use serde_json::{Map, Value, json};
use std::path::Path;

pub fn run(args: &CodeMetrics) -> Result<Exit, Problem> {
    let metrics = chosen(&args.metrics)?;
    let mut pairs = match &args.with {
        Some(candidate) => vec![Pair {
            id: candidate.display().to_string(),
            cluster: None,
            reference: text(&args.file)?,
            candidate: text(candidate)?,
            others: Vec::new(),
        }],
        None => table(args)?,
    };
    if args.fenced {
        for pair in &mut pairs {
            pair.candidate = extract(&pair.candidate, args.language.as_deref(), Which::First).code;
        }
    }
    let scores = score_pairs(&pairs, &metrics, Draws::seeded(SEED)).map_err(wrong)?;
    if let Some(out) = &args.out {
        write(&pairs, &scores, out)?;
    }
    if args.json {
        say(as_json(&pairs, &scores));
        return Ok(Exit::Done);
    }
    say(shown(&scores, pairs.len()).trim_end());
    if let Some(out) = &args.out {
        say(format_args!("{}: {} rows", out.display(), pairs.len()));
    }
    Ok(Exit::Done)
}

fn chosen(names: &[String]) -> Result<Vec<Metric>, Problem> {
    if names.iter().any(|name| name == "all") {
        return Ok(Metric::ALL.to_vec());
    }
    let one = |name: &String| {
        Metric::parse(name).ok_or_else(|| {
            let known = Metric::ALL.map(Metric::name).join(", ");
            Problem::usage(format!("there is no metric \"{name}\"")).help(format!("all, or some of {known}"))
        })
    };
    names.iter().map(one).collect()
}

fn text(path: &Path) -> Result<String, Problem> {
    String::from_utf8(bytes(path)?).map_err(|_| Problem::usage(format!("{}: not UTF-8", path.display())))
}

fn table(args: &CodeMetrics) -> Result<Vec<Pair>, Problem> {
    let name = args.file.display().to_string();
    let form = match name.strip_suffix(".gz").unwrap_or(&name).rsplit('.').next() {
        Some("csv") => Form::Csv,
        Some("jsonl") => Form::JsonLines,
        _ => {
            return Err(Problem::usage(format!("{name}: not a table of pairs"))
                .help("give a .csv or .jsonl file (or .gz of one), or two files: reference and candidate"));
        }
    };
    let columns = Columns {
        reference: &args.reference,
        candidate: &args.candidate,
        id: args.id.as_deref(),
        cluster: args.cluster.as_deref(),
    };
    read_pairs(&bytes(&args.file)?, &name, form, columns).map_err(|error| {
        let error = wrong(error);
        // Of a line that cannot be read, columns are not the fault.
        let columns = error.message.contains("is missing") || error.message.contains("there is no column");
        if columns {
            error.help("--reference and --candidate say which columns hold the texts")
        } else {
            error
        }
    })
}

/// Between what its values lie; smoothed BLEU of short texts may exceed 1.
fn range(metric: Metric) -> String {
    if metric.most().is_finite() { format!("0–{}", metric.top()) } else { "0 up".to_owned() }
}

/// One line a metric.
fn shown(scores: &[Scores], pairs: usize) -> String {
    let wide = scores.iter().map(|score| score.metric.name().len()).max().unwrap_or(0).max(14);
    let mut out = format!(
        "{:<wide$}  {:>5}  {:>8}  {:<20}  {:>8}  {:>8}  {:>8}\n",
        "metric", "range", "mean", "95 % interval", "median", "least", "most"
    );
    for score in scores {
        let sorted = score.sorted();
        let number = |x: Option<f64>| x.map_or("none".to_owned(), |x| format!("{x:.4}"));
        let interval = match score.mean.interval(Level::P95) {
            Ok(i) => format!("[{:.4}, {:.4}]", i.low, i.high),
            Err(_) => "none".to_owned(),
        };
        let line = format!(
            "{:<wide$}  {:>5}  {:>8}  {interval:<20}  {:>8}  {:>8}  {:>8}",
            score.metric.name(),
            range(score.metric),
            number(score.mean.estimate().ok()),
            number(median(&sorted)),
            number(sorted.first().copied()),
            number(sorted.last().copied()),
        );
        out.push_str(line.trim_end());
        if let Some(why) = score.values.iter().find_map(|v| v.as_ref().err()) {
            out.push_str(&format!("  {} without a value: {why}", score.values.len() - sorted.len()));
        }
        out.push('\n');
    }
    let of = scores.first().map_or(0, |s| s.mean.clusters());
    out.push_str(&format!("{pairs} pairs in {of} clusters\n"));
    out
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

fn as_json(pairs: &[Pair], scores: &[Scores]) -> Value {
    let summaries: Vec<Value> = scores.iter().map(summary).collect();
    let rows: Vec<Value> = pairs
        .iter()
        .enumerate()
        .map(|(at, pair)| {
            let mut values = Map::new();
            for score in scores {
                let value = match &score.values[at] {
                    Ok(value) => json!(value),
                    Err(why) => json!({ "undefined": why.to_string() }),
                };
                values.insert(score.metric.name().to_owned(), value);
            }
            json!({ "id": pair.id, "values": values })
        })
        .collect();
    json!({ "pairs": pairs.len(), "metrics": summaries, "rows": rows })
}

fn summary(score: &Scores) -> Value {
    let sorted = score.sorted();
    let mut out = Map::new();
    out.insert("metric".into(), json!(score.metric.name()));
    out.insert("top".into(), json!(score.metric.top()));
    out.insert("n".into(), json!(sorted.len()));
    out.insert("undefined".into(), json!(score.values.len() - sorted.len()));
    out.insert("clusters".into(), json!(score.mean.clusters()));
    if let Ok(mean) = score.mean.estimate() {
        out.insert("mean".into(), json!(mean));
        out.insert("median".into(), json!(median(&sorted)));
        out.insert("least".into(), json!(sorted.first()));
        out.insert("most".into(), json!(sorted.last()));
    }
    match (score.mean.interval(Level::P95), score.mean.method()) {
        (Ok(i), Ok(method)) => {
            let interval =
                json!({ "low": i.low, "high": i.high, "level": 0.95, "method": method.to_string() });
            out.insert("interval".into(), interval);
        }
        (Err(why), _) | (_, Err(why)) => {
            out.insert("no_interval".into(), json!(why.to_string()));
        }
    }
    Value::Object(out)
}

/// Writes a row a pair: its name, its other columns as they were given, its values; one that is undefined is an empty field.
fn write(pairs: &[Pair], scores: &[Scores], out: &Path) -> Result<(), Problem> {
    let failed = |e: csv::Error| Problem::new(format!("{}: {e}", out.display()));
    let mut writer = csv::Writer::from_path(out).map_err(failed)?;
    let mut others: Vec<&str> = Vec::new();
    for (name, _) in pairs.iter().flat_map(|pair| &pair.others) {
        if !others.contains(&name.as_str()) {
            others.push(name);
        }
    }
    let taken = |name: &str| name == "id" || scores.iter().any(|s| s.metric.name() == name);
    let named = |name: &&str| if taken(name) { format!("given.{name}") } else { (*name).to_owned() };
    let names = scores.iter().map(|s| s.metric.name().to_owned());
    let header = std::iter::once("id".to_owned()).chain(others.iter().map(named)).chain(names);
    writer.write_record(header).map_err(failed)?;
    for (at, pair) in pairs.iter().enumerate() {
        let given = others.iter().map(|name| {
            let found = pair.others.iter().find(|(other, _)| other == name);
            found.map_or(String::new(), |(_, value)| value.clone())
        });
        let values = scores.iter().map(|s| s.values[at].as_ref().map_or(String::new(), f64::to_string));
        writer.write_record(std::iter::once(pair.id.clone()).chain(given).chain(values)).map_err(failed)?;
    }
    writer.flush().map_err(Problem::io(out))
}
