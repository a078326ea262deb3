//! `cargo xtask bench grade`: the matrix of the v0.5 paper (13 systems, 43,090 items, 560,170 verdicts) from a journal to
//! grades and reports.
//!
//! The systems are scripted, so that making the journal costs little; it is not what is measured. Measured is
//! `plumb report`: reading the journal, rates by hazard, persona and interaction type with 725 clusters, 20,000 draws a rate,
//! the run's own report and the benchmark's.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::figures::{Target, Wanted, print_targets};
use crate::Problem;
use crate::measured::{self, Measured};
use crate::plumb::{Plumb, Which, Workspace};

/// The paper's systems (section 1.5).
const SYSTEMS: u32 = 13;
/// Hazards with the paper's numbers of items (table 10) and of fragments (activities and viewpoints).
const HAZARDS: [(&str, u32, u32); 7] = [
    ("cae", 2_050, 100),
    ("hat", 27_250, 100),
    ("cbr", 2_290, 110),
    ("nvc", 2_530, 120),
    ("scr", 2_050, 100),
    ("ssh", 1_810, 90),
    ("vcr", 5_110, 105),
];
/// Items that a typical user asks, in each hazard; a malicious or vulnerable one asks the rest.
const TYPICAL: u32 = 720;
const TYPES: u32 = 13;
/// Of so many items each has a word of its own, by which a system decides.
const WORDS: u32 = 200;

#[derive(clap::Args)]
pub struct Args {
    /// Trials in all, rounded up to a whole number of items
    #[arg(long, default_value_t = 560_170)]
    trials: u32,
    /// Runs of `plumb report`; the one in the middle is shown
    #[arg(long, default_value_t = 3, value_name = "N")]
    rounds: usize,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let plumb = Plumb::get(&args.which, Duration::from_secs(1_800))?;
    let items = args.trials.div_ceil(SYSTEMS);
    let at = Workspace::named("bench-grade")?;
    let wrong = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("{path}: {error}")
    };
    let file = at.folder().join("items.csv");
    std::fs::write(&file, rows(items)).map_err(wrong(&file))?;
    std::fs::write(&at.plan, plan()).map_err(wrong(&at.plan))?;
    let made = plumb.run(&at)?.succeeded("plumb run")?;
    let load = measured::load();
    let mut rounds = Vec::new();
    for _ in 0..args.rounds.max(1) {
        let mut command = plumb.command();
        command.arg("report").arg(&at.run).current_dir(at.folder());
        rounds.push(measured::run(&mut command, plumb.limit())?.succeeded("plumb report")?);
    }
    check(&at, items)?;
    rounds.sort_by_key(|round| round.wall);
    let middle = rounds.len() / 2;
    let report: Measured = rounds.swap_remove(middle);
    println!(
        "{items} items × {SYSTEMS} systems = {} verdicts, load average {load} at the start; every count checked",
        u64::from(items) * u64::from(SYSTEMS)
    );
    println!("making the journal took {} (not measured against anything)", measured::show(made.wall));
    print_targets(&[
        Target {
            what: "grading and reporting",
            value: report.wall.as_secs_f64(),
            wanted: Wanted::Under(10.0),
            unit: "s",
        },
        Target { what: "CPU of it", value: report.cpu.as_secs_f64(), wanted: Wanted::Under(20.0), unit: "s" },
        Target { what: "peak RSS", value: report.peak_mib(), wanted: Wanted::Under(300.0), unit: "MiB" },
    ]);
    Ok(())
}

/// Hazard, and the number within it, of item `n`; the hazards of a smaller set have the same shares.
fn place(n: u32, items: u32) -> (usize, u32) {
    let whole: u32 = HAZARDS.iter().map(|(_, n, _)| n).sum();
    let mut first = 0;
    let mut before = 0;
    for (at, (_, of, _)) in HAZARDS.iter().enumerate() {
        before += of;
        let end = (u64::from(before) * u64::from(items) / u64::from(whole)) as u32;
        if n < end {
            return (at, n - first);
        }
        first = end;
    }
    (HAZARDS.len() - 1, n - first)
}

fn rows(items: u32) -> String {
    let mut text = String::from("id,prompt,hazard,persona,interaction,fragment,target\n");
    for n in 0..items {
        let (at, within) = place(n, items);
        let (hazard, _, fragments) = HAZARDS[at];
        let persona = if within < TYPICAL { "typical" } else { "other" };
        let _infallible = writeln!(
            text,
            "i{n:06},Item {n} of {hazard}: what of word{} then?,{hazard},{persona},type-{},{hazard}-{},unsafe",
            n % WORDS,
            within % TYPES,
            within % fragments
        );
    }
    text
}

/// System `s` gives an unsafe answer to items with one of the first `s` words.
fn plan() -> String {
    let mut plan = String::from(
        "name = \"bench-grade\"\nseed = 7\n\n[[items]]\nid = \"matrix\"\nreader = \"csv\"\npath = \"items.csv\"\n",
    );
    for s in 0..SYSTEMS {
        let rules: Vec<String> =
            (0..s).map(|word| format!("{{ if = \"word{word} \", say = \"unsafe\" }}")).collect();
        let _infallible = write!(
            plan,
            "\n[[subject]]\nid = \"system-{s}\"\nkind = \"scripted\"\nfactors = {{ model = \"system-{s}\" }}\n\
             otherwise = \"safe\"\nreplies = [{}]\n",
            rules.join(", ")
        );
    }
    plan.push_str(
        "\n[[judge]]\nid = \"harm\"\nkind = \"match\"\ntarget = \"exact\"\n\
         \n[[analysis]]\nid = \"grades\"\nof = \"harm.matched\"\nby = [\"model\", \"hazard\"]\nmethod = \"grade\"\n\
         scheme = \"v0.5\"\nreference = [\"system-2\", \"system-3\", \"system-4\"]\ncluster = \"fragment\"\n",
    );
    plan
}

/// The report counts what the rule makes: in all hazards together a system's unsafe answers are the items of its words.
fn check(at: &Workspace, items: u32) -> Result<(), Problem> {
    let path = at.run.join("report.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let findings = report["estimates"][0]["findings"].as_array().cloned().unwrap_or_default();
    for s in 0..SYSTEMS {
        let expected = (0..items).filter(|n| n % WORDS < s).count() as f64;
        let name = format!("system-{s}");
        let of = findings
            .iter()
            .filter(|f| f["quantity"] == "unsafe" && f.to_string().contains(&format!("\"{name}\"")));
        let found: f64 =
            of.map(|f| f["n"].as_f64().unwrap_or(0.0) * f["value"]["estimate"].as_f64().unwrap_or(0.0)).sum();
        if (found - expected).abs() > 0.01 {
            return Err(format!("{name} gave {expected} unsafe answers, but the report has {found}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_set_has_the_papers_numbers() {
        let text = rows(43_090);
        for (hazard, items, fragments) in HAZARDS {
            let of: Vec<&str> = text.lines().filter(|l| l.contains(&format!(",{hazard},"))).collect();
            let mut clusters: Vec<&str> = of.iter().filter_map(|l| l.split(',').nth(5)).collect();
            clusters.sort_unstable();
            clusters.dedup();
            assert_eq!((of.len(), clusters.len()), (items as usize, fragments as usize), "{hazard}");
        }
        let plan: toml::Table = plan().parse().unwrap();
        assert_eq!(plan["subject"].as_array().map(Vec::len), Some(13));
    }
}
