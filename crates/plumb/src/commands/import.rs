//! `plumb import`: a run of answers that were recorded elsewhere. Nobody is asked, nothing is judged yet.

use super::collect::{Wanted, collect};
use super::run::{frozen, ready};
use crate::cli::{Import, ImportFormat};
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
    for mark in plan.marks() {
        note(format_args!("warning: {mark}"));
    }
    let at = RunFolder::of_plan(&args.runs, &plan.name);
    ready(&at, &plan, locked, args.fresh, None)?;
    let options = Options { judge: false, ..Options::default() };
    let exit = collect(&at, world, Wanted { options, recordings, json: args.json, ..Wanted::default() })?;
    note(format_args!("next: plumb judge {} [--judges FILE]", at.folder.display()));
    Ok(exit)
}

/// The column that a file's name becomes where no column says who answered.
const BY_FILE: &str = "file's name";

/// The plan that the command line describes: one source a form of table, so that answers of several files to
/// one prompt are answers to one item.
fn plan_of(args: &Import, files: &[PathBuf]) -> Result<String, Problem> {
    let mut forms: Vec<(&str, Vec<&Path>)> = Vec::new();
    for file in files {
        let form = form_of(args, file)?;
        match forms.iter_mut().find(|(known, _)| *known == form) {
            Some((_, paths)) => paths.push(file),
            None => forms.push((form, vec![file])),
        }
    }
    if args.subject.is_none() {
        let tables: Vec<&Path> =
            forms.iter().filter(|(form, _)| !LOGS.contains(form)).flat_map(|(_, p)| p.clone()).collect();
        distinct(&tables)?;
    }
    let of = |form: &str, paths: &[&Path]| {
        if LOGS.contains(&form) { logs(args, form, paths) } else { source(args, form, paths) }
    };
    let sources = forms.iter().map(|(form, paths)| of(form, paths)).collect::<Result<_, _>>()?;
    let name = args.name.as_deref().or(files.first().and_then(|f| stem(f))).unwrap_or("import");
    let mut plan = Table::new();
    plan.insert("name".into(), text(name));
    plan.insert("seed".into(), Value::Integer(1));
    plan.insert("items".into(), Value::Array(sources));
    Ok(plan.to_string())
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn stem(file: &Path) -> Option<&str> {
    file.file_stem().and_then(|s| s.to_str())
}

/// The reader of a file.
fn form_of<'a>(args: &Import, file: &'a Path) -> Result<&'a str, Problem> {
    match (args.format, file.extension().and_then(|e| e.to_str())) {
        (Some(ImportFormat::Csv), _) => Ok("csv"),
        (Some(ImportFormat::Jsonl), _) => Ok("jsonl"),
        (Some(ImportFormat::Json), _) => Ok("json"),
        (Some(ImportFormat::Inspect), _) | (None, Some("eval")) => Ok(INSPECT),
        (Some(ImportFormat::Modelbench), _) | (None, Some("zst")) => Ok(MODELBENCH),
        (Some(ImportFormat::Garak), _) => Ok(GARAK),
        (None, Some(form @ ("csv" | "jsonl" | "json"))) => Ok(form),
        (None, _) => Err(Problem::usage(format!("{}: not a file that can be imported", file.display()))
            .help("give .csv, .jsonl, .json, .eval or .jsonl.zst files, a plan (.toml), or say --format")),
    }
}

/// Readers of other tools' logs, which say by themselves who was asked what.
const LOGS: [&str; 3] = [INSPECT, MODELBENCH, GARAK];
const INSPECT: &str = "inspect";
const MODELBENCH: &str = "modelbench-journal";
const GARAK: &str = "garak";

/// An `[[items]]` table for logs.
fn logs(args: &Import, form: &str, paths: &[&Path]) -> Result<Value, Problem> {
    let columns =
        args.prompt.is_some() || args.answer.is_some() || args.subject.is_some() || args.id.is_some();
    if columns || !args.label.is_empty() || !args.tag.is_empty() {
        return Err(Problem::usage("a log has no columns to name")
            .help("leave --prompt, --answer, --subject, --id, --label and --tag out"));
    }
    let mut source = Table::new();
    source.insert("id".into(), text(form));
    source.insert("reader".into(), text(form));
    source.insert("path".into(), Value::Array(paths.iter().map(|p| named(p)).collect::<Result<_, _>>()?));
    Ok(Value::Table(source))
}

fn named(path: &Path) -> Result<Value, Problem> {
    path.to_str().map(text).ok_or_else(|| Problem::usage(format!("{}: not a UTF-8 path", path.display())))
}

/// Files of one name in two folders would be one subject that answered twice.
fn distinct(files: &[&Path]) -> Result<(), Problem> {
    for (at, file) in files.iter().enumerate() {
        if files[..at].iter().any(|other| stem(other) == stem(file)) {
            let name = stem(file).unwrap_or_default();
            return Err(Problem::usage(format!("two files are called {name}: who answered in which?"))
                .help("rename one, or name the column that says who answered: --subject COLUMN"));
        }
    }
    Ok(())
}

/// An `[[items]]` table for files of one form.
fn source(args: &Import, form: &str, paths: &[&Path]) -> Result<Value, Problem> {
    let mut columns = Table::new();
    columns.insert("prompt".into(), text(args.prompt.as_deref().unwrap_or("prompt")));
    columns.insert("answer".into(), text(args.answer.as_deref().unwrap_or("answer")));
    columns.insert("subject".into(), text(args.subject.as_deref().unwrap_or(BY_FILE)));
    if let Some(id) = &args.id {
        columns.insert("id".into(), text(id));
    }
    let mut source = Table::new();
    source.insert("id".into(), text(paths.first().and_then(|p| stem(p)).unwrap_or("items")));
    source.insert("reader".into(), text(form));
    source.insert("path".into(), Value::Array(paths.iter().map(|p| named(p)).collect::<Result<_, _>>()?));
    source.insert("columns".into(), Value::Table(columns));
    if args.subject.is_none() {
        source.insert("name_pattern".into(), text(&format!("{{{BY_FILE}}}.{form}")));
    }
    for (key, list) in [("labels", &args.label), ("tags", &args.tag)] {
        if !list.is_empty() {
            source.insert(key.into(), Value::Array(list.iter().map(|c| text(c)).collect()));
        }
    }
    Ok(Value::Table(source))
}
