//! `plumb safety validate`: reads tables or runs, groups rows, and hands them to the validation.

use super::labels::Labels;
use super::validated::{Shown, Truly, as_json, text};
use crate::cli::{LabelsBy, SafetyValidate as Args};
use crate::commands::tables::run_rows;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;
use plumb_judge::validation::{LabelledBy, Validation, Vote, Wanted, validate, validate_counts};
use plumb_safety::validate::{
    Columns, GroupCounts, Joined, Layout, SampleDesign, ValidationFile, YesOnly, groups, join, layout_of,
    records_of,
};
use plumb_stats::{
    BinaryCounts, BinaryMeasure, Draws, LabelledSample, Level, Share, Stratum, Stream, double_sampling,
    rogan_gladen,
};
use plumb_study::JudgeIx;
use plumb_study::items::{Row, table_rows};
use std::path::{Path, PathBuf};

/// The intervals' random numbers; fixed, so that the same table gives the same output.
const SEED: u64 = 1;
/// Draws for a corrected rate.
const DRAWS: usize = 20_000;

pub fn run(args: &Args) -> Result<Exit, Problem> {
    let shown = if args.counts.is_empty() { of_tables(args)? } else { of_counts(args)? };
    if let Some(out) = &args.out {
        let file = file(&shown);
        let json = serde_json::to_string_pretty(&file).map_err(|e| Problem::new(e.to_string()))?;
        std::fs::write(out, json + "\n").map_err(Problem::io(out))?;
    }
    if args.json {
        say(as_json(&shown));
    } else {
        say(text(&shown).trim_end());
        if let Some(out) = &args.out {
            say(format_args!("{}: written", out.display()));
        }
    }
    Ok(Exit::Done)
}

/// The share of all answers that is flagged, and of how many it is known.
#[derive(Clone, Copy)]
struct Flagged {
    share: f64,
    answers: f64,
}

impl Flagged {
    /// As it was typed. Without a number of answers so many that the share's error is nothing beside that of the labels.
    fn typed(args: &Args) -> Option<Flagged> {
        let answers = args.answers.map_or(1e12, |n| n as f64);
        args.flagged.map(|share| Flagged { share, answers })
    }

    /// What judgments say that are all here, where `labelled` of them have a label.
    fn counted(judgments: &[Row], columns: &Columns, labelled: usize) -> Option<Flagged> {
        let said: Vec<bool> = judgments
            .iter()
            .filter_map(|row| row.get(&columns.verdict))
            .filter_map(|value| {
                let means = |list: &[String]| list.iter().any(|known| **known == **value);
                if means(&columns.yes) { Some(true) } else { means(&columns.no).then_some(false) }
            })
            .collect();
        let flagged = said.iter().filter(|yes| **yes).count() as f64;
        let all = said.len();
        (all > labelled).then(|| Flagged { share: flagged / all as f64, answers: all as f64 })
    }
}

fn wanted(design: SampleDesign, labelled_by: LabelledBy, flagged: Option<Flagged>) -> Wanted {
    Wanted {
        labelled_by,
        by_verdict: design == SampleDesign::ByVerdict,
        draws: Draws::seeded(SEED),
        level: Level::P95,
        flagged: flagged.map(|f| f.share),
    }
}

fn design(by_verdict: bool) -> SampleDesign {
    if by_verdict { SampleDesign::ByVerdict } else { SampleDesign::WithoutRegard }
}

fn of_counts(args: &Args) -> Result<Shown, Problem> {
    let [true_yes, false_yes, false_no, true_no] = args.counts[..] else {
        return Err(Problem::usage(format!("--counts has {} numbers, not four", args.counts.len()))
            .help("--counts 358,302,88,572: flagged and truly so, flagged and not, unflagged but truly so, unflagged and not"));
    };
    let labelled_by = who(args.labels_by, None)?;
    let counts = BinaryCounts { true_yes, false_yes, false_no, true_no };
    let flagged = Flagged::typed(args);
    let design = design(args.by_verdict);
    let found = validate_counts(counts, wanted(design, labelled_by, flagged))?;
    Ok(Shown {
        verdict: "verdict".into(),
        label: "label".into(),
        asks: None,
        cluster: None,
        digest: None,
        labelled_by,
        design,
        joined: Joined::default(),
        truly: corrected(design, flagged, counts)?,
        groups: vec![(None, found)],
    })
}

/// What is truly so among all answers, if the share flagged is known: double sampling where the labelled answers were
/// drawn by verdict, Rogan and Gladen's estimate where they were not.
fn corrected(
    design: SampleDesign,
    flagged: Option<Flagged>,
    counts: BinaryCounts,
) -> Result<Option<Truly>, Problem> {
    let Some(flagged) = flagged else { return Ok(None) };
    let flagged = Share::new(flagged.share, flagged.answers)?;
    let mut stream = Stream::seeded(SEED);
    let (by, found) = if design == SampleDesign::ByVerdict {
        let stratum = Stratum { weight: 1.0, flagged, sample: LabelledSample::ByVerdict(counts) };
        ("double sampling", double_sampling(&[stratum], DRAWS, &mut stream)?)
    } else {
        let sample = LabelledSample::WithoutRegard(counts);
        ("Rogan-Gladen", rogan_gladen(flagged, sample, DRAWS, &mut stream)?)
    };
    Ok(Some(Truly {
        by,
        estimate: found.as_ref().map(|c| c.estimate).map_err(|e| *e),
        interval: found.and_then(|c| c.interval(Level::P95)),
    }))
}

fn who(named: Option<LabelsBy>, layout: Option<&Layout>) -> Result<LabelledBy, Problem> {
    match (named, layout.map(|l| l.labels_by.as_str())) {
        (Some(LabelsBy::People), _) | (None, Some("people")) => Ok(LabelledBy::People),
        (Some(LabelsBy::Model), _) | (None, Some(_)) => Ok(LabelledBy::Model),
        (None, None) => Err(Problem::usage("who made the labels?")
            .help("--labels-by people, or --labels-by model: agreement with a model validates nobody")),
    }
}

fn of_tables(args: &Args) -> Result<Shown, Problem> {
    let one_table = args.judgments == args.labels;
    let (mut judgments, digest) = read(&args.judgments, args.verdict.as_deref())?;
    let mut labels = if one_table { None } else { Some(Labels::read(args)?) };
    let layout = if one_table { layout_of(&judgments) } else { None };
    let of_people = labels.as_ref().is_some_and(|labels| labels.of_people);
    let named = args.labels_by.or_else(|| of_people.then_some(LabelsBy::People));
    let labelled_by = who(named, layout.as_ref())?;
    let mut columns = columns(args, layout.as_ref());
    columns.yes_only = args.yes_only.as_deref().map(yes_only).transpose()?;
    let (mut by_verdict, mut label) = (args.by_verdict, None);
    if let Some(labels) = &mut labels {
        by_verdict |= labels.by_verdict(&columns.verdict)?;
        label = labels.gather(args, &mut judgments, &mut columns)?;
    }
    let design = design(by_verdict);
    let joined = join(&judgments, labels.as_ref().map(|labels| labels.rows.as_slice()), &columns)?;
    if joined.rows.is_empty() {
        return Err(Problem::usage("no judgment has a label that means yes or no")
            .help("--yes and --no say which values mean what; --id names the columns that join two tables"));
    }
    let counted = || Flagged::counted(&judgments, &columns, joined.rows.len()).filter(|_| by_verdict);
    let flagged = Flagged::typed(args).or_else(counted);
    let mut by = columns.by.clone();
    by.dedup();
    let mut found: Vec<(Option<(String, String)>, Validation)> = Vec::new();
    for group in groups(&joined, &by) {
        found.push((group.of, validate(&group.rows, wanted(design, labelled_by, flagged))?));
    }
    Ok(Shown {
        verdict: columns.verdict,
        label: label.unwrap_or_else(|| columns.labels.join(", ")),
        asks: layout.map(|l| l.asks),
        cluster: columns.cluster,
        digest,
        labelled_by,
        design,
        joined,
        truly: match found.first() {
            Some((_, all)) => corrected(design, flagged, all.counts)?,
            None => None,
        },
        groups: found,
    })
}

fn yes_only(text: &str) -> Result<YesOnly, Problem> {
    YesOnly::parse(text).ok_or_else(|| {
        Problem::usage(format!("--yes-only {text}: no column and value"))
            .help("--yes-only type=contrast_*; a * at the end stands for anything")
    })
}

/// What was typed goes before the layout, the layout before what is usual.
fn columns(args: &Args, layout: Option<&Layout>) -> Columns {
    let list = |typed: &[String], known: Option<&Vec<String>>, usual: &[&str]| match (typed, known) {
        ([], Some(known)) => known.clone(),
        ([], None) => usual.iter().map(|v| (*v).to_owned()).collect(),
        (typed, _) => typed.to_vec(),
    };
    let own = args.label.is_empty();
    Columns {
        verdict: args
            .verdict
            .clone()
            .or_else(|| layout.map(|l| l.verdict.clone()))
            .unwrap_or_else(|| "verdict".into()),
        labels: match (own, layout) {
            (true, Some(layout)) => vec![layout.label.clone()],
            (true, None) => vec!["label".into()],
            (false, _) => args.label.clone(),
        },
        raters: layout.filter(|_| own).map(|l| l.raters.clone()).unwrap_or_default(),
        score: args.score.clone(),
        id: list(&args.id, None, &["id"]),
        cluster: args.cluster.clone().or_else(|| layout.map(|l| l.cluster.clone())),
        by: list(&args.by, layout.map(|l| &l.by), &[]),
        yes: list(&args.yes, layout.map(|l| &l.yes), &["yes", "unsafe", "true", "1"]),
        no: list(&args.no, layout.map(|l| &l.no), &["no", "safe", "false", "0"]),
        yes_only: None,
    }
}

/// Rows of tables and runs, each with the column `file`; and the identity of the judge, if a run told it.
pub(super) fn read(paths: &[PathBuf], verdict: Option<&str>) -> Result<(Vec<Row>, Option<String>), Problem> {
    let mut rows = Vec::new();
    let mut digest = None;
    for path in paths {
        if path.is_dir() || path.extension().is_some_and(|e| e == "plumb") {
            let (of_run, of_judge) = journal(path, verdict)?;
            rows.extend(of_run);
            digest = of_judge;
            continue;
        }
        let stem = path.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
        rows.extend(table(path)?.into_iter().map(|mut row| {
            row.push("file", &stem);
            row
        }));
    }
    Ok((rows, digest))
}

fn table(path: &Path) -> Result<Vec<Row>, Problem> {
    let bytes = std::fs::read(path).map_err(|e| Problem::usage(format!("{}: {e}", path.display())))?;
    let name = path.display().to_string();
    let found = table_rows(&bytes, &name, None);
    let known = records_of();
    // A list of objects may stand in a field of a JSON file that a layout knows.
    let inner = known.iter().find_map(|field| table_rows(&bytes, &name, Some(field)).ok());
    match (found, inner) {
        (Ok(rows), _) | (Err(_), Some(rows)) => Ok(rows),
        (Err(error), None) => Err(error.into()),
    }
}

/// A run as a table, and the identity of the judge whose verdicts are validated.
fn journal(path: &Path, verdict: Option<&str>) -> Result<(Vec<Row>, Option<String>), Problem> {
    let journal = RunFolder::named(path).open()?;
    let plan = journal.plan()?;
    let rows = run_rows(path, &plan, &journal)?;
    let judge = verdict.and_then(|name| {
        let of = |j: &&plumb_study::plan::JudgeSpec| {
            j.measures.iter().any(|m| format!("{}.{}", j.name, m.name) == name)
        };
        let at = plan.judges.iter().position(|j| of(&j))?;
        Some(plan.judge_digest(JudgeIx(at as u16)).hex())
    });
    Ok((rows, judge))
}

fn file(shown: &Shown) -> ValidationFile {
    let vote = shown.groups.first().map(|(_, all)| all.vote());
    let youden = shown.groups.first().and_then(|(_, all)| {
        let measured = all.measure(BinaryMeasure::Youden)?;
        let interval = measured.interval.ok()?;
        Some((measured.estimate.ok()?, interval.low, interval.high))
    });
    let (passed, why) = match vote {
        Some(Vote::May(low)) => (true, format!("the lower bound of its Youden's J is {low:.2}")),
        Some(Vote::MayNot(why)) => (false, why),
        None => (false, "there are no rows".into()),
    };
    ValidationFile {
        format: ValidationFile::FORMAT,
        annotator: shown.verdict.clone(),
        annotator_digest: shown.digest.clone(),
        labels_by: if shown.labelled_by == LabelledBy::People { "people" } else { "model" }.into(),
        design: shown.design,
        passed,
        why,
        youden,
        groups: shown
            .groups
            .iter()
            .map(|(of, v)| GroupCounts {
                by: of.as_ref().map(|(by, _)| by.clone()),
                level: of.as_ref().map(|(_, level)| level.clone()),
                true_yes: v.counts.true_yes,
                false_yes: v.counts.false_yes,
                false_no: v.counts.false_no,
                true_no: v.counts.true_no,
            })
            .collect(),
    }
}
