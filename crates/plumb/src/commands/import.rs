//! `plumb import`: a run of answers that were recorded elsewhere. Nobody is asked, nothing is judged yet.

use super::collect::{Wanted, collect};
use super::run::{frozen, ready};
use crate::cli::Import;
use crate::compose::World;
use crate::disk::Disk;
use crate::exit::{Exit, Problem, note};
use crate::runs::RunFolder;
use plumb_study::run::Options;
use plumb_study::{Draft, Frozen, freeze, lock};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

pub fn run(args: &Import, world: &World) -> Result<Exit, Problem> {
    let is_plan = |file: &PathBuf| file.extension().is_some_and(|e| e == "toml");
    let (Frozen { plan, recordings }, locked) = match args.files.as_slice() {
        [file] if is_plan(file) => {
            let frozen = frozen(file, world)?;
            let locked = lock::check(file, &frozen.plan)?;
            (frozen, locked)
        }
        files if files.iter().any(is_plan) => {
            return Err(Problem::usage("a plan is imported alone").help("name one plan, or tables only"));
        }
        files => {
            let text = plan_of(args, files)?;
            let draft = Draft::parse(&text, "the plan made of the command line")?;
            (freeze(draft, &world.registry, &Disk::beside(Path::new("plan.toml")))?, false)
        }
    };
    if !plan.items.iter().any(|i| !i.recorded.is_empty()) {
        return Err(Problem::usage(format!("{} holds no recorded answers", plan.name))
            .help("say which column holds them: columns = { answer = \"…\" } in a plan, --answer on the command line"));
    }
    let at = RunFolder::of_plan(&args.runs, &plan.name);
    ready(&at, &plan, locked, args.fresh, None)?;
    let options = Options { judge: false, ..Options::default() };
    let exit = collect(&at, world, Wanted { options, recordings, json: args.json, ..Wanted::default() })?;
    note(format_args!("next: plumb judge {} [--judges FILE]", at.folder.display()));
    Ok(exit)
}

/// The plan that the command line describes.
fn plan_of(args: &Import, files: &[PathBuf]) -> Result<String, Problem> {
    let stem = files.first().and_then(|f| f.file_stem()).and_then(|s| s.to_str());
    let name = args.name.as_deref().or(stem).unwrap_or("import");
    let text = |s: &str| Value::String(s.to_owned());
    let mut sources = Vec::new();
    for file in files {
        let reader = match file.extension().and_then(|e| e.to_str()) {
            Some(reader @ ("csv" | "jsonl" | "json")) => reader,
            _ => {
                return Err(Problem::usage(format!("{}: not a table that can be imported", file.display()))
                    .help("give .csv, .jsonl or .json files, or a plan (.toml)"));
            }
        };
        let path =
            file.to_str().ok_or_else(|| Problem::usage(format!("{}: not a UTF-8 path", file.display())))?;
        let mut columns = Table::new();
        columns.insert("prompt".into(), text(&args.prompt));
        columns.insert("answer".into(), text(&args.answer));
        for (key, column) in [("subject", &args.subject), ("id", &args.id)] {
            if let Some(column) = column {
                columns.insert(key.into(), text(column));
            }
        }
        let mut source = Table::new();
        let own_name = file.file_stem().and_then(|s| s.to_str()).unwrap_or("items");
        source.insert("id".into(), text(own_name));
        source.insert("reader".into(), text(reader));
        source.insert("path".into(), text(path));
        source.insert("columns".into(), Value::Table(columns));
        if args.subject.is_none() {
            source.insert("answers_of".into(), text(own_name));
        }
        for (key, list) in [("labels", &args.label), ("tags", &args.tag)] {
            if !list.is_empty() {
                source.insert(key.into(), Value::Array(list.iter().map(|c| text(c)).collect()));
            }
        }
        sources.push(Value::Table(source));
    }
    let mut plan = Table::new();
    plan.insert("name".into(), text(name));
    plan.insert("seed".into(), Value::Integer(1));
    plan.insert("items".into(), Value::Array(sources));
    Ok(plan.to_string())
}
