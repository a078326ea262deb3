//! `plumb judge`: judges recorded answers. Nobody is asked who answered before.

use super::collect::{Wanted, append, collect};
use crate::cli::Judge;
use crate::compose::World;
use crate::disk::Disk;
use crate::exit::{Exit, Problem, note};
use crate::runs::RunFolder;
use plumb_study::plan::{Analysis, Cluster, JudgeSpec};
use plumb_study::run::Options;
use plumb_study::{Draft, Event, Journal, JudgeIx, MeasureRef, Plan, freeze_judges};
use std::fmt::Write as _;
use std::path::Path;

pub fn run(args: &Judge, world: &World) -> Result<Exit, Problem> {
    crate::memory::small_pages();
    let at = RunFolder::named(&args.run.run);
    if let Some(file) = &args.judges {
        add(&at, world, file, args.reason.as_deref())?;
    } else if at.open()?.plan()?.judges.is_empty() {
        return Err(Problem::usage(format!("{} has no judges", at.folder.display()))
            .help("write [[judge]] tables into a file and add them: plumb judge RUN --judges FILE"));
    }
    let options = Options { ask: false, ..Options::default() };
    collect(&at, world, Wanted { options, json: args.run.json, ..Wanted::default() })
}

/// Adds the judges of a file to the run's plan, unless the same command did so before.
fn add(at: &RunFolder, world: &World, file: &Path, reason: Option<&str>) -> Result<(), Problem> {
    let text =
        std::fs::read_to_string(file).map_err(|e| Problem::usage(format!("{}: {e}", file.display())))?;
    let place = file.display().to_string();
    let journal = at.open()?;
    let current = journal.plan()?;
    let amended = |plan: &Plan| -> Result<Plan, Problem> {
        let disk = Disk::beside(file);
        let draft = Draft::parse_judges(&text, &place)?;
        let added = freeze_judges(draft, plan, &world.registry, &disk)?;
        let mirrored = mirrored(plan, &added);
        if mirrored.is_empty() {
            return Ok(added);
        }
        let draft = Draft::parse_judges(&mirrored, "analyses that set new judges beside old ones")?;
        Ok(freeze_judges(draft, &added, &world.registry, &disk)?)
    };
    if added_before(&journal, &amended)? {
        note("these judges are in the run already");
        return Ok(());
    }
    let amended = amended(&current)?;
    drop(journal);
    let reason = reason.map_or_else(|| format!("judged with {place}"), str::to_owned);
    append(at, vec![Event::amended(&current, &amended, reason)])?;
    let names: Vec<&str> = amended.judges[current.judges.len()..].iter().map(|j| j.name.as_str()).collect();
    note(format_args!("added to the run: {}", names.join(", ")));
    Ok(())
}

/// Whether this very addition is one of the run's amendments: then the command only goes on.
fn added_before(
    journal: &Journal,
    amended: &dyn Fn(&Plan) -> Result<Plan, Problem>,
) -> Result<bool, Problem> {
    let known = journal.amendments()?;
    let mut plan = journal.root_plan()?;
    for _ in 0..known.len() {
        if let Ok(added) = amended(&plan)
            && known.iter().any(|a| a.plan == added.digest)
        {
            return Ok(true);
        }
        let Some(next) = known.iter().find(|a| a.parent == plan.digest) else { break };
        plan = journal.plan_at(next.plan)?;
    }
    Ok(false)
}

/// Analyses, as a file would have them, that set each new judge beside the old ones with the same measure:
/// the old judge's analyses for the new one, and the agreement of the two.
fn mirrored(before: &Plan, after: &Plan) -> String {
    let mut text = String::new();
    let measures = |from: usize, to: usize| {
        (from..to).flat_map(|judge| {
            (0..after.judges[judge].measures.len())
                .map(move |measure| MeasureRef { judge: JudgeIx(judge as u16), measure: measure as u8 })
        })
    };
    let taken = |id: &str, text: &str| {
        after.analyses.iter().any(|a| a.id.as_str() == id) || text.contains(&format!("id = {}\n", quoted(id)))
    };
    for new in measures(before.judges.len(), after.judges.len()) {
        for old in measures(0, before.judges.len()) {
            if after.measure(old) != after.measure(new) {
                continue;
            }
            let judge: &JudgeSpec = after.judge(new.judge);
            let covered = after.analyses[before.analyses.len()..].iter().any(|a| a.of.contains(&new));
            for analysis in before.analyses.iter().filter(|a| a.of == [old] && !covered) {
                let id = format!("{} ({})", analysis.id, judge.name);
                if repeatable(analysis) && !taken(&id, &text) {
                    write_analysis(&mut text, &id, &[after.measure_name(new)], analysis);
                }
            }
            let id = format!("agreement of {} and {}", after.judge(old.judge).name, judge.name);
            let shown = after
                .analyses
                .iter()
                .any(|a| &*a.method == "agreement" && a.of.contains(&old) && a.of.contains(&new));
            if !after.measure(old).scale.labels().is_empty() && !shown {
                let id = if taken(&id, &text) { format!("{id}: {}", after.measure(new).name) } else { id };
                let by = before.analyses.iter().find(|a| a.of == [old]).cloned();
                let like = Analysis {
                    method: "agreement".into(),
                    by: Vec::new(),
                    settings: serde_json::json!({}),
                    ..by.unwrap_or_else(|| plain(old))
                };
                write_analysis(&mut text, &id, &[after.measure_name(new), after.measure_name(old)], &like);
            }
        }
    }
    text
}

/// Methods whose analyses can be repeated for another judge as they stand.
fn repeatable(analysis: &Analysis) -> bool {
    ["rate", "mean", "difference"].contains(&&*analysis.method)
}

fn plain(of: MeasureRef) -> Analysis {
    Analysis {
        id: "".into(),
        method: "agreement".into(),
        of: vec![of],
        by: Vec::new(),
        cluster: Cluster::Item,
        level: 0.95,
        only: Default::default(),
        settings: serde_json::json!({}),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn write_analysis(text: &mut String, id: &str, of: &[String], like: &Analysis) {
    let list = |names: Vec<String>| names.join(", ");
    let of = list(of.iter().map(|m| quoted(m)).collect());
    let by = list(like.by.iter().map(|m| quoted(m)).collect());
    let cluster = match &like.cluster {
        Cluster::Item => "item",
        Cluster::Tag(tag) => tag,
    };
    let only = list(like.only.iter().map(|(k, v)| format!("{} = {}", quoted(k), quoted(v))).collect());
    let _infallible = write!(
        text,
        "[[analysis]]\nid = {}\nmethod = {}\nof = [{of}]\nby = [{by}]\ncluster = {}\nlevel = {:?}\nonly = {{ {only} }}\n",
        quoted(id),
        quoted(&like.method),
        quoted(cluster),
        like.level
    );
    for (key, value) in like.settings.as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            let _infallible = writeln!(text, "{key} = {}", quoted(value));
        }
    }
}
