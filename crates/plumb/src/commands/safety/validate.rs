//! `plumb safety validate`: reads tables or runs, groups rows, and hands them to the validation.

use super::among::{Drawing, counted, counts_of, kept, truly, typed};
use super::create;
use super::judged::{Judged, read};
use super::labels::Labels;
use super::validated::{Shown, as_json, text};
use super::validation_page::page;
use crate::cli::{LabelsBy, SafetyValidate as Args};
use crate::exit::{Exit, Problem, note, say};
use plumb_judge::validation::{LabelledBy, Roc, Vote, Wanted, validate, validate_counts};
use plumb_safety::validate::{
    Columns, DRAWN_WITHIN, GroupCounts, Joined, Layout, SampleDesign, ValidationFile, YesOnly, groups, join,
    layout_of,
};
use plumb_stats::{BinaryCounts, Draws, Level, Stratum, VerdictShares};
use plumb_study::items::Row;

/// The intervals' random numbers; fixed, so that the same table gives the same output.
const SEED: u64 = 1;

pub fn run(args: &Args) -> Result<Exit, Problem> {
    let shown = if args.counts.is_empty() { of_tables(args)? } else { of_counts(args)? };
    if let Some(out) = &args.out {
        let json =
            serde_json::to_string_pretty(&file(&shown)).map_err(|e| Problem::new(e.to_string()))? + "\n";
        create(
            out,
            json.as_bytes(),
            "a validation that plans may rest on is never replaced: name another file",
        )?;
    }
    if let Some(path) = &args.html {
        let html = plumb_report::document_html(&page(&shown))?;
        std::fs::write(path, html).map_err(Problem::io(path))?;
        note(format_args!("{}: written", path.display()));
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

fn wanted(design: SampleDesign, labelled_by: LabelledBy, among: Option<VerdictShares>) -> Wanted {
    Wanted {
        labelled_by,
        by_verdict: design == SampleDesign::ByVerdict,
        draws: Draws::seeded(SEED),
        level: Level::P95,
        among,
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
    if args.counts.iter().all(|n| *n == 0) {
        return Err(Problem::usage("--counts holds four zeros: there is nothing to validate"));
    }
    let labelled_by = who(args.labels_by, None)?;
    let counts = BinaryCounts { true_yes, false_yes, false_no, true_no };
    let flagged = typed(args)?;
    let design = design(args.by_verdict.is_some());
    let one = flagged.map(|flagged| VerdictShares::of(&[Stratum { flagged, labels: counts }])).transpose()?;
    let found = validate_counts(counts, wanted(design, labelled_by, one))?;
    Ok(Shown {
        verdict: "verdict".into(),
        label: "label".into(),
        asks: None,
        cluster: None,
        digest: None,
        yes: Vec::new(),
        labelled_by,
        design,
        within: Vec::new(),
        joined: Joined::default(),
        truly: truly(&found, flagged)?,
        kept: vec![kept(None, counts, found.among.as_ref().map(|(shares, _)| shares))],
        groups: vec![(None, found)],
    })
}

fn who(named: Option<LabelsBy>, layout: Option<&Layout>) -> Result<LabelledBy, Problem> {
    match (named, layout.map(|l| l.labels_by.as_str())) {
        (Some(LabelsBy::People), _) | (None, Some("people")) => Ok(LabelledBy::People),
        (Some(LabelsBy::Model), _) | (None, Some(_)) => Ok(LabelledBy::Model),
        (None, None) => Err(Problem::usage("who made the labels?")
            .help("--labels-by people, or --labels-by model: agreement with a model validates nobody")),
    }
}

/// Whether both options name the same files, however they write them.
fn same_files(args: &Args) -> bool {
    let real = |paths: &[std::path::PathBuf]| -> Vec<std::path::PathBuf> {
        paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect()
    };
    real(&args.judgments) == real(&args.labels)
}

fn of_tables(args: &Args) -> Result<Shown, Problem> {
    let one_table = same_files(args);
    let Judged { rows: mut judgments, digest, systems } = read(&args.judgments, args.verdict.as_deref())?;
    let mut labels = if one_table { None } else { Some(Labels::read(args)?) };
    let layout = if one_table { layout_of(&judgments) } else { None };
    let of_people = labels.as_ref().is_some_and(|labels| labels.of_people);
    let named = args.labels_by.or_else(|| of_people.then_some(LabelsBy::People));
    let labelled_by = who(named, layout.as_ref())?;
    let mut columns = columns(args, layout.as_ref());
    one_meaning(&columns)?;
    columns.yes_only = args.yes_only.as_deref().map(yes_only).transpose()?;
    let (mut by_verdict, mut within) =
        (args.by_verdict.is_some(), args.by_verdict.clone().unwrap_or_default());
    let mut label = None;
    if let Some(labels) = &mut labels {
        by_verdict |= labels.by_verdict(&columns.verdict)?;
        if within.is_empty() {
            within.clone_from(&labels.drawn_within);
        }
        label = labels.gather(args, &mut judgments, &mut columns)?;
    }
    let asked = columns.by.clone();
    let within = keep_apart(&judgments, &mut columns, &systems, by_verdict.then_some(within));
    let joined = join(&judgments, labels.as_ref().map(|labels| labels.rows.as_slice()), &columns)?;
    if joined.rows.is_empty() {
        return Err(Problem::usage("no judgment has a label that means yes or no")
            .help("--yes and --no say which values mean what; --id names the columns that join two tables"));
    }
    if joined.rows.iter().all(|row| row.verdict.is_none()) {
        return Err(Problem::usage(format!(
            "no judgment with a label has a verdict in \"{}\" that means yes or no",
            columns.verdict
        ))
        .help("--yes and --no say which values mean what; --verdict names the column"));
    }
    let shown = Shown {
        verdict: columns.verdict.clone(),
        label: label.unwrap_or_else(|| columns.labels.join(", ")),
        asks: layout.map(|l| l.asks),
        cluster: columns.cluster.clone(),
        digest,
        yes: columns.yes.clone(),
        labelled_by,
        design: design(by_verdict),
        within,
        joined,
        truly: None,
        kept: Vec::new(),
        groups: Vec::new(),
    };
    let mut shown = computed(args, &judgments, &columns, &asked, shown)?;
    shown.kept.extend(unlabelled(&judgments, &systems, &shown.kept));
    Ok(shown)
}

/// Systems that were judged, and none of whose answers has a label: who took part in a draw is worth knowing.
fn unlabelled(judgments: &[Row], systems: &[String], kept: &[GroupCounts]) -> Vec<GroupCounts> {
    let mut found: Vec<GroupCounts> = Vec::new();
    for (column, level) in
        judgments.iter().flat_map(|row| systems.iter().filter_map(|c| Some((c, row.get(c)?))))
    {
        let is = |g: &GroupCounts| g.by.as_ref() == Some(column) && g.level.as_deref() == Some(&**level);
        if !kept.iter().chain(&found).any(is) {
            let (by, level) = (Some(column.clone()), Some(level.to_string()));
            found.push(GroupCounts { by, level, ..GroupCounts::default() });
        }
    }
    found
}

/// Lets `columns` tell apart what a plan may need beside the groups asked for: systems, and the strata of a draw by verdict. Gives the
/// columns of these: those named, or of the usual ones those that all judgments have.
fn keep_apart(
    judgments: &[Row],
    columns: &mut Columns,
    systems: &[String],
    within: Option<Vec<String>>,
) -> Vec<String> {
    let everywhere = |column: &str| judgments.iter().all(|row| row.get(column).is_some());
    let usual = || DRAWN_WITHIN.into_iter().filter(|c| everywhere(c)).map(str::to_owned).collect();
    let within = match within {
        None => Vec::new(),
        Some(named) if named.is_empty() => usual(),
        Some(named) => named,
    };
    let systems = systems.iter().filter(|s| everywhere(s)).cloned();
    for column in systems.chain(within.iter().cloned()) {
        if !columns.by.contains(&column) {
            columns.by.push(column);
        }
    }
    within
}

/// Fills in the numbers; groups are shown for the columns `asked`.
fn computed(
    args: &Args,
    judgments: &[Row],
    columns: &Columns,
    asked: &[String],
    mut shown: Shown,
) -> Result<Shown, Problem> {
    let typed = typed(args)?;
    let drawing =
        Drawing { judgments, joined: &shown.joined, columns, within: &shown.within, design: shown.design };
    for group in groups(&shown.joined, &columns.by) {
        let shares = drawing.shares(&group, typed)?;
        if group.of.as_ref().is_none_or(|(column, _)| asked.contains(column)) {
            let found = validate(&group.rows, wanted(shown.design, shown.labelled_by, shares))?;
            shown.groups.push((group.of.clone(), found));
        }
        let (counts, shares) = counts_of(&group, shares)?;
        shown.kept.push(kept(group.of, counts, shares.as_ref()));
    }
    let flagged = typed.or_else(|| counted(judgments, columns, shown.joined.rows.len()));
    if let Some((_, all)) = shown.groups.first() {
        shown.truly = truly(all, flagged)?;
    }
    if typed.is_some() || shown.kept.first().is_some_and(|all| all.weighted.is_none()) {
        shown.within.clear();
    }
    Ok(shown)
}

/// A value cannot mean yes and no.
fn one_meaning(columns: &Columns) -> Result<(), Problem> {
    let same = |a: &String, b: &String| a.trim().eq_ignore_ascii_case(b.trim());
    match columns.yes.iter().find(|yes| columns.no.iter().any(|no| same(yes, no))) {
        None => Ok(()),
        Some(both) => Err(Problem::usage(format!("\"{both}\" means both yes and no")).help(format!(
            "yes: {}; no: {}; name both: --yes … --no …",
            columns.yes.join(", "),
            columns.no.join(", ")
        ))),
    }
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

fn file(shown: &Shown) -> ValidationFile {
    let vote = shown.groups.first().map(|(_, all)| all.vote());
    let youden = shown.groups.first().and_then(|(_, all)| {
        let (estimate, interval) = all.youden()?;
        let interval = interval.ok()?;
        Some((estimate.ok()?, interval.low, interval.high))
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
        yes: shown.yes.clone(),
        labels_by: if shown.labelled_by == LabelledBy::People { "people" } else { "model" }.into(),
        design: shown.design,
        drawn_within: shown.within.clone(),
        passed,
        why,
        youden,
        roc: shown.groups.first().and_then(|(_, all)| Roc::of(all)),
        groups: shown.kept.clone(),
    }
}
