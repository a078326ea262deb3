//! `plumb models fetch|list|show`.

use crate::cli::Models;
use crate::compose::World;
use crate::exit::{Exit, Problem, say};
use crate::show;
use plumb_clients::models::{Entry, Origin, Status};

pub fn run(args: &Models, world: &World) -> Result<Exit, Problem> {
    match args {
        Models::Fetch { name } => {
            let path = world.models.fetched(world.models.find(name)?)?;
            say(path.display());
        }
        Models::List { json } => list(world, *json),
        Models::Show { name, json } => show_one(world.models.find(name)?, world, *json),
        Models::Chat(args) => return super::chat::run(args, world),
    }
    Ok(Exit::Done)
}

fn status(world: &World, entry: &Entry) -> &'static str {
    match world.models.store.status(entry) {
        Status::Absent => "not here",
        Status::Partial => "partly fetched",
        Status::Unverified(_) => "here, not verified yet",
        Status::Ready(_) => "here",
    }
}

fn as_json(entry: &Entry, world: &World) -> serde_json::Value {
    serde_json::json!({
        "name": entry.name.as_str(), "file": entry.file.as_str(), "bytes": entry.bytes,
        "sha256": entry.sha256.as_str(), "licence": entry.licence, "architecture": entry.architecture,
        "description": entry.description, "path": world.models.store.path(entry).display().to_string(),
        "status": status(world, entry),
        "sources": entry.sources.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn list(world: &World, json: bool) {
    let entries = || world.models.known.entries().map(|(entry, _)| entry);
    if json {
        say(serde_json::Value::Array(entries().map(|e| as_json(e, world)).collect()));
        return;
    }
    let width = entries().map(|e| e.name.as_str().len()).max().unwrap_or(0);
    for entry in entries() {
        say(format_args!(
            "{:width$}  {:>9}  {:<12}  {:<8}  {}",
            entry.name.as_str(),
            show::bytes(entry.bytes),
            entry.licence,
            entry.architecture,
            status(world, entry)
        ));
    }
}

fn show_one(entry: &Entry, world: &World, json: bool) {
    if json {
        say(as_json(entry, world));
        return;
    }
    let origin = world.models.known.entries().find(|(e, _)| e.name == entry.name).map(|(_, origin)| origin);
    let origin = match origin {
        Some(Origin::File(path)) => path.display().to_string(),
        _ => "comes with the program".to_owned(),
    };
    say(format_args!("{}  {}", entry.name, entry.description));
    say(format_args!("file          {} ({})", entry.file, show::bytes(entry.bytes)));
    say(format_args!("sha256        {}", entry.sha256));
    say(format_args!("licence       {}", entry.licence));
    say(format_args!("architecture  {}", entry.architecture));
    say(format_args!("status        {}", status(world, entry)));
    say(format_args!("path          {}", world.models.store.path(entry).display()));
    say(format_args!("registry      {origin}"));
    for (at, source) in entry.sources.iter().enumerate() {
        say(format_args!("source {}      {source}", at + 1));
    }
}
